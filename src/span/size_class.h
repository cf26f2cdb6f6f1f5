// Size classes: which slot size serves a request, and what a span of it looks like.
//
// The table is src/span/size_class.def; dev/gen_size_classes.py writes it and gives the reasons.
// Pure and constant.
#ifndef NEAP_SPAN_SIZE_CLASS_H
#define NEAP_SPAN_SIZE_CLASS_H

#include "base/bits.h"

#include <stddef.h>
#include <stdint.h>

#define SIZE_CLASSES 72
#define SMALL_BYTES_MAX ((size_t)32 << 10)   // larger objects are runs of their own
#define SLOTS_MAX 512                        // per span

struct size_class {
    uint32_t slot_bytes;
    uint32_t span_pages;
    uint32_t n_slots;
    uint64_t reciprocal;   // 2^40 / slot_bytes, rounded up; see size_class_slot_of
};

extern const struct size_class size_classes[SIZE_CLASSES];

// The smallest class whose slots hold `n_bytes`. Requires: n_bytes <= SMALL_BYTES_MAX.
static inline unsigned size_class_for(size_t n_bytes)
{
    if (n_bytes <= 128)
        return n_bytes == 0 ? 0 : (unsigned)((n_bytes - 1) / 16);
    // Eight steps to each doubling: that from the highest bit, the step from the next three.
    size_t   top = n_bytes - 1;
    unsigned doubling = bits_highest(top);   // 7 for 129 to 256
    return 8 * (doubling - 7) + (unsigned)(top >> (doubling - 3));
}

// Which slot a byte of a span lies in: offset / slot_bytes by multiplication. Exact, because
// offset < 2^18 and slot_bytes <= 2^15 leave an error below 2^33 / 2^40 of a slot.
static inline size_t size_class_slot_of(const struct size_class *size_class, size_t offset)
{
    return (size_t)(offset * size_class->reciprocal >> 40);
}

#endif
