// neap/neap.h: first-class heaps, and what lies where.
#include "api/export.h"
#include "base/units.h"
#include "front/describe.h"
#include "front/front.h"
#include "front/heaps.h"
#include "neap/neap.h"

#include <errno.h>
#include <string.h>

NEAP_API neap_heap *neap_heap_create(const char *name)
{
    neap_heap *heap = heap_create(name);
    if (heap == NULL)
        errno = ENOMEM;
    return heap;
}

NEAP_API void neap_heap_destroy(neap_heap *heap)
{
    if (heap != NULL)
        heap_destroy(heap);
}

static void *allocate(neap_heap *heap, size_t alignment, size_t n_bytes, bool *out_zero_known)
{
    void *object = heap_allocate(heap, alignment, n_bytes, out_zero_known);
    if (UNLIKELY(object == NULL))
        errno = ENOMEM;
    return object;
}

NEAP_API void *neap_heap_malloc(neap_heap *heap, size_t n_bytes)
{
    bool zero_known;
    return allocate(heap, OBJECT_ALIGN, n_bytes, &zero_known);
}

NEAP_API void *neap_heap_calloc(neap_heap *heap, size_t n_objects, size_t object_bytes)
{
    size_t n_bytes;
    if (__builtin_mul_overflow(n_objects, object_bytes, &n_bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    bool  zero_known;
    void *object = allocate(heap, OBJECT_ALIGN, n_bytes, &zero_known);
    if (object != NULL && !zero_known)
        memset(object, 0, n_bytes);
    return object;
}

NEAP_API void *neap_heap_aligned_alloc(neap_heap *heap, size_t alignment, size_t n_bytes)
{
    bool zero_known;
    if (!is_power_of_two(alignment)) {
        errno = EINVAL;
        return NULL;
    }
    return allocate(heap, size_max(alignment, OBJECT_ALIGN), n_bytes, &zero_known);
}

NEAP_API void neap_heap_stats_read(neap_heap *heap, struct neap_heap_stats *out_stats)
{
    struct heap_account account;
    heap_account_read(heap, &account);
    *out_stats = (struct neap_heap_stats){
        .objects = account.used_slots + account.large_objects,
        .object_bytes = account.used_bytes + account.large_bytes,
        .held_bytes = account.span_bytes + account.large_bytes,
    };
}

// ---- what lies where --------------------------------------------------------------------------

static enum neap_block_state state_of(const struct place *place)
{
    switch (place->state) {
    case PLACE_LIVE:
        return NEAP_BLOCK_LIVE;
    case PLACE_FREE:
        return NEAP_BLOCK_FREE;
    case PLACE_FOREIGN:
        break;
    }
    return NEAP_BLOCK_FOREIGN;
}

static void describe(const struct place *place, struct neap_block *out_block)
{
    *out_block = (struct neap_block){
        .state = state_of(place),
        .start = place->start,
        .size = place->n_bytes,
        .span_start = place->span_start,
        .span_size = place->span_bytes,
        .heap_name = place->heap != NULL ? place->heap->name : NULL,
    };
}

NEAP_API void neap_block_describe(const void *address, struct neap_block *out_block)
{
    struct place place;
    place_describe(address, &place);
    describe(&place, out_block);
}

struct visitor {
    bool (*visit)(const struct neap_block *found, void *context);
    void *context;
};

static bool visit_place(void *context, const struct place *place)
{
    struct visitor   *visitor = context;
    struct neap_block described;
    describe(place, &described);
    return visitor->visit(&described, visitor->context);
}

NEAP_API bool neap_heap_walk(neap_heap *heap,
                             bool (*visit)(const struct neap_block *found, void *context),
                             void *context)
{
    struct visitor visitor = {.visit = visit, .context = context};
    return places_walk(heap, visit_place, &visitor);
}
