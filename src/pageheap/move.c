// Moving what a run holds to another run by moving its pages, and what remains to be done for it.
//
// Pages that were moved lie in a mapping of their own, which the kernel can never make one with its
// neighbours. So that the number of mappings follows the number of such runs, however often their
// place is cut anew, it goes with the run: where such pages are freed they are mapped anew.
//
// The kernel moves pages of one mapping only, and only one mapping can become longer on the way. So
// of a run that was moved before and then became longer in place, what was moved before moves. The
// rest is the owner's to copy, once: after that it lies in the same mapping.
#include "base/check.h"
#include "os/vm.h"
#include "pageheap/page_heap.h"

// Whole OS pages of ours, from the start of one: the rest may be shared with others.
static size_t whole_pages(const struct page_heap *heap, const struct run *run, size_t n_pages)
{
    bool starts_whole = run->first.number % heap->os_page_pages == 0;
    return starts_whole ? align_down(n_pages, heap->os_page_pages) : 0;
}

static size_t movable_pages(const struct page_heap *heap, const struct run *run)
{
    return run->mapping == MAPPING_OWN ? run->mapping_pages : whole_pages(heap, run, run->n_pages);
}

size_t page_heap_movable_bytes(const struct page_heap *heap, const struct run *run)
{
    return pages_to_bytes(movable_pages(heap, run));
}

static void set_mapping(struct run *run, enum run_mapping mapping, size_t n_pages)
{
    run->mapping = (uint8_t)mapping;
    run->mapping_pages = (uint32_t)n_pages;
}

bool page_heap_move(struct page_heap *heap, struct run *from, struct run *to,
                    size_t *out_moved_bytes)
{
    DCHECK(from->mapping <= MAPPING_OWN);
    DCHECK(to->mapping == MAPPING_SHARED && to->n_pages >= from->n_pages);
    size_t from_pages = movable_pages(heap, from);
    size_t to_pages = whole_pages(heap, to, to->n_pages);
    *out_moved_bytes = 0;
    if (from_pages == 0 || to_pages < from_pages)
        return true;
    enum vm_move_result result = vm_move(&(struct vm_move){
        .from = page_address(from->first),
        .to = page_address(to->first),
        .from_bytes = pages_to_bytes(from_pages),
        .to_bytes = pages_to_bytes(to_pages),
    });
    if (result == VM_TO_LOST)
        set_mapping(to, MAPPING_LOST, 0);
    if (result == VM_NOT_MOVED || result == VM_TO_LOST)
        return result == VM_NOT_MOVED;
    set_mapping(to, MAPPING_OWN, to_pages);
    set_mapping(from, result == VM_MOVED ? MAPPING_FRESH : MAPPING_LOST, from_pages);
    *out_moved_bytes = pages_to_bytes(from_pages);
    return true;
}

struct page_range page_heap_release_moved(const struct page_heap *heap, struct run *run,
                                          size_t n_pages)
{
    size_t            kept_pages = align_up(n_pages, heap->os_page_pages);
    size_t            mapping_pages = run->mapping_pages;
    struct page_range moved = {.first = page_plus(run->first, kept_pages)};
    // An OS page that the run keeps a part of only is whole no more.
    run->mapping_pages =
        (uint32_t)size_min(mapping_pages, align_down(n_pages, heap->os_page_pages));
    if (run->mapping == MAPPING_SHARED || mapping_pages <= kept_pages)
        return moved;
    moved.n_pages = mapping_pages - kept_pages;
    // If refused, the pages stay resident, and so does the mapping that they lie in.
    if (run->mapping == MAPPING_OWN &&
        !vm_renew(page_address(moved.first), pages_to_bytes(moved.n_pages)))
        moved.n_pages = 0;
    return moved;
}

void page_heap_abandon(struct page_heap *heap, struct run *run)
{
    lock_acquire(&heap->lock);
    if (run->kind == RUN_IN_USE) {
        heap->in_use_pages -= run->n_pages;
        heap->manual_pages += run->n_pages;
        run->kind = RUN_MANUAL;
    }
    lock_release(&heap->lock);
}
