// A steady program: as much live at every moment, always the same sizes, other objects. Does what
// is resident move, does memory go back and return as page faults? It should not.
//
// Begin and end of the steady time are marked by a refused madvise, for whoever traces the calls.
#include "workload.h"

#define THREADS_MAX 16
#define SAMPLE_NS 50000000u
#define WARM_NS 1000000000u
#define MARK_ADVICE 0x6e656170   // no such advice

struct slot {
    void    *object;
    uint32_t n_bytes;
};

static struct steady_thread {
    struct slot *slots;
    size_t       n_slots;
    uint64_t     replacements;
} threads[THREADS_MAX];

static struct sizes sizes;
static uint64_t     start_ns, end_ns;
static atomic_bool  is_over;

// A slot keeps its size.
static void replace(struct slot *slot)
{
    object_check(slot->object, slot->n_bytes, slot->n_bytes);
    free(slot->object);
    slot->object = take(slot->n_bytes);
    object_write(slot->object, slot->n_bytes, slot->n_bytes);
}

static void work(size_t number)
{
    struct steady_thread *thread = &threads[number];
    uint64_t              random = 0x9e3779b97f4a7c15u + number;
    size_t                share_bytes = option("mib") * MIB / option("threads");
    for (size_t live_bytes = 0; live_bytes < share_bytes;) {
        size_t n_bytes = sizes_pick(&sizes, bench_random(&random));
        thread->slots[thread->n_slots++] = (struct slot){take(n_bytes), (uint32_t)n_bytes};
        object_write(thread->slots[thread->n_slots - 1].object, n_bytes, n_bytes);
        live_bytes += n_bytes;
    }
    while (!atomic_load(&is_over)) {
        for (size_t i = 0; i < 64; i++)
            replace(&thread->slots[bench_random(&random) % thread->n_slots]);
        thread->replacements += 64;
    }
    while (thread->n_slots > 0)
        free(thread->slots[--thread->n_slots].object);
}

static void mark(void)
{
    (void)madvise(NULL, 0, MARK_ADVICE);
}

static void *sample(void *unused)
{
    (void)unused;
    sleep_until_ns(start_ns + WARM_NS);
    size_t smallest_bytes = SIZE_MAX, largest_bytes = 0, before_faults = minor_faults();
    mark();
    for (uint64_t next_ns = start_ns + WARM_NS; next_ns < end_ns; next_ns += SAMPLE_NS) {
        sleep_until_ns(next_ns);
        size_t now_bytes = resident_quick_bytes();
        smallest_bytes = now_bytes < smallest_bytes ? now_bytes : smallest_bytes;
        largest_bytes = now_bytes > largest_bytes ? now_bytes : largest_bytes;
    }
    mark();
    size_t faults = minor_faults() - before_faults;
    atomic_store(&is_over, true);
    figure("resident_largest_minus_smallest", "MiB",
           (double)(largest_bytes - smallest_bytes) / (double)MIB);
    figure("minor_faults", "faults/s",
           (double)faults / ((double)(end_ns - start_ns - WARM_NS) / 1e9));
    return NULL;
}

void run_steady(void)
{
    size_t n_threads = option("threads");
    if (n_threads == 0 || n_threads > THREADS_MAX)
        bench_fail("steady: 1 to 16 threads");
    sizes_fill(&sizes, 16, 64 * KIB);
    for (size_t i = 0; i < n_threads; i++)
        threads[i].slots =
            own_memory((option("mib") * MIB / n_threads / 2048 + 4096) * sizeof(struct slot));
    start_ns = bench_clock_ns();
    end_ns = start_ns + WARM_NS + option("seconds") * 1000000000u;
    pthread_t sampler;
    if (pthread_create(&sampler, NULL, sample, NULL) != 0)
        bench_fail("cannot start a thread");
    in_threads(n_threads, work);
    pthread_join(sampler, NULL);
    uint64_t replacements = 0;
    for (size_t i = 0; i < n_threads; i++)
        replacements += threads[i].replacements;
    figure("replacements", "replacements/s",
           (double)replacements / ((double)(end_ns - start_ns) / 1e9));
}
