// Hunting for a divergence: sequences of operations in child processes, each with a heap of its
// own, until one fails; that one is made short and printed.
//
// A sequence is recorded while it is made, in memory shared with the child, so that it is
// known also when the child dies of it. The parent never uses the allocator under test.
#ifndef NEAP_FUZZ_HUNT_H
#define NEAP_FUZZ_HUNT_H

#include "malloc_ops.h"

#define HUNT_OPS_MAX ((size_t)1 << 20)   // of one sequence

struct hunt {
    // Set by the caller.
    const struct entry_points *entry;
    uint64_t                   first_seed;   // every sequence has its own: this, the next ...
    uint64_t                   n_ops_wanted;
    unsigned                   seconds_max;   // 0: no end but n_ops_wanted
    size_t                     sequence_ops_max;

    // Set by hunt_run.
    uint64_t n_ops, n_sequences, n_books, n_verified;   // done
    double   seconds;                                   // of CPU time
    uint64_t seed;                                      // of the last sequence
    uint8_t *bytes;   // of the last sequence, HUNT_BYTES_MAX of room
    size_t   n_bytes;
    char     message[320];   // what was found; "" if nothing was
};

// Returns whether allocator and model agreed throughout.
bool hunt_run(struct hunt *hunt);

// Runs one sequence in a child. Returns whether it passes; what a failing one prints is swallowed
// unless `is_loud`.
bool hunt_replay(const struct entry_points *entry, const uint8_t *bytes, size_t n_bytes,
                 bool is_loud);

// Makes a failing sequence short, in place. Returns its new length in bytes.
size_t hunt_shrink(const struct entry_points *entry, uint8_t *bytes, size_t n_bytes);

// The operations as text and as hexadecimal digits.
void hunt_print(FILE *out, const uint8_t *bytes, size_t n_bytes);

static inline size_t hunt_ops_in(size_t n_bytes)
{
    return n_bytes < HEADER_BYTES ? 0 : (n_bytes - HEADER_BYTES) / OP_BYTES;
}

#endif
