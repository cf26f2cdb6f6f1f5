// Allocating and freeing runs: which way a request goes, and what each way does under its locks.
#include "pageheap/page_heap.h"

#include "base/check.h"
#include "os/host.h"
#include "os/vm.h"
#include "pageheap/scavenge_policy.h"

#include <string.h>

#define ARENA_BYTES_DEFAULT (64 * MIB)
#define LOOKS_APART_FIRST 8   // more than a small program makes

// Growth in steps is paid for bit by bit, so much in one call, or as much as is asked for: a tenth
// of a millisecond.
#define PAID_PAGES_MAX WINDOW_PAGES
#define RECORDS_FETCHED 8   // half of what a cache holds: a free after an alloc finds room

#define GROWTH_ATTEMPTS 2            // of one request; what fails twice fails for a reason
#define WAITS_MAX 1000               // yields; a step of giving back takes well below a millisecond
#define OPERATIONS_PER_VERIFY 4096   // debug builds: often enough to be near the cause

// What a request was given.
struct grant {
    page_id     first;
    size_t      released_pages;    // of those at `first`
    size_t      grown_pages;       // by which the heap grew for it, rest of an arena included
    unsigned    refused_growths;   // attempts to grow that failed
    struct run *run;               // the record that describes it
};

void page_heap_init(struct page_heap *heap, const struct page_heap_config *config)
{
    size_t arena_bytes = config->arena_bytes != 0 ? config->arena_bytes : ARENA_BYTES_DEFAULT;
    size_t n_caches = config->n_caches != 0 ? config->n_caches : host_cpus();
    heap->unit_bytes = size_max(PAGE_BYTES, vm_page_bytes());
    heap->os_page_pages = (unsigned)bytes_to_pages_down(heap->unit_bytes);
    heap->retain_pct = config->retain_pct;
    heap->step_pages_max = bytes_to_pages_down(config->step_bytes_max);
    heap->paid_pages_max = heap->step_pages_max > 0 ? PAID_PAGES_MAX : SIZE_MAX;
    heap->hold_ns = config->hold_ns;
    heap->alarm_pages = SIZE_MAX;
    heap->hard_limit_pages = SIZE_MAX;
    heap->watch_pages = SIZE_MAX;
    store_relaxed(&heap->looks_apart, LOOKS_APART_FIRST);   // owner: not known to anybody yet
    heap->n_caches = (unsigned)size_min(n_caches, PAGE_CACHES_MAX);
    lock_init(&heap->lock, LOCK_RANK_PAGE_HEAP);
    page_set_init(&heap->free, heap->os_page_pages,
                  (unsigned)bytes_to_pages_down(vm_huge_page_bytes()));
    page_map_init(&heap->map);
    heap->walk = SCAVENGE_FROM_THE_TOP;
    arena_source_init(&heap->arenas, arena_bytes, heap->unit_bytes, config->random);
    meta_pool_init(&heap->records,
                   align_up(size_max(config->record_bytes, sizeof(struct run)), 16));
    for (unsigned i = 0; i < heap->n_caches; i++)
        lock_init(&heap->caches[i].lock, LOCK_RANK_PAGE_CACHE);
}

void page_heap_destroy(struct page_heap *heap)
{
    for (size_t i = 0; i < heap->reserved.n_ranges; i++) {
        const struct page_range *range = &heap->reserved.ranges[i];
        vm_release_best_effort(page_address(range->first), pages_to_bytes(range->n_pages));
    }
    const struct arena *spare = &heap->arenas.spare;
    if (spare->end > spare->base)
        vm_release_best_effort(spare->base, spare->end - spare->base);
    meta_release_all(&heap->metadata);
    memset(heap, 0, sizeof *heap);
}

static struct page_cache *cache_of_thread(struct page_heap *heap)
{
    return &heap->caches[(uint64_t)host_thread_hash() * heap->n_caches >> 32];
}

static size_t *book_of(enum run_kind kind, size_t *in_use_pages, size_t *manual_pages)
{
    return kind == RUN_MANUAL ? manual_pages : in_use_pages;
}

// Describes the run and makes it known. Under the lock that guarded the pages, so that at any
// instant a recount finds each page where the books say it is.
static void publish_run(struct page_heap *heap, const struct run_request *request,
                        const struct grant *grant)
{
    struct run *run = grant->run;
    memset(run, 0, heap->records.record_bytes);
    run->first = grant->first;
    run->n_pages = request->n_pages;
    run->kind = (uint8_t)request->kind;
    run->zero_known = grant->released_pages == request->n_pages;
    page_map_set(&heap->map, run->first, run->n_pages, run);
}

static void retract_run(struct page_heap *heap, struct run *run)
{
    page_map_set(&heap->map, run->first, run->n_pages, NULL);
    run->kind = RUN_FREE;
}

// Frees pages of which those in `released`, if any, are.
static void give_pages_locked(struct page_heap *heap, page_id first, size_t n_pages,
                              const struct page_range *released) REQUIRES(heap->lock)
{
    if (released->n_pages == 0) {
        page_set_give(&heap->free, first, n_pages, false);
        return;
    }
    page_id behind = page_plus(released->first, released->n_pages);
    size_t  n_before = released->first.number - first.number;
    DCHECK_LE(n_before + released->n_pages, n_pages);
    size_t n_behind = n_pages - n_before - released->n_pages;
    if (n_before > 0)
        page_set_give(&heap->free, first, n_before, false);
    page_set_give(&heap->free, released->first, released->n_pages, true);
    if (n_behind > 0)
        page_set_give(&heap->free, behind, n_behind, false);
}

// Whole OS pages: those that were cut have been ready before, or are ours to make so.
static void use_pages(const struct page_heap *heap, page_id first, size_t n_pages)
{
    uintptr_t start = align_down(page_address(first), heap->unit_bytes);
    uintptr_t end = align_up(page_address(page_plus(first, n_pages)), heap->unit_bytes);
    vm_use(start, end - start);
}

// While no alarm is set, nobody looks at how much is in use. What is ready when it is raised was,
// a moment ago.
static void raise_alarm_locked(struct page_heap *heap) REQUIRES(heap->lock)
{
    size_t ready_bytes =
        pages_to_bytes(heap->grown.total_pages - heap->free.released_pages) - heap->released_inside;
    if (heap->hold_ns > 0)
        recent_peak_update(&heap->peak, ready_bytes, host_now_ns(), heap->hold_ns);
    store_relaxed(&heap->alarm, true);   // hint
}

static void look_at_alarm_locked(struct page_heap *heap) REQUIRES(heap->lock)
{
    if (UNLIKELY(heap->free.free_pages - heap->free.released_pages > heap->alarm_pages) &&
        !load_relaxed(&heap->alarm))   // hint: written under this lock
        raise_alarm_locked(heap);
}

void page_heap_set_alarm(struct page_heap *heap, size_t n_bytes)
{
    lock_acquire(&heap->lock);
    heap->alarm_pages = bytes_to_pages_down(n_bytes);
    store_relaxed(&heap->alarm, false);   // hint
    look_at_alarm_locked(heap);
    lock_release(&heap->lock);
}

// ---- past the caches --------------------------------------------------------------------------

// How far to grow for a request: a sixty-fourth of the heap if that is more, so that a large heap
// does not ask the kernel for each object; what is not used of it holds no memory. But no further
// than the arena goes.
#define GROWTH_SHARE 64

static size_t growth_pages(const struct page_heap *heap, size_t n_pages)
{
    size_t step_pages = size_min(heap->grown.total_pages / GROWTH_SHARE, heap->step_pages_max);
    size_t rest_pages = bytes_to_pages_down(heap->current.end - heap->current.base);
    return size_max(n_pages, size_min(step_pages, rest_pages));
}

// The lowest place where `n_pages` fit; if there is none, the heap grows, if possible by
// `grow_pages`. A single refusal by the kernel is made up for by a second attempt.
static bool find_or_grow_locked(struct page_heap *heap, size_t n_pages, size_t grow_pages,
                                struct grant *grant) REQUIRES(heap->lock)
{
    if (page_set_find(&heap->free, n_pages, &grant->first))
        return true;
    if (!page_heap_may_ready_locked(heap, n_pages))
        return false;
    while (grant->grown_pages == 0) {
        if (grant->refused_growths == GROWTH_ATTEMPTS)
            return false;
        grant->grown_pages = page_heap_grow_locked(heap, grow_pages);
        grant->refused_growths += grant->grown_pages == 0;
        grow_pages = n_pages;
    }
    return page_set_find(&heap->free, n_pages, &grant->first);
}

// The lowest hole of an aligned run's own size, which is where one like it was freed; else one
// with room for any position.
static bool find_aligned(struct page_heap *heap, const struct run_request *request,
                         page_id *out_first)
{
    size_t n_pages = request->n_pages;
    for (size_t searched = n_pages;; searched = n_pages + request->align_pages - 1) {
        page_id found;
        if (!page_set_find(&heap->free, searched, &found))
            return false;
        *out_first = page_at_number(align_up(found.number, request->align_pages));
        if (page_set_free_from(&heap->free, *out_first, n_pages) == n_pages)
            return true;
    }
}

// If there is none, the heap grows by as much as the position behind its present end takes, or
// by enough for any position where that does not fit into the current arena.
static bool find_or_grow_aligned_locked(struct page_heap *heap, const struct run_request *request,
                                        struct grant *grant) REQUIRES(heap->lock)
{
    if (find_aligned(heap, request, &grant->first))
        return true;
    if (grant->refused_growths == GROWTH_ATTEMPTS ||
        !page_heap_may_ready_locked(heap, request->n_pages))
        return false;
    size_t end_page = page_of_address(heap->current.base).number;
    size_t first = align_up(end_page, request->align_pages);
    size_t here_pages = first - end_page + request->n_pages;
    bool   here = pages_to_bytes(here_pages) <= heap->current.end - heap->current.base;
    grant->grown_pages = page_heap_grow_locked(
        heap, here ? here_pages : request->n_pages + request->align_pages - 1);
    grant->refused_growths += grant->grown_pages == 0;
    if (grant->grown_pages == 0)
        return false;
    page_id lowest;   // what was free before the end may have made a lower position possible
    bool    found = find_aligned(heap, request, &lowest);
    grant->first = found ? lowest : page_at_number(first);
    return found || here;
}

static bool alloc_from_set_locked(struct page_heap *heap, const struct run_request *request,
                                  struct grant *grant) REQUIRES(heap->lock)
{
    size_t n_pages = request->n_pages;
    grant->run = meta_pool_take(&heap->records, &heap->metadata);
    if (grant->run == NULL)
        return false;
    bool found = request->align_pages > 1
                     ? find_or_grow_aligned_locked(heap, request, grant)
                     : find_or_grow_locked(heap, n_pages, growth_pages(heap, n_pages), grant);
    if (!found || !page_heap_may_take_locked(heap, grant->first, n_pages)) {
        meta_pool_give(&heap->records, grant->run);
        return false;
    }
    // Nothing fails below.
    grant->released_pages = page_set_take(&heap->free, grant->first, n_pages);
    page_heap_look_at_watch_locked(heap);
    page_set_note_taken(&heap->free, grant->first, n_pages);
    *book_of(request->kind, &heap->in_use_pages, &heap->manual_pages) += request->n_pages;
    publish_run(heap, request, grant);
    return true;
}

// ---- through a cache --------------------------------------------------------------------------

static void cache_flush_locked(struct page_heap *heap, struct page_cache *cache)
    REQUIRES(heap->lock) REQUIRES(cache->lock)
{
    page_set_give_window(&heap->free, &cache->window);
    look_at_alarm_locked(heap);
    cache->window = (struct page_window){.free = 0};
    while (cache->n_records > 0)
        meta_pool_give(&heap->records, cache->records[--cache->n_records]);
}

// How far to grow for a cache: to the end of a window, so that windows are filled whole.
static size_t window_growth_pages(const struct page_heap *heap, size_t n_pages)
{
    size_t in_window = page_of_address(heap->current.base).number % WINDOW_PAGES;
    size_t n_to_end = WINDOW_PAGES - in_window;
    size_t n_least = n_to_end >= n_pages ? n_to_end : n_to_end + WINDOW_PAGES;
    return n_least + align_down(growth_pages(heap, n_least) - n_least, WINDOW_PAGES);
}

// Serves the request from the set and leaves the cache with the window where it was found: where
// there is room for one run there is room for the next.
static bool cache_refill_locked(struct page_heap *heap, struct page_cache *cache, size_t n_pages,
                                struct grant *grant) REQUIRES(heap->lock) REQUIRES(cache->lock)
{
    cache_flush_locked(heap, cache);
    while (cache->n_records < RECORDS_FETCHED) {
        void *record = meta_pool_take(&heap->records, &heap->metadata);
        if (record == NULL)
            break;
        cache->records[cache->n_records++] = record;
    }
    if (cache->n_records == 0 ||
        !find_or_grow_locked(heap, n_pages, window_growth_pages(heap, n_pages), grant) ||
        !page_heap_may_take_locked(heap, grant->first, n_pages))
        return false;
    // Nothing fails below.
    grant->run = cache->records[--cache->n_records];
    grant->released_pages = page_set_take(&heap->free, grant->first, n_pages);
    page_set_note_taken(&heap->free, grant->first, n_pages);
    if (page_heap_may_ready_locked(heap, WINDOW_PAGES))   // else the rest of it is for all
        cache->window = page_set_take_window(&heap->free, page_plus(grant->first, n_pages - 1));
    page_heap_look_at_watch_locked(heap);
    return true;
}

static bool alloc_through_cache(struct page_heap *heap, const struct run_request *request,
                                struct grant *grant)
{
    struct page_cache *cache = cache_of_thread(heap);
    size_t             n_pages = request->n_pages;
    lock_acquire(&cache->lock);
    bool granted = cache->n_records > 0 &&
                   page_window_take(&cache->window, (unsigned)n_pages, heap->os_page_pages,
                                    &grant->first, &grant->released_pages);
    if (LIKELY(granted)) {
        grant->run = cache->records[--cache->n_records];
    } else {
        lock_acquire(&heap->lock);
        granted = cache_refill_locked(heap, cache, n_pages, grant);
        lock_release(&heap->lock);
    }
    if (granted) {
        *book_of(request->kind, &cache->in_use_pages, &cache->manual_pages) += n_pages;
        publish_run(heap, request, grant);
    }
    lock_release(&cache->lock);
    return granted;
}

void page_heap_flush_caches(struct page_heap *heap)
{
    for (unsigned i = 0; i < heap->n_caches; i++) {
        struct page_cache *cache = &heap->caches[i];
        lock_acquire(&cache->lock);
        lock_acquire(&heap->lock);
        cache_flush_locked(heap, cache);
        lock_release(&heap->lock);
        lock_release(&cache->lock);
    }
}

// ---- the face ---------------------------------------------------------------------------------

static bool alloc_past_caches(struct page_heap *heap, const struct run_request *request,
                              struct grant *grant)
{
    lock_acquire(&heap->lock);
    bool granted = alloc_from_set_locked(heap, request, grant);
    lock_release(&heap->lock);
    return granted;
}

void page_heap_note_released_inside(struct page_heap *heap, size_t n_bytes)
{
    lock_acquire(&heap->lock);
    heap->released_inside += n_bytes;
    recent_peak_lower(&heap->peak, n_bytes);
    lock_release(&heap->lock);
}

void page_heap_note_used_inside(struct page_heap *heap, size_t n_bytes)
{
    lock_acquire(&heap->lock);
    heap->released_inside -= n_bytes;
    page_heap_look_at_watch_locked(heap);
    lock_release(&heap->lock);
}

size_t page_heap_excess(struct page_heap *heap, unsigned retain_pct)
{
    struct page_account account;
    page_heap_account_read(heap, &account);
    size_t used_bytes = page_account_used_bytes(&account);
    if (heap->hold_ns > 0) {
        lock_acquire(&heap->lock);
        used_bytes = recent_peak_update(&heap->peak, used_bytes, host_now_ns(), heap->hold_ns);
        lock_release(&heap->lock);
    }
    return scavenge_excess_bytes(&account, scavenge_goal_bytes(used_bytes, retain_pct));
}

// Rule of growth: about as much as the heap grew by goes back elsewhere, if there is more than
// the goal. The locks are dropped by now.
size_t page_heap_pay_owed_by(struct page_heap *heap, size_t n_pages_max)
{
    size_t owed_pages = exchange_relaxed(&heap->owed_pages, 0);   // counter
    size_t due_pages = size_min(owed_pages, n_pages_max);
    if (due_pages == 0 || heap->retain_pct == RETAIN_PCT_NEVER)
        return 0;
    size_t excess_bytes = page_heap_excess(heap, heap->retain_pct);
    size_t given_bytes =
        page_heap_scavenge(heap, size_min(pages_to_bytes(due_pages), excess_bytes));
    add_relaxed(&heap->paid_bytes, given_bytes);   // counter
    size_t left_pages = owed_pages - size_min(owed_pages, bytes_to_pages_down(given_bytes));
    // Nothing is due any more when nothing idle is beyond the goal, or no more can be given back.
    bool is_settled = given_bytes >= excess_bytes || given_bytes < pages_to_bytes(due_pages);
    add_relaxed(is_settled ? &heap->unpaid_pages : &heap->owed_pages, left_pages);   // counter
    return given_bytes;
}

static void pay_owed(struct page_heap *heap, size_t n_pages_max)
{
    size_t owed_pages = load_relaxed(&heap->owed_pages);                   // counter
    bool   has_payer = load_relaxed(&heap->has_payer);                     // hint
    if (owed_pages > (has_payer ? load_relaxed(&heap->payer_pages) : 0))   // hint
        page_heap_pay_owed_by(heap, n_pages_max);
}

void page_heap_pay_owed(struct page_heap *heap)
{
    pay_owed(heap, heap->paid_pages_max);
}

// The last reserves: what the caches hold, then what is on its way to the kernel and comes back.
static bool alloc_from_reserves(struct page_heap *heap, const struct run_request *request,
                                struct grant *grant)
{
    page_heap_flush_caches(heap);
    for (size_t waits = 0;; waits++) {
        lock_acquire(&heap->lock);
        bool more_to_come = heap->scavenging_pages > 0;
        bool granted = alloc_from_set_locked(heap, request, grant);
        lock_release(&heap->lock);
        if (granted || !more_to_come || waits == WAITS_MAX)
            return granted;
        host_yield();
    }
}

// Growth is owed for until somebody pays who holds no lock; whoever takes memory that the kernel
// has to back pays a part.
static void settle_growth(struct page_heap *heap, const struct run_request *request,
                          size_t grown_pages)
{
    if (grown_pages > 0)
        add_relaxed(&heap->owed_pages, grown_pages);   // counter
    if (!request->owes_scavenge)
        pay_owed(heap, size_max(request->n_pages, heap->paid_pages_max));
}

struct run *page_heap_alloc(struct page_heap *heap, const struct run_request *request)
{
    size_t align_pages = size_max(request->align_pages, 1);
    DCHECK(is_power_of_two(align_pages));
    DCHECK(request->kind != RUN_FREE);
    if (request->n_pages == 0 || request->n_pages > RUN_PAGES_MAX ||
        align_pages - 1 > RUN_PAGES_MAX - request->n_pages)
        return NULL;
    struct grant grant = {.grown_pages = 0};
    bool         cacheable = request->n_pages < UNCACHED_RUN_PAGES_MIN && align_pages == 1;
    bool         granted = cacheable ? alloc_through_cache(heap, request, &grant)
                                     : alloc_past_caches(heap, request, &grant);
    if (UNLIKELY(!granted) && !alloc_from_reserves(heap, request, &grant))
        return NULL;
    if (grant.released_pages > 0)
        use_pages(heap, grant.first, request->n_pages);
    if (grant.released_pages + grant.grown_pages > 0)
        settle_growth(heap, request, grant.grown_pages);
    return grant.run;
}

// Debug builds recount everything now and then. Requires: no lock of the heap is held.
static void verify_now_and_then(struct page_heap *heap)
{
    static ATOMIC(size_t) operations;
    if (add_relaxed(&operations, 1) % OPERATIONS_PER_VERIFY == 0) {   // counter
        const char *broken = page_heap_verify(heap);
        if (broken != NULL)
            stop_with_line(&broken, 1);
    }
}

static bool free_to_cache(struct page_heap *heap, struct run *run)
{
    struct page_cache *cache = cache_of_thread(heap);
    lock_acquire(&cache->lock);
    bool given = cache->n_records < PAGE_CACHE_RECORDS &&
                 page_window_give(&cache->window, run->first, (unsigned)run->n_pages);
    if (given) {
        *book_of(run->kind, &cache->in_use_pages, &cache->manual_pages) -= run->n_pages;
        retract_run(heap, run);
        cache->records[cache->n_records++] = run;
    }
    lock_release(&cache->lock);
    return given;
}

void page_heap_free(struct page_heap *heap, struct run *run)
{
    CHECK(run->kind != RUN_FREE);
    DCHECK_IF(verify_now_and_then(heap));
    if (UNLIKELY(run->mapping == MAPPING_LOST)) {
        page_heap_abandon(heap, run);
        return;
    }
    bool is_plain = run->mapping == MAPPING_SHARED;
    if (run->n_pages < UNCACHED_RUN_PAGES_MIN && is_plain && free_to_cache(heap, run))
        return;
    struct page_range released = page_heap_release_moved(heap, run, 0);
    lock_acquire(&heap->lock);
    *book_of(run->kind, &heap->in_use_pages, &heap->manual_pages) -= run->n_pages;
    retract_run(heap, run);
    give_pages_locked(heap, run->first, run->n_pages, &released);
    meta_pool_give(&heap->records, run);
    look_at_alarm_locked(heap);
    lock_release(&heap->lock);
}

void page_heap_free_partly_released(struct page_heap *heap, struct run *run, uint64_t released,
                                    size_t noted_bytes)
{
    DCHECK(run->n_pages < WORD_BITS);
    lock_acquire(&heap->lock);
    heap->released_inside -= noted_bytes;
    *book_of(run->kind, &heap->in_use_pages, &heap->manual_pages) -= run->n_pages;
    retract_run(heap, run);
    for (unsigned at = 0; at < run->n_pages;) {
        bool     are = (released >> at & 1) != 0;
        unsigned n = bits_ones_at_start((are ? released : ~released) >> at);
        n = (unsigned)size_min(n, run->n_pages - at);
        page_set_give(&heap->free, page_plus(run->first, at), n, are);
        at += n;
    }
    meta_pool_give(&heap->records, run);
    look_at_alarm_locked(heap);
    lock_release(&heap->lock);
}

void *page_heap_metadata_take(struct page_heap *heap, size_t n_bytes)
{
    lock_acquire(&heap->lock);
    bool  may = page_heap_may_ready_locked(heap, bytes_to_pages_up(n_bytes));
    void *piece = may ? meta_alloc(&heap->metadata, n_bytes) : NULL;
    lock_release(&heap->lock);
    return piece;
}

bool page_heap_has_reserved(struct page_heap *heap, uintptr_t address)
{
    lock_acquire(&heap->lock);
    bool ours = page_ranges_contains(&heap->reserved, page_of_address(address));
    lock_release(&heap->lock);
    return ours;
}

// ---- in place ---------------------------------------------------------------------------------

static void run_shorten(struct page_heap *heap, struct run *run, size_t n_pages)
{
    size_t            n_tail = run->n_pages - n_pages;
    struct page_range released = page_heap_release_moved(heap, run, n_pages);
    lock_acquire(&heap->lock);
    page_map_resize(&heap->map, run->first, run->n_pages, n_pages, run);
    give_pages_locked(heap, page_plus(run->first, n_pages), n_tail, &released);
    *book_of(run->kind, &heap->in_use_pages, &heap->manual_pages) -= n_tail;
    run->n_pages = n_pages;
    look_at_alarm_locked(heap);
    lock_release(&heap->lock);
}

// Takes the `n_more` pages at `first` if they are free or can be grown right there.
static bool take_behind_locked(struct page_heap *heap, page_id first, size_t n_more,
                               struct grant *grant) REQUIRES(heap->lock)
{
    size_t n_free = page_set_free_from(&heap->free, first, n_more);
    if (n_free < n_more) {
        bool at_frontier = page_address(page_plus(first, n_free)) == heap->current.base;
        if (!at_frontier || !page_heap_may_ready_locked(heap, n_more - n_free))
            return false;
        for (int i = 0; grant->grown_pages == 0; i++) {
            if (i == GROWTH_ATTEMPTS)
                return false;
            grant->grown_pages = page_heap_grow_in_place_locked(heap, n_more - n_free);
        }
    }
    if (!page_heap_may_take_locked(heap, first, n_more))
        return false;
    grant->first = first;
    grant->released_pages = page_set_take(&heap->free, first, n_more);
    page_heap_look_at_watch_locked(heap);
    page_set_note_taken(&heap->free, first, n_more);
    return true;
}

static bool lengthen_once(struct page_heap *heap, struct run *run, size_t n_pages,
                          struct grant *grant)
{
    size_t n_more = n_pages - run->n_pages;
    lock_acquire(&heap->lock);
    bool granted = take_behind_locked(heap, page_plus(run->first, run->n_pages), n_more, grant);
    if (granted) {
        *book_of(run->kind, &heap->in_use_pages, &heap->manual_pages) += n_more;
        page_map_resize(&heap->map, run->first, run->n_pages, n_pages, run);
        run->n_pages = n_pages;
    }
    lock_release(&heap->lock);
    return granted;
}

// Do pages that a cache holds stand in the way of the `n_more` pages at `first`?
static bool cached_page_in_the_way(struct page_heap *heap, page_id first, size_t n_more)
{
    lock_acquire(&heap->lock);
    page_id obstacle = page_plus(first, page_set_free_from(&heap->free, first, n_more));
    bool    grown = page_ranges_contains(&heap->grown, obstacle);
    lock_release(&heap->lock);
    return grown && page_heap_find(heap, page_address(obstacle)) == NULL;
}

static bool run_lengthen(struct page_heap *heap, struct run *run, size_t n_pages,
                         bool *out_zero_known)
{
    page_id      behind = page_plus(run->first, run->n_pages);
    size_t       n_more = n_pages - run->n_pages;
    struct grant grant = {.grown_pages = 0};
    bool         granted = lengthen_once(heap, run, n_pages, &grant);
    if (!granted && cached_page_in_the_way(heap, behind, n_more)) {
        page_heap_flush_caches(heap);
        granted = lengthen_once(heap, run, n_pages, &grant);
    }
    if (!granted)
        return false;
    *out_zero_known = grant.released_pages == n_more;
    if (grant.released_pages > 0)
        use_pages(heap, behind, n_more);
    if (grant.grown_pages > 0) {
        add_relaxed(&heap->owed_pages, grant.grown_pages);   // counter
        pay_owed(heap, size_max(n_more, heap->paid_pages_max));
    }
    return true;
}

bool page_heap_resize(struct page_heap *heap, struct run *run, size_t n_pages, bool *out_zero_known)
{
    DCHECK(run->kind != RUN_FREE);
    if (n_pages == 0 || n_pages > RUN_PAGES_MAX)
        return false;
    if (n_pages > run->n_pages)
        return run_lengthen(heap, run, n_pages, out_zero_known);
    if (n_pages < run->n_pages)
        run_shorten(heap, run, n_pages);
    return true;
}
