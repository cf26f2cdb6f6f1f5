// Which run a page belongs to: address to run in two dependent loads, without a lock.
//
// The root is indexed by the upper bits of the address; each entry is a table for 2 GiB, mapped
// when the first arena is reserved there and never taken away. A table has an entry per page and
// one per leaf (512 pages): a run that covers a leaf wholly is entered there once, so that a huge
// run costs its two ends and one word per 4 MiB, not one per page.
//
// Writers hold no common lock: an entry is written by whoever owns the page at that moment.
#ifndef NEAP_PAGEHEAP_PAGE_MAP_H
#define NEAP_PAGEHEAP_PAGE_MAP_H

#include "base/atomic.h"
#include "base/compiler.h"
#include "pageheap/page_set.h"

struct run;

struct page_map_table {
    ATOMIC(struct run *) leaf_run[TABLE_LEAVES];
    ATOMIC(uint64_t)     page_entry[TABLE_PAGES];   // a run and its tag; 0 where leaf_run answers
};

// An entry is the run's address with the owner's tag in the bits above it; see below.
#define TAG_SHIFT 56
_Static_assert(ADDRESS_BITS <= TAG_SHIFT, "an address and a tag fit into one word");

static inline struct run *page_map_run_of(uint64_t entry)
{
    return (struct run *)(uintptr_t)(entry & bits_mask(0, TAG_SHIFT));
}

struct page_map {
    ATOMIC(struct page_map_table *) root[TABLES_MAX];   // written once each, under the heap lock

    // The first table made, which is the only one of most heaps: found without the root.
    ATOMIC(size_t)             near_page;   // its first page; NO_PAGE_NEAR: there is none yet
    ATOMIC(ATOMIC(uint64_t) *) near_entries;
};
// Invariants:
//   M1  a page has a run in the map exactly while the run is handed out, and it is that run
//   M2  of a page's own entry and its leaf's, at most one is set

// Farther than a table's length from every page.
#define NO_PAGE_NEAR (SIZE_MAX / 2 + 1)

// Requires: memory of `map` is zero.
void page_map_init(struct page_map *map);

// Supplies the table that covers `page`. Requires: there is none yet; its memory is zero.
void page_map_add_table(struct page_map *map, page_id page, struct page_map_table *table);

// The table that covers a page, or NULL. Any value may be asked for.
static inline struct page_map_table *page_map_table_of(struct page_map *map, size_t page)
{
    size_t at = page >> TABLE_PAGES_SHIFT;
    return at < TABLES_MAX ? load_acquire(&map->root[at])   // pairs with: page_map_add_table
                           : NULL;
}

static inline bool page_map_has_table(struct page_map *map, page_id page)
{
    return page_map_table_of(map, page.number) != NULL;
}

// Enters `run` for its pages; with NULL takes them out. Requires: the caller owns the pages.
void page_map_set(struct page_map *map, page_id first, size_t n_pages, struct run *run);

// Follows a run that starts at `first` from `n_pages` to `new_n_pages`, in place. Its pages that
// stay are found at every instant. Requires: the caller owns all pages named.
void page_map_resize(struct page_map *map, page_id first, size_t n_pages, size_t new_n_pages,
                     struct run *run);

// Are the page's own entry and its leaf's both set? For M2.
bool page_map_is_entered_twice(struct page_map *map, page_id page);

// The run that `address` lies in, or NULL. Any value at all may be asked for. The answer is
// certain where the caller knows that the run cannot be freed meanwhile; otherwise it may be old.
static inline struct run *page_map_find(struct page_map *map, uintptr_t address)
{
    size_t                 page = address >> PAGE_SHIFT;
    struct page_map_table *table = page_map_table_of(map, page);
    if (table == NULL)
        return NULL;
    // pairs with: page_map_set
    struct run *run = page_map_run_of(load_acquire(&table->page_entry[page % TABLE_PAGES]));
    if (run != NULL)
        return run;
    // pairs with: page_map_set
    run = load_acquire(&table->leaf_run[page % TABLE_PAGES >> LEAF_PAGES_SHIFT]);
    if (run != NULL)
        return run;
    // A run that was shortened between the two loads is entered page by page by now.
    // pairs with: page_map_resize
    return page_map_run_of(load_acquire(&table->page_entry[page % TABLE_PAGES]));
}

// ---- short runs -------------------------------------------------------------------------------
//
// The owner of a run that covers no leaf wholly may put a tag on its pages, which is found with the
// run, without touching its record. A tag is gone once the run is freed or resized.

void page_map_tag(struct page_map *map, page_id first, size_t n_pages, uint8_t tag);

// The run and its tag, or NULL: also for some addresses in long runs. The tag is 0 where none was
// put. Any value may be asked for.
static ALWAYS_INLINE struct run *page_map_find_tagged(struct page_map *map, uintptr_t address,
                                                      unsigned *out_tag)
{
    size_t page = address >> PAGE_SHIFT;
    // pairs with: page_map_add_table
    size_t            at = page - load_acquire(&map->near_page);
    ATOMIC(uint64_t) *entries = load_relaxed(&map->near_entries);   // owner: never changes again
    if (UNLIKELY(at >= TABLE_PAGES)) {
        struct page_map_table *table = page_map_table_of(map, page);
        *out_tag = 0;
        if (table == NULL)
            return NULL;
        entries = table->page_entry;
        at = page % TABLE_PAGES;
    }
    uint64_t entry = load_acquire(&entries[at]);   // pairs with: page_map_set
    *out_tag = (unsigned)(entry >> TAG_SHIFT);
    return page_map_run_of(entry);
}

#endif
