// A random user of a page heap who writes every page handed out and finds his own words there.
//
// Against the real kernel only: the pages are touched. One load belongs to one thread.
#ifndef NEAP_TEST_PAGE_HEAP_LOAD_H
#define NEAP_TEST_PAGE_HEAP_LOAD_H

#include "pageheap/page_heap.h"
#include "random.h"

#define LOAD_SLOTS 64

struct load_slot {
    struct run *run;   // NULL: empty
    uint64_t    tag;   // every page starts and ends with a word made of it
};

struct page_heap_load {
    struct page_heap    *heap;
    struct random_source random;
    size_t               live_pages, live_pages_max;
    bool                 reads_all_zeros;   // or only the first page and the ends of the others
    struct load_slot     slots[LOAD_SLOTS];
    size_t               operations, refused;
    size_t               zero_known_pages;   // handed out as zero, and found so
    const char          *broken;             // the first thing found wrong, or NULL
};

// page_heap_init for heaps whose memory is touched, also under sanitizers.
void load_init_heap(struct page_heap *heap, const struct page_heap_config *config);

void load_init(struct page_heap_load *load, struct page_heap *heap, uint64_t seed,
               size_t live_pages_max);

// One random operation: alloc, free, resize or find, with all that can be checked about it.
void load_step(struct page_heap_load *load);

// Allocates into an empty slot, or frees what is there. False: the heap has no more.
bool load_fill(struct page_heap_load *load, size_t slot, const struct run_request *request);
void load_empty(struct page_heap_load *load, size_t slot);

void load_free_all(struct page_heap_load *load);

// Are the words of the slot's run still there?
void load_check_contents(struct page_heap_load *load, const struct load_slot *slot);

#endif
