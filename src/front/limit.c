// Looking, giving back, making room.
#include "front/limit.h"

#include "config/config.h"
#include "front/heap.h"
#include "front/release.h"
#include "os/host.h"
#include "os/memory_limit.h"

#define LOOK_EVERY_NS UINT64_C(10000000000)
#define STEP_BYTES (2 * MIB)   // one call of the kernel: about a quarter millisecond
#define CPU_SHARE_PCT 50
#define CPU_SAVED_NS_MAX 20000000
#define DEEP_WAIT_NS_MIN 10000000
#define DEEP_WAIT_NS_MAX 160000000   // looking in vain costs half a millisecond
#define DEEP_STEPS 4                 // of growth: as long as that takes, or longer
#define MADE_ROOM_TIMES_MAX 4        // others may be faster, but hardly four times
#define COOLING_WAITS_MAX 1000       // yields

// ---- what the limits are ----------------------------------------------------------------------

static bool is_relative_locked(const struct limits *limits) REQUIRES(limits->lock)
{
    return limit_is_relative(limits->settings[LIMIT_SOFT]) ||
           limit_is_relative(limits->settings[LIMIT_HARD]);
}

// What callbacks are told of: 100 % of the soft limit are told when giving back did not help, of
// the hard one when something is refused.
static size_t told_limit_locked(const struct limits *limits) REQUIRES(limits->lock)
{
    return size_min(limits->bytes[LIMIT_SOFT], limits->bytes[LIMIT_HARD]);
}

static void set_watch_locked(struct limits *limits, struct heap *heap) REQUIRES(limits->lock)
{
    size_t counted_bytes = page_heap_counted(&heap->pages);
    size_t watch_bytes =
        limit_next_watch(counted_bytes, limits->bytes[LIMIT_SOFT], is_relative_locked(limits));
    if (callbacks_exist(&heap->callbacks))
        watch_bytes =
            size_min(watch_bytes, limit_level_watch(told_limit_locked(limits), limits->level_pct));
    page_heap_set_watch(&heap->pages, watch_bytes);
}

// Whoever comes by next tells it, or has it told.
static void note_level_locked(struct limits *limits, struct heap *heap, bool is_refused)
    REQUIRES(limits->lock)
{
    if (!callbacks_exist(&heap->callbacks))
        return;
    struct news news = {.counted_bytes = page_heap_counted(&heap->pages),
                        .limit_bytes = told_limit_locked(limits)};
    news.level_pct = limit_level_pct(news.counted_bytes, news.limit_bytes, limits->level_pct);
    // A request that is too large for any limit says nothing about memory.
    if (is_refused && limit_level_pct(news.counted_bytes, limits->bytes[LIMIT_HARD], 0) >= 90)
        news.level_pct = 100;
    if (news.level_pct > limits->level_pct) {
        callbacks_note(&heap->callbacks, NEWS_OF_LIMIT, &news);
        store_relaxed(&heap->pages.alarm, true);   // hint
    }
    limits->level_pct = news.level_pct;
}

static void resolve_locked(struct limits *limits, struct heap *heap) REQUIRES(limits->lock)
{
    size_t system_bytes = LIMIT_NONE, machine_bytes = 0;
    if (is_relative_locked(limits)) {
        system_bytes = memory_limit_read("");
        machine_bytes = memory_of_machine("");
    }
    for (int i = 0; i < LIMIT_KINDS; i++)
        limits->told_bytes[i] = limits->bytes[i] =
            limit_resolve(limits->settings[i], system_bytes, machine_bytes);
    page_heap_set_hard_limit(&heap->pages, limits->bytes[LIMIT_HARD]);
    limits->has_looked = true;
    limits->is_exhausted = false;   // it may suffice for the new limit
}

static void look_locked(struct limits *limits, struct heap *heap, uint64_t now_ns)
    REQUIRES(limits->lock)
{
    bool is_new = limits->has_looked && now_ns - limits->looked_at_ns < LOOK_EVERY_NS;
    if (is_new || !is_relative_locked(limits))
        return;
    resolve_locked(limits, heap);
    limits->looked_at_ns = now_ns;
}

// Of a limit that is not known yet the heap keeps clear until somebody looks.
static size_t bytes_at_first(size_t setting)
{
    return limit_is_relative(setting) ? LIMIT_FIRST_LOOK_BYTES
                                      : limit_resolve(setting, LIMIT_NONE, 0);
}

void limits_init(struct limits *limits, struct heap *heap)
{
    const struct config *config = config_get();
    lock_init(&limits->lock, LOCK_RANK_LIMITS);
    lock_acquire(&limits->lock);
    limits->settings[LIMIT_SOFT] = config->soft_limit;
    limits->settings[LIMIT_HARD] = config->hard_limit;
    for (int i = 0; i < LIMIT_KINDS; i++) {
        bool is_known = !limit_is_relative(limits->settings[i]);
        limits->bytes[i] = bytes_at_first(limits->settings[i]);
        limits->told_bytes[i] = is_known ? limits->bytes[i] : LIMIT_NONE;
    }
    store_relaxed(&limits->is_hard, config->hard_limit != CONFIG_OFF);   // hint
    page_heap_set_hard_limit(&heap->pages, limits->bytes[LIMIT_HARD]);
    page_heap_set_watch(&heap->pages, limits->bytes[LIMIT_SOFT]);
    lock_release(&limits->lock);
}

// ---- giving back ------------------------------------------------------------------------------

struct effort {
    struct heap *heap;
    uint64_t     cpu_end_ns;   // CPU time of this thread at which it ends
};

static bool is_over(const struct effort *effort)
{
    return host_thread_cpu_ns() >= effort->cpu_end_ns;
}

// Idle runs. Returns how much went back.
static size_t give_back_runs(const struct effort *effort, size_t n_bytes)
{
    size_t done_bytes = 0, step_bytes = 1;
    while (done_bytes < n_bytes && step_bytes > 0 && !is_over(effort)) {
        step_bytes =
            page_heap_scavenge(&effort->heap->pages, size_min(n_bytes - done_bytes, STEP_BYTES));
        done_bytes += step_bytes;
    }
    count(&effort->heap->counters.returned_bytes[RETURN_LIMIT], done_bytes);
    return done_bytes;
}

static size_t give_back_inside(const struct effort *effort, size_t n_bytes)
{
    size_t done_bytes = 0, step_bytes = 1;
    while (done_bytes < n_bytes && step_bytes > 0 && !is_over(effort)) {
        step_bytes =
            central_cool(&effort->heap->central, size_min(n_bytes - done_bytes, STEP_BYTES));
        done_bytes += step_bytes;
    }
    count(&effort->heap->counters.returned_bytes[RETURN_LIMIT], done_bytes);
    return done_bytes;
}

// What caches hold, of pages and of slots, then what lies between live objects.
static size_t give_back_deep(const struct effort *effort, size_t n_bytes)
{
    struct heap *heap = effort->heap;
    heap_collect(heap);
    page_heap_flush_caches(&heap->pages);
    size_t done_bytes = give_back_runs(effort, n_bytes);
    if (done_bytes < n_bytes)
        done_bytes += give_back_inside(effort, n_bytes - done_bytes);
    return done_bytes;
}

static void begin_locked(struct limits *limits, uint64_t now_ns) REQUIRES(limits->lock)
{
    if (limits->has_begun)
        return;
    limits->has_begun = true;
    pacer_init_saving(&limits->pacer, CPU_SHARE_PCT, CPU_SAVED_NS_MAX, now_ns);
    limits->deep_wait_ns = DEEP_WAIT_NS_MIN;
}

// Looking everywhere is of use again at once, or after a while, or when the heap has grown on.
static void note_deep_locked(struct limits *limits, bool was_of_use, size_t counted_bytes,
                             uint64_t now_ns) REQUIRES(limits->lock)
{
    limits->deep_wait_ns =
        was_of_use ? DEEP_WAIT_NS_MIN : size_min(2 * limits->deep_wait_ns, DEEP_WAIT_NS_MAX);
    limits->deep_at_ns = was_of_use ? now_ns : now_ns + limits->deep_wait_ns;
    limits->deep_at_bytes =
        counted_bytes + DEEP_STEPS * limit_step_bytes(limits->bytes[LIMIT_SOFT]);
}

static bool is_time_for_deep_locked(const struct limits *limits, struct heap *heap, uint64_t now_ns)
    REQUIRES(limits->lock)
{
    return now_ns >= limits->deep_at_ns || page_heap_counted(&heap->pages) > limits->deep_at_bytes;
}

// The same as long as there is credit, and deep only if that was of use lately.
static void give_back_paced_locked(struct limits *limits, struct heap *heap, size_t n_bytes,
                                   uint64_t now_ns) REQUIRES(limits->lock)
{
    uint64_t      allowance_ns = pacer_allowance_ns(&limits->pacer, now_ns);
    uint64_t      begun_ns = host_thread_cpu_ns();
    struct effort effort = {heap, begun_ns + allowance_ns};
    if (allowance_ns == 0)
        return;
    size_t done_bytes = give_back_runs(&effort, n_bytes);
    bool   is_enough = done_bytes >= n_bytes || is_over(&effort);
    if (!is_enough && is_time_for_deep_locked(limits, heap, now_ns)) {
        size_t deep_bytes = give_back_deep(&effort, n_bytes - done_bytes);
        note_deep_locked(limits, deep_bytes >= limit_step_bytes(limits->bytes[LIMIT_SOFT]),
                         page_heap_counted(&heap->pages), now_ns);
    }
    uint64_t spent_ns = host_thread_cpu_ns() - begun_ns;
    pacer_spend(&limits->pacer, spent_ns);
    count(&heap->counters.return_cpu_ns, spent_ns);
}

// Down to `limit_bytes`. What has been taken since the last time is not paced.
static void give_back_locked(struct limits *limits, struct heap *heap, size_t limit_bytes,
                             uint64_t now_ns) REQUIRES(limits->lock)
{
    struct effort effort = {heap, UINT64_MAX};
    size_t        counted_bytes = page_heap_counted(&heap->pages);
    size_t        excess_bytes = limit_excess_bytes(counted_bytes, limit_bytes);
    begin_locked(limits, now_ns);
    if (excess_bytes > 0 && counted_bytes > limits->settled_bytes) {
        size_t taken_bytes = counted_bytes - limits->settled_bytes;
        size_t done_bytes = give_back_runs(&effort, size_min(excess_bytes, taken_bytes));
        excess_bytes -= size_min(excess_bytes, done_bytes);
    }
    if (excess_bytes > 0)
        give_back_paced_locked(limits, heap, excess_bytes, now_ns);
    limits->settled_bytes = page_heap_counted(&heap->pages);
}

void limits_answer_watch(struct heap *heap)
{
    struct limits *limits = &heap->limits;
    if (lock_this_thread_has_any() || !lock_try_acquire(&limits->lock))
        return;
    uint64_t now_ns = host_now_ns();
    look_locked(limits, heap, now_ns);
    give_back_locked(limits, heap, limits->bytes[LIMIT_SOFT], now_ns);
    note_level_locked(limits, heap, false);
    set_watch_locked(limits, heap);
    lock_release(&limits->lock);
}

void limits_look_again(struct heap *heap)
{
    struct limits *limits = &heap->limits;
    if (!lock_try_acquire(&limits->lock))
        return;
    uint64_t now_ns = host_now_ns();
    size_t   before_bytes = limits->bytes[LIMIT_SOFT];
    unsigned before_pct = limits->level_pct;
    if (limits->has_looked)   // else the heap is small
        look_locked(limits, heap, now_ns);
    size_t limit_bytes = limit_background_bytes(limits->bytes[LIMIT_SOFT]);
    if (page_heap_counted(&heap->pages) > limit_bytes)
        give_back_locked(limits, heap, limit_bytes, now_ns);
    note_level_locked(limits, heap, false);
    if (limits->bytes[LIMIT_SOFT] != before_bytes || limits->level_pct != before_pct)
        set_watch_locked(limits, heap);
    lock_release(&limits->lock);
}

// ---- the hard limit ---------------------------------------------------------------------------

// Somebody else who gives back inside of spans is waited for: what he is at still counts.
static void wait_for_cooling(struct heap *heap)
{
    for (int i = 0; i < COOLING_WAITS_MAX && lock_is_held(&heap->central.cooling); i++)
        host_yield();
}

static struct limit_frees frees_so_far(struct heap *heap)
{
    struct slots_account slots;
    slots_account_read(heap, false, &slots);
    size_t n_freed = slots.n_freed + load_relaxed(&heap->n_large_freed);      // counter
    return (struct limit_frees){n_freed, load_relaxed(&heap->large_bytes)};   // counter
}

static bool is_still_exhausted_locked(const struct limits *limits, struct limit_frees frees)
    REQUIRES(limits->lock)
{
    return limits->is_exhausted && frees.n_freed == limits->exhausted_at.n_freed &&
           frees.large_bytes >= limits->exhausted_at.large_bytes;
}

static bool make_room_locked(struct limits *limits, struct heap *heap, size_t n_bytes)
    REQUIRES(limits->lock)
{
    struct effort effort = {heap, UINT64_MAX};
    look_locked(limits, heap, host_now_ns());
    size_t             hard_bytes = limits->bytes[LIMIT_HARD];
    struct limit_frees frees = frees_so_far(heap);   // before: what is freed meanwhile is new
    if (n_bytes >= hard_bytes || is_still_exhausted_locked(limits, frees))
        return false;
    // Room also for the books of a run, and for whole OS pages.
    size_t wanted_bytes = page_heap_counted(&heap->pages) + n_bytes + 512 * KIB;
    size_t excess_bytes = wanted_bytes > hard_bytes ? wanted_bytes - hard_bytes : 0;
    size_t done_bytes = give_back_runs(&effort, excess_bytes);
    if (done_bytes >= excess_bytes && excess_bytes > 0)
        return true;
    wait_for_cooling(heap);
    done_bytes += give_back_deep(&effort, excess_bytes - done_bytes);
    limits->is_exhausted = done_bytes < excess_bytes;
    limits->exhausted_at = frees;
    return true;
}

bool limits_make_room(struct heap *heap, size_t n_bytes, unsigned n_times)
{
    struct limits *limits = &heap->limits;
    if (n_times > MADE_ROOM_TIMES_MAX)
        return false;
    lock_acquire(&limits->lock);
    bool made = make_room_locked(limits, heap, n_bytes);
    // Not once more when only live memory is left: no more than the first time in vain.
    if (n_times > 1)
        made = made && page_heap_counted(&heap->pages) + n_bytes <= limits->bytes[LIMIT_HARD];
    if (!made)
        note_level_locked(limits, heap, true);
    lock_release(&limits->lock);
    return made;
}

// ---- at run time ------------------------------------------------------------------------------

void limit_set(enum limit_kind kind, size_t setting)
{
    struct heap   *heap = heap_get();
    struct limits *limits = &heap->limits;
    lock_acquire(&limits->lock);
    uint64_t now_ns = host_now_ns();
    limits->settings[kind] = setting;
    if (kind == LIMIT_HARD && setting != CONFIG_OFF)
        store_relaxed(&limits->is_hard, true);   // hint
    resolve_locked(limits, heap);
    limits->looked_at_ns = now_ns;
    limits->deep_at_ns = now_ns;
    give_back_locked(limits, heap, limits->bytes[LIMIT_SOFT], now_ns);
    limits->level_pct = 0;   // of another limit
    note_level_locked(limits, heap, false);
    set_watch_locked(limits, heap);
    lock_release(&limits->lock);
}

bool limit_add_callback(const struct callback *callback)
{
    struct heap   *heap = heap_get();
    struct limits *limits = &heap->limits;
    if (!callbacks_add(&heap->callbacks, callback))
        return false;
    lock_acquire(&limits->lock);
    if (!limits->has_looked)
        resolve_locked(limits, heap);
    limits->level_pct = 0;   // it has been told nothing yet
    note_level_locked(limits, heap, false);
    set_watch_locked(limits, heap);
    lock_release(&limits->lock);
    background_wake(&heap->background, heap);
    return true;
}

bool limit_remove_callback(void (*function)(void), void *context)
{
    return callbacks_remove(&heap_get()->callbacks, function, context);
}

size_t limit_read(enum limit_kind kind)
{
    struct heap   *heap = heap_get();
    struct limits *limits = &heap->limits;
    lock_acquire(&limits->lock);
    look_locked(limits, heap, host_now_ns());
    size_t n_bytes = limits->bytes[kind];
    lock_release(&limits->lock);
    return n_bytes;
}

size_t limit_counted_bytes(void)
{
    struct page_account account;
    page_heap_account_read(&heap_get()->pages, &account);
    return page_account_counted_bytes(&account);
}
