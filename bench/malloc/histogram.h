// How often which duration was seen: 32 linear steps for each power of two, so that a value read
// back is wrong by at most 3 %.
#ifndef NEAP_BENCH_MALLOC_HISTOGRAM_H
#define NEAP_BENCH_MALLOC_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_STEPS 32   // a power of two
#define HISTOGRAM_STEPS_LOG2 5
#define HISTOGRAM_PLACES ((64 - HISTOGRAM_STEPS_LOG2 + 1) * HISTOGRAM_STEPS)

struct histogram {
    uint64_t counts[HISTOGRAM_PLACES];
    uint64_t largest;
};

static inline size_t histogram_place(uint64_t value)
{
    if (value < HISTOGRAM_STEPS)
        return value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_STEPS_LOG2;
    return (shift + 1) * HISTOGRAM_STEPS + (value >> shift & (HISTOGRAM_STEPS - 1));
}

// The largest value that has this place.
static inline uint64_t histogram_value(size_t place)
{
    if (place < HISTOGRAM_STEPS)
        return place;
    unsigned shift = (unsigned)(place / HISTOGRAM_STEPS) - 1;
    return ((place % HISTOGRAM_STEPS + HISTOGRAM_STEPS + 1) << shift) - 1;
}

static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->counts[histogram_place(value)]++;
    if (value > histogram->largest)
        histogram->largest = value;
}

static inline void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (size_t i = 0; i < HISTOGRAM_PLACES; i++)
        into->counts[i] += from->counts[i];
    if (from->largest > into->largest)
        into->largest = from->largest;
}

// The value that `part` (0 to 1) of all values do not exceed.
static inline uint64_t histogram_percentile(const struct histogram *histogram, double part)
{
    uint64_t total = 0, seen = 0;
    for (size_t i = 0; i < HISTOGRAM_PLACES; i++)
        total += histogram->counts[i];
    for (size_t i = 0; i < HISTOGRAM_PLACES; i++) {
        seen += histogram->counts[i];
        if (seen > 0 && (double)seen >= part * (double)total) {
            uint64_t value = histogram_value(i);
            return value < histogram->largest ? value : histogram->largest;
        }
    }
    return histogram->largest;
}

#endif
