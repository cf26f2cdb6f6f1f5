// Size classes: which slot size serves a request, and what a span of it looks like.
//
// The table is src/span/size_class.def; dev/gen_size_classes.py writes it and gives the reasons.
// Pure and constant.
#ifndef NEAP_SPAN_SIZE_CLASS_H
#define NEAP_SPAN_SIZE_CLASS_H

#include "base/bits.h"
#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

#define SIZE_CLASSES 105   // with class 0, which has no slots: large objects
#define SIZE_CLASS_FIRST 1
#define SMALL_BYTES_MAX ((size_t)32 << 10)   // larger objects are runs of their own
#define SLOTS_MAX 512                        // per span
#define FINE_BYTES_MAX 1024                  // up to here the finer table is asked

struct size_class {
    uint64_t reciprocal;   // 2^64 / slot_bytes, rounded up; see size_class_slot_of
    uint64_t last_word;    // of a span's bits, when all slots in it are free
    uint32_t slot_bytes;
    uint16_t n_slots;
    uint8_t  n_words;   // 64 slots each, the last one maybe fewer
    uint8_t  span_pages;
    uint64_t unused;   // 32 bytes each: an index is a shift
};
_Static_assert(sizeof(struct size_class) == 32, "an index into the table is a shift");

extern const struct size_class size_classes[SIZE_CLASSES] HIDDEN;
extern const uint8_t           class_of_sixteenths[FINE_BYTES_MAX / 16 + 1] HIDDEN;
extern const uint8_t           class_of_128ths[SMALL_BYTES_MAX / 128 + 1] HIDDEN;

// May OS pages inside of its spans be given back? A class of one word has room behind it for what
// becomes of them; the smaller slots of other classes rarely leave a whole page free.
static inline bool size_class_may_cool(unsigned size_class)
{
    return size_classes[size_class].n_words == 1;
}

// The smallest class whose slots hold `n_bytes`. Requires: n_bytes <= SMALL_BYTES_MAX.
static ALWAYS_INLINE unsigned size_class_for(size_t n_bytes)
{
    if (LIKELY(n_bytes <= FINE_BYTES_MAX))
        return class_of_sixteenths[(n_bytes + 15) / 16];
    return class_of_128ths[(n_bytes + 127) / 128];
}

// Which slot starts `offset` bytes into a span? Division and divisibility by one multiplication:
// the upper half of the product is the quotient, the lower half the remainder's share of 2^64,
// which is below the reciprocal exactly when nothing remains. Exact for offset < 2^32. False also
// for the tail of the span, too short for another slot.
static ALWAYS_INLINE bool size_class_slot_at(const struct size_class *shape, size_t offset,
                                             size_t *out_slot)
{
    unsigned __int128 product = (unsigned __int128)offset * shape->reciprocal;
    *out_slot = (size_t)(product >> 64);
    return (uint64_t)product < shape->reciprocal && *out_slot < shape->n_slots;
}

#endif
