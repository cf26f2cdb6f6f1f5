// A peak, then rest: objects are allocated and written, nine of ten are freed at random, and then
// nobody calls malloc any more. How much stays resident, compared with what is live?
//
// Each thread fills a share; a share is thinned out by its own thread, or by another one (other=1).
#include "workload.h"

#define THREADS_MAX 64
#define KEPT_DIVISOR 10   // one object in ten stays

static const struct moment {
    const char *figure;
    uint64_t    after_ms;
} moments[] = {{"resident_per_live_after_0.1s", 100},
               {"resident_per_live_after_2s", 2000},
               {"resident_per_live_after_5s", 5000},
               {"resident_per_live_after_10s", 10000}};

struct slot {
    void    *object;
    uint32_t n_bytes;
};

static struct share {
    struct slot *slots;
    size_t       n_slots, n_kept;
    size_t       live_bytes;
} shares[THREADS_MAX];

static struct sizes      sizes;
static pthread_barrier_t barrier;
static size_t            n_threads, n_shares, share_bytes, before_bytes;

static void share_fill(struct share *share, size_t number)
{
    uint64_t random = 0x9e3779b97f4a7c15u + number;
    size_t   n = 0;
    for (size_t live_bytes = 0; live_bytes < share_bytes; n++) {
        size_t n_bytes = sizes_pick(&sizes, bench_random(&random));
        share->slots[n] = (struct slot){take(n_bytes), (uint32_t)n_bytes};
        object_write(share->slots[n].object, n_bytes, n_bytes);
        live_bytes += n_bytes;
        share->live_bytes = live_bytes;
    }
    share->n_slots = n;
}

// In random order, as the shuffle goes.
static void share_thin(struct share *share, size_t number)
{
    uint64_t random = 0x2545f4914f6cdd1du + number;
    share->n_kept = share->n_slots / KEPT_DIVISOR;
    for (size_t left = share->n_slots; left > share->n_kept; left--) {
        size_t      at = bench_random(&random) % left;
        struct slot freed = share->slots[at];
        share->slots[at] = share->slots[left - 1];
        free(freed.object);
        share->live_bytes -= freed.n_bytes;
    }
}

static size_t live_bytes(void)
{
    size_t n_bytes = 0;
    for (size_t i = 0; i < n_shares; i++)
        n_bytes += shares[i].live_bytes;
    return n_bytes;
}

static double resident_per_live(void)
{
    return ((double)resident_exact_bytes() - (double)before_bytes) / (double)live_bytes();
}

// What reading costs us is not what giving back costs the malloc.
static void rest(void)
{
    uint64_t start_ns = bench_clock_ns();
    double   idle_cpu_s = 0, cpu_s = cpu_seconds();
    uint64_t last_ms = option("seconds") * 1000;
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        if (moments[i].after_ms > last_ms)
            break;
        sleep_until_ns(start_ns + moments[i].after_ms * 1000000);
        idle_cpu_s += cpu_seconds() - cpu_s;
        figure(moments[i].figure, "ratio", resident_per_live());
        cpu_s = cpu_seconds();
    }
    note("cpu_while_idle", "ms", idle_cpu_s * 1e3);
}

// The thread after the last one that fills only frees, where there is just one share.
static void work(size_t number)
{
    bool is_other = option("other") != 0;
    if (number < n_shares)
        share_fill(&shares[number], number);
    pthread_barrier_wait(&barrier);
    if (number == 0)
        figure("resident_per_live_at_peak", "ratio", resident_per_live());
    pthread_barrier_wait(&barrier);
    size_t thinned = is_other ? (number + 1) % n_threads : number;
    if (thinned < n_shares)
        share_thin(&shares[thinned], thinned);
    pthread_barrier_wait(&barrier);
    if (number == 0)
        rest();
    pthread_barrier_wait(&barrier);   // the others sleep here until the rest is over
}

static uint64_t check_all(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n_shares; i++) {
        for (size_t j = 0; j < shares[i].n_kept; j++) {
            const struct slot *slot = &shares[i].slots[j];
            object_check(slot->object, slot->n_bytes, slot->n_bytes);
            sum = sum * 31 + slot->n_bytes;
            free(slot->object);
        }
    }
    return sum;
}

void run_peak_idle(void)
{
    n_shares = option("threads");
    if (n_shares == 0 || n_shares >= THREADS_MAX)
        bench_fail("peak-idle: 1 to 63 threads");
    n_threads = n_shares + (option("other") != 0 && n_shares == 1);
    sizes_fill(&sizes, 16, option("max"));
    share_bytes = option("mib") * MIB / n_shares;

    size_t mean_bytes = 0;
    for (size_t i = 0; i < SIZES; i++)
        mean_bytes += sizes.bytes[i];
    size_t n_slots = share_bytes / (mean_bytes / SIZES) * 11 / 10 + 4096;
    for (size_t i = 0; i < n_shares; i++)
        shares[i].slots = own_memory(n_slots * sizeof(struct slot));
    pthread_barrier_init(&barrier, NULL, (unsigned)n_threads);
    before_bytes = resident_exact_bytes();
    in_threads(n_threads, work);
    checksum(check_all());
}
