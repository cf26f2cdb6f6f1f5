// Taking objects back.
#include "front/object.h"

static void release_large(struct heap *heap, struct span *span)
{
    add_relaxed(&heap->large_objects, (size_t)0 - 1);                     // counter
    add_relaxed(&heap->large_bytes, (size_t)0 - run_bytes(&span->run));   // counter
    page_heap_free(&heap->pages, &span->run);
}

enum front_pointer front_release(void *object)
{
    struct heap        *heap = heap_get();
    struct object_place place;
    enum front_pointer  what = object_locate(heap, (uintptr_t)object, &place);
    if (UNLIKELY(what != POINTER_TO_OBJECT))
        return what;
    if (span_is_large(place.span)) {
        release_large(heap, place.span);
        return POINTER_TO_OBJECT;
    }
    enum span_give_result given = central_give_back(&heap->central, place.span, place.slot);
    return given == SPAN_GIVEN ? POINTER_TO_OBJECT : POINTER_FREED;
}

enum front_pointer front_usable_bytes(const void *object, size_t *out_n_bytes)
{
    struct span       *span;
    enum front_pointer what = object_find(heap_get(), object, &span);
    if (what == POINTER_TO_OBJECT)
        *out_n_bytes = span_object_bytes(span);
    return what;
}
