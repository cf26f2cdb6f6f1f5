// Axis: round numbers for ticks.
#include "axis.h"

#include <stddef.h>

struct axis axis_make(double largest, int n_ticks_max, bool is_rounded)
{
    if (!(largest > 0))
        largest = 1;
    double smallest_step = largest / n_ticks_max;
    double power = 1;   // the power of ten at or below the smallest step
    int    exponent = 0;
    for (; power > smallest_step; exponent--)
        power /= 10;
    for (; power * 10 <= smallest_step; exponent++)
        power *= 10;

    static const double factors[] = {1, 2, 5, 10};
    size_t              i = 0;
    while (i < 3 && power * factors[i] < smallest_step)
        i++;
    double step = power * factors[i];
    if (i == 3)
        exponent++;

    double end = largest;
    if (is_rounded) {
        long n_steps = (long)(largest / step);
        if ((double)n_steps * step < largest * (1 - 1e-9))
            n_steps++;
        end = (double)n_steps * step;
    }
    return (struct axis){end, step, exponent < 0 ? -exponent : 0};
}

double axis_memory_unit(double largest_bytes, const char **out_name)
{
    static const char *const names[] = {"KiB", "MiB", "GiB", "TiB"};
    double                   unit_bytes = 1024;
    size_t                   i = 0;
    // Two units of the next size are enough to change over: "1.4 MiB" reads worse than "1400".
    while (i + 1 < sizeof names / sizeof *names && largest_bytes >= 2 * 1024 * unit_bytes) {
        unit_bytes *= 1024;
        i++;
    }
    *out_name = names[i];
    return unit_bytes;
}
