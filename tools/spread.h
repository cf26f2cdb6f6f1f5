// Spread: what several measurements of the same thing say, and whether two differ.
#ifndef NEAP_TOOLS_SPREAD_H
#define NEAP_TOOLS_SPREAD_H

#include <stddef.h>

// Below 5 % programs differ from run to run for reasons that are not the allocator's.
#define SPREAD_NOTABLE 0.05

struct spread {
    double median, smallest, largest;
};

enum difference { DIFFERENCE_NONE, DIFFERENCE_LOWER, DIFFERENCE_HIGHER };

// Requires: 0 < n_values; no value is NaN. Sorts `values`.
struct spread spread_of(double *values, size_t n_values);

// Is `b` lower or higher than `a`? None when the medians differ by less than 5 % or by less
// than `noise` (in their unit), or when the ranges from smallest to largest touch.
enum difference spread_difference(const struct spread *a, const struct spread *b, double noise);

// b's median as a multiple of a's; 1 when both are zero, HUGE_VAL when only a is.
double spread_ratio(const struct spread *a, const struct spread *b);

#endif
