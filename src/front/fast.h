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

#define ANY_SMALL_CLASS SPAN_LARGE

// `wanted`: of this class alone, or ANY_SMALL_CLASS.
static ALWAYS_INLINE enum cache_freed fast_release_inside(struct cache *cache, void *object,
                                                          unsigned wanted)
{
    unsigned    size_class;
    struct run *run = page_map_find_tagged(&process_heap.pages.map, (uintptr_t)object, &size_class);
    if (UNLIKELY(wanted == ANY_SMALL_CLASS ? size_class == SPAN_LARGE : size_class != wanted))
        return CACHE_NOT_FREED;
    struct span *span = span_of_run(run);
    // owner: a span of ours stays ours while we are inside
    if (UNLIKELY(load_relaxed(&span->owner) != &cache->inbox))
        return CACHE_NOT_FREED;
    size_t                   offset = (uintptr_t)object - (uintptr_t)run_start(run);
    size_t                   slot;
    const struct size_class *shape = &size_classes[size_class];
    struct cache_class *class = &cache->classes[size_class];
    KEEP(shape);
    KEEP(class);
    if (UNLIKELY(!size_class_slot_at(shape, offset, &slot)))
        return CACHE_NOT_FREED;
    return cache_free_at_once(class, span, shape, slot, (uintptr_t)object);
}

// Takes an object of the thread's own spans back. CACHE_NOT_FREED: nothing has happened, ask
// front_release; CACHE_FREED_WORD and _FIRST: call fast_end_release next.
static ALWAYS_INLINE enum cache_freed fast_release(void *object, unsigned wanted)
{
    struct cache *cache = thread_enter_cache();
    if (UNLIKELY(cache == NULL))
        return CACHE_NOT_FREED;
    enum cache_freed freed = fast_release_inside(cache, object, wanted);
    if (LIKELY(freed == CACHE_FREED) || freed == CACHE_NOT_FREED)
        cache_leave(cache);   // else fast_end_release does
    return freed;
}

// What is left to do then. Returns whether front_answer_alarm() may have something to do.
static inline bool fast_end_release(void *object, enum cache_freed freed)
{
    unsigned      size_class;
    struct cache *cache = this_thread.cache;
    struct run *run = page_map_find_tagged(&process_heap.pages.map, (uintptr_t)object, &size_class);
    bool        alarm = cache_end_free(cache, span_of_run(run), freed) == SPAN_GIVEN_ALARM;
    cache_leave(cache);
    return alarm;
}

#endif
