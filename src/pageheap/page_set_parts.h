// What page_set.c and page_set_verify.c share: where leaves and summaries lie, and what they
// should say. For nobody else.
#ifndef NEAP_PAGEHEAP_PAGE_SET_PARTS_H
#define NEAP_PAGEHEAP_PAGE_SET_PARTS_H

#include "base/check.h"
#include "pageheap/page_set.h"

// Where the summaries of each level begin: in a table up to level 2, in the set above.
extern const size_t page_set_level_offset[ROOT_LEVEL + 1];

static inline unsigned level_shift(unsigned level)
{
    return LEAF_PAGES_SHIFT + FANOUT_SHIFT * level;
}

static inline struct page_leaf *leaf_at(const struct page_set *set, size_t page)
{
    struct page_set_table *table = set->tables[page >> TABLE_PAGES_SHIFT];
    DCHECK(table != NULL);
    return &table->leaves[(page >> LEAF_PAGES_SHIFT) % TABLE_LEAVES];
}

// Entry `index` of a level, counted over the whole address space; NULL where no table has been
// supplied. Those that belong to one entry above follow it in memory.
static inline struct page_summary *level_entry(const struct page_set *set, unsigned level,
                                               size_t index)
{
    // A page_set is always changeable in memory; const here means "this call changes nothing".
    uintptr_t holder = (uintptr_t)set;
    if (level < TABLE_LEVELS) {
        unsigned in_table_shift = FANOUT_SHIFT * (TABLE_LEVELS - level);
        holder = (uintptr_t)set->tables[index >> in_table_shift];
        index &= ((size_t)1 << in_table_shift) - 1;
        if (holder == 0)
            return NULL;
    }
    return (struct page_summary *)(holder + page_set_level_offset[level]) + index;
}

static inline bool summary_equals(const struct page_summary *a, const struct page_summary *b)
{
    return a->at_start == b->at_start && a->longest == b->longest && a->at_end == b->at_end;
}

// What entry `index` of a level should say.
struct page_summary page_set_derive_summary(const struct page_set *set, unsigned level,
                                            size_t index);

// Does the leaf hold a whole OS page that is free and not released?
bool page_set_leaf_is_releasable(const struct page_set *set, const struct page_leaf *leaf);

#endif
