// Spread: median and range. With the few runs that people wait for, more would be pretence.
#include "spread.h"

#include <math.h>
#include <stdlib.h>

static int compare_values(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

struct spread spread_of(double *values, size_t n_values)
{
    qsort(values, n_values, sizeof *values, compare_values);
    size_t middle = n_values / 2;
    double median = n_values % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    return (struct spread){median, values[0], values[n_values - 1]};
}

double spread_ratio(const struct spread *a, const struct spread *b)
{
    if (a->median > 0)
        return b->median / a->median;
    return b->median > 0 ? HUGE_VAL : 1;
}

enum difference spread_difference(const struct spread *a, const struct spread *b,
                                  struct tolerance tolerance)
{
    double by_share = a->median * tolerance.share;
    double margin = by_share > tolerance.amount ? by_share : tolerance.amount;
    if (b->median < a->median - margin && b->largest < a->smallest)
        return DIFFERENCE_LOWER;
    if (b->median > a->median + margin && b->smallest > a->largest)
        return DIFFERENCE_HIGHER;
    return DIFFERENCE_NONE;
}
