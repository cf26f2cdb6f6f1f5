// Reading the books, and the recount that they must agree with.
#include "base/check.h"
#include "pageheap/page_heap.h"

// The books with all caches' locks held, so that nothing is on its way between two of them.
static void account_all_locked(struct page_heap *heap, struct page_account *out_account)
    REQUIRES(heap->lock)
{
    size_t in_use_pages = heap->in_use_pages;
    size_t manual_pages = heap->manual_pages;
    size_t cached_pages = 0;
    size_t cached_released_pages = 0;
    for (unsigned i = 0; i < heap->n_caches; i++) {
        const struct page_cache *cache = &heap->caches[i];
        in_use_pages += cache->in_use_pages;
        manual_pages += cache->manual_pages;
        cached_pages += bits_count(cache->window.free);
        cached_released_pages += bits_count(cache->window.released);
    }
    size_t free_ready_pages =
        heap->free.free_pages - heap->free.released_pages + heap->scavenging_pages;
    *out_account = (struct page_account){
        .reserved_bytes = pages_to_bytes(heap->reserved.total_pages),
        .mapped_bytes = pages_to_bytes(heap->grown.total_pages),
        .in_use_bytes = pages_to_bytes(in_use_pages),
        .released_inside_bytes = heap->released_inside,
        .manual_bytes = pages_to_bytes(manual_pages),
        .cached_ready_bytes = pages_to_bytes(cached_pages - cached_released_pages),
        .cached_released_bytes = pages_to_bytes(cached_released_pages),
        .free_ready_bytes = pages_to_bytes(free_ready_pages),
        .free_released_bytes = pages_to_bytes(heap->free.released_pages),
        .metadata_bytes = heap->metadata.mapped_bytes + sizeof *heap,
        .grown_times = heap->grown_times,
        .scavenged_bytes = pages_to_bytes(heap->scavenged_pages),
        .scavenged_steps = heap->scavenged_steps,
        .scavenge_refused_times = heap->scavenge_refused_times,
    };
    DCHECK(page_account_adds_up(out_account));
}

NO_LOCK_ANALYSIS void page_heap_account_read(struct page_heap    *heap,
                                             struct page_account *out_account)
{
    page_heap_lock_all(heap);
    account_all_locked(heap, out_account);
    page_heap_unlock_all(heap);
}

// ---- recount ----------------------------------------------------------------------------------

struct recount {
    size_t      in_use, manual, free, cached, unaccounted;   // in pages
    const char *broken;
};

static size_t windows_that_hold(const struct page_heap *heap, page_id page)
{
    size_t n = 0;
    for (unsigned i = 0; i < heap->n_caches; i++) {
        const struct page_window *window = &heap->caches[i].window;
        size_t                    at = page.number - window->first.number;
        n += at < WINDOW_PAGES && (window->free >> at & 1) != 0;
    }
    return n;
}

static void page_verify(struct page_heap *heap, page_id page, struct recount *recount)
{
    struct run *run = page_heap_find(heap, page_address(page));
    size_t      n_free = page_set_free_from(&heap->free, page, 1);
    size_t      n_windows = windows_that_hold(heap, page);
    if (n_free + n_windows + (run != NULL) > 1)
        recount->broken = "P1 a page is in two places";   // P1, C1
    if (page_map_is_entered_twice(&heap->map, page))
        recount->broken = "M2 a page is entered by itself and with its leaf";   // M2
    recount->free += n_free;
    recount->cached += n_windows;
    if (run == NULL) {
        recount->unaccounted += n_free + n_windows == 0;
        return;
    }
    if (run->kind == RUN_FREE)
        recount->broken = "M1 the map shows a record that describes nothing";   // M1
    if (page.number - run->first.number >= run->n_pages)
        recount->broken = "M1 the map shows a run for a page outside of it";
    if (page_heap_find(heap, page_address(page_plus(run->first, run->n_pages - 1))) != run)
        recount->broken = "M1 a run is longer than the map shows";
    *(run->kind == RUN_MANUAL ? &recount->manual : &recount->in_use) += 1;
}

static void recount_ranges(struct page_heap *heap, struct recount *recount)
{
    for (size_t i = 0; i < heap->grown.n_ranges; i++) {
        const struct page_range *range = &heap->grown.ranges[i];
        for (size_t at = 0; at < range->n_pages && recount->broken == NULL; at++)
            page_verify(heap, page_plus(range->first, at), recount);
    }
}

// Do the books say what the recount found? A free page outside of the grown ranges is in the
// set's count but was not come by.
static const char *books_verify(struct page_heap *heap, const struct recount *recount)
    REQUIRES(heap->lock)
{
    bool is_lost = recount->unaccounted != heap->scavenging_pages;
    if (!is_lost && recount->free != heap->free.free_pages)
        return "P4 a page outside of the grown ranges is free";   // P4
    struct page_account account;
    account_all_locked(heap, &account);
    if (!page_account_adds_up(&account))
        return "P2 the books do not add up to what is mapped";   // P2
    if (recount->in_use != bytes_to_pages_down(account.in_use_bytes))
        return "P2 pages in use are not as counted";
    if (recount->manual != bytes_to_pages_down(account.manual_bytes))
        return "P2 manual pages are not as counted";
    if (pages_to_bytes(recount->cached) !=
        account.cached_ready_bytes + account.cached_released_bytes)
        return "P2 cached pages are not as counted";
    return is_lost ? "P1 a page is nowhere" : NULL;   // P1
}

static const char *arena_verify(const struct page_heap *heap, const struct arena *arena)
{
    for (uintptr_t at = arena->base; at < arena->end; at += PAGE_BYTES) {
        if (!page_ranges_contains(&heap->reserved, page_of_address(at)))
            return "P3 part of an arena is not reserved";   // P3
        if (page_ranges_contains(&heap->grown, page_of_address(at)))
            return "P3 part of an arena to be grown has been grown";
    }
    return NULL;
}

static const char *arenas_verify(const struct page_heap *heap)
{
    const char *broken = arena_verify(heap, &heap->current);
    size_t      ungrown_bytes = heap->current.end - heap->current.base;
    for (size_t i = 0; i < heap->n_rests && broken == NULL; i++) {
        broken = arena_verify(heap, &heap->rests[i]);
        ungrown_bytes += heap->rests[i].end - heap->rests[i].base;
    }
    if (broken != NULL)
        return broken;
    return heap->grown.total_pages + bytes_to_pages_down(ungrown_bytes) !=
                   heap->reserved.total_pages
               ? "P3 what is reserved is neither grown nor to be grown"
               : NULL;
}

static const char *caches_verify(const struct page_heap *heap)
{
    for (unsigned i = 0; i < heap->n_caches; i++) {
        const char *broken = page_window_verify(&heap->caches[i].window, heap->os_page_pages);
        if (broken != NULL)
            return broken;
    }
    return NULL;
}

static const char *page_heap_verify_locked(struct page_heap *heap) REQUIRES(heap->lock)
{
    const char *broken = page_set_verify(&heap->free);
    if (broken == NULL)
        broken = page_ranges_verify(&heap->grown);
    if (broken == NULL)
        broken = page_ranges_verify(&heap->reserved);
    if (broken == NULL)
        broken = arena_source_verify(&heap->arenas);
    if (broken == NULL)
        broken = caches_verify(heap);
    if (broken == NULL)
        broken = arenas_verify(heap);
    if (broken != NULL)
        return broken;
    struct recount recount = {.broken = NULL};
    recount_ranges(heap, &recount);
    return recount.broken != NULL ? recount.broken : books_verify(heap, &recount);
}

NO_LOCK_ANALYSIS const char *page_heap_verify(struct page_heap *heap)
{
    page_heap_lock_all(heap);
    const char *broken = page_heap_verify_locked(heap);
    page_heap_unlock_all(heap);
    return broken;
}
