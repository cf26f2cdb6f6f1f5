// What the bench programs share: a clock, a random sequence, an order of turns, and how values
// are printed. One line per value measured, "figure name=value ...", for bench/run to read.
#ifndef NEAP_BENCH_BENCH_H
#define NEAP_BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static inline uint64_t bench_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void bench_fail(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

// The same sequence in every run (xorshift): results differ by the machine only.
static inline uint64_t bench_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

// Whose turn it is: every repetition starts with another one, and every other goes backwards, so
// that nobody always follows the same neighbour.
static inline size_t bench_turn(size_t repetition, size_t i, size_t n)
{
    size_t at = (repetition / 2 + i) % n;
    return repetition % 2 == 0 ? at : n - 1 - at;
}

// Zeroed memory that is no part of what is measured.
static inline void *bench_map(size_t n_bytes)
{
    void *start = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        bench_fail("no memory");
    return start;
}

static inline void bench_touch(void *start, size_t n_bytes, size_t step_bytes)
{
    volatile unsigned char *bytes = (unsigned char *)start;
    for (size_t at = 0; at < n_bytes; at += step_bytes)
        bytes[at] = 1;
}

#endif
