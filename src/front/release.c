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

struct gift {   // of a slot to whoever owns its span
    struct heap        *heap;
    struct object_place place;
    struct span_inbox  *crowded;   // see span_free_elsewhere
};

static enum span_give_result give_without_cache(struct gift *gift)
{
    struct heap *heap = gift->heap;
    struct span *span = gift->place.span;
    if (LIKELY(!lock_this_thread_has_any()))
        return central_give_back(&heap->central, span, gift->place.slot, &gift->crowded);
    // A signal handler that has interrupted the holder of a lock leaves even slots of the central
    // lists in their inbox.
    unsigned              size_class = span->size_class;   // the span may be gone afterwards
    enum span_give_result given = span_free_elsewhere(span, gift->place.slot, &gift->crowded);
    if (given == SPAN_GIVEN)
        add_relaxed(&heap->central.lists[size_class].n_freed, 1);   // counter
    return given;
}

// By a thread inside its cache. A full span that no cache has becomes this one's: what is freed in
// it now is likely not the last. One with free slots stays for those who allocate from it.
static enum span_give_result give_from_cache(struct gift *gift, struct cache *cache)
{
    struct central *central = &gift->heap->central;
    struct span    *span = gift->place.span;
    size_t          slot = gift->place.slot;
    // owner: a span of ours stays ours while we are inside
    if (load_relaxed(&span->owner) == &cache->inbox)
        return cache_free(cache, span, slot);
    // Not with a lock held: we are in a signal handler.
    if (central_owns(central, span) && LIKELY(!lock_this_thread_has_any())) {
        if (central_take_full_span(central, span, &cache->inbox))
            return cache_free_in_new(cache, span, slot);
        return central_give_back(central, span, slot, &gift->crowded);
    }
    unsigned              size_class = span->size_class;   // the span may be gone afterwards
    enum span_give_result given = span_free_elsewhere(span, slot, &gift->crowded);
    if (given == SPAN_GIVEN)
        count_up_owned(&cache->classes[size_class].n_freed);
    return given;
}

// Much has been freed for somebody who does not look.
static void relieve(struct heap *heap, struct span_inbox *inbox)
{
    if (lock_this_thread_has_any())
        return;
    struct central_list *list = central_list_of_inbox(&heap->central, inbox);
    if (inbox->heap != NULL)
        heap_tidy(inbox->heap);
    else if (list != NULL)
        central_take_in(list, &heap->central);
    else if (!background_answer_crowd(&heap->background, inbox))
        caches_relieve(&heap->caches, inbox);
}

static enum front_pointer release_slot(struct heap *heap, const struct object_place *place)
{
    struct gift           gift = {.heap = heap, .place = *place};
    struct cache         *cache = thread_enter_cache();
    enum span_give_result given;
    if (cache != NULL) {
        given = give_from_cache(&gift, cache);
        cache_leave(cache);
    } else {
        given = give_without_cache(&gift);
    }
    if (UNLIKELY(gift.crowded != NULL))
        relieve(heap, gift.crowded);
    return given != SPAN_ALREADY_FREE ? POINTER_TO_OBJECT : POINTER_FREED;
}

// ---- any object -------------------------------------------------------------------------------

enum front_pointer front_release(void *object)
{
    struct heap        *heap = heap_get();
    struct object_place place;
    enum front_pointer  what = object_locate(heap, (uintptr_t)object, &place);
    if (what == POINTER_FOREIGN && reserve_contains(object))
        return reserve_release(&heap->reserve, object) ? POINTER_TO_OBJECT : POINTER_FREED;
    if (what == POINTER_FOREIGN)
        count(&heap->counters.n_foreign_frees, 1);
    if (what != POINTER_TO_OBJECT)
        return what;
    return span_is_large(place.span) ? release_large(heap, place.span) : release_slot(heap, &place);
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
