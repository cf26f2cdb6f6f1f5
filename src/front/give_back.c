// A round: what sleeps in caches comes home, then what is resident beyond the goal goes back.
#include "front/give_back.h"

#include "config/config.h"
#include "front/heap.h"
#include "front/release.h"
#include "os/host.h"
#include "pageheap/scavenge_policy.h"

#define STEP_BYTES_MAX (2 * MIB)   // one call of the kernel: about a quarter millisecond
#define TIDY_EVERY_NS 1000000000   // costs a barrier on all CPUs
#define CALM_ROUNDS 30             // a second and a half without work: the work is done

// Not earlier: when the heap is made, a sanitizer in the program may stand before clock_gettime and
// not have begun.
static void begin(struct give_back *give_back, uint64_t now_ns)
{
    if (give_back->has_begun)
        return;
    *give_back = (struct give_back){.has_begun = true, .tidied_at_ns = now_ns};
    pacer_init(&give_back->pacer, (unsigned)config_get()->return_cpu_pct, now_ns);
}

static unsigned retain_pct(void)
{
    return (unsigned)config_get()->retain_pct;
}

// What other threads have freed for those that sleep, and spans of which nothing is in use.
static void tidy_now_and_then(struct give_back *give_back, struct heap *heap, uint64_t now_ns)
{
    if (now_ns - give_back->tidied_at_ns < TIDY_EVERY_NS)
        return;
    give_back->tidied_at_ns = now_ns;
    release_late_frees(heap);
    caches_tidy(&heap->caches);
    heaps_tidy(&heap->heaps);
    central_tidy(&heap->central);
}

// Returns whether anything was left to give back when the time was over.
static bool give_back_excess(struct heap *heap, uint64_t cpu_ns_max)
{
    uint64_t begun_ns = host_thread_cpu_ns();
    for (;;) {
        size_t excess_bytes = page_heap_excess(&heap->pages, retain_pct());
        if (excess_bytes == 0)
            return false;
        if (host_thread_cpu_ns() - begun_ns >= cpu_ns_max)
            return true;
        if (page_heap_scavenge(&heap->pages, size_min(excess_bytes, STEP_BYTES_MAX)) == 0)
            return false;   // in use once more, or refused by the kernel
    }
}

// Nothing more goes back even when nobody remembers what was in use before.
static bool is_at_rest(struct heap *heap, size_t *out_alarm_bytes)
{
    struct page_account account;
    page_heap_account_read(&heap->pages, &account);
    size_t used_bytes = account.in_use_bytes + account.manual_bytes;
    size_t goal_bytes = scavenge_goal_bytes(used_bytes, retain_pct());
    *out_alarm_bytes = goal_bytes - used_bytes + ALARM_BYTES_MIN;
    return scavenge_excess_bytes(&account, goal_bytes) == 0;
}

bool give_back_round(struct give_back *give_back, struct heap *heap, uint64_t cpu_ns_max)
{
    uint64_t now_ns = host_now_ns();
    begin(give_back, now_ns);
    uint64_t allowance_ns = pacer_allowance_ns(&give_back->pacer, now_ns);
    if (allowance_ns == 0)
        return true;
    if (cpu_ns_max > allowance_ns)
        cpu_ns_max = allowance_ns;
    uint64_t begun_ns = host_thread_cpu_ns();
    tidy_now_and_then(give_back, heap, now_ns);
    bool   more = give_back_excess(heap, cpu_ns_max);
    size_t alarm_bytes = 0;
    bool   at_rest = !more && is_at_rest(heap, &alarm_bytes);
    pacer_spend(&give_back->pacer, host_thread_cpu_ns() - begun_ns);
    give_back->n_calm = at_rest ? give_back->n_calm + 1 : 0;
    if (give_back->n_calm < CALM_ROUNDS)
        return true;
    give_back->n_calm = 0;
    page_heap_set_alarm(&heap->pages, alarm_bytes);
    return false;
}
