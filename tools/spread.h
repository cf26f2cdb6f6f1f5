// Spread: what several measurements of the same thing say, and whether two differ.
#ifndef NEAP_TOOLS_SPREAD_H
#define NEAP_TOOLS_SPREAD_H

#include <stddef.h>

// What is too little to be called a difference: either is enough.
struct tolerance {
    double share;    // of the first median: 0.05 is 5 %
    double amount;   // in the unit of the values
};

struct spread {
    double median, smallest, largest;
};

enum difference { DIFFERENCE_NONE, DIFFERENCE_LOWER, DIFFERENCE_HIGHER };

// Requires: 0 < n_values; no value is NaN. Sorts `values`.
struct spread spread_of(double *values, size_t n_values);

// Is `b` lower or higher than `a`? None when the medians differ by no more than the tolerance,
// or when the ranges from smallest to largest touch.
enum difference spread_difference(const struct spread *a, const struct spread *b,
                                  struct tolerance tolerance);

// b's median as a multiple of a's; 1 when both are zero, HUGE_VAL when only a is.
double spread_ratio(const struct spread *a, const struct spread *b);

#endif
