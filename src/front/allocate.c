// Allocating: small objects from the thread's cache, large ones as runs of their own.
#include "front/allocate.h"
#include "base/check.h"
#include "front/fast.h"
#include "front/release.h"

#include <string.h>

// With another word or span of the cache, or without a cache.
static void *allocate_slot(struct heap *heap, unsigned size_class)
{
    struct cache *cache = thread_earn_cache(&heap->caches);
    if (cache != NULL) {
        void *slot = cache_allocate(cache, size_class);
        cache_leave(cache);
        return slot;
    }
    return central_fetch(&heap->central, size_class);
}

static inline void pay_for_growth(struct heap *heap, size_t n_bytes)
{
    size_t unpaid_pages = load_relaxed(&heap->pages.unpaid_pages);   // counter
    if (UNLIKELY(pages_to_bytes(unpaid_pages) >
                 load_relaxed(&heap->background.give_back.worth_bytes)))   // hint
        background_answer_growth(&heap->background, heap, n_bytes);
    heap_look_at_limits(heap);
}

// The OS has no more memory: collect what caches hold, and what nobody has taken in yet. Not for a
// request that all of the heap could not serve.
static bool collect(struct heap *heap, size_t n_bytes)
{
    struct page_account account;
    page_heap_account_read(&heap->pages, &account);
    if (n_bytes > account.mapped_bytes)
        return false;
    release_late_frees(heap);
    caches_empty(&heap->caches);
    central_tidy(&heap->central);
    central_wait_for_cooling(&heap->central);
    return true;
}

bool allocate_try_again(struct heap *heap, size_t n_bytes, unsigned n_times)
{
    return limits_have_hard(&heap->limits) ? limits_make_room(heap, n_bytes, n_times)
                                           : n_times == 1 && collect(heap, n_bytes);
}

static NOINLINE void *allocate_small_slowly(size_t alignment, unsigned size_class)
{
    struct heap *heap = heap_get();
    if (UNLIKELY(lock_this_thread_has_any()))   // in a signal handler
        return reserve_allocate(&heap->reserve, alignment, size_classes[size_class].slot_bytes);
    size_t   n_bytes = pages_to_bytes(size_classes[size_class].span_pages);
    unsigned n_times = 0;
    void    *slot = allocate_slot(heap, size_class);
    while (UNLIKELY(slot == NULL) && allocate_try_again(heap, n_bytes, ++n_times)) {
        slot = allocate_slot(heap, size_class);
        if (slot == NULL)   // not from a span that a cache would have to warm
            slot = central_fetch(&heap->central, size_class);
    }
    if (UNLIKELY(slot == NULL))
        count(&heap->counters.n_refused, 1);
    pay_for_growth(heap, size_classes[size_class].slot_bytes);
    return slot;
}

// Requires: slots of the class lie at multiples of `alignment`.
static void *allocate_small(size_t alignment, unsigned size_class)
{
    void *slot = fast_allocate_slot(size_class);
    return LIKELY(slot != NULL) ? slot : allocate_small_slowly(alignment, size_class);
}

struct span *allocate_run(struct heap *heap, size_t alignment, size_t n_bytes)
{
    if (n_bytes > OBJECT_BYTES_MAX || alignment > OBJECT_BYTES_MAX)
        return NULL;
    release_late_frees(heap);
    struct run_request request = {
        .n_pages = bytes_to_pages_up(size_max(n_bytes, 1)),
        .align_pages = size_max(bytes_to_pages_down(alignment), 1),
        .kind = RUN_IN_USE,
    };
    unsigned    n_times = 0;
    struct run *run = page_heap_alloc(&heap->pages, &request);
    while (UNLIKELY(run == NULL) && allocate_try_again(heap, n_bytes, ++n_times))
        run = page_heap_alloc(&heap->pages, &request);
    if (run == NULL) {
        count(&heap->counters.n_refused, 1);
        return NULL;
    }
    pay_for_growth(heap, n_bytes);
    add_relaxed(&heap->n_large_allocated, 1);          // counter
    add_relaxed(&heap->large_bytes, run_bytes(run));   // counter
    return span_of_run(run);
}

static NOINLINE void *allocate_large(size_t alignment, size_t n_bytes, bool *out_zero_known)
{
    struct heap *heap = heap_get();
    *out_zero_known = false;
    if (UNLIKELY(lock_this_thread_has_any()))   // in a signal handler
        return reserve_allocate(&heap->reserve, alignment, n_bytes);
    struct span *span = allocate_run(heap, alignment, n_bytes);
    if (span == NULL)
        return NULL;
    *out_zero_known = span->run.zero_known;
    return run_start(&span->run);
}

unsigned allocate_class_for(size_t alignment, size_t n_bytes)
{
    if (alignment <= OBJECT_ALIGN)
        return n_bytes <= SMALL_BYTES_MAX ? size_class_for(n_bytes) : SPAN_LARGE;
    if (alignment > PAGE_BYTES || n_bytes > SMALL_BYTES_MAX - alignment)
        return SPAN_LARGE;
    // Spans start at a page, so any class of a multiple of the alignment will do; a power of two
    // is one and never far.
    unsigned size_class = size_class_for(size_max(n_bytes, alignment));
    while (size_classes[size_class].slot_bytes % alignment != 0)
        size_class++;
    return size_class;
}

void *front_allocate_aligned(size_t alignment, size_t n_bytes)
{
    DCHECK(is_power_of_two(alignment));
    bool     zero_known;
    unsigned size_class = allocate_class_for(alignment, n_bytes);
    if (LIKELY(size_class != SPAN_LARGE))
        return allocate_small(alignment, size_class);
    return allocate_large(alignment, n_bytes, &zero_known);
}

void *front_allocate(size_t n_bytes)
{
    return front_allocate_aligned(OBJECT_ALIGN, n_bytes);
}

void *front_allocate_zeroed(size_t n_bytes)
{
    bool  zero_known = false;
    void *object;
    if (n_bytes <= SMALL_BYTES_MAX)
        object = allocate_small(OBJECT_ALIGN, size_class_for(n_bytes));
    else
        object = allocate_large(OBJECT_ALIGN, n_bytes, &zero_known);
    if (object != NULL && !zero_known)
        memset(object, 0, n_bytes);
    return object;
}
