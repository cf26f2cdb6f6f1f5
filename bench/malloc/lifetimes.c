// Who is freed when: long runs in one go, at random, in batches, and a long-running mix.
#include "workload.h"

#include <sys/sysinfo.h>

#define THREADS_MAX 64

struct slot {
    void    *object;
    uint32_t n_bytes;
};

static struct sizes sizes;

static struct slot slot_fill(uint64_t random)
{
    size_t      n_bytes = sizes_pick(&sizes, random);
    struct slot slot = {take(n_bytes), (uint32_t)n_bytes};
    object_write(slot.object, n_bytes, n_bytes);
    return slot;
}

static void slot_empty(struct slot *slot)
{
    if (slot->object != NULL)
        object_check(slot->object, slot->n_bytes, slot->n_bytes);
    free(slot->object);
    slot->object = NULL;
}

// ---- long runs of frees: very many, then all of them, in one of three orders ------------------

enum order { FORWARDS, BACKWARDS, SHUFFLED };

static void shuffle(struct slot *slots, size_t n, uint64_t *random)
{
    for (size_t left = n; left > 1; left--) {
        size_t      at = bench_random(random) % left;
        struct slot last = slots[left - 1];
        slots[left - 1] = slots[at];
        slots[at] = last;
    }
}

void run_free_runs(void)
{
    size_t       n = option("objects");
    enum order   order = (enum order)option("order");
    struct slot *slots = own_memory(n * sizeof *slots);
    uint64_t     random = 88172645463325252u, sum = 0;
    sizes_fill(&sizes, 16, 256);
    for (uint64_t i = 0; i < option("times"); i++) {
        for (size_t j = 0; j < n; j++) {
            slots[j] = slot_fill(bench_random(&random));
            sum += slots[j].n_bytes;
        }
        if (order == SHUFFLED)
            shuffle(slots, n, &random);
        for (size_t j = 0; j < n; j++)
            slot_empty(&slots[order == BACKWARDS ? n - 1 - j : j]);
    }
    checksum(sum);
}

// ---- random sizes, random lifetimes -----------------------------------------------------------

static uint64_t sums[THREADS_MAX];

static void replace_at_random(size_t number)
{
    size_t       n = option("objects");
    struct slot *slots = own_memory(n * sizeof *slots);
    uint64_t     random = 0x9e3779b97f4a7c15u + number, sum = 0;
    for (uint64_t i = 0; i < option("times"); i++) {
        for (size_t j = 0; j < n; j++) {
            struct slot *slot = &slots[bench_random(&random) % n];
            slot_empty(slot);
            *slot = slot_fill(bench_random(&random));
            sum += slot->n_bytes;
        }
    }
    for (size_t j = 0; j < n; j++)
        slot_empty(&slots[j]);
    sums[number] = sum;
    munmap(slots, n * sizeof *slots);
}

void run_random(void)
{
    size_t   n_threads = option("threads");
    uint64_t sum = 0;
    if (n_threads > THREADS_MAX)
        bench_fail("random: at most 64 threads");
    sizes_fill(&sizes, 16, option("max"));
    in_threads(n_threads, replace_at_random);
    for (size_t i = 0; i < n_threads; i++)
        sum += sums[i];
    checksum(sum);
}

// The same work for one thread and for each of several, which share nothing: how much more is done?
void run_scaling(void)
{
    size_t n_threads = option("threads") != 0 ? option("threads") : (size_t)get_nprocs();
    double seconds[2];
    if (n_threads > THREADS_MAX)
        bench_fail("scaling: at most 64 threads");
    sizes_fill(&sizes, 16, option("max"));
    for (size_t i = 0; i < 2; i++) {
        uint64_t start_ns = bench_clock_ns();
        in_threads(i == 0 ? 1 : n_threads, replace_at_random);
        seconds[i] = (double)(bench_clock_ns() - start_ns) / 1e9;
    }
    figure("speed_up", "times", (double)n_threads * seconds[0] / seconds[1]);
    note("threads", "1", (double)n_threads);
}

// ---- batches of one size ----------------------------------------------------------------------

void run_batches(void)
{
    size_t       n = option("objects");
    struct slot *slots = own_memory(n * sizeof *slots);
    uint64_t     random = 88172645463325252u, sum = 0, times = option("times");
    for (uint64_t i = 0; i < times; i++) {
        size_t n_bytes = 16 + bench_random(&random) % 40 * 16;
        for (size_t j = 0; j < n; j++) {
            slots[j] = (struct slot){take(n_bytes), (uint32_t)n_bytes};
            *(uint64_t *)slots[j].object = j;
        }
        for (size_t j = 0; j < n; j++) {
            sum += *(uint64_t *)slots[j].object;
            free(slots[j].object);
        }
    }
    checksum(sum);
}

// ---- a long-running mix that fragments --------------------------------------------------------
// Every phase likes other sizes, and a tenth of what it made outlives it by some phases.

#define LASTING_PHASES 8
#define PHASE_SIZES 6

void run_fragment(void)
{
    static const uint32_t ranges[PHASE_SIZES][2] = {{16, 64},     {48, 400},     {300, 3000},
                                                    {2048, 9000}, {6000, 40000}, {16, 40000}};
    size_t                phase_bytes = option("mib") * MIB, n_max = phase_bytes / 16;
    struct slot          *slots = own_memory(n_max * sizeof *slots);
    struct slot          *lasting[LASTING_PHASES];
    size_t                n_lasting[LASTING_PHASES] = {0};
    for (size_t i = 0; i < LASTING_PHASES; i++)
        lasting[i] = own_memory(n_max / 10 * sizeof *slots);

    uint64_t random = 88172645463325252u, sum = 0;
    for (uint64_t phase = 0; phase < option("times"); phase++) {
        const uint32_t *range = ranges[bench_random(&random) % PHASE_SIZES];
        sizes_fill(&sizes, range[0], range[1]);
        size_t n = 0;
        for (size_t live_bytes = 0; live_bytes < phase_bytes && n < n_max; n++) {
            slots[n] = slot_fill(bench_random(&random));
            live_bytes += slots[n].n_bytes;
        }
        sum = sum * 31 + n;
        shuffle(slots, n, &random);
        size_t at = phase % LASTING_PHASES;
        while (n_lasting[at] > 0)
            slot_empty(&lasting[at][--n_lasting[at]]);
        for (size_t i = 0; i < n; i++) {
            if (i % 10 == 0 && n_lasting[at] < n_max / 10)
                lasting[at][n_lasting[at]++] = slots[i];
            else
                slot_empty(&slots[i]);
        }
    }
    checksum(sum);
}
