// From a pointer to the object it names, if it names one.
#ifndef NEAP_FRONT_OBJECT_H
#define NEAP_FRONT_OBJECT_H

#include "front/heap.h"

struct object_place {
    struct span *span;
    size_t       slot;   // of a small object
};

// Whose memory `address` is, and whether an object can start there. Pages of ours that nobody
// holds are told from foreign ones, so that a pointer into them never reaches another malloc. A
// slot that is free counts as an object here: whoever takes it back finds out.
static inline enum front_pointer object_locate(struct heap *heap, uintptr_t address,
                                               struct object_place *out_place)
{
    struct run *run = page_heap_find(&heap->pages, address);
    if (UNLIKELY(run == NULL)) {
        // Not with a lock held (we are in a signal handler): then it passes for foreign.
        bool ours = !lock_this_thread_has_any() && page_heap_has_reserved(&heap->pages, address);
        return ours ? POINTER_FREED : POINTER_FOREIGN;
    }
    struct span *span = span_of_run(run);
    out_place->span = span;
    if (span_is_large(span))
        return address == (uintptr_t)run_start(run) ? POINTER_TO_OBJECT : POINTER_INSIDE;
    return span_slot_at(span, address, &out_place->slot) ? POINTER_TO_OBJECT : POINTER_INSIDE;
}

// The same, and a free slot is told apart.
static inline enum front_pointer object_find(struct heap *heap, const void *object,
                                             struct span **out_span)
{
    struct object_place place;
    enum front_pointer  what = object_locate(heap, (uintptr_t)object, &place);
    if (what != POINTER_TO_OBJECT)
        return what;
    *out_span = place.span;
    bool is_free = span_is_large(place.span) ? load_relaxed(&place.span->notes) != 0   // hint
                                             : span_slot_is_free(place.span, place.slot);
    return is_free ? POINTER_FREED : POINTER_TO_OBJECT;
}

#endif
