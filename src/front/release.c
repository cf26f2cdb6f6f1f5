// Taking objects back: into the thread's own spans, into somebody else's, to the page heap.
#include "front/release.h"

#include "front/object.h"
#include "front/thread.h"

// ---- large objects ----------------------------------------------------------------------------

void release_run(struct heap *heap, struct span *span)
{
    add_relaxed(&heap->n_large_freed, 1);                                 // counter
    add_relaxed(&heap->large_bytes, (size_t)0 - run_bytes(&span->run));   // counter
    page_heap_free(&heap->pages, &span->run);
}

static void release_large_now(struct heap *heap, struct span *span)
{
    struct neap_heap *owner = heap_of_span(span);
    if (owner != NULL)
        heap_forget_large(owner, span);
    release_run(heap, span);
}

void release_late_frees_now(struct heap *heap)
{
    struct span *span = span_inbox_take_all(&heap->late_frees);
    while (span != NULL) {
        struct span *next = span->next_in_inbox;
        release_large_now(heap, span);
        span = next;
    }
}

// A large object has no bit to show that it was freed. Its notes, which nobody else uses, do.
static enum front_pointer release_large(struct heap *heap, struct span *span)
{
    if (exchange_relaxed(&span->notes, 1) != 0)   // owner: whoever is first
        return POINTER_FREED;
    if (UNLIKELY(lock_this_thread_has_any())) {
        span_inbox_put(&heap->late_frees, span);
    } else {
        release_late_frees(heap);
        release_large_now(heap, span);
    }
    return POINTER_TO_OBJECT;
}

// ---- slots ------------------------------------------------------------------------------------

static enum span_give_result give_without_cache(struct heap *heap, struct span *span, size_t slot)
{
    if (LIKELY(!lock_this_thread_has_any()))
        return central_give_back(&heap->central, span, slot);
    // A signal handler that has interrupted the holder of a lock leaves even slots of the central
    // lists in their inbox.
    unsigned              size_class = span->size_class;   // the span may be gone afterwards
    enum span_give_result given = span_free_elsewhere(span, slot);
    if (given == SPAN_GIVEN)
        add_relaxed(&heap->central.lists[size_class].n_freed, 1);   // counter
    return given;
}

// The same by a thread inside its cache: a span that nobody has becomes the cache's, since what is
// freed in it now is likely not the last. Not in a signal handler that must not take the lock.
static enum span_give_result give_from_cache(struct heap *heap, struct cache *cache,
                                             struct span *span, size_t slot)
{
    // owner: a span of ours stays ours while we are inside
    if (load_relaxed(&span->owner) == &cache->inbox)
        return cache_free(cache, span, slot);
    if (central_owns(&heap->central, span) && !lock_this_thread_has_any() &&
        central_take_this_span(&heap->central, span, &cache->inbox))
        return cache_free_in_new(cache, span, slot);
    unsigned              size_class = span->size_class;   // the span may be gone afterwards
    enum span_give_result given = span_free_elsewhere(span, slot);
    if (given == SPAN_GIVEN)
        count_up_owned(&cache->classes[size_class].n_freed);
    return given;
}

// ---- any object -------------------------------------------------------------------------------

enum front_pointer front_release(void *object)
{
    struct heap        *heap = heap_get();
    struct object_place place;
    enum front_pointer  what = object_locate(heap, (uintptr_t)object, &place);
    if (what == POINTER_FOREIGN && reserve_contains(object))
        return reserve_release(&heap->reserve, object) ? POINTER_TO_OBJECT : POINTER_FREED;
    if (what != POINTER_TO_OBJECT)
        return what;
    if (span_is_large(place.span))
        return release_large(heap, place.span);
    struct cache         *cache = thread_enter_cache();
    enum span_give_result given;
    if (cache != NULL) {
        given = give_from_cache(heap, cache, place.span, place.slot);
        cache_leave(cache);
    } else {
        given = give_without_cache(heap, place.span, place.slot);
    }
    return given == SPAN_GIVEN ? POINTER_TO_OBJECT : POINTER_FREED;
}

enum front_pointer front_usable_bytes(const void *object, size_t *out_n_bytes)
{
    struct span       *span;
    struct heap       *heap = heap_get();
    enum front_pointer what = object_find(heap, object, &span);
    if (what == POINTER_TO_OBJECT)
        *out_n_bytes = span_object_bytes(span);
    if (what == POINTER_FOREIGN && reserve_contains(object)) {
        *out_n_bytes = reserve_object_bytes(&heap->reserve, object);
        what = *out_n_bytes > 0 ? POINTER_TO_OBJECT : POINTER_FREED;
    }
    return what;
}
