// Axis: where ticks stand and how values become places.
#ifndef NEAP_TOOLS_AXIS_H
#define NEAP_TOOLS_AXIS_H

#include <stdbool.h>

struct axis {
    double end;          // greatest value shown; the smallest is 0
    double tick_step;    // end is a multiple of it for a rounded axis
    int    n_decimals;   // that tick labels need
};

// Chooses a step of 1, 2 or 5 times a power of ten so that at most `n_ticks_max` ticks show
// 0 .. `largest`. A rounded axis ends at a tick, else at `largest`.
struct axis axis_make(double largest, int n_ticks_max, bool is_rounded);

// Unit for memory up to `largest_bytes`: returns its bytes, *out_name its name.
double axis_memory_unit(double largest_bytes, const char **out_name);

#endif
