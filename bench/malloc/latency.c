// How long single calls take while the heap grows and shrinks again.
//
// Each thread keeps a base of a sixteenth, grows with three mallocs for every free to its share,
// and shrinks with three frees for every malloc back to the base. Only the call is timed; what is
// allocated is written after it. Half a second after the end: what is resident of what is not live?
#include "histogram.h"
#include "workload.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define THREADS_MAX 16
#define BASE_DIVISOR 16
#define SETTLE_NS 500000000u

struct slot {
    void    *object;
    uint32_t n_bytes;
};

static struct timed_thread {
    struct slot     *slots;
    size_t           n_slots, n_base, live_bytes;
    uint64_t         random;
    struct histogram mallocs, frees;
} threads[THREADS_MAX];

static struct sizes sizes;
static size_t       n_threads, share_bytes;

static inline uint64_t ticks(void)
{
#if defined(__x86_64__)
    unsigned cpu;
    return __rdtscp(&cpu);
#else
    return bench_clock_ns();
#endif
}

static void timed_malloc(struct timed_thread *thread)
{
    size_t   n_bytes = sizes_pick(&sizes, bench_random(&thread->random));
    uint64_t start = ticks();
    void    *object = malloc(n_bytes);
    histogram_add(&thread->mallocs, ticks() - start);
    if (object == NULL)
        bench_fail("malloc returned NULL");
    object_write(object, n_bytes, n_bytes);
    thread->slots[thread->n_slots++] = (struct slot){object, (uint32_t)n_bytes};
    thread->live_bytes += n_bytes;
}

// Any object but one of the base.
static void timed_free(struct timed_thread *thread)
{
    size_t n_free = thread->n_slots - thread->n_base;
    if (n_free == 0)
        return;
    size_t      at = thread->n_base + bench_random(&thread->random) % n_free;
    struct slot slot = thread->slots[at];
    thread->slots[at] = thread->slots[--thread->n_slots];
    object_check(slot.object, slot.n_bytes, slot.n_bytes);
    uint64_t start = ticks();
    free(slot.object);
    histogram_add(&thread->frees, ticks() - start);
    thread->live_bytes -= slot.n_bytes;
}

static void work(size_t number)
{
    struct timed_thread *thread = &threads[number];
    while (thread->live_bytes < share_bytes / BASE_DIVISOR)
        timed_malloc(thread);
    thread->n_base = thread->n_slots;
    while (thread->live_bytes < share_bytes) {
        for (size_t i = 0; i < 3; i++)
            timed_malloc(thread);
        timed_free(thread);
    }
    while (thread->n_slots > thread->n_base + 3) {
        timed_malloc(thread);
        for (size_t i = 0; i < 3; i++)
            timed_free(thread);
    }
    while (thread->n_slots > thread->n_base)
        timed_free(thread);
}

static void report(const char *name, const struct histogram *histogram, double ns_per_tick)
{
    static const struct {
        const char *name;
        double      part;
    } percentiles[] = {
        {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}, {"max", 1},
    };
    for (size_t i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++) {
        char label[32];
        snprintf(label, sizeof label, "%s_%s", name, percentiles[i].name);
        uint64_t value = histogram_percentile(histogram, percentiles[i].part);
        (percentiles[i].part < 1 ? figure : note)(label, "ns", (double)value * ns_per_tick);
    }
}

// Two looks at the clock without anything between them: what every value above includes.
static double empty_ticks(void)
{
    static struct histogram empty;
    for (size_t i = 0; i < 10000; i++) {
        uint64_t start = ticks();
        histogram_add(&empty, ticks() - start);
    }
    return (double)histogram_percentile(&empty, 0.5);
}

void run_latency(void)
{
    n_threads = option("threads");
    if (n_threads == 0 || n_threads > THREADS_MAX)
        bench_fail("latency: 1 to 16 threads");
    sizes_fill(&sizes, 16, 32 * KIB);
    share_bytes = option("mib") * MIB / n_threads;
    for (size_t i = 0; i < n_threads; i++) {
        threads[i].random = 0x9e3779b97f4a7c15u + i;
        threads[i].slots = own_memory((share_bytes / 2048 + 4096) * sizeof(struct slot));
    }
    memset(&threads[0].mallocs, 0, sizeof threads[0].mallocs);
    size_t   before_bytes = resident_exact_bytes();
    uint64_t start_ns = bench_clock_ns(), start = ticks();
    in_threads(n_threads, work);
    uint64_t elapsed_ns = bench_clock_ns() - start_ns;
    double   ns_per_tick = (double)elapsed_ns / (double)(ticks() - start);
    sleep_until_ns(start_ns + elapsed_ns + SETTLE_NS);
    double resident_bytes = (double)resident_exact_bytes() - (double)before_bytes;

    size_t live_bytes = 0;
    for (size_t i = 0; i < n_threads; i++) {
        live_bytes += threads[i].live_bytes;
        if (i > 0) {
            histogram_merge(&threads[0].mallocs, &threads[i].mallocs);
            histogram_merge(&threads[0].frees, &threads[i].frees);
        }
    }
    report("malloc", &threads[0].mallocs, ns_per_tick);
    report("free", &threads[0].frees, ns_per_tick);
    note("clock_alone", "ns", empty_ticks() * ns_per_tick);
    figure("resident_per_live_after_0.5s", "ratio", resident_bytes / (double)live_bytes);
    checksum(live_bytes);
}
