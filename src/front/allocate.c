// Allocating: small objects from a central list, large ones as runs of their own.
#include "base/check.h"
#include "front/heap.h"

#include <string.h>

static void *allocate_small(struct heap *heap, size_t n_bytes)
{
    return central_fetch(&heap->central, size_class_for(n_bytes));
}

static void *allocate_large(struct heap *heap, size_t n_bytes, size_t align_pages,
                            bool *out_zero_known)
{
    if (n_bytes > OBJECT_BYTES_MAX)
        return NULL;
    struct run_request request = {
        .n_pages = bytes_to_pages_up(n_bytes), .align_pages = align_pages, .kind = RUN_IN_USE};
    struct run *run = page_heap_alloc(&heap->pages, &request);
    if (run == NULL)
        return NULL;
    span_of_run(run)->size_class = SPAN_LARGE;
    *out_zero_known = run->zero_known;
    add_relaxed(&heap->large_objects, 1);              // counter
    add_relaxed(&heap->large_bytes, run_bytes(run));   // counter
    return run_start(run);
}

void *front_allocate(size_t n_bytes)
{
    struct heap *heap = heap_get();
    bool         zero_known;
    if (LIKELY(n_bytes <= SMALL_BYTES_MAX))
        return allocate_small(heap, n_bytes);
    return allocate_large(heap, n_bytes, 1, &zero_known);
}

void *front_allocate_zeroed(size_t n_bytes)
{
    struct heap *heap = heap_get();
    bool         zero_known = false;
    void        *object;
    if (n_bytes <= SMALL_BYTES_MAX)
        object = allocate_small(heap, n_bytes);
    else
        object = allocate_large(heap, n_bytes, 1, &zero_known);
    if (object != NULL && !zero_known)
        memset(object, 0, n_bytes);
    return object;
}

void *front_allocate_aligned(size_t alignment, size_t n_bytes)
{
    DCHECK(is_power_of_two(alignment));
    if (alignment <= OBJECT_ALIGN)
        return front_allocate(n_bytes);
    struct heap *heap = heap_get();
    bool         zero_known;
    if (alignment <= PAGE_BYTES && n_bytes <= SMALL_BYTES_MAX - alignment) {
        // Spans start at a page, so any class of a multiple of the alignment will do; a power
        // of two is one and never far.
        unsigned size_class = size_class_for(size_max(n_bytes, alignment));
        while (size_classes[size_class].slot_bytes % alignment != 0)
            size_class++;
        return central_fetch(&heap->central, size_class);
    }
    if (n_bytes > OBJECT_BYTES_MAX || alignment > OBJECT_BYTES_MAX)
        return NULL;
    return allocate_large(heap, size_max(n_bytes, 1), size_max(bytes_to_pages_down(alignment), 1),
                          &zero_known);
}
