// Growing: the current arena is bumped; when it is too small, another one takes its place.
//
// Everything that can fail comes before anything that changes the books. An arena that was
// reserved for a growth which then failed stays in arenas.spare and serves the next one.
#include "base/check.h"
#include "os/vm.h"
#include "pageheap/page_heap.h"

#define RANGES_CAPACITY_FIRST 16

static bool ensure_range_slots(struct page_heap *heap, struct page_ranges *list, size_t n_slots)
{
    if (list->capacity - list->n_ranges >= n_slots)
        return true;
    size_t             capacity = size_max(list->capacity * 2, RANGES_CAPACITY_FIRST);
    struct page_range *storage = meta_alloc(&heap->metadata, capacity * sizeof *storage);
    if (storage == NULL)
        return false;
    page_ranges_move(list, storage, capacity);
    return true;
}

static bool ensure_tables(struct page_heap *heap, const struct arena *arena)
{
    size_t first = page_of_address(arena->base).number >> TABLE_PAGES_SHIFT;
    size_t last = page_of_address(arena->end - 1).number >> TABLE_PAGES_SHIFT;
    for (size_t i = first; i <= last; i++) {
        page_id page = page_at_number(i << TABLE_PAGES_SHIFT);
        if (!page_set_has_table(&heap->free, page)) {
            struct page_set_table *table = meta_alloc(&heap->metadata, sizeof *table);
            if (table == NULL)
                return false;
            page_set_add_table(&heap->free, page, table);
        }
        if (!page_map_has_table(&heap->map, page)) {
            struct page_map_table *table = meta_alloc(&heap->metadata, sizeof *table);
            if (table == NULL)
                return false;
            page_map_add_table(&heap->map, page, table);
        }
    }
    return true;
}

static void add_released_locked(struct page_heap *heap, uintptr_t start, size_t n_bytes)
{
    page_id first = page_of_address(start);
    size_t  n_pages = bytes_to_pages_down(n_bytes);
    page_ranges_add(&heap->grown, first, n_pages);
    page_set_give(&heap->free, first, n_pages, true);
}

// Makes the spare arena the current one. What was left of the old one becomes a free released
// run, unless the new one continues it. *out_n_pages: how many pages that run has.
static bool adopt_spare_locked(struct page_heap *heap, size_t *out_n_pages)
{
    struct arena *spare = &heap->arenas.spare;
    struct arena *current = &heap->current;
    bool          contiguous = spare->base == current->end;
    size_t        rest_bytes = contiguous ? 0 : current->end - current->base;
    if (!ensure_range_slots(heap, &heap->reserved, 1) ||
        !ensure_range_slots(heap, &heap->grown, 2) || !ensure_tables(heap, spare))
        return false;
    if (rest_bytes > 0 && !vm_prepare(current->base, rest_bytes))
        return false;
    // Nothing fails below.
    page_ranges_add(&heap->reserved, page_of_address(spare->base),
                    bytes_to_pages_down(spare->end - spare->base));
    if (rest_bytes > 0)
        add_released_locked(heap, current->base, rest_bytes);
    if (contiguous)
        current->end = spare->end;
    else
        *current = *spare;
    *spare = (struct arena){0, 0};
    *out_n_pages = bytes_to_pages_down(rest_bytes);
    return true;
}

// Sees to it that the current arena has room. In place: only if what comes continues it; an arena
// reserved elsewhere meanwhile waits for the next growth.
static bool make_room_locked(struct page_heap *heap, size_t n_bytes, bool in_place,
                             size_t *out_rest_pages)
{
    struct arena *current = &heap->current;
    size_t        room_bytes = current->end - current->base;
    *out_rest_pages = 0;
    if (room_bytes >= n_bytes)
        return true;
    if (!arena_source_fill_spare(&heap->arenas, in_place ? n_bytes - room_bytes : n_bytes))
        return false;
    if (in_place && heap->arenas.spare.base != current->end)
        return false;
    return adopt_spare_locked(heap, out_rest_pages);
}

static size_t grow(struct page_heap *heap, size_t n_pages, bool in_place)
{
    DCHECK(lock_is_held(&heap->lock));
    size_t n_bytes = align_up(pages_to_bytes(n_pages), heap->unit_bytes);
    size_t rest_pages;
    // If preparing fails after a switch of arenas, that is complete by itself: its rest is free.
    if (!make_room_locked(heap, n_bytes, in_place, &rest_pages) ||
        !ensure_range_slots(heap, &heap->grown, 1) || !vm_prepare(heap->current.base, n_bytes))
        return 0;
    // Nothing fails below.
    add_released_locked(heap, heap->current.base, n_bytes);
    heap->current.base += n_bytes;
    heap->grown_times++;
    return rest_pages + bytes_to_pages_down(n_bytes);
}

size_t page_heap_grow_locked(struct page_heap *heap, size_t n_pages)
{
    return grow(heap, n_pages, false);
}

size_t page_heap_grow_in_place_locked(struct page_heap *heap, size_t n_pages)
{
    return grow(heap, n_pages, true);
}
