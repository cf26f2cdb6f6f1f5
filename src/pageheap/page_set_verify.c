// Counting everything in a page set anew and comparing: S1 to S6.
#include "pageheap/page_set_parts.h"

static const char *leaf_verify(const struct page_set *set, const struct page_leaf *leaf)
{
    for (size_t i = 0; i < LEAF_WORDS; i++) {
        if ((leaf->released[i] & ~leaf->free[i]) != 0)
            return "S1 a released page is not free";   // S1
        if (bits_whole_groups(leaf->released[i], set->os_page_pages) != leaf->released[i])
            return "S2 part of an OS page is released";   // S2
    }
    return NULL;
}

static const char *table_verify(const struct page_set *set, size_t table_index, size_t *free_pages,
                                size_t *released_pages)
{
    const struct page_set_table *table = set->tables[table_index];
    uint64_t                     any_releasable = 0;
    for (size_t i = 0; i < TABLE_LEAVES; i++) {
        const struct page_leaf *leaf = &table->leaves[i];
        const char             *broken = leaf_verify(set, leaf);
        if (broken != NULL)
            return broken;
        size_t first = (table_index << TABLE_PAGES_SHIFT) + (i << LEAF_PAGES_SHIFT);
        size_t n_free = bits_count_range(leaf->free, 0, LEAF_PAGES);
        size_t lowest = bits_array_find_run(leaf->free, LEAF_WORDS, 1);
        if (n_free > 0 && first + lowest < set->search_hint)
            return "S4 a page below the search hint is free";   // S4
        *free_pages += n_free;
        *released_pages += bits_count_range(leaf->released, 0, LEAF_PAGES);
        bool marked = (table->releasable[i / WORD_BITS] >> (i % WORD_BITS) & 1) != 0;
        if (marked != page_set_leaf_is_releasable(set, leaf))
            return "S5 a leaf is wrongly marked";   // S5
        any_releasable |= marked;
    }
    bool marked = (set->releasable[table_index / WORD_BITS] >> (table_index % WORD_BITS) & 1) != 0;
    return marked != (any_releasable != 0) ? "S5 a table is wrongly marked" : NULL;
}

static const char *summaries_verify(const struct page_set *set)
{
    for (unsigned level = 0; level <= ROOT_LEVEL; level++) {
        size_t n_entries = (size_t)1 << (PAGE_NUMBER_BITS - level_shift(level));
        for (size_t i = 0; i < n_entries; i++) {
            const struct page_summary *entry = level_entry(set, level, i);
            if (entry == NULL) {   // no table: nothing of it until the next one
                i |= ((size_t)1 << (FANOUT_SHIFT * (TABLE_LEVELS - level))) - 1;
                continue;
            }
            struct page_summary derived = page_set_derive_summary(set, level, i);
            if (!summary_equals(entry, &derived))
                return "S6 a summary is not what lies below it";   // S6
        }
    }
    return NULL;
}

const char *page_set_verify(const struct page_set *set)
{
    size_t free_pages = 0;
    size_t released_pages = 0;
    for (size_t i = 0; i < TABLES_MAX; i++) {
        if (set->tables[i] == NULL)
            continue;
        const char *broken = table_verify(set, i, &free_pages, &released_pages);
        if (broken != NULL)
            return broken;
    }
    if (free_pages != set->free_pages || released_pages != set->released_pages)
        return "S3 a count is not the number of bits";   // S3
    return summaries_verify(set);
}
