// The way most allocations and frees go: within the thread's cache, without a call.
//
// What does not succeed here has changed nothing and goes the whole way (front.h).
#ifndef NEAP_FRONT_FAST_H
#define NEAP_FRONT_FAST_H

#include "front/heap.h"
#include "front/thread.h"

// For whoever has gone a slower way: is there something for front_answer_alarm()?
static inline bool fast_alarm_is_set(void)
{
    return UNLIKELY(load_relaxed(&process_heap.pages.alarm));   // hint: see page_heap_set_alarm
}

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

// The same, where that finds the word used up.
static inline void *fast_allocate_next(size_t n_bytes)
{
    struct cache *cache = n_bytes <= SMALL_BYTES_MAX ? thread_enter_cache() : NULL;
    if (cache == NULL)
        return NULL;
    void *slot = cache_allocate_next(cache, size_class_for(n_bytes));
    cache_leave(cache);
    return slot;
}

enum fast_release {
    FAST_RELEASED,
    FAST_RELEASED_ALARM,   // the same, and front_answer_alarm() may have something to do
    FAST_NOT_RELEASED,     // nothing has happened: ask front_release
};

static ALWAYS_INLINE enum fast_release fast_release_inside(struct cache *cache, void *object)
{
    uint8_t     size_class;
    struct run *run = page_map_find_tagged(&process_heap.pages.map, (uintptr_t)object, &size_class);
    if (UNLIKELY(run == NULL))
        return FAST_NOT_RELEASED;
    struct span *span = span_of_run(run);
    // owner: a span of ours stays ours while we are inside
    if (UNLIKELY(load_relaxed(&span->owner) != &cache->inbox))
        return FAST_NOT_RELEASED;
    size_t offset = (uintptr_t)object - (uintptr_t)run_start(run);
    size_t slot;
    if (UNLIKELY(!size_class_slot_at(&size_classes[size_class], offset, &slot)))
        return FAST_NOT_RELEASED;
    enum span_give_result given = cache_free(cache, span, size_class, slot);
    if (LIKELY(given == SPAN_GIVEN))
        return FAST_RELEASED;
    return given == SPAN_GIVEN_ALARM ? FAST_RELEASED_ALARM : FAST_NOT_RELEASED;
}

// Takes an object of the thread's own spans back.
static ALWAYS_INLINE enum fast_release fast_release(void *object)
{
    struct cache *cache = thread_enter_cache();
    if (UNLIKELY(cache == NULL))
        return FAST_NOT_RELEASED;
    enum fast_release released = fast_release_inside(cache, object);
    cache_leave(cache);
    return released;
}

#endif
