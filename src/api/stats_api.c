// neap/neap.h: presence and numbers.
#define NEAP_LIBRARY   // what is weak for others is defined here
#include "api/export.h"
#include "front/front.h"
#include "neap/neap.h"
#include "observe/stats_text.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

// The statistics are rows of the table in the order of the struct's fields.
#define STATISTIC(name, unit, kind, ...) ROW_##kind(name)
#define TERM(...)
#define ROW_GAUGE(name)                                                                            \
    _Static_assert(offsetof(struct neap_stats, name) == STATISTIC_##name * sizeof(uint64_t),       \
                   #name " is in its place");
#define ROW_COUNTER(name) ROW_GAUGE(name)
#define ROW_LIMIT(name) ROW_GAUGE(name)
#define ROW_CHECK(name) _Static_assert(STATISTIC_##name >= N_METRICS, #name " comes last");
#define N_METRICS (sizeof(struct neap_stats) / sizeof(uint64_t))
#include "observe/statistics.def"
#undef STATISTIC
#undef TERM

// Absent where a program is linked statically: then malloc is ours.
extern void *dlsym(void *handle, const char *name) __attribute__((weak));

NEAP_API const char *neap_version(void)
{
    return stats_page.head.version;
}

NEAP_API bool neap_is_active(void)
{
    bool is_first = dlsym == NULL || dlsym(RTLD_DEFAULT, "malloc") == (void *)malloc;
    return is_first && !front_is_disabled();
}

NEAP_API int neap_stats_read(struct neap_stats *out_stats, size_t size)
{
    uint64_t values[STATISTICS];
    if (size == 0 || size % sizeof(uint64_t) != 0)
        return EINVAL;
    statistics_read(values);
    size_t n_bytes = size < sizeof *out_stats ? size : sizeof *out_stats;
    memcpy(out_stats, values, n_bytes);
    memset((char *)out_stats + n_bytes, 0, size - n_bytes);   // of a newer header
    return 0;
}

NEAP_API size_t neap_metric_count(void)
{
    return N_METRICS;
}

NEAP_API int neap_metric_describe(size_t i, struct neap_metric *out_metric, size_t size)
{
    if (i >= N_METRICS)
        return ENOENT;
    if (size < sizeof *out_metric)
        return EINVAL;
    const struct neap_page_statistic *row = statistic_row(i);
    memset(out_metric, 0, size);
    *out_metric = (struct neap_metric){.name = row->name,
                                       .unit = row->unit,
                                       .help = row->help,
                                       .is_counter = row->kind == NEAP_PAGE_COUNTER};
    return 0;
}

static bool metric_find(const char *name, size_t *out_i)
{
    for (*out_i = 0; *out_i < N_METRICS; ++*out_i) {
        if (strcmp(statistic_row(*out_i)->name, name) == 0)
            return true;
    }
    return false;
}

NEAP_API int neap_metric_read(const char *const *names, uint64_t *out_values, size_t n)
{
    uint64_t values[STATISTICS];
    int      error = 0;
    statistics_read(values);
    for (size_t i = 0; i < n; i++) {
        size_t at;
        bool   found = metric_find(names[i], &at);
        out_values[i] = found ? values[at] : 0;
        if (!found)
            error = ENOENT;
    }
    return error;
}

NEAP_API int neap_stats_print(int fd, enum neap_stats_format format)
{
    switch (format) {
    case NEAP_STATS_TEXT:
        return stats_text_print(fd, STATS_TEXT);
    case NEAP_STATS_JSON:
        return stats_text_print(fd, STATS_JSON);
    case NEAP_STATS_OPENMETRICS:
        return stats_text_print(fd, STATS_OPENMETRICS);
    }
    return EINVAL;
}
