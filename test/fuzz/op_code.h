// Operations as bytes: any string of bytes is a sequence of operations, so that fuzzers may make
// what they like, and a piece cut out of the middle changes nothing about the rest.
//
// The first byte of a sequence has its options, and each operation six: what, on which object (two
// bytes, lowest first), a detail (which alignment, how a count is split), a size (two bytes: three
// bits of kind, thirteen of value).
#ifndef NEAP_FUZZ_OP_CODE_H
#define NEAP_FUZZ_OP_CODE_H

#include "actions.h"

#include <stdint.h>
#include <stdio.h>

#define OP_BYTES ((size_t)6)
#define HEADER_BYTES ((size_t)1)

// Bits of the first byte.
#define OPTION_OBJECTS_LOG2 0x0F   // 4 objects to OBJECTS_MAX
#define OPTION_WHOLE 0x10          // large objects are filled whole
#define OPTION_BUDGET 0x60         // how much may be alive: 8, 32, 128 or 384 MiB
#define OPTION_LOOK_ALWAYS 0x80    // at all objects, after each operation

struct malloc_op {
    unsigned action;   // number of a row of `actions`
    uint16_t index;    // of the object
    uint8_t  detail;
    uint16_t size_code;
};

enum size_kind {
    SIZE_EXACT,        // 0 to 8191
    SIZE_SPREAD,       // to 64 KiB
    SIZE_STEP,         // around a size class's border: eight steps to each doubling, to 1 MiB
    SIZE_OS_PAGES,     // around multiples of 4 KiB, to 512 KiB
    SIZE_POWER,        // around powers of two, to 4 MiB
    SIZE_LARGE,        // to 1 MiB, one in eight to 8 MiB
    SIZE_BORDER,       // around 32 KiB, where large objects begin
    SIZE_IMPOSSIBLE,   // more than there can be
};
#define SIZE_VALUE_BITS 13
#define SIZE_VALUES ((size_t)1 << SIZE_VALUE_BITS)

// Where the delta of some kinds stands in the value.
#define STEP_DELTA_SHIFT 7
#define STEP_DELTA_ZERO 32
#define POWER_DELTA_SHIFT 5
#define POWER_DELTA_ZERO 128
#define POWERS 23

static inline uint16_t size_code(enum size_kind kind, size_t value)
{
    return (uint16_t)(((size_t)kind << SIZE_VALUE_BITS) | (value % SIZE_VALUES));
}

static inline bool size_is_impossible(uint16_t code)
{
    return code >> SIZE_VALUE_BITS == SIZE_IMPOSSIBLE;
}

// Bytes. Impossible sizes are at least SIZE_IMPOSSIBLE_MIN, others at most SIZE_POSSIBLE_MAX.
#define SIZE_IMPOSSIBLE_MIN ((size_t)1 << 47)   // the end of user space
#define SIZE_POSSIBLE_MAX ((size_t)16 << 20)
size_t size_of_code(uint16_t code);

// Alignments by detail: the first ALIGNMENTS_SURE are powers of two up to 2 MiB and always to
// be had; up to ALIGNMENTS_LEGAL they are legal.
#define ALIGNMENTS 32u
#define ALIGNMENTS_SURE 22u
#define ALIGNMENTS_LEGAL 28u
size_t alignment_of_detail(unsigned detail);

// Splits a size in a count and a size of each; impossible ones also so that the product overflows.
void split_count(struct call *call, uint16_t size_code, uint8_t detail);

void             op_encode(const struct malloc_op *op, uint8_t out_bytes[OP_BYTES]);
struct malloc_op op_decode(const uint8_t bytes[OP_BYTES]);

// Prints one line, as C as can be.
void op_print(FILE *out, const struct malloc_op *op, size_t index);

#endif
