// What limits need of the page heap: a count, a bound and a bell. What to do about them is others'.
//
// The books of a request are got before it is known whether it may be granted, and stay; so a step
// of growth of the books is kept back.
//
// Pages that wait in a page cache count as ready even if they are released: a cache hands them out
// without the heap's lock. So the count is exact, or a little too high until caches are flushed.
#include "pageheap/page_heap.h"

#define BOOKS_STEP_BYTES (128 * KIB)   // twice that of meta_source.c: records, and lists of ranges

static size_t counted_pages_locked(const struct page_heap *heap) REQUIRES(heap->lock)
{
    size_t metadata_bytes = heap->metadata.mapped_bytes + sizeof *heap;
    return heap->grown.total_pages - heap->free.released_pages -
           bytes_to_pages_down(heap->released_inside) + bytes_to_pages_up(metadata_bytes);
}

size_t page_heap_counted(struct page_heap *heap)
{
    lock_acquire(&heap->lock);
    size_t counted_pages = counted_pages_locked(heap);
    lock_release(&heap->lock);
    return pages_to_bytes(counted_pages);
}

void page_heap_set_hard_limit(struct page_heap *heap, size_t n_bytes)
{
    lock_acquire(&heap->lock);
    size_t kept_bytes = size_min(n_bytes, BOOKS_STEP_BYTES);
    heap->hard_limit_pages =
        n_bytes == SIZE_MAX ? SIZE_MAX : bytes_to_pages_down(n_bytes - kept_bytes);
    lock_release(&heap->lock);
}

void page_heap_set_watch(struct page_heap *heap, size_t n_bytes)
{
    lock_acquire(&heap->lock);
    heap->watch_pages = n_bytes == SIZE_MAX ? SIZE_MAX : bytes_to_pages_down(n_bytes);
    store_relaxed(&heap->has_passed_watch, false);   // hint
    page_heap_look_at_watch_locked(heap);
    lock_release(&heap->lock);
}

void page_heap_look_at_watch_locked(struct page_heap *heap)
{
    size_t counted_pages = counted_pages_locked(heap);
    heap->most_pages = size_max(heap->most_pages, counted_pages);
    if (UNLIKELY(counted_pages > heap->watch_pages))
        store_relaxed(&heap->has_passed_watch, true);                      // hint
    if (UNLIKELY(++heap->n_looks >= load_relaxed(&heap->looks_apart))) {   // hint
        heap->n_looks = 0;
        store_relaxed(&heap->has_moved, true);   // hint
    }
}

bool page_heap_may_ready_locked(struct page_heap *heap, size_t n_pages)
{
    if (LIKELY(heap->hard_limit_pages == SIZE_MAX) || n_pages == 0)
        return true;
    size_t counted_pages = counted_pages_locked(heap);
    return counted_pages <= heap->hard_limit_pages &&
           n_pages <= heap->hard_limit_pages - counted_pages;
}

bool page_heap_may_take_locked(struct page_heap *heap, page_id first, size_t n_pages)
{
    return LIKELY(heap->hard_limit_pages == SIZE_MAX) ||
           page_heap_may_ready_locked(heap, page_set_count_released(&heap->free, first, n_pages));
}

bool page_heap_try_use_inside(struct page_heap *heap, size_t n_bytes)
{
    lock_acquire(&heap->lock);
    bool may = page_heap_may_ready_locked(heap, bytes_to_pages_up(n_bytes));
    if (may)
        heap->released_inside -= n_bytes;
    page_heap_look_at_watch_locked(heap);
    lock_release(&heap->lock);
    return may;
}
