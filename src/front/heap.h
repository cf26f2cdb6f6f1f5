// The one heap of the process: what front's files share.
#ifndef NEAP_FRONT_HEAP_H
#define NEAP_FRONT_HEAP_H

#include "cache/caches.h"
#include "front/front.h"
#include "front/reserve.h"

struct heap {
    ATOMIC(bool)      ready;   // made; set last
    struct lock       lock;    // rank HEAP_INIT: held while making it
    struct central    central;
    struct caches     caches;
    struct reserve    reserve;
    struct span_inbox late_frees;   // large objects, for release.h
    ATOMIC(size_t)    n_large_allocated, n_large_freed, large_bytes;   // counter
    struct page_heap  pages;
};

extern struct heap process_heap;

void heap_init_once(void);

// The heap, made if need be. Cannot fail: making it takes no memory from the kernel.
static inline struct heap *heap_get(void)
{
    // pairs with: heap_init_once
    if (UNLIKELY(!load_acquire(&process_heap.ready)))
        heap_init_once();
    return &process_heap;
}

#endif
