// What has happened since the heap began, where nothing else keeps count of it. Written on ways
// that are slow already, read by anybody (observe/statistics.def).
#ifndef NEAP_FRONT_COUNTERS_H
#define NEAP_FRONT_COUNTERS_H

#include "base/atomic.h"

#include <stddef.h>

// What had memory given back.
enum return_reason {
    RETURN_IDLE,       // it was not used for a while
    RETURN_GROWTH,     // the heap grew by as much; without page_heap.paid_bytes
    RETURN_LIMIT,      // the soft limit was near, or a request would have passed the hard one
    RETURN_PRESSURE,   // the system was short of memory
    RETURN_REQUEST,    // the program asked for it
    RETURN_REASONS
};

struct counters {
    ATOMIC(size_t) returned_bytes[RETURN_REASONS];
    ATOMIC(size_t) return_cpu_ns;   // CPU time of rounds and for limits, not of growth
    ATOMIC(size_t) n_refused;       // requests that found no memory
    ATOMIC(size_t) n_foreign_frees;
    ATOMIC(size_t) n_shortages;   // times that the system became short of memory
};

static inline void count(ATOMIC(size_t) *counter, size_t n)
{
    add_relaxed(counter, n);   // counter
}

#endif
