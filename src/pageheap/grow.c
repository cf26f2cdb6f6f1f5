// Growing: the current arena is bumped; when it is too small, another one takes its place.
//
// Everything that can fail comes before anything that changes the books. An arena that was
// reserved for a growth which then failed stays in arenas.spare and serves the next one. The one
// refusal that comes later, for the rest of an arena left behind, only makes that rest wait.
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

// Tables are got before the arena that needs them: where address space is limited, an arena
// reserved first could leave none for its books.
static bool stock_tables(struct page_heap *heap)
{
    struct table_stock *stock = &heap->table_stock;
    if (stock->set_table == NULL)
        stock->set_table = meta_alloc(&heap->metadata, sizeof *stock->set_table);
    if (stock->map_table == NULL)
        stock->map_table = meta_alloc(&heap->metadata, sizeof *stock->map_table);
    return stock->set_table != NULL && stock->map_table != NULL;
}

static bool ensure_tables(struct page_heap *heap, const struct arena *arena)
{
    size_t first = page_of_address(arena->base).number >> TABLE_PAGES_SHIFT;
    size_t last = page_of_address(arena->end - 1).number >> TABLE_PAGES_SHIFT;
    for (size_t i = first; i <= last; i++) {
        page_id page = page_at_number(i << TABLE_PAGES_SHIFT);
        if (page_set_has_table(&heap->free, page))
            continue;
        if (!stock_tables(heap))
            return false;
        page_set_add_table(&heap->free, page, heap->table_stock.set_table);
        page_map_add_table(&heap->map, page, heap->table_stock.map_table);
        heap->table_stock = (struct table_stock){.set_table = NULL};
    }
    return true;
}

// With somebody who pays for growth regularly, so much of it may wait before others pay, which is a
// slow call for them: a sixty-fourth of a large heap, as much as it grows by at once.
#define PAYER_SHARE 64
#define PAYER_PAGES_MIN bytes_to_pages_down(4 * MIB)

static void add_released_locked(struct page_heap *heap, uintptr_t start, size_t n_bytes)
{
    page_id first = page_of_address(start);
    size_t  n_pages = bytes_to_pages_down(n_bytes);
    page_ranges_add(&heap->grown, first, n_pages);
    store_relaxed(&heap->payer_pages,   // hint
                  size_max(heap->grown.total_pages / PAYER_SHARE, PAYER_PAGES_MIN));
    page_set_give(&heap->free, first, n_pages, true);
}

// What was left of an arena becomes a free released run. If the kernel will not prepare it now,
// it waits for a later growth. Returns how many pages became free.
static size_t free_rest_locked(struct page_heap *heap, struct arena rest)
{
    size_t n_bytes = rest.end - rest.base;
    if (n_bytes == 0)
        return 0;
    if (!vm_prepare(rest.base, n_bytes)) {
        heap->rests[heap->n_rests++] = rest;
        return 0;
    }
    add_released_locked(heap, rest.base, n_bytes);
    return bytes_to_pages_down(n_bytes);
}

static size_t free_waiting_rest_locked(struct page_heap *heap)
{
    return heap->n_rests == 0 ? 0 : free_rest_locked(heap, heap->rests[--heap->n_rests]);
}

static bool spare_continues_current(const struct page_heap *heap)
{
    return heap->arenas.spare.base == heap->current.end;
}

// Makes the spare arena the current one, or its continuation. Cannot fail. Returns how many
// pages of the old one became free.
static size_t adopt_spare_locked(struct page_heap *heap)
{
    struct arena *spare = &heap->arenas.spare;
    struct arena  old = heap->current;
    bool          continues = spare_continues_current(heap);
    page_ranges_add(&heap->reserved, page_of_address(spare->base),
                    bytes_to_pages_down(spare->end - spare->base));
    heap->current = (struct arena){continues ? old.base : spare->base, spare->end};
    *spare = (struct arena){0, 0};
    return continues ? 0 : free_rest_locked(heap, old);
}

// Gets an arena for growth that does not fit into the current one, with all the books it needs.
static bool prepare_spare_locked(struct page_heap *heap, size_t n_bytes, bool in_place)
{
    // The books of a request that the kernel will never grant cost memory too.
    if (n_bytes > heap->arenas.arena_bytes && !vm_could_prepare(n_bytes))
        return false;
    page_id next = page_of_address(heap->current.end);
    if (!page_set_has_table(&heap->free, next) && !stock_tables(heap))
        return false;
    size_t room_bytes = heap->current.end - heap->current.base;
    if (!arena_source_fill_spare(&heap->arenas, in_place ? n_bytes - room_bytes : n_bytes) ||
        (in_place && !spare_continues_current(heap)))
        return false;
    return ensure_range_slots(heap, &heap->reserved, 1) && ensure_tables(heap, &heap->arenas.spare);
}

static size_t grow(struct page_heap *heap, size_t n_pages, bool in_place)
{
    DCHECK(lock_is_held(&heap->lock));
    size_t n_bytes = align_up(pages_to_bytes(n_pages), heap->unit_bytes);
    bool   fits = heap->current.end - heap->current.base >= n_bytes;
    if (!ensure_range_slots(heap, &heap->grown, 3))
        return 0;
    if (!fits && !prepare_spare_locked(heap, n_bytes, in_place))
        return 0;
    bool   stays = fits || spare_continues_current(heap);
    size_t grown_pages = 0;
    // The rest of the current arena may have to wait, so there must be room for one more. What
    // that frees has been added, whatever happens below.
    if (!stays && heap->n_rests == RESTS_MAX)
        grown_pages = free_waiting_rest_locked(heap);
    uintptr_t start = stays ? heap->current.base : heap->arenas.spare.base;
    if ((!stays && heap->n_rests == RESTS_MAX) || !vm_prepare(start, n_bytes))
        return grown_pages;
    // Nothing fails below.
    grown_pages += free_waiting_rest_locked(heap);
    if (!fits)
        grown_pages += adopt_spare_locked(heap);
    add_released_locked(heap, start, n_bytes);
    heap->current.base = start + n_bytes;
    heap->grown_times++;
    return grown_pages + bytes_to_pages_down(n_bytes);
}

size_t page_heap_grow_locked(struct page_heap *heap, size_t n_pages)
{
    return grow(heap, n_pages, false);
}

size_t page_heap_grow_in_place_locked(struct page_heap *heap, size_t n_pages)
{
    return grow(heap, n_pages, true);
}
