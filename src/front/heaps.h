// First-class heaps: objects that belong together and can be destroyed at once.
//
// A heap has a private cache, used under the heap's lock, and a list of its large objects. Its
// objects are freed like any other, by any thread: whoever frees one does not own the span and
// leaves the slot to the heap.
#ifndef NEAP_FRONT_HEAPS_H
#define NEAP_FRONT_HEAPS_H

#include "cache/cache.h"

#define HEAP_NAME_BYTES 32

struct neap_heap {
    struct cache cache;   // first, so that a span's owner is found to be a heap's

    struct lock lock;   // rank HEAP
    // Guarded by lock; so is the cache.
    struct span      *large;   // H1
    struct neap_heap *next;    // of those alive, or of those destroyed; guarded by heaps.lock
    char              name[HEAP_NAME_BYTES];
};
// Invariants:
//   H1  of a large object in a heap, and of no other, the owner is the heap's inbox, and it is in
//       the heap's list

struct heaps {
    struct lock lock;   // rank HEAPS
    // Guarded by lock.
    struct neap_heap *alive, *destroyed;   // their memory is used again, never given back
};

void heaps_init(struct heaps *heaps);

// NULL: no memory. `name` is cut to what fits.
NODISCARD struct neap_heap *heap_create(const char *name);

// All objects of the heap are freed with it. Requires: nobody uses it or them any more.
void heap_destroy(struct neap_heap *heap);

// A slot or a run of the heap's own. NULL: no memory.
NODISCARD void *heap_allocate(struct neap_heap *heap, size_t alignment, size_t n_bytes,
                              bool *out_zero_known);

// The heap that a span belongs to; NULL: none in particular.
static inline struct neap_heap *heap_of_span(struct span *span)
{
    struct span_inbox *owner = load_acquire(&span->owner);   // pairs with: span_cut
    return owner != NULL ? owner->heap : NULL;
}

// Takes a large object out of its heap's list. Requires: it is in one.
void heap_forget_large(struct neap_heap *heap, struct span *span);

struct heap_account {
    size_t n_allocated;              // slots, since the heap began
    size_t used_slots, used_bytes;   // in slots in use
    size_t span_bytes;               // of spans
    size_t large_objects, large_bytes;
};
void heap_account_read(struct neap_heap *heap, struct heap_account *out_account);

// Takes in what was freed in the heap, and gives its idle spans back. Takes the heap's lock.
void heap_tidy(struct neap_heap *heap);

// Over all heaps alive.
void        heaps_tidy(struct heaps *heaps);
void        heaps_add_counts(struct heaps *heaps, uint64_t *n_allocated, uint64_t *n_freed);
const char *heaps_verify(struct heaps *heaps);

void heaps_lock_all(struct heaps *heaps);
void heaps_unlock_all(struct heaps *heaps);
void heaps_reset_locks(struct heaps *heaps);

#endif
