// A page cache: up to 64 free pages set aside, so that small runs need not take the heap's lock.
//
// It holds the free pages of one window (an aligned group of 64 pages, 512 KiB) and a few run
// records. A cache belongs to nobody for long: threads are spread over the heap's caches by a
// hash, each cache has a small lock of its own, and whoever needs memory back may empty it.
#ifndef NEAP_PAGEHEAP_PAGE_CACHE_H
#define NEAP_PAGEHEAP_PAGE_CACHE_H

#include "os/lock.h"
#include "pageheap/page_set.h"

#define UNCACHED_RUN_PAGES_MIN 16   // a quarter of a window: longer ones rarely fit in what is left
#define PAGE_CACHE_RECORDS 16

struct page_cache {
    struct lock lock;   // rank PAGE_CACHE
    // Guarded by lock.
    struct page_window window;
    void              *records[PAGE_CACHE_RECORDS];   // unused run records
    size_t             n_records;
    // Net pages that went through this cache into each book; may wrap, the sums do not.
    size_t in_use_pages, manual_pages;
} CACHE_ALIGNED;
// Invariants:
//   C1  a page free in the window is free nowhere else
//   C2  released pages of the window are free in it, whole OS pages each

// Takes the lowest run of `n_pages` out of the window. Returns false if there is none.
// *out_released_pages: how many of them were released. Requires: 1 <= n_pages <= WINDOW_PAGES.
NODISCARD bool page_window_take(struct page_window *window, unsigned n_pages,
                                unsigned os_page_pages, page_id *out_first,
                                size_t *out_released_pages);

// Puts ready pages back if they lie in the window. Returns whether they do.
NODISCARD bool page_window_give(struct page_window *window, page_id first, unsigned n_pages);

// Returns NULL, or the invariant found broken.
const char *page_window_verify(const struct page_window *window, unsigned os_page_pages);

#endif
