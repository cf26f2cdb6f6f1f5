// The most that was in use lately: arithmetic only. No clock, no lock, no globals.
//
// What was needed within the last `hold` counts as needed still; after that the answer goes down
// towards what is in use, by half every eighth of `hold`. A program that needs the same memory
// again and again at shorter intervals keeps it.
#ifndef NEAP_PAGEHEAP_RECENT_PEAK_H
#define NEAP_PAGEHEAP_RECENT_PEAK_H

#include <stddef.h>
#include <stdint.h>

#define PEAK_PERIODS 4   // in one `hold`

struct recent_peak {
    uint64_t period;               // the newest, as a number since the clock began
    size_t   most[PEAK_PERIODS];   // in bytes, in each of the last periods, by number modulo
    size_t   bytes;                // the last answer that was not on its way down
    uint64_t at_ns;                // when that was
};

// Takes note of what is in use now and returns the peak, never less than that. In bytes. hold_ns
// of 0: nothing is remembered. Requires: the clock never goes back.
size_t recent_peak_update(struct recent_peak *peak, size_t used_bytes, uint64_t now_ns,
                          uint64_t hold_ns);

// What counts as in use has become less by so much, and had not been needed before either.
void recent_peak_lower(struct recent_peak *peak, size_t n_bytes);

#endif
