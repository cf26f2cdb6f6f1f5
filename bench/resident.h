// What the kernel says is resident of this process, page tables walked: exact.
#ifndef NEAP_BENCH_RESIDENT_H
#define NEAP_BENCH_RESIDENT_H

#include "bench.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

// Allocates nothing, so that reading does not change what is read.
static inline size_t resident_bytes(void)
{
    static char text[4096];
    int         file = open("/proc/self/smaps_rollup", O_RDONLY);
    ssize_t     n_read = file >= 0 ? read(file, text, sizeof text - 1) : -1;
    if (n_read <= 0)
        bench_fail("cannot read /proc/self/smaps_rollup");
    close(file);
    text[n_read] = '\0';
    const char *line = strstr(text, "\nRss:");
    if (line == NULL)
        bench_fail("no Rss in /proc/self/smaps_rollup");
    return strtoull(line + strlen("\nRss:"), NULL, 10) * 1024;
}

#endif
