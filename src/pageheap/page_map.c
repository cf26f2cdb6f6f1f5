// Writing the map: single pages at the ends of a run, whole leaves between.
#include "pageheap/page_map.h"

#include "base/check.h"

void page_map_init(struct page_map *map)
{
    store_relaxed(&map->near_page, NO_PAGE_NEAR);   // owner: nobody else knows the map yet
}

void page_map_add_table(struct page_map *map, page_id page, struct page_map_table *table)
{
    size_t at = page.number >> TABLE_PAGES_SHIFT;
    DCHECK(!page_map_has_table(map, page));
    // Publishes the zeroed table. pairs with: page_map_table_of, page_map_has_table
    store_release(&map->root[at], table);
    if (load_relaxed(&map->near_page) != NO_PAGE_NEAR)   // owner: under the heap lock
        return;
    store_relaxed(&map->near_entries, table->page_entry);      // owner
    store_release(&map->near_page, at << TABLE_PAGES_SHIFT);   // pairs with: page_map_find_tagged
}

static struct page_map_table *table_at(struct page_map *map, size_t page)
{
    struct page_map_table *table = page_map_table_of(map, page);
    DCHECK(table != NULL);
    return table;
}

void page_map_tag(struct page_map *map, page_id first, size_t n_pages, uint8_t tag)
{
    for (size_t page = first.number; page < first.number + n_pages; page++) {
        ATOMIC(uint64_t) *entry = &table_at(map, page)->page_entry[page % TABLE_PAGES];
        uint64_t          run = (uintptr_t)page_map_run_of(load_relaxed(entry));   // owner
        // With what the owner wrote into the record since. pairs with: page_map_find_tagged
        store_release(entry, run | (uint64_t)tag << TAG_SHIFT);
    }
}

bool page_map_is_entered_twice(struct page_map *map, page_id page)
{
    struct page_map_table *table = table_at(map, page.number);
    size_t                 at = page.number % TABLE_PAGES;
    return load_acquire(&table->page_entry[at]) != 0 &&   // pairs with: page_map_set
           load_acquire(&table->leaf_run[at >> LEAF_PAGES_SHIFT]) != NULL;   // the same
}

static void set_leaf(struct page_map *map, size_t page, struct run *run)
{
    // Publishes what the caller wrote into `run`. pairs with: page_map_find
    store_release(&table_at(map, page)->leaf_run[page % TABLE_PAGES >> LEAF_PAGES_SHIFT], run);
}

// Page by page: [at, end) lies within one leaf, and so in one table.
static void set_pages(struct page_map *map, size_t at, size_t end, struct run *run)
{
    struct page_map_table *table = table_at(map, at);
    for (; at < end; at++) {
        // Publishes what the caller wrote into `run`. pairs with: page_map_find
        store_release(&table->page_entry[at % TABLE_PAGES], (uintptr_t)run);
    }
}

void page_map_set(struct page_map *map, page_id first, size_t n_pages, struct run *run)
{
    size_t end = first.number + n_pages;
    size_t at = first.number;
    while (at < end) {
        size_t next = align_down(at, LEAF_PAGES) + LEAF_PAGES;
        if (at % LEAF_PAGES == 0 && next <= end) {
            set_leaf(map, at, run);
        } else {
            next = size_min(next, end);
            set_pages(map, at, next, run);
        }
        at = next;
    }
}

void page_map_resize(struct page_map *map, page_id first, size_t n_pages, size_t new_n_pages,
                     struct run *run)
{
    size_t old_end = first.number + n_pages;
    size_t new_end = first.number + new_n_pages;
    size_t low = size_min(old_end, new_end);
    size_t high = size_max(old_end, new_end);
    size_t leaf = align_down(low, LEAF_PAGES);
    // Does the leaf at the nearer end change between "entered whole" and "page by page"? Then
    // the new form is entered before the old one goes.
    if (low > leaf && leaf >= first.number && leaf + LEAF_PAGES <= high) {
        bool whole = new_end > old_end;
        if (whole)
            set_leaf(map, leaf, run);
        set_pages(map, leaf, low, whole ? NULL : run);
        if (!whole)
            set_leaf(map, leaf, NULL);
        low = leaf + LEAF_PAGES;
    }
    if (low < high)
        page_map_set(map, page_at_number(low), high - low, new_end > old_end ? run : NULL);
}
