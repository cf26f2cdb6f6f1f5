// Giving back: the mechanism. When and how much is scavenge_policy's to say.
#include "base/check.h"
#include "os/vm.h"
#include "pageheap/page_heap.h"

// Steps of one call are no larger than a leaf, so that pages do not stay away for long.
#define STEP_PAGES_MAX LEAF_PAGES

size_t page_heap_scavenge_step(struct page_heap *heap, size_t n_pages_max)
{
    page_id first;
    size_t  n_pages;
    // Take the run out of the free set first, so that nobody can allocate it while we tell the
    // OS. Pages freed meanwhile are simply left for the next step.
    lock_acquire(&heap->lock);
    bool found = page_set_find_releasable(&heap->free, n_pages_max, &first, &n_pages);
    if (found) {
        page_set_take(&heap->free, first, n_pages);
        heap->scavenging_pages += n_pages;
    }
    lock_release(&heap->lock);
    if (!found)
        return 0;

    bool granted = vm_unuse(page_address(first), pages_to_bytes(n_pages));

    lock_acquire(&heap->lock);
    page_set_give(&heap->free, first, n_pages, granted);
    heap->scavenging_pages -= n_pages;
    if (granted)
        heap->scavenged_pages += n_pages;
    else
        heap->scavenge_refused_times++;
    lock_release(&heap->lock);
    return granted ? n_pages : 0;
}

size_t page_heap_scavenge(struct page_heap *heap, size_t n_bytes)
{
    size_t wanted_pages = bytes_to_pages_up(n_bytes);
    size_t done_pages = 0;
    while (done_pages < wanted_pages) {
        size_t n_pages =
            page_heap_scavenge_step(heap, size_min(wanted_pages - done_pages, STEP_PAGES_MAX));
        if (n_pages == 0)   // nothing idle, or not now: whoever refused would refuse again
            break;
        done_pages += n_pages;
    }
    return pages_to_bytes(done_pages);
}

size_t page_heap_trim(struct page_heap *heap)
{
    page_heap_flush_caches(heap);
    return page_heap_scavenge(heap, SIZE_MAX);
}
