// Which pages are free, and which of those are released: bitmaps with summaries above them.
//
// A leaf is 512 pages (4 MiB): one bit per page says free, one says released. Above the leaves
// stands a tree of fixed height in which every entry covers eight of the level below and tells
// three numbers about its pages: the free run at its start, its longest, the one at its end. So
// the lowest run that fits is found in one walk from the top, and a change is carried up only as
// far as it changes a summary. Neither cost depends on the size of the heap.
//
// Neighbouring free pages are one run by construction. Leaves and the lower three levels live in
// tables of 2 GiB of address space, which the caller supplies before any page in them is given.
//
// Pure: no locks, no system calls, no allocation. The owner's lock guards everything.
#ifndef NEAP_PAGEHEAP_PAGE_SET_H
#define NEAP_PAGEHEAP_PAGE_SET_H

#include "base/bits.h"
#include "base/compiler.h"
#include "base/units.h"

#define LEAF_PAGES_SHIFT 9   // 512 pages: 4 MiB, two huge pages, one cache line of free bits
#define LEAF_PAGES ((size_t)1 << LEAF_PAGES_SHIFT)
#define LEAF_WORDS (LEAF_PAGES / WORD_BITS)

#define FANOUT_SHIFT 3   // eight summaries of 12 bytes: a node is two cache lines at the most
#define FANOUT ((size_t)1 << FANOUT_SHIFT)

#define TABLE_LEVELS 3   // levels 0, 1, 2 of the summaries live in the tables
#define TABLE_LEAVES ((size_t)1 << (FANOUT_SHIFT * TABLE_LEVELS))
#define TABLE_PAGES_SHIFT (LEAF_PAGES_SHIFT + FANOUT_SHIFT * TABLE_LEVELS)
#define TABLE_PAGES ((size_t)1 << TABLE_PAGES_SHIFT)   // 2 GiB
#define TABLES_MAX ((size_t)1 << (PAGE_NUMBER_BITS - TABLE_PAGES_SHIFT))

#define ROOT_LEVEL 7   // an entry covers 8 TiB, so the walk starts over 16 (48 bits: 32) entries
#define ROOT_PAGES_SHIFT (LEAF_PAGES_SHIFT + FANOUT_SHIFT * ROOT_LEVEL)
#define ROOT_ENTRIES ((size_t)1 << (PAGE_NUMBER_BITS - ROOT_PAGES_SHIFT))

#define WINDOW_PAGES WORD_BITS   // what a page cache takes at once: one aligned word of the bitmap
#define RUN_PAGES_MAX ((size_t)1 << 31)   // 16 TiB; sums of three summaries stay far from 2^63

struct page_leaf {
    uint64_t free[LEAF_WORDS];
    uint64_t released[LEAF_WORDS];
};

// Lengths in pages of the free runs in the pages that an entry covers.
struct page_summary {
    uint32_t at_start, longest, at_end;
};

struct page_set_table {
    struct page_leaf    leaves[TABLE_LEAVES];
    struct page_summary level0[TABLE_LEAVES];
    struct page_summary level1[TABLE_LEAVES / FANOUT];
    struct page_summary level2[TABLE_LEAVES / FANOUT / FANOUT];
    uint64_t            releasable[TABLE_LEAVES / WORD_BITS];   // S5, per leaf
    // Hints, per leaf: pages were handed out since page_set_age() was called, or the time before.
    uint64_t taken[TABLE_LEAVES / WORD_BITS], taken_before[TABLE_LEAVES / WORD_BITS];
};

#define LEVEL3_ENTRIES TABLES_MAX
#define LEVEL4_ENTRIES (LEVEL3_ENTRIES / FANOUT)
#define LEVEL5_ENTRIES (LEVEL4_ENTRIES / FANOUT)
#define LEVEL6_ENTRIES (LEVEL5_ENTRIES / FANOUT)

struct page_set {
    // Constant after init.
    unsigned os_page_pages;     // our pages in an OS page, at least 1; a power of two
    unsigned huge_page_pages;   // our pages in a huge page, or 0

    size_t free_pages;       // S3
    size_t released_pages;   // S3
    size_t search_hint;      // S4: page number
    size_t highest_table;    // the highest supplied so far; where a search from above starts

    struct page_set_table *tables[TABLES_MAX];
    struct page_summary    level3[LEVEL3_ENTRIES];
    struct page_summary    level4[LEVEL4_ENTRIES];
    struct page_summary    level5[LEVEL5_ENTRIES];
    struct page_summary    level6[LEVEL6_ENTRIES];
    struct page_summary    level7[ROOT_ENTRIES];
    uint64_t               releasable[TABLES_MAX / WORD_BITS];   // S5, per table
};
// Invariants:
//   S1  a released page is free
//   S2  the pages of one OS page are all released or none of them is
//   S3  free_pages and released_pages count the bits
//   S4  no page below search_hint is free
//   S5  a leaf is marked releasable exactly if it holds a whole OS page free and not released,
//       a table exactly if one of its leaves is
//   S6  every summary equals what its pages, or the eight entries below it, say

// Requires: memory of `set` is zero; os_page_pages is a power of two, at most WINDOW_PAGES.
void page_set_init(struct page_set *set, unsigned os_page_pages, unsigned huge_page_pages);

static inline bool page_set_has_table(const struct page_set *set, page_id page)
{
    return set->tables[page.number >> TABLE_PAGES_SHIFT] != NULL;
}

// Supplies the table that covers `page`. Requires: there is none yet; its memory is zero.
void page_set_add_table(struct page_set *set, page_id page, struct page_set_table *table);

// Makes pages free. Requires: a table for each, none is free; if released, whole OS pages.
void page_set_give(struct page_set *set, page_id first, size_t n_pages, bool released);

// Finds the lowest run of `n_pages` free pages; changes nothing that can be seen.
// Requires: 1 <= n_pages <= RUN_PAGES_MAX.
NODISCARD bool page_set_find(struct page_set *set, size_t n_pages, page_id *out_first);

// Takes free pages out. Returns how many of them were released. OS pages cut at either end count
// as ready from now on, also their part that stays. Requires: all are free.
size_t page_set_take(struct page_set *set, page_id first, size_t n_pages);

// By how many pages fewer would be released if those were taken. Requires: all are free.
size_t page_set_count_released(const struct page_set *set, page_id first, size_t n_pages);

// How many pages from `first` on are free, counted up to `n_pages_max`.
size_t page_set_free_from(const struct page_set *set, page_id first, size_t n_pages_max);

// The free pages of one window, an aligned group of WINDOW_PAGES: bit i is page first + i.
struct page_window {
    page_id  first;
    uint64_t free;
    uint64_t released;
};

// Takes note that pages are handed out.
void page_set_note_taken(struct page_set *set, page_id first, size_t n_pages);

// Time has gone by: forgets what was noted before the last call.
void page_set_age(struct page_set *set);

// Takes all free pages of the window in which `page` lies (none, perhaps).
struct page_window page_set_take_window(struct page_set *set, page_id page);

// Gives back what is free in a window. Requires: those pages are not free in the set.
void page_set_give_window(struct page_set *set, const struct page_window *window);

// The lowest free page; false if there is none. Brings the search hint up to it.
NODISCARD bool page_set_find_lowest(struct page_set *set, page_id *out_page);

// The highest run worth giving back: free, not released, whole OS pages within one leaf.
// At most `n_pages_max` rounded up to an OS page, but at least one OS page; where that would
// break a huge page of which all is free and ready, the huge page goes as a whole.
NODISCARD bool page_set_find_releasable(const struct page_set *set, size_t n_pages_max,
                                        page_id *out_first, size_t *out_n_pages);

// The same with more of a say.
struct release_limits {
    page_id below;   // the start of an OS page; only pages below it
    size_t  n_pages_max;
    bool    breaks_huge_pages;
    bool    spares_taken;   // no leaf that pages were handed out of lately
};
NODISCARD bool page_set_find_releasable_within(const struct page_set       *set,
                                               const struct release_limits *limits,
                                               page_id *out_first, size_t *out_n_pages);

// Counts and compares everything. Returns NULL, or the invariant found broken ("S3 ...").
// Takes time in proportion to the tables supplied.
const char *page_set_verify(const struct page_set *set);

#endif
