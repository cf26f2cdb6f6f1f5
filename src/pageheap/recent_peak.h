// The most that was in use lately: arithmetic only. No clock, no lock, no globals.
//
// What was needed within the last `hold` (and at most an eighth of it longer) counts as needed
// still; after that the answer goes down towards what is in use, by half every eighth of `hold`,
// whether somebody asks meanwhile or not. A program that needs the same memory again and again at
// shorter intervals keeps it.
//
// A steady fall is no such program's: once less was needed in each of three periods than in the one
// before, and half as much in all, only what was needed in the last one counts, until something
// rises again.
#ifndef NEAP_PAGEHEAP_RECENT_PEAK_H
#define NEAP_PAGEHEAP_RECENT_PEAK_H

#include <stddef.h>
#include <stdint.h>

#define PEAK_PERIODS 8                    // in one `hold`, which is kept to within one of them
#define PERIODS_HELD (PEAK_PERIODS + 1)   // the one at hand has only begun
#define FALLS_MIN 3                       // in a row
#define FALL_SHARE_MIN 2                  // a half: what goes up and down at random rarely falls so

struct recent_peak {
    uint64_t period;               // the newest, as a number since the clock began
    size_t   most[PERIODS_HELD];   // in bytes, in each of the last periods, by number modulo
    size_t   bytes;                // the last answer that was not on its way down
    uint64_t held_until_ns;        // from then on it goes down
    unsigned n_falls;              // periods in a row with less than the one before
    size_t   fall_from;            // in bytes, what was most before the first of those
};

// Takes note of what is in use now and returns the peak, never less than that. In bytes. hold_ns
// of 0: nothing is remembered. Requires: the clock never goes back.
size_t recent_peak_update(struct recent_peak *peak, size_t used_bytes, uint64_t now_ns,
                          uint64_t hold_ns);

// What counts as in use has become less by so much, and had not been needed before either.
void recent_peak_lower(struct recent_peak *peak, size_t n_bytes);

#endif
