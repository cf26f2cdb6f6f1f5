// The statistics of neap/neap.h, as a program uses them that is linked with neap or runs with it
// preloaded: api/stats_api.c. Without it (argument "without") NEAP_IS_ACTIVE() says so.
#include <neap/neap.h>

#include "kit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define BYTES_MAX 65536

#pragma weak neap_version
#pragma weak neap_stats_read
#pragma weak neap_metric_count
#pragma weak neap_metric_describe
#pragma weak neap_metric_read
#pragma weak neap_stats_print
#pragma weak neap_trim

static void check(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "FAIL %s\n", what);
        n_wrong++;
    }
}

static void reads_a_struct(void)
{
    struct neap_stats before, after;
    check(neap_stats_read(&before, sizeof before) == 0, "neap_stats_read");
    static char *objects[1000];
    for (int i = 0; i < 1000; i++)
        objects[i] = malloc(3000);
    char *large = malloc(10 << 20);
    check(neap_stats_read(&after, sizeof after) == 0, "neap_stats_read");
    check(after.objects - before.objects == 1001, "1001 objects more");
    check(after.allocations - before.allocations == 1001, "1001 allocations");
    check(after.large_objects - before.large_objects == 1, "one large object");
    check(after.object_bytes - before.object_bytes >= 3000000 + (10 << 20), "their bytes");
    check(after.object_bytes + after.free_slots_bytes + after.cached_bytes +
                  after.free_ready_bytes + after.metadata_bytes ==
              after.resident_bytes,
          "the parts make up the whole");
    free(large);
    for (int i = 0; i < 1000; i++)
        free(objects[i]);
    check(neap_trim() > 0, "something goes back");
    check(neap_stats_read(&before, sizeof before) == 0, "neap_stats_read");
    check(before.returned_request_bytes > after.returned_request_bytes, "it is counted");
    check(before.hard_limit_bytes == UINT64_MAX, "no hard limit");
}

static void reads_structs_of_other_versions(void)
{
    uint64_t fields[sizeof(struct neap_stats) / 8 + 2];
    memset(fields, 0xAA, sizeof fields);
    check(neap_stats_read((struct neap_stats *)fields, 8) == 0, "a struct of one field");
    check(fields[0] < (uint64_t)1 << 40 && fields[1] == UINT64_C(0xAAAAAAAAAAAAAAAA),
          "no more than that is written");
    check(neap_stats_read((struct neap_stats *)fields, sizeof fields) == 0, "a longer struct");
    check(fields[sizeof fields / 8 - 1] == 0, "what is not known is 0");
    check(neap_stats_read((struct neap_stats *)fields, 12) == EINVAL, "an odd size");
    check(neap_stats_read((struct neap_stats *)fields, 0) == EINVAL, "no size");
}

static void reads_by_name(void)
{
    check(neap_metric_count() == sizeof(struct neap_stats) / 8, "as many as fields");
    struct neap_metric metric;
    check(neap_metric_describe(0, &metric, sizeof metric) == 0, "the first metric");
    check(strcmp(metric.name, "object_bytes") == 0 && strcmp(metric.unit, "bytes") == 0 &&
              !metric.is_counter && metric.help[0] != '\0',
          "is object_bytes");
    check(neap_metric_describe(neap_metric_count(), &metric, sizeof metric) == ENOENT, "no more");
    check(neap_metric_describe(0, &metric, 8) == EINVAL, "too small a struct");
    const char *names[] = {"mapped_bytes", "nonsense", "allocations"};
    uint64_t    values[3];
    check(neap_metric_read(names, values, 3) == ENOENT, "one of them is none");
    struct neap_stats stats;
    check(neap_stats_read(&stats, sizeof stats) == 0, "neap_stats_read");
    check(values[0] == stats.mapped_bytes && values[1] == 0 && values[2] == stats.allocations,
          "the others are read");
}

static void expect_printed(enum neap_stats_format format, const char *begin, const char *end)
{
    static char text[BYTES_MAX];
    int         ends[2];
    check(pipe(ends) == 0, "pipe");
    check(neap_stats_print(ends[1], format) == 0, "neap_stats_print");
    close(ends[1]);
    size_t  n_bytes = 0;
    ssize_t n;
    while ((n = read(ends[0], text + n_bytes, sizeof text - n_bytes - 1)) > 0)
        n_bytes += (size_t)n;
    close(ends[0]);
    text[n_bytes] = '\0';
    check(strncmp(text, begin, strlen(begin)) == 0, begin);
    check(n_bytes > strlen(end) && strcmp(text + n_bytes - strlen(end), end) == 0, end);
}

static void prints(void)
{
    expect_printed(NEAP_STATS_TEXT, "object_bytes  ", "\n");
    expect_printed(NEAP_STATS_JSON, "{\"schema\": \"neap.stats/1\", \"version\": \"", "}\n");
    expect_printed(NEAP_STATS_OPENMETRICS, "# TYPE neap_build info\n", "# EOF\n");
    errno = 77;
    check(neap_stats_print(-1, NEAP_STATS_TEXT) == EBADF && errno == 77, "a write that fails");
    check(neap_stats_print(1, (enum neap_stats_format)9) == EINVAL, "no such format");
}

static volatile sig_atomic_t n_signals;
static int                   nowhere;

static void handler(int signal)
{
    struct neap_stats stats;
    (void)signal;
    if (neap_stats_read(&stats, sizeof stats) != 0 ||
        neap_stats_print(nowhere, NEAP_STATS_JSON) != 0 || stats.object_bytes > (uint64_t)1 << 40)
        _exit(9);
    n_signals++;
}

static void *interrupt(void *main_thread)
{
    for (int i = 0; i < 2000; i++) {
        pthread_kill(*(pthread_t *)main_thread, SIGUSR1);
        usleep(50);
    }
    return NULL;
}

// At whatever malloc is at the moment, nothing hangs and no number is absurd.
static void works_in_signal_handlers(void)
{
    pthread_t self = pthread_self(), other;
    nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    signal(SIGUSR1, handler);
    check(pthread_create(&other, NULL, interrupt, &self) == 0, "pthread_create");
    static char *objects[256];
    for (unsigned i = 0; n_signals < 500; i++) {
        free(objects[i % 256]);
        objects[i % 256] = malloc(i % 7 == 0 ? 200000 : 5000);
    }
    pthread_join(other, NULL);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "without") == 0)
        return NEAP_IS_ACTIVE() ? 1 : 0;
    check(NEAP_IS_ACTIVE(), "neap is active");
    check(strchr(neap_version(), '.') != NULL, "neap_version");
    reads_a_struct();
    reads_structs_of_other_versions();
    reads_by_name();
    prints();
    works_in_signal_handlers();
    return n_wrong > 0;
}
