// Resizing: in place where the slot or the pages behind allow it, else allocate, copy, release. Of
// very large objects the pages are moved instead of copied.
#include "base/check.h"
#include "front/object.h"
#include "os/vm.h"

#include <string.h>

// Moving costs less than copying from 1 MiB on. But where moved pages are freed nothing stays
// resident, and who grows a vector, frees it and grows the next one then pays for every page again:
// seven times the time, measured at 48 MiB. From here on peak memory counts for more. libc's malloc
// changes at the same size from memory that it keeps to mappings that it gives back.
#define MOVED_BYTES_MIN (32 * MIB)

#define MOVED_PER_GROWN 8   // moving a page costs a hundredth of backing one

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
static void *allocate_like(struct span *span, size_t alignment, size_t n_bytes)
{
    struct neap_heap *owner = span != NULL ? heap_of_span(span) : NULL;
    bool              zero_known;
    if (owner != NULL)
        return heap_allocate(owner, alignment, n_bytes, &zero_known);
    return front_allocate_aligned(alignment, n_bytes);
}

static bool moves_by_pages(struct heap *heap, struct span *span, size_t n_bytes)
{
    return span != NULL && span_is_large(span) && n_bytes > run_bytes(&span->run) &&
           page_heap_movable_bytes(&heap->pages, &span->run) >= MOVED_BYTES_MIN;
}

// Allocates where the object's pages can be moved to, and moves them: *out_done_bytes, if possible.
static void *allocate_and_move(struct heap *heap, struct span *span, size_t n_bytes,
                               size_t *out_done_bytes)
{
    // Huge pages stay whole if both places lie alike; at first only the new one does.
    size_t alignment = size_max(vm_huge_page_bytes(), vm_page_bytes());
    void  *moved = allocate_like(span, alignment, n_bytes);
    if (moved == NULL)
        return allocate_like(span, OBJECT_ALIGN, n_bytes);
    struct run *run = page_heap_find(&heap->pages, (uintptr_t)moved);
    if (run == NULL || page_heap_move(&heap->pages, &span->run, run, out_done_bytes))
        return moved;   // perhaps from the reserve, which has no run
    enum front_pointer released = front_release(moved);
    CHECK_EQ(released, POINTER_TO_OBJECT);
    return allocate_like(span, OBJECT_ALIGN, n_bytes);
}

// `span`: where the object lies, or NULL if in the reserve. Returns NULL if there is no memory for
// a larger one; becoming smaller never fails.
static void *move_object(struct heap *heap, struct span *span, void *object, size_t n_bytes)
{
    size_t old_bytes =
        span != NULL ? span_object_bytes(span) : reserve_object_bytes(&heap->reserve, object);
    size_t done_bytes = 0;
    char  *moved = moves_by_pages(heap, span, n_bytes)
                       ? allocate_and_move(heap, span, n_bytes, &done_bytes)
                       : allocate_like(span, OBJECT_ALIGN, n_bytes);
    if (moved == NULL)
        return n_bytes <= old_bytes ? object : NULL;
    // The rest of a run that lost its pages is still there.
    memcpy(moved + done_bytes, (char *)object + done_bytes,
           size_min(old_bytes, n_bytes) - done_bytes);
    enum front_pointer released = front_release(object);
    CHECK_EQ(released, POINTER_TO_OBJECT);   // else another thread freed it meanwhile
    return moved;
}

// What lengthens a moved object in place lies outside of its mapping, and the next move has to copy
// it. So an object that was moved before is moved again, but not for every little.
static bool moves_rather_than_lengthens(struct heap *heap, struct span *span, size_t n_bytes)
{
    return span != NULL && span->run.mapping == MAPPING_OWN &&
           moves_by_pages(heap, span, n_bytes) &&
           n_bytes - run_bytes(&span->run) >= run_bytes(&span->run) / MOVED_PER_GROWN;
}

// It stays where it is, though objects of its new size lie elsewhere.
static void note_other_size(struct span *span)
{
    if (!load_relaxed(&span->has_resized))         // hint
        store_relaxed(&span->has_resized, true);   // hint: written once
}

static bool resize_in_place(struct heap *heap, struct span *span, size_t n_bytes)
{
    if (span_is_large(span))
        return resize_large_in_place(heap, span, n_bytes);
    if (!slot_still_fits(span, n_bytes))
        return false;
    if (size_class_for(n_bytes) != span->size_class)
        note_other_size(span);
    return true;
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
    bool moves_first = moves_rather_than_lengthens(heap, span, n_bytes);
    bool in_place = span != NULL && !moves_first && resize_in_place(heap, span, n_bytes);
    *out_object = in_place ? object : move_object(heap, span, object, n_bytes);
    if (*out_object == NULL && moves_first && resize_in_place(heap, span, n_bytes))
        *out_object = object;
    if (*out_object == object && !in_place && span != NULL)   // no memory for a smaller one
        note_other_size(span);
    return POINTER_TO_OBJECT;
}
