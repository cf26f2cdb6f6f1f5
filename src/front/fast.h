// The way most allocations and frees go: within the thread's cache, without a call.
//
// What does not succeed here has changed nothing and goes the whole way (front.h).
#ifndef NEAP_FRONT_FAST_H
#define NEAP_FRONT_FAST_H

#include "front/heap.h"
#include "front/thread.h"

static ALWAYS_INLINE void *fast_allocate_slot(unsigned size_class)
{
    struct cache *cache = thread_enter_cache();
    if (UNLIKELY(cache == NULL))
        return NULL;
    void *slot = cache_allocate_at_once(cache, size_class);
    cache_leave(cache);
    return slot;
}

// An object as of front_allocate, or NULL: ask that.
static ALWAYS_INLINE void *fast_allocate(size_t n_bytes)
{
    if (UNLIKELY(n_bytes > SMALL_BYTES_MAX))
        return NULL;
    return fast_allocate_slot(size_class_for(n_bytes));
}

static ALWAYS_INLINE bool fast_release_inside(struct cache *cache, void *object)
{
    uint8_t     size_class;
    struct run *run = page_map_find_tagged(&process_heap.pages.map, (uintptr_t)object, &size_class);
    if (UNLIKELY(run == NULL))
        return false;
    struct span *span = span_of_run(run);
    // owner: a span of ours stays ours while we are inside
    if (UNLIKELY(load_relaxed(&span->owner) != &cache->inbox))
        return false;
    size_t offset = (uintptr_t)object - (uintptr_t)run_start(run);
    size_t slot;
    return LIKELY(size_class_slot_at(&size_classes[size_class], offset, &slot)) &&
           LIKELY(cache_free(cache, span, size_class, slot) == SPAN_GIVEN);
}

// Takes an object of the thread's own spans back, or nothing: ask front_release.
static ALWAYS_INLINE bool fast_release(void *object)
{
    struct cache *cache = thread_enter_cache();
    if (UNLIKELY(cache == NULL))
        return false;
    bool released = fast_release_inside(cache, object);
    cache_leave(cache);
    return released;
}

#endif
