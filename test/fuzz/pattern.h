// What objects are filled with: bytes that follow from the object and their place in it.
//
// Objects up to a size are filled whole. Of larger ones, unless asked for, only the start, both
// ends (of what was asked for and of what may be used) and places in between are: to touch every
// page would cost more than all the rest.
#ifndef NEAP_FUZZ_PATTERN_H
#define NEAP_FUZZ_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERN_WHOLE_BYTES ((size_t)2 << 10)

struct pattern {
    uint64_t seed;
    size_t   asked_bytes, usable_bytes;
    bool     is_whole;
};

void pattern_fill(const struct pattern *pattern, unsigned char *start);

// Compares the first `n_bytes`. Returns how far they are as filled: n_bytes if all are.
size_t pattern_compare(const struct pattern *pattern, const unsigned char *start, size_t n_bytes);

// How far memory is zero: n_bytes if all of it is.
size_t zeros_compare(const unsigned char *start, size_t n_bytes);

#endif
