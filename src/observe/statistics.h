// The statistics of this process's heap, read where others read them from outside: no lock is
// taken, nothing is written, and a signal handler may do it.
#ifndef NEAP_OBSERVE_STATISTICS_H
#define NEAP_OBSERVE_STATISTICS_H

#include "observe/stats_page.h"

#include <stddef.h>
#include <stdint.h>

#define STATISTICS_NO_LIMIT UINT64_MAX

// Reads all of them, by number. They were all so at one instant, but for counts of objects, which
// threads keep each for itself, and what follows from these: they may be off by what happened in
// the microseconds that it took. In a signal handler that has interrupted neap at work, pages may
// be missing that were on their way from one book to another. A limit that there is not is
// STATISTICS_NO_LIMIT.
void statistics_read(uint64_t out_values[STATISTICS]);

// The row of one.
static inline const struct neap_page_statistic *statistic_row(size_t statistic)
{
    return &stats_page.statistics[statistic];
}

#endif
