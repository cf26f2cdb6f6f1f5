// A maximum over a few periods, and its decay.
#include "pageheap/recent_peak.h"

#include "base/bits.h"
#include "base/units.h"

#include <stdbool.h>

#define HALVINGS_PER_HOLD 8
#define FRACTION_STEPS 1024   // of one halving; between halvings the way down is straight

// What was most in the periods that are held, the one at hand included.
struct held {
    size_t   bytes;
    uint64_t newest_period;   // that had so much
};

// A period ends. If it is the latest of a steady fall, nothing above it is remembered.
static void follow_fall(struct recent_peak *peak)
{
    size_t last = peak->most[peak->period % PERIODS_HELD];
    size_t before = peak->most[(peak->period + PERIODS_HELD - 1) % PERIODS_HELD];
    bool   is_flat = last == before;
    if (last > before || (is_flat && peak->n_falls < FALLS_MIN)) {
        peak->n_falls = 0;
        return;
    }
    if (peak->n_falls == 0)
        peak->fall_from = before;
    peak->n_falls++;
    if (peak->n_falls < FALLS_MIN || last > peak->fall_from - peak->fall_from / FALL_SHARE_MIN)
        return;
    for (size_t i = 0; i < PERIODS_HELD; i++)
        peak->most[i] = size_min(peak->most[i], last);
    peak->bytes = size_min(peak->bytes, last);
}

static struct held most_in_hold(struct recent_peak *peak, size_t used_bytes, uint64_t period)
{
    if (period > peak->period)
        follow_fall(peak);
    for (uint64_t i = 1; i <= PERIODS_HELD && i <= period - peak->period; i++)
        peak->most[(peak->period + i) % PERIODS_HELD] = 0;
    peak->period = period;
    peak->most[period % PERIODS_HELD] = size_max(peak->most[period % PERIODS_HELD], used_bytes);
    struct held most = {.bytes = 0};
    for (uint64_t age = 0; age < PERIODS_HELD && age <= period; age++) {
        size_t in_period = peak->most[(period - age) % PERIODS_HELD];
        if (age == 0 || in_period > most.bytes)
            most = (struct held){in_period, period - age};
    }
    return most;
}

static size_t decayed(size_t n_bytes, uint64_t elapsed_ns, uint64_t halving_ns)
{
    uint64_t halvings = elapsed_ns / halving_ns;
    if (halvings >= WORD_BITS)
        return 0;
    size_t   halved = n_bytes >> halvings;
    uint64_t steps = elapsed_ns % halving_ns * FRACTION_STEPS / halving_ns;
    return halved - halved / 2 / FRACTION_STEPS * steps;
}

size_t recent_peak_update(struct recent_peak *peak, size_t used_bytes, uint64_t now_ns,
                          uint64_t hold_ns)
{
    uint64_t period_ns = hold_ns / PEAK_PERIODS;
    uint64_t halving_ns = hold_ns / HALVINGS_PER_HOLD;
    if (period_ns == 0 || halving_ns == 0)
        return used_bytes;
    struct held most = most_in_hold(peak, used_bytes, now_ns / period_ns);
    if (most.bytes < peak->bytes) {
        size_t above = decayed(peak->bytes - most.bytes, now_ns - peak->held_until_ns, halving_ns);
        if (above > 0)
            return most.bytes + above;
    }
    peak->bytes = most.bytes;
    peak->held_until_ns = (most.newest_period + PERIODS_HELD) * period_ns;
    return most.bytes;
}

void recent_peak_lower(struct recent_peak *peak, size_t n_bytes)
{
    peak->bytes -= size_min(peak->bytes, n_bytes);
    peak->fall_from -= size_min(peak->fall_from, n_bytes);
    for (size_t i = 0; i < PERIODS_HELD; i++)
        peak->most[i] -= size_min(peak->most[i], n_bytes);
}
