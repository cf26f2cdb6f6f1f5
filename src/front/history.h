// What the heap held in the last ten minutes, by the second, and in the last day, by the minute.
//
// Somebody who comes by a slow way, or our own thread, notes a sample when a second has gone by: so
// a second in which nothing was taken from the page heap has none. A process younger than a second
// has none at all, and memory of the rings is touched as they fill. They are read from outside
// (observe/stats_page.c).
#ifndef NEAP_FRONT_HISTORY_H
#define NEAP_FRONT_HISTORY_H

#include "base/atomic.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap;

#define HISTORY_SECONDS 600
#define HISTORY_MINUTES 1440
#define HISTORY_SECOND_NS UINT64_C(1000000000)
#define HISTORY_MINUTE_NS (60 * HISTORY_SECOND_NS)

struct history_sample {
    uint64_t time_ns;   // as of host_now_ns
    uint64_t resident_bytes, object_bytes, free_ready_bytes, allocations, returned_bytes;
};

struct history {
    ATOMIC(uint32_t) is_busy;   // somebody notes a sample
    // Of who is busy.
    uint64_t              looked_at_ns;   // 0: never
    uint64_t              noted_at_ns;    // of the last second; at first, when it was first looked
    struct history_sample most;           // of this minute, the one with most resident
    // How many were ever noted; the last ones are in the rings. Who reads them from outside looks
    // once more when he has.
    ATOMIC(uint64_t) n_seconds, n_minutes;
};

// Each in its place by number modulo.
struct history_rings {
    struct history_sample seconds[HISTORY_SECONDS];
    struct history_sample minutes[HISTORY_MINUTES];
};

// Notes a sample if it is time. Does nothing if somebody is at it or the calling thread holds a
// lock. Requires: the caller is inside no cache.
void history_look(struct heap *heap);

// The same by who comes by: pages have been taken, and the page heap thinks that it may be time.
void history_answer(struct heap *heap);

// The child of a fork has no history yet.
void history_fork_child(struct history *history);

#endif
