// A sorted list of disjoint ranges of pages, neighbours merged: the shape of the heap.
//
// Arenas lie side by side where the kernel allows it, so the list stays short: one range for most
// heaps, however large. Pure but for the storage, which the caller replaces when it is full.
#ifndef NEAP_PAGEHEAP_PAGE_RANGES_H
#define NEAP_PAGEHEAP_PAGE_RANGES_H

#include "base/compiler.h"
#include "base/units.h"

struct page_range {
    page_id first;
    size_t  n_pages;
};

struct page_ranges {
    struct page_range *ranges;   // R1, R2
    size_t             n_ranges;
    size_t             capacity;
    size_t             total_pages;   // R3
};
// Invariants:
//   R1  ranges are sorted by address, none is empty
//   R2  between two ranges there is at least one page
//   R3  total_pages is their sum

// True if the next page_ranges_add might need a new place in the list.
static inline bool page_ranges_is_full(const struct page_ranges *list)
{
    return list->n_ranges == list->capacity;
}

// Moves the list to larger storage. Returns the old storage, which the caller may forget.
struct page_range *page_ranges_move(struct page_ranges *list, struct page_range *storage,
                                    size_t capacity);

// Adds pages. Requires: none of them is in the list; the list is not full.
void page_ranges_add(struct page_ranges *list, page_id first, size_t n_pages);

// Index of the first range that ends after `page`: the one that holds it, or the next one above;
// n_ranges if there is none.
size_t page_ranges_find_successor(const struct page_ranges *list, page_id page);

bool page_ranges_contains(const struct page_ranges *list, page_id page);

// Returns NULL, or the invariant found broken.
const char *page_ranges_verify(const struct page_ranges *list);

#endif
