// The one heap of the process: what front's files share.
#ifndef NEAP_FRONT_HEAP_H
#define NEAP_FRONT_HEAP_H

#include "cache/caches.h"
#include "front/background.h"
#include "front/black_box.h"
#include "front/callbacks.h"
#include "front/counters.h"
#include "front/front.h"
#include "front/heaps.h"
#include "front/history.h"
#include "front/limit.h"
#include "front/request.h"
#include "front/reserve.h"

struct heap {
    ATOMIC(bool)      ready;   // made; set last
    struct lock       lock;    // rank HEAP_INIT: held while making it
    struct central    central;
    struct caches     caches;
    struct reserve    reserve;
    struct heaps      heaps;
    struct span_inbox late_frees;   // large objects, for release.h
    ATOMIC(size_t)    n_large_allocated, n_large_freed, large_bytes;   // counter
    struct background background;
    struct limits     limits;
    struct callbacks  callbacks;
    struct counters   counters;
    struct history    history;
    struct request    request;
    struct page_heap  pages;

    // Last, as most of it is never touched.
    struct history_rings rings;
    struct black_box     black_box;
};

// Invariants:
//   F1  over all caches, heaps and central lists: slots allocated - freed = slots in use
//   F2  OS pages released inside of spans, as counted in the lists, by the page heap, and as found

extern struct heap process_heap HIDDEN;

void heap_init_once(void);

// The heap, made if need be. Cannot fail: making it takes no memory from the kernel.
static inline struct heap *heap_get(void)
{
    // pairs with: heap_init_once
    if (UNLIKELY(!load_acquire(&process_heap.ready)))
        heap_init_once();
    return &process_heap;
}

// For whoever has grown the heap and holds no lock any more: is it time to think of the limits, or
// to note what is held?
static inline void heap_look_at_limits(struct heap *heap)
{
    if (UNLIKELY(load_relaxed(&heap->pages.has_passed_watch)))   // hint
        limits_answer_watch(heap);
    if (UNLIKELY(load_relaxed(&heap->pages.has_moved)))   // hint
        history_answer(heap);
}

// The books of slots alone; if `only_cooling`, of classes in whose spans OS pages may go back.
void slots_account_read(struct heap *heap, bool only_cooling, struct slots_account *out_account);

// What caches, inboxes and lists hold of idle memory goes to the page heap.
void heap_collect(struct heap *heap);

// Nobody changes the heap between these two: all locks are held, all caches closed. What the
// caller allocates or frees meanwhile comes from and goes to the reserve.
void heap_stand_still(struct heap *heap);
void heap_go_on(struct heap *heap);

#endif
