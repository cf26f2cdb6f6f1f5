// What the workloads share, see workload.h.
#include "workload.h"

#include "resident.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <unistd.h>

static void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

// stdio's buffer would come from the malloc that is measured.
static void print(const char *format, ...)
{
    char    text[256];
    va_list values;
    va_start(values, format);
    int n_bytes = vsnprintf(text, sizeof text, format, values);
    va_end(values);
    if (write(STDOUT_FILENO, text, (size_t)n_bytes) != n_bytes)
        bench_fail("cannot print");
}

void figure(const char *name, const char *unit, double value)
{
    print("figure %s %s %.6g\n", name, unit, value);
}

void note(const char *name, const char *unit, double value)
{
    print("note %s %s %.6g\n", name, unit, value);
}

void checksum(uint64_t value)
{
    print("checksum %llu\n", (unsigned long long)value);
}

void *own_memory(size_t n_bytes)
{
    void *start = bench_map(n_bytes);
    memset(start, 0, n_bytes);
    return start;
}

// The host finds the memory now, and not while somebody is measured.
void run_warm(void)
{
    size_t n_bytes = option("mib") * MIB;
    munmap(own_memory(n_bytes), n_bytes);
}

// What a program that hardly allocates has resident.
void run_start(void)
{
    void **objects = bench_map((option("mallocs") + 1) * sizeof *objects);
    for (uint64_t i = 0; i < option("mallocs"); i++)
        objects[i] = take(100);
    figure("resident", "KiB", (double)resident_exact_bytes() / KIB);
    for (uint64_t i = 0; i < option("mallocs"); i++)
        free(objects[i]);
}

// ---- what the kernel says ---------------------------------------------------------------------

size_t resident_exact_bytes(void)
{
    return resident_bytes();
}

size_t resident_quick_bytes(void)
{
    static int file = -1;
    char       text[256];
    if (file < 0)
        file = open("/proc/self/statm", O_RDONLY);
    ssize_t n_read = pread(file, text, sizeof text - 1, 0);
    if (n_read <= 0)
        bench_fail("cannot read /proc/self/statm");
    text[n_read] = '\0';
    char *end;
    (void)strtoull(text, &end, 10);
    return strtoull(end, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

size_t minor_faults(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_minflt;
}

void sleep_until_ns(uint64_t moment_ns)
{
    struct timespec moment = {.tv_sec = (time_t)(moment_ns / 1000000000u),
                              .tv_nsec = (long)(moment_ns % 1000000000u)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, NULL) == EINTR)
        ;
}

// ---- objects ----------------------------------------------------------------------------------

void sizes_fill(struct sizes *sizes, size_t smallest_bytes, size_t largest_bytes)
{
    double span = log2((double)largest_bytes / (double)smallest_bytes);
    for (size_t i = 0; i < SIZES; i++)
        sizes->bytes[i] =
            (uint32_t)((double)smallest_bytes * exp2(span * ((double)i + 0.5) / SIZES));
}

void *take(size_t n_bytes)
{
    void *object = malloc(n_bytes);
    if (object == NULL)
        bench_fail("malloc returned NULL");
    return object;
}

void object_write(void *object, size_t n_bytes, uint64_t mark)
{
    memset(object, (int)(mark & 0xff), n_bytes);
}

void object_check(const void *object, size_t n_bytes, uint64_t mark)
{
    const unsigned char *bytes = object;
    unsigned char        wanted = mark & 0xff;
    if (bytes[0] != wanted || bytes[n_bytes / 2] != wanted || bytes[n_bytes - 1] != wanted)
        bench_fail("an object has changed");
}

// ---- threads ----------------------------------------------------------------------------------

struct thread {
    pthread_t id;
    size_t    number;
    void (*work)(size_t number);
};

static void *thread_main(void *argument)
{
    struct thread *thread = argument;
    thread->work(thread->number);
    return NULL;
}

void in_threads(size_t n_threads, void (*work)(size_t number))
{
    size_t         n_bytes = n_threads * sizeof(struct thread);
    struct thread *threads = own_memory(n_bytes);
    for (size_t i = 0; i < n_threads; i++) {
        threads[i] = (struct thread){.number = i, .work = work};
        if (pthread_create(&threads[i].id, NULL, thread_main, &threads[i]) != 0)
            bench_fail("cannot start a thread");
    }
    for (size_t i = 0; i < n_threads; i++)
        pthread_join(threads[i].id, NULL);
    munmap(threads, n_bytes);
}
