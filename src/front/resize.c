// Resizing: in place where the slot or the pages behind allow it, else allocate, copy, release.
#include "base/check.h"
#include "front/object.h"

#include <string.h>

// A slot is kept while the object fills half of it: growing vectors shrink now and then, and
// moving costs more than what half a slot holds.
static bool slot_still_fits(const struct span *span, size_t n_bytes)
{
    size_t slot_bytes = span_class(span)->slot_bytes;
    return n_bytes <= slot_bytes && n_bytes >= slot_bytes / 2;
}

static bool resize_large_in_place(struct heap *heap, struct span *span, size_t n_bytes)
{
    if (n_bytes <= SMALL_BYTES_MAX || n_bytes > OBJECT_BYTES_MAX || lock_this_thread_has_any())
        return false;
    size_t before_bytes = run_bytes(&span->run);
    bool   zero_known;
    if (!page_heap_resize(&heap->pages, &span->run, bytes_to_pages_up(n_bytes), &zero_known))
        return false;
    add_relaxed(&heap->large_bytes, run_bytes(&span->run) - before_bytes);   // counter; may wrap
    heap_look_at_limits(heap);
    return true;
}

// An object of a first-class heap stays in its heap.
static void *allocate_like(struct span *span, size_t n_bytes)
{
    struct neap_heap *owner = span != NULL ? heap_of_span(span) : NULL;
    bool              zero_known;
    if (owner != NULL)
        return heap_allocate(owner, OBJECT_ALIGN, n_bytes, &zero_known);
    return front_allocate(n_bytes);
}

// `span`: where the object lies, or NULL if in the reserve. Returns NULL if there is no memory for
// a larger one; becoming smaller never fails.
static void *move_object(struct heap *heap, struct span *span, void *object, size_t n_bytes)
{
    size_t old_bytes =
        span != NULL ? span_object_bytes(span) : reserve_object_bytes(&heap->reserve, object);
    void *moved = allocate_like(span, n_bytes);
    if (moved == NULL)
        return n_bytes <= old_bytes ? object : NULL;
    memcpy(moved, object, size_min(old_bytes, n_bytes));
    enum front_pointer released = front_release(object);
    CHECK_EQ(released, POINTER_TO_OBJECT);   // else another thread freed it meanwhile
    return moved;
}

static bool resize_in_place(struct heap *heap, struct span *span, size_t n_bytes)
{
    return span_is_large(span) ? resize_large_in_place(heap, span, n_bytes)
                               : slot_still_fits(span, n_bytes);
}

enum front_pointer front_resize(void *object, size_t n_bytes, void **out_object)
{
    struct heap       *heap = heap_get();
    struct span       *span = NULL;
    enum front_pointer what = object_find(heap, object, &span);
    if (what == POINTER_FOREIGN && reserve_contains(object))
        what = reserve_object_bytes(&heap->reserve, object) > 0 ? POINTER_TO_OBJECT : POINTER_FREED;
    if (what != POINTER_TO_OBJECT)
        return what;
    bool in_place = span != NULL && resize_in_place(heap, span, n_bytes);
    *out_object = in_place ? object : move_object(heap, span, object, n_bytes);
    return POINTER_TO_OBJECT;
}
