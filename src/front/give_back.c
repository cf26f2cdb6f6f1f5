// A round: what sleeps in caches comes home, then what is resident beyond the goal goes back.
#include "front/give_back.h"

#include "config/config.h"
#include "front/heap.h"
#include "front/release.h"
#include "front/thread.h"
#include "os/host.h"
#include "pageheap/scavenge_policy.h"

#define STEP_BYTES_MAX (2 * MIB)   // one call of the kernel: about a quarter millisecond
#define TIDY_EVERY_NS                                                                              \
    500000000   // what rests for as long is looked into; costs a barrier on all CPUs
#define FRESH_BYTES_MAX                                                                            \
    (8 * MIB)   // free slots that were never touched: rarely more in all classes
#define GROWTH_BYTES_MIN (512 * KIB)
#define GROWTH_BYTES_MAX (16 * MIB)
#define HANDED_OVER_ON_GROWTH 64       // spans; some hundred microseconds in all
#define PAID_BYTES_LEAST (512 * KIB)   // by one call that grows the heap: as much again
#define ASLEEP 3                       // looks: a second and a half
#define CALM_ROUNDS 60   // three seconds without work, longer than it takes to see a program asleep

// Not earlier: when the heap is made, a sanitizer in the program may stand before clock_gettime and
// not have begun.
static void begin(struct give_back *give_back, uint64_t now_ns)
{
    if (give_back->has_begun)
        return;
    give_back->has_begun = true;
    give_back->tidied_at_ns = now_ns;
    pacer_init(&give_back->pacer, (unsigned)config_get()->return_cpu_pct, now_ns);
}

// Of a program that sleeps nothing idle is needed.
static unsigned retain_pct(const struct give_back *give_back)
{
    bool is_needed = give_back->n_asleep < ASLEEP && !give_back->is_pressed;
    return is_needed ? (unsigned)config_get()->retain_pct : 100;
}

static void look_whether_asleep(struct give_back *give_back, struct heap *heap)
{
    struct slots_account slots;
    slots_account_read(heap, false, &slots);
    size_t n_requests = slots.n_allocated + slots.n_freed +
                        load_relaxed(&heap->n_large_allocated) +   // counter
                        load_relaxed(&heap->n_large_freed);        // counter
    give_back->n_asleep = n_requests == give_back->n_requests ? give_back->n_asleep + 1 : 0;
    give_back->n_requests = n_requests;
    if (give_back->n_asleep == ASLEEP)
        page_heap_flush_caches(&heap->pages);
}

// What other threads have freed for those that sleep, spans of which nothing is in use, and spans
// that nobody has allocated from lately.
static void tidy_now_and_then(struct give_back *give_back, struct heap *heap, uint64_t now_ns)
{
    if (now_ns - give_back->tidied_at_ns < TIDY_EVERY_NS)
        return;
    give_back->tidied_at_ns = now_ns;
    release_late_frees(heap);
    caches_rest(&heap->caches);
    heaps_tidy(&heap->heaps);
    central_tidy(&heap->central);
    if (give_back->is_pressed)
        page_heap_flush_caches(&heap->pages);
    page_heap_age(&heap->pages);
    look_whether_asleep(give_back, heap);
}

// How much free slots hold beyond the goal, in bytes: what was in use lately, times `pct`, and a
// slack.
static size_t excess_inside(struct give_back *give_back, struct heap *heap, unsigned pct,
                            size_t slack_bytes)
{
    struct slots_account slots;
    slots_account_read(heap, true, &slots);
    size_t peak_bytes = recent_peak_update(&give_back->slots_peak, slots.used_bytes, host_now_ns(),
                                           config_get()->return_delay_ns);
    if (give_back->is_pressed)
        peak_bytes = slots.used_bytes;
    size_t goal_bytes = peak_bytes / 100 * pct + slack_bytes;
    size_t ready_bytes = slots.used_bytes + slots.free_bytes;
    return ready_bytes > goal_bytes ? ready_bytes - goal_bytes : 0;
}

// How much idle runs hold beyond the goal.
static size_t excess_of_runs(const struct give_back *give_back, struct heap *heap, unsigned pct)
{
    struct page_account account;
    if (!give_back->is_pressed)
        return page_heap_excess(&heap->pages, pct);
    page_heap_account_read(&heap->pages, &account);
    size_t goal_bytes = scavenge_goal_bytes(page_account_used_bytes(&account), pct);
    return scavenge_excess_bytes(&account, goal_bytes);
}

// Without a delay nothing is spared.
static size_t scavenge(const struct give_back *give_back, struct heap *heap, size_t n_bytes,
                       bool *out_spared)
{
    if (config_get()->return_delay_ns == 0 || give_back->is_pressed)
        return page_heap_scavenge(&heap->pages, n_bytes);
    return page_heap_scavenge_unused(&heap->pages, n_bytes, out_spared);
}

// First idle runs, then pages inside of spans. Returns how much went back, in bytes; 0: nothing is
// beyond the goal, or it is in use once more, or idle runs are *out_in_the_way: refused by the
// kernel, or in page caches.
static size_t step(struct give_back *give_back, struct heap *heap, bool *out_in_the_way)
{
    unsigned pct = retain_pct(give_back);
    size_t   excess_bytes = excess_of_runs(give_back, heap, pct);
    size_t   n_bytes = 0;
    bool     spared = false;
    if (excess_bytes > 0)
        n_bytes = scavenge(give_back, heap, size_min(excess_bytes, STEP_BYTES_MAX), &spared);
    if (n_bytes > 0)
        return n_bytes;
    *out_in_the_way = excess_bytes > 0 && !spared;
    excess_bytes = excess_inside(give_back, heap, pct, 0);
    return excess_bytes > 0 ? central_cool(&heap->central, size_min(excess_bytes, STEP_BYTES_MAX))
                            : 0;
}

enum outcome {
    OUT_OF_TIME,   // there may be more to do
    ALL_BACK,      // as far as it may go now
    IN_THE_WAY,    // the rest cannot go
};

static enum outcome give_back_excess(struct give_back *give_back, struct heap *heap,
                                     uint64_t cpu_ns_max)
{
    uint64_t begun_ns = host_thread_cpu_ns();
    bool     in_the_way = false, is_over = false;
    size_t   n_bytes = 0, step_bytes;
    while (!is_over && (step_bytes = step(give_back, heap, &in_the_way)) > 0) {
        n_bytes += step_bytes;
        is_over = host_thread_cpu_ns() - begun_ns >= cpu_ns_max;
    }
    count(&heap->counters.returned_bytes[give_back->is_pressed ? RETURN_PRESSURE : RETURN_IDLE],
          n_bytes);
    if (is_over)
        return OUT_OF_TIME;
    return in_the_way ? IN_THE_WAY : ALL_BACK;
}

// Every second object freed is worth it; what steady work leaves free is not, nor what cannot go
// back.
bool give_back_is_worth_it(struct give_back *give_back, struct heap *heap)
{
    struct slots_account slots;
    slots_account_read(heap, true, &slots);
    size_t usual_bytes = load_relaxed(&give_back->free_at_rest);   // hint
    return slots.free_bytes > size_max(slots.used_bytes / 2, usual_bytes) + ALARM_BYTES_MIN;
}

// Part of the spans of this thread, which is growing the heap although they have free slots.
static void hand_over_own(void)
{
    struct cache *cache = thread_enter_cache();
    if (cache == NULL)
        return;
    cache_hand_over(cache, HANDED_OVER_ON_GROWTH);
    cache_leave(cache);
}

// What is due and could not be given back in one go stays owed.
static size_t take_due(struct give_back *give_back, struct heap *heap)
{
    size_t unpaid_pages = exchange_relaxed(&heap->pages.unpaid_pages, 0);   // counter
    return size_min(pages_to_bytes(unpaid_pages),
                    excess_inside(give_back, heap, 100, FRESH_BYTES_MAX));
}

static void leave_due(struct heap *heap, size_t n_bytes)
{
    add_relaxed(&heap->pages.unpaid_pages, bytes_to_pages_down(n_bytes));   // counter
}

bool give_back_on_growth(struct give_back *give_back, struct heap *heap, size_t n_bytes)
{
    size_t due_bytes = take_due(give_back, heap);
    size_t given_bytes = 0;
    if (due_bytes > 0) {
        hand_over_own();
        given_bytes =
            central_cool(&heap->central, size_min(due_bytes, size_max(n_bytes, PAID_BYTES_LEAST)));
        count(&heap->counters.returned_bytes[RETURN_GROWTH], given_bytes);
        given_bytes = size_min(given_bytes, due_bytes);
    }
    if (given_bytes > 0) {
        leave_due(heap, due_bytes - given_bytes);
        store_relaxed(&give_back->worth_bytes, GROWTH_BYTES_MIN);   // hint
    } else if (!load_relaxed(&heap->pages.has_payer)) {   // hint: else the thread may be at it
        size_t worth_bytes = 2 * load_relaxed(&give_back->worth_bytes);   // hint
        worth_bytes = size_max(GROWTH_BYTES_MIN, size_min(worth_bytes, GROWTH_BYTES_MAX));
        store_relaxed(&give_back->worth_bytes, worth_bytes);   // hint
    }
    return due_bytes > 0;
}

// Our own thread does the same for all, as much as is owed. Returns whether the heap has grown.
static bool pay_for_growth(struct give_back *give_back, struct heap *heap)
{
    bool has_grown = load_relaxed(&heap->pages.owed_pages) > 0 ||   // counter
                     load_relaxed(&heap->pages.unpaid_pages) > 0;   // counter
    page_heap_pay_owed_by(&heap->pages, SIZE_MAX);
    size_t due_bytes = take_due(give_back, heap);
    size_t given_bytes = due_bytes > 0 ? central_cool(&heap->central, due_bytes) : 0;
    if (given_bytes < due_bytes) {
        caches_hand_over(&heap->caches);
        given_bytes += central_cool(&heap->central, due_bytes - given_bytes);
    }
    count(&heap->counters.returned_bytes[RETURN_GROWTH], given_bytes);
    if (given_bytes > 0 && given_bytes < due_bytes)
        leave_due(heap, due_bytes - given_bytes);
    return has_grown;
}

// Nothing more goes back even when nobody remembers what was in use before. If so,
// *out_alarm_bytes is when there is something to do once more.
static bool is_at_rest(const struct give_back *give_back, struct heap *heap, enum outcome outcome,
                       size_t *out_alarm_bytes)
{
    struct page_account account;
    page_heap_account_read(&heap->pages, &account);
    size_t used_bytes = page_account_used_bytes(&account);
    size_t goal_bytes = scavenge_goal_bytes(used_bytes, retain_pct(give_back));
    *out_alarm_bytes =
        size_max(goal_bytes - used_bytes, account.free_ready_bytes) + ALARM_BYTES_MIN;
    return outcome == IN_THE_WAY ||
           (outcome == ALL_BACK && scavenge_excess_bytes(&account, goal_bytes) == 0);
}

enum give_back_result give_back_own_round(struct give_back *give_back, struct heap *heap,
                                          bool is_pressed)
{
    give_back->is_pressed = is_pressed;
    if (exchange_relaxed(&give_back->is_crowded, false))   // hint
        caches_take_in(&heap->caches);
    bool has_grown = pay_for_growth(give_back, heap);
    bool more = give_back_round(give_back, heap, ROUND_CPU_NS_MAX);
    if (has_grown)
        return GIVE_BACK_SOON;
    return more ? GIVE_BACK_LATER : GIVE_BACK_AT_REST;
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
    enum outcome outcome = give_back_excess(give_back, heap, cpu_ns_max);
    size_t       alarm_bytes;
    give_back->is_in_the_way = outcome == IN_THE_WAY;
    bool     at_rest = is_at_rest(give_back, heap, outcome, &alarm_bytes);
    uint64_t spent_ns = host_thread_cpu_ns() - begun_ns;
    pacer_spend(&give_back->pacer, spent_ns);
    count(&heap->counters.return_cpu_ns, spent_ns);
    give_back->n_calm = at_rest ? give_back->n_calm + 1 : 0;
    if (give_back->n_calm < CALM_ROUNDS)
        return true;
    give_back->n_calm = 0;
    struct slots_account slots;
    slots_account_read(heap, true, &slots);
    store_relaxed(&give_back->free_at_rest, slots.free_bytes);   // hint
    page_heap_set_alarm(&heap->pages, alarm_bytes);
    return false;
}
