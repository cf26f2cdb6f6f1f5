// Random numbers for tests: splitmix64, so that a test is its seed.
#ifndef NEAP_TEST_RANDOM_H
#define NEAP_TEST_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random_source {
    uint64_t state;
};

static inline uint64_t random_next(struct random_source *source)
{
    uint64_t z = source->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

// Evenly from [0, n). Requires: n < 2^32.
static inline size_t random_below(struct random_source *source, size_t n)
{
    return (size_t)((random_next(source) >> 32) * n >> 32);
}

static inline size_t random_between(struct random_source *source, size_t low, size_t high)
{
    return low + random_below(source, high - low + 1);
}

static inline bool random_one_in(struct random_source *source, size_t n)
{
    return random_below(source, n) == 0;
}

#endif
