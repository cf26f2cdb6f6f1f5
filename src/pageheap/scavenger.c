// Giving back: the mechanism. When and how much is scavenge_policy's to say.
#include "base/check.h"
#include "os/vm.h"
#include "pageheap/page_heap.h"

// Steps of one call are no larger than a leaf, so that pages do not stay away for long.
#define STEP_PAGES_MAX LEAF_PAGES

// A refusal is looked into: an eighth of the run at a time, until what the kernel refuses (a
// locked page, mostly) is one OS page, which is then passed by. Four refusals find one such page.
#define NARROWING 8
#define REFUSALS_MAX 64   // per call; then all may be locked, and each try costs a microsecond

static bool take_step_locked(struct page_heap *heap, size_t n_pages_max, bool spares_taken,
                             struct page_range *out) REQUIRES(heap->lock)
{
    const struct scavenge_walk *walk = &heap->walk;
    struct release_limits       limits = {
              .below = walk->below, .n_pages_max = n_pages_max, .spares_taken = spares_taken};
    if (walk->narrow_pages != 0) {
        limits.n_pages_max = size_min(n_pages_max, walk->narrow_pages);
        limits.breaks_huge_pages = true;
    }
    if (heap->n_standing_still > 0 ||
        !page_set_find_releasable_within(&heap->free, &limits, &out->first, &out->n_pages))
        return false;
    // Out of the free set first, so that nobody can allocate it while we tell the OS. Pages freed
    // meanwhile are simply left for the next step.
    page_set_take(&heap->free, out->first, out->n_pages);
    heap->scavenging_pages += out->n_pages;
    return true;
}

// Where the next step looks, after the kernel refused a run.
static void walk_refused_locked(struct page_heap *heap, const struct page_range *range)
    REQUIRES(heap->lock)
{
    struct scavenge_walk *walk = &heap->walk;
    heap->scavenge_refused_times++;
    if (range->n_pages > heap->os_page_pages) {
        walk->below = page_plus(range->first, range->n_pages);
        walk->narrow_pages = size_max(range->n_pages / NARROWING, heap->os_page_pages);
    } else {
        walk->below = range->first;
        walk->narrow_pages = 0;
    }
}

static void finish_step_locked(struct page_heap *heap, const struct page_range *range, bool granted)
    REQUIRES(heap->lock)
{
    page_set_give(&heap->free, range->first, range->n_pages, granted);
    heap->scavenging_pages -= range->n_pages;
    if (granted) {
        heap->scavenged_pages += range->n_pages;
        heap->scavenged_steps++;
    } else {
        walk_refused_locked(heap, range);
    }
}

enum step_result { STEP_NOTHING_IDLE, STEP_REFUSED, STEP_GIVEN_BACK };

static enum step_result scavenge_step(struct page_heap *heap, size_t n_pages_max, bool spares_taken,
                                      size_t *out_n_pages)
{
    struct page_range range;
    // A fork waits for pages on their way to the kernel: one in a signal handler that interrupts us
    // here is to know that it would wait for itself.
    lock_begin_as_if_held();
    lock_acquire(&heap->lock);
    bool found = take_step_locked(heap, n_pages_max, spares_taken, &range);
    if (!found)
        heap->walk = SCAVENGE_FROM_THE_TOP;
    lock_release(&heap->lock);
    if (!found) {
        lock_end_as_if_held();
        return STEP_NOTHING_IDLE;
    }

    bool granted = vm_unuse(page_address(range.first), pages_to_bytes(range.n_pages));

    lock_acquire(&heap->lock);
    finish_step_locked(heap, &range, granted);
    lock_release(&heap->lock);
    lock_end_as_if_held();
    *out_n_pages = range.n_pages;
    return granted ? STEP_GIVEN_BACK : STEP_REFUSED;
}

size_t page_heap_scavenge_step(struct page_heap *heap, size_t n_pages_max)
{
    size_t n_pages = 0;
    return scavenge_step(heap, n_pages_max, false, &n_pages) == STEP_GIVEN_BACK ? n_pages : 0;
}

static size_t scavenge(struct page_heap *heap, size_t n_bytes, bool spares_taken)
{
    size_t wanted_pages = bytes_to_pages_up(n_bytes);
    size_t done_pages = 0;
    size_t refusals = 0;
    lock_acquire(&heap->lock);
    heap->walk = SCAVENGE_FROM_THE_TOP;
    lock_release(&heap->lock);
    while (done_pages < wanted_pages && refusals < REFUSALS_MAX) {
        size_t           n_pages = 0;
        size_t           n_pages_max = size_min(wanted_pages - done_pages, STEP_PAGES_MAX);
        enum step_result result = scavenge_step(heap, n_pages_max, spares_taken, &n_pages);
        if (result == STEP_NOTHING_IDLE)
            break;
        if (result == STEP_GIVEN_BACK)
            done_pages += n_pages;
        else
            refusals++;
    }
    return pages_to_bytes(done_pages);
}

size_t page_heap_scavenge(struct page_heap *heap, size_t n_bytes)
{
    return scavenge(heap, n_bytes, false);
}

// Is there something to give back that page_heap_scavenge_unused() does not even try?
static bool spares_something_locked(const struct page_heap *heap) REQUIRES(heap->lock)
{
    page_id               first;
    size_t                n_pages;
    struct release_limits limits = {.below = SCAVENGE_FROM_THE_TOP.below,
                                    .n_pages_max = LEAF_PAGES};
    if (!page_set_find_releasable_within(&heap->free, &limits, &first, &n_pages))
        return false;
    limits.spares_taken = true;
    return !page_set_find_releasable_within(&heap->free, &limits, &first, &n_pages);
}

size_t page_heap_scavenge_unused(struct page_heap *heap, size_t n_bytes, bool *out_spared)
{
    size_t done_bytes = scavenge(heap, n_bytes, true);
    lock_acquire(&heap->lock);
    *out_spared = done_bytes < n_bytes && spares_something_locked(heap);
    lock_release(&heap->lock);
    return done_bytes;
}

void page_heap_age(struct page_heap *heap)
{
    lock_acquire(&heap->lock);
    page_set_age(&heap->free);
    lock_release(&heap->lock);
}

size_t page_heap_trim(struct page_heap *heap)
{
    page_heap_flush_caches(heap);
    return page_heap_scavenge(heap, SIZE_MAX);
}
