// The monotonic clock and our own CPU time, in seconds.
#ifndef NEAP_TOOLS_CLOCK_H
#define NEAP_TOOLS_CLOCK_H

#include <time.h>

static inline double clock_now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);   // cannot fail: the clock always exists
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

// CPU time that neap itself has used.
static inline double clock_own_cpu_s(void)
{
    struct timespec used;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
}

// A duration as the system calls want it; a negative one becomes zero.
static inline struct timespec clock_timespec(double seconds)
{
    if (seconds <= 0)
        return (struct timespec){0};
    time_t whole_s = (time_t)seconds;
    return (struct timespec){whole_s, (long)((seconds - (double)whole_s) * 1e9)};
}

// Sleeps, whatever signals arrive and are ignored.
static inline void clock_sleep(double seconds)
{
    struct timespec rest = clock_timespec(seconds);
    while (nanosleep(&rest, &rest) != 0)
        continue;
}

#endif
