// Holding the heap still: all of its locks, around a fork, and for whoever walks its ranges.
#include "base/check.h"
#include "os/host.h"
#include "pageheap/page_heap.h"

NO_LOCK_ANALYSIS void page_heap_lock_all(struct page_heap *heap)
{
    for (unsigned i = 0; i < heap->n_caches; i++)
        lock_acquire(&heap->caches[i].lock);
    lock_acquire(&heap->lock);
}

NO_LOCK_ANALYSIS void page_heap_unlock_all(struct page_heap *heap)
{
    lock_release(&heap->lock);
    for (unsigned i = heap->n_caches; i > 0; i--)
        lock_release(&heap->caches[i - 1].lock);
}

void page_heap_reset_locks(struct page_heap *heap)
{
    lock_init(&heap->lock, LOCK_RANK_PAGE_HEAP);
    for (unsigned i = 0; i < heap->n_caches; i++)
        lock_init(&heap->caches[i].lock, LOCK_RANK_PAGE_CACHE);
}

static void stand_still(struct page_heap *heap, bool still)
{
    lock_acquire(&heap->lock);
    heap->n_standing_still += still ? 1u : (unsigned)-1;
    lock_release(&heap->lock);
}

NO_LOCK_ANALYSIS void page_heap_fork_prepare(struct page_heap *heap)
{
    stand_still(heap, true);
    page_heap_lock_all(heap);
    while (heap->scavenging_pages > 0) {   // whoever gives them back needs the lock to finish
        page_heap_unlock_all(heap);
        host_yield();
        page_heap_lock_all(heap);
    }
}

void page_heap_fork_parent(struct page_heap *heap)
{
    page_heap_unlock_all(heap);
    stand_still(heap, false);
}

void page_heap_fork_child(struct page_heap *heap)
{
    page_heap_reset_locks(heap);
    heap->n_standing_still = 0;
}

void page_heap_each_range(struct page_heap *heap,
                          void (*visit)(void *context, page_id first, size_t n_pages),
                          void *context)
{
    lock_acquire(&heap->lock);
    for (size_t i = 0; i < heap->grown.n_ranges; i++)
        visit(context, heap->grown.ranges[i].first, heap->grown.ranges[i].n_pages);
    lock_release(&heap->lock);
}

void page_heap_each_run_locked(struct page_heap *heap,
                               void (*visit)(void *context, struct run *run), void *context)
{
    DCHECK(lock_is_held(&heap->lock));
    for (size_t i = 0; i < heap->grown.n_ranges; i++) {
        page_id page = heap->grown.ranges[i].first;
        page_id end = page_plus(page, heap->grown.ranges[i].n_pages);
        while (page.number < end.number) {
            struct run *run = page_heap_find(heap, page_address(page));
            if (run != NULL)
                visit(context, run);
            page = page_plus(page, run != NULL ? run->n_pages : 1);
        }
    }
}
