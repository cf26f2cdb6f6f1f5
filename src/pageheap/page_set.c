// The bitmaps, their summaries, and the walk that finds the lowest run that fits.
#include "pageheap/page_set_parts.h"

#include <string.h>

#include "base/check.h"

#include <stddef.h>

#define NO_HINT ((size_t)1 << PAGE_NUMBER_BITS)   // nothing is free

// Where the summaries of each level begin: in a table up to level 2, in the set above.
const size_t page_set_level_offset[ROOT_LEVEL + 1] = {
    offsetof(struct page_set_table, level0), offsetof(struct page_set_table, level1),
    offsetof(struct page_set_table, level2), offsetof(struct page_set, level3),
    offsetof(struct page_set, level4),       offsetof(struct page_set, level5),
    offsetof(struct page_set, level6),       offsetof(struct page_set, level7),
};

static struct page_summary leaf_summarise(const struct page_leaf *leaf)
{
    size_t at_start = bits_ones_from(leaf->free, 0, LEAF_PAGES);
    if (at_start == LEAF_PAGES)
        return (struct page_summary){LEAF_PAGES, LEAF_PAGES, LEAF_PAGES};
    size_t longest = at_start;
    size_t run = 0;   // free pages that end where the next word starts
    for (size_t i = 0; i < LEAF_WORDS; i++) {
        uint64_t word = leaf->free[i];
        if (word == ~UINT64_C(0)) {
            run += WORD_BITS;
            continue;
        }
        longest = size_max(longest, run + bits_ones_at_start(word));
        run = bits_ones_at_end(word);
        if (word != 0)
            longest = bits_longest_run(word, (unsigned)longest);
    }
    return (struct page_summary){(uint32_t)at_start, (uint32_t)size_max(longest, run),
                                 (uint32_t)run};
}

// Joins the eight entries at `below`, each of which covers `entry_pages`.
static struct page_summary summaries_join(const struct page_summary *below, uint32_t entry_pages)
{
    uint32_t longest = 0;
    uint32_t run = 0;   // free pages that end where the next entry starts
    size_t   i = 0;
    while (i < FANOUT && below[i].at_start == entry_pages) {
        run += entry_pages;
        i++;
    }
    uint32_t at_start = i < FANOUT ? run + below[i].at_start : run;
    for (; i < FANOUT; i++) {
        const struct page_summary *entry = &below[i];
        uint32_t                   joined = run + entry->at_start;
        longest = longest > joined ? longest : joined;
        longest = longest > entry->longest ? longest : entry->longest;
        run = entry->at_start == entry_pages ? joined : entry->at_end;
    }
    return (struct page_summary){at_start, longest > run ? longest : run, run};
}

// What entry `index` of a level should say.
struct page_summary page_set_derive_summary(const struct page_set *set, unsigned level,
                                            size_t index)
{
    if (level == 0)
        return leaf_summarise(leaf_at(set, index << LEAF_PAGES_SHIFT));
    const struct page_summary *below = level_entry(set, level - 1, index * FANOUT);
    if (below == NULL)
        return (struct page_summary){0, 0, 0};
    return summaries_join(below, UINT32_C(1) << level_shift(level - 1));
}

// Does the leaf hold a whole OS page that is free and not released? Which pages are those?
static uint64_t releasable_in_word(const struct page_set *set, const struct page_leaf *leaf,
                                   size_t i)
{
    uint64_t ready = leaf->free[i] & ~leaf->released[i];
    return set->os_page_pages == 1 ? ready : bits_whole_groups(ready, set->os_page_pages);
}

bool page_set_leaf_is_releasable(const struct page_set *set, const struct page_leaf *leaf)
{
    uint64_t any = 0;
    for (size_t i = 0; i < LEAF_WORDS; i++)
        any |= releasable_in_word(set, leaf, i);
    return any != 0;
}

static void mark_bit(uint64_t *words, size_t i, bool value)
{
    uint64_t bit = UINT64_C(1) << (i % WORD_BITS);
    words[i / WORD_BITS] = value ? words[i / WORD_BITS] | bit : words[i / WORD_BITS] & ~bit;
}

static void update_releasable(struct page_set *set, size_t leaf_index)
{
    size_t                 table_index = leaf_index / TABLE_LEAVES;
    struct page_set_table *table = set->tables[table_index];
    size_t                 i = leaf_index % TABLE_LEAVES;
    mark_bit(table->releasable, i, page_set_leaf_is_releasable(set, &table->leaves[i]));
    uint64_t any = 0;
    for (size_t w = 0; w < TABLE_LEAVES / WORD_BITS; w++)
        any |= table->releasable[w];
    mark_bit(set->releasable, table_index, any != 0);
}

// Entry `index` of a level has changed from `before` to `now` and nothing else below `above` has:
// what should `above` say? Where the edges are the same, only the longest run can have changed,
// and mostly three numbers tell it; else the eight are joined anew.
static struct page_summary summary_follow(const struct page_set *set, unsigned level, size_t index,
                                          const struct page_summary *before,
                                          const struct page_summary *above)
{
    const struct page_summary *now = level_entry(set, level, index);
    bool same_edges = now->at_start == before->at_start && now->at_end == before->at_end;
    if (same_edges && now->longest >= above->longest)
        return (struct page_summary){above->at_start, now->longest, above->at_end};
    if (same_edges && before->longest < above->longest)
        return *above;
    return summaries_join(now - index % FANOUT, UINT32_C(1) << level_shift(level));
}

// Brings everything above one leaf up to date, as far as it changes.
static void update_above_leaf(struct page_set *set, size_t index)
{
    struct page_summary *entry = level_entry(set, 0, index);
    struct page_summary  before = *entry;
    *entry = leaf_summarise(leaf_at(set, index << LEAF_PAGES_SHIFT));
    for (unsigned level = 0; level < ROOT_LEVEL && !summary_equals(entry, &before); level++) {
        struct page_summary *above = level_entry(set, level + 1, index / FANOUT);
        struct page_summary  now = summary_follow(set, level, index, &before, above);
        before = *above;
        *above = now;
        entry = above;
        index /= FANOUT;
    }
}

// The same above the leaves [low, high].
static void update_above_leaves(struct page_set *set, size_t low, size_t high)
{
    bool changed = true;
    for (unsigned level = 0; changed && level <= ROOT_LEVEL; level++) {
        changed = false;
        for (size_t i = low; i <= high; i++) {
            struct page_summary  now = page_set_derive_summary(set, level, i);
            struct page_summary *entry = level_entry(set, level, i);
            changed |= !summary_equals(entry, &now);
            *entry = now;
        }
        low /= FANOUT;
        high /= FANOUT;
    }
}

// Brings everything above the bits of [first, first + n_pages) up to date.
static void update_above(struct page_set *set, size_t first, size_t n_pages)
{
    size_t low = first >> LEAF_PAGES_SHIFT;
    size_t high = (first + n_pages - 1) >> LEAF_PAGES_SHIFT;
    for (size_t i = low; i <= high; i++)
        update_releasable(set, i);
    if (low == high)
        update_above_leaf(set, low);
    else
        update_above_leaves(set, low, high);
}

void page_set_init(struct page_set *set, unsigned os_page_pages, unsigned huge_page_pages)
{
    CHECK(is_power_of_two(os_page_pages));
    CHECK_LE(os_page_pages, WINDOW_PAGES);
    set->os_page_pages = os_page_pages;
    // A huge page larger than a leaf cannot be kept together by a search within leaves.
    set->huge_page_pages = huge_page_pages <= LEAF_PAGES ? huge_page_pages : 0;
    set->search_hint = NO_HINT;
}

void page_set_add_table(struct page_set *set, page_id page, struct page_set_table *table)
{
    DCHECK(!page_set_has_table(set, page));
    size_t index = page.number >> TABLE_PAGES_SHIFT;
    set->tables[index] = table;
    set->highest_table = size_max(set->highest_table, index);
}

// The part of the pages [at, end) that lies in the leaf of `at`.
static size_t pages_in_leaf(size_t at, size_t end)
{
    return size_min(end - at, LEAF_PAGES - at % LEAF_PAGES);
}

void page_set_give(struct page_set *set, page_id first, size_t n_pages, bool released)
{
    DCHECK(n_pages > 0);
    DCHECK(!released || (first.number % set->os_page_pages == 0));
    DCHECK(!released || (n_pages % set->os_page_pages == 0));
    size_t end = first.number + n_pages;
    for (size_t at = first.number; at < end;) {
        struct page_leaf *leaf = leaf_at(set, at);
        size_t            n = pages_in_leaf(at, end);
        DCHECK_EQ(bits_count_range(leaf->free, at % LEAF_PAGES, n), 0);
        bits_set_range(leaf->free, at % LEAF_PAGES, n);
        if (released)
            bits_set_range(leaf->released, at % LEAF_PAGES, n);
        at += n;
    }
    set->free_pages += n_pages;
    if (released)
        set->released_pages += n_pages;
    set->search_hint = size_min(set->search_hint, first.number);
    update_above(set, first.number, n_pages);
}

// The OS page of `page` is about to be cut: what is left of it cannot count as released, since
// the kernel will back it as a whole.
static void make_os_page_ready(struct page_set *set, size_t page)
{
    struct page_leaf *leaf = leaf_at(set, page);
    size_t            first = align_down(page, set->os_page_pages) % LEAF_PAGES;
    set->released_pages -= bits_count_range(leaf->released, first, set->os_page_pages);
    bits_clear_range(leaf->released, first, set->os_page_pages);
}

size_t page_set_take(struct page_set *set, page_id first, size_t n_pages)
{
    DCHECK(n_pages > 0);
    size_t end = first.number + n_pages;
    size_t n_released = 0;
    for (size_t at = first.number; at < end;) {
        struct page_leaf *leaf = leaf_at(set, at);
        size_t            n = pages_in_leaf(at, end);
        DCHECK_EQ(bits_count_range(leaf->free, at % LEAF_PAGES, n), n);
        bits_clear_range(leaf->free, at % LEAF_PAGES, n);
        n_released += bits_count_range(leaf->released, at % LEAF_PAGES, n);
        bits_clear_range(leaf->released, at % LEAF_PAGES, n);
        at += n;
    }
    set->free_pages -= n_pages;
    set->released_pages -= n_released;
    if (set->os_page_pages > 1) {
        make_os_page_ready(set, first.number);
        make_os_page_ready(set, end - 1);
    }
    if (set->search_hint == first.number)
        set->search_hint = end;
    update_above(set, first.number, n_pages);
    return n_released;
}

// The lowest run that fits in a leaf. Requires: there is one, as the leaf's summary says.
static page_id first_fit_in_leaf(const struct page_set *set, size_t leaf_index, size_t n_pages)
{
    size_t first = leaf_index << LEAF_PAGES_SHIFT;
    size_t at = bits_array_find_run(leaf_at(set, first)->free, LEAF_WORDS, n_pages);
    DCHECK(at != BITS_NONE);
    return page_at_number(first + at);
}

// One step of the walk: looks through entries [low, high) of a level for room for `n_pages`.
struct walk_step {
    enum { WALK_NOTHING, WALK_SPANS, WALK_INSIDE } found;
    size_t page;    // WALK_SPANS: where the run starts
    size_t entry;   // WALK_INSIDE: the entry that holds the whole run
};

static struct walk_step walk_level(const struct page_set *set, unsigned level, size_t low,
                                   size_t high, size_t n_pages)
{
    const struct page_summary *entries = level_entry(set, level, low);
    unsigned                   shift = level_shift(level);
    size_t                     entry_pages = (size_t)1 << shift;
    size_t                     run = 0;   // free pages that end where the next entry starts
    for (size_t i = low; i < high; i++) {
        const struct page_summary *entry = &entries[i - low];
        if (run + entry->at_start >= n_pages)
            return (struct walk_step){.found = WALK_SPANS, .page = (i << shift) - run};
        if (entry->longest >= n_pages)
            return (struct walk_step){.found = WALK_INSIDE, .entry = i};
        run = entry->at_start == entry_pages ? run + entry_pages : entry->at_end;
    }
    return (struct walk_step){.found = WALK_NOTHING};
}

// Walks down from the root. What lies below the hint is not free, so entries before it are
// skipped on every level.
static bool walk_down(struct page_set *set, size_t n_pages, page_id *out_first)
{
    size_t low = 0;
    size_t high = ROOT_ENTRIES;
    for (unsigned level = ROOT_LEVEL;; level--) {
        low = size_max(low, set->search_hint >> level_shift(level));
        struct walk_step step = walk_level(set, level, low, high, n_pages);
        if (step.found == WALK_NOTHING)
            return false;
        if (step.found == WALK_SPANS) {
            *out_first = page_at_number(step.page);
            return true;
        }
        low = step.entry * FANOUT;
        high = low + FANOUT;
        if (level == 0) {
            *out_first = first_fit_in_leaf(set, step.entry, n_pages);
            return true;
        }
    }
}

bool page_set_find_lowest(struct page_set *set, page_id *out_page)
{
    bool found = set->free_pages > 0 && walk_down(set, 1, out_page);
    set->search_hint = found ? out_page->number : NO_HINT;
    return found;
}

bool page_set_find(struct page_set *set, size_t n_pages, page_id *out_first)
{
    DCHECK(n_pages > 0);
    DCHECK_LE(n_pages, RUN_PAGES_MAX);
    if (n_pages > set->free_pages)
        return false;
    size_t                     leaf_index = set->search_hint >> LEAF_PAGES_SHIFT;
    const struct page_summary *entry = level_entry(set, 0, leaf_index);
    if (entry == NULL || entry->longest == 0) {   // the hint has been left behind
        page_id lowest;
        if (!page_set_find_lowest(set, &lowest))
            return false;
        leaf_index = lowest.number >> LEAF_PAGES_SHIFT;
        entry = level_entry(set, 0, leaf_index);
    }
    // Most requests are small and fit in the leaf where free pages start: no walk is needed.
    if (entry->longest >= n_pages) {
        *out_first = first_fit_in_leaf(set, leaf_index, n_pages);
        return true;
    }
    return walk_down(set, n_pages, out_first);
}

size_t page_set_count_released(const struct page_set *set, page_id first, size_t n_pages)
{
    size_t at = align_down(first.number, set->os_page_pages);
    size_t end = align_up(first.number + n_pages, set->os_page_pages);
    size_t n_released = 0;
    while (at < end) {
        size_t n = pages_in_leaf(at, end);
        n_released += bits_count_range(leaf_at(set, at)->released, at % LEAF_PAGES, n);
        at += n;
    }
    return n_released;
}

size_t page_set_free_from(const struct page_set *set, page_id first, size_t n_pages_max)
{
    size_t end = first.number + n_pages_max;
    size_t at = first.number;
    while (at < end && page_set_has_table(set, page_at_number(at))) {
        size_t in_leaf = at % LEAF_PAGES;
        size_t n = pages_in_leaf(at, end);
        size_t n_free = bits_ones_from(leaf_at(set, at)->free, in_leaf, in_leaf + n);
        at += n_free;
        if (n_free < n)
            break;
    }
    return at - first.number;
}

struct page_window page_set_take_window(struct page_set *set, page_id page)
{
    size_t            first = align_down(page.number, WINDOW_PAGES);
    struct page_leaf *leaf = leaf_at(set, first);
    size_t            i = first % LEAF_PAGES / WORD_BITS;
    // An OS page is never wider than a window, so none is cut here.
    struct page_window window = {page_at_number(first), leaf->free[i], leaf->released[i]};
    leaf->free[i] = 0;
    leaf->released[i] = 0;
    set->free_pages -= bits_count(window.free);
    set->released_pages -= bits_count(window.released);
    update_above(set, first, WINDOW_PAGES);
    return window;
}

void page_set_give_window(struct page_set *set, const struct page_window *window)
{
    if (window->free == 0)
        return;
    size_t            first = window->first.number;
    struct page_leaf *leaf = leaf_at(set, first);
    size_t            i = first % LEAF_PAGES / WORD_BITS;
    DCHECK_EQ(leaf->free[i] & window->free, 0);
    DCHECK_EQ(window->released & ~window->free, 0);
    leaf->free[i] |= window->free;
    leaf->released[i] |= window->released;
    set->free_pages += bits_count(window->free);
    set->released_pages += bits_count(window->released);
    set->search_hint = size_min(set->search_hint, first + bits_lowest(window->free));
    update_above(set, first, WINDOW_PAGES);
}

// The highest run of releasable pages among the first `limit` of a leaf: [*out_low, returned
// end). 0 if there is none.
static size_t leaf_highest_releasable(const struct page_set *set, const struct page_leaf *leaf,
                                      size_t limit, size_t *out_low)
{
    uint64_t pages[LEAF_WORDS];
    for (size_t i = 0; i < LEAF_WORDS; i++)
        pages[i] = releasable_in_word(set, leaf, i);
    size_t last = bits_array_highest(pages, limit - 1);
    if (last == BITS_NONE)
        return 0;
    size_t low = last;
    while (low > 0 && (pages[(low - 1) / WORD_BITS] >> ((low - 1) % WORD_BITS) & 1) != 0)
        low--;
    *out_low = low;
    return last + 1;
}

// Of a table, the highest leaf at or below `from` that is marked releasable, or BITS_NONE.
static size_t highest_in_table(const struct page_set_table *table, size_t from, bool spares_taken)
{
    uint64_t below = bits_mask(0, (unsigned)(from % WORD_BITS) + 1);
    for (size_t w = from / WORD_BITS + 1; w-- > 0; below = ~UINT64_C(0)) {
        uint64_t spared = spares_taken ? table->taken[w] | table->taken_before[w] : 0;
        uint64_t leaves = table->releasable[w] & ~spared & below;
        if (leaves != 0)
            return w * WORD_BITS + bits_highest(leaves);
    }
    return BITS_NONE;
}

// The same over all tables.
static size_t highest_releasable_leaf(const struct page_set *set, size_t leaf_index,
                                      bool spares_taken)
{
    size_t table_index = size_min(leaf_index / TABLE_LEAVES, set->highest_table);
    size_t from =
        table_index < leaf_index / TABLE_LEAVES ? TABLE_LEAVES - 1 : leaf_index % TABLE_LEAVES;
    for (;;) {
        const struct page_set_table *table = set->tables[table_index];
        size_t found = table != NULL ? highest_in_table(table, from, spares_taken) : BITS_NONE;
        if (found != BITS_NONE)
            return table_index * TABLE_LEAVES + found;
        if (table_index == 0)
            return BITS_NONE;
        table_index = bits_array_highest(set->releasable, table_index - 1);
        if (table_index == BITS_NONE)
            return BITS_NONE;
        from = TABLE_LEAVES - 1;
    }
}

// What of the releasable run [low, end) of a leaf should go: from its end downwards, and a huge
// page that would be broken goes as a whole. Returns where it starts.
static size_t releasable_start(const struct page_set *set, size_t low, size_t end,
                               const struct release_limits *limits)
{
    size_t unit = set->os_page_pages;
    size_t huge = set->huge_page_pages;
    size_t wanted = align_up(size_max(size_min(limits->n_pages_max, LEAF_PAGES), 1), unit);
    size_t start = end - size_min(wanted, end - low);
    if (huge <= unit || limits->breaks_huge_pages)
        return start;
    size_t huge_start = align_down(start, huge);
    return huge_start >= low && huge_start + huge <= end ? huge_start : start;
}

void page_set_note_taken(struct page_set *set, page_id first, size_t n_pages)
{
    size_t end_leaf = (first.number + n_pages - 1) >> LEAF_PAGES_SHIFT;
    for (size_t i = first.number >> LEAF_PAGES_SHIFT; i <= end_leaf; i++)
        mark_bit(set->tables[i / TABLE_LEAVES]->taken, i % TABLE_LEAVES, true);
}

// Where nothing can be released the marks do not matter; they may be old when that changes.
void page_set_age(struct page_set *set)
{
    for (size_t w = 0; w < TABLES_MAX / WORD_BITS; w++)
        for (uint64_t rest = set->releasable[w]; rest != 0; rest &= rest - 1) {
            struct page_set_table *table = set->tables[w * WORD_BITS + bits_lowest(rest)];
            memcpy(table->taken_before, table->taken, sizeof table->taken);
            memset(table->taken, 0, sizeof table->taken);
        }
}

bool page_set_find_releasable_within(const struct page_set       *set,
                                     const struct release_limits *limits, page_id *out_first,
                                     size_t *out_n_pages)
{
    size_t low = 0;
    size_t end = 0;
    size_t limit = limits->below.number;
    size_t first = 0;
    while (end == 0) {
        size_t leaf_index = limit > 0
                                ? highest_releasable_leaf(set, (limit - 1) >> LEAF_PAGES_SHIFT,
                                                          limits->spares_taken)
                                : BITS_NONE;
        if (leaf_index == BITS_NONE)
            return false;
        first = leaf_index << LEAF_PAGES_SHIFT;
        // Only the leaf that the limit cuts can be marked and yet have nothing below it.
        end = leaf_highest_releasable(set, leaf_at(set, first), size_min(limit - first, LEAF_PAGES),
                                      &low);
        limit = first;
    }
    size_t start = releasable_start(set, low, end, limits);
    *out_first = page_at_number(first + start);
    *out_n_pages = end - start;
    return true;
}

bool page_set_find_releasable(const struct page_set *set, size_t n_pages_max, page_id *out_first,
                              size_t *out_n_pages)
{
    struct release_limits limits = {.below = page_at_number(NO_HINT), .n_pages_max = n_pages_max};
    return page_set_find_releasable_within(set, &limits, out_first, out_n_pages);
}
