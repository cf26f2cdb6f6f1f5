// The tiny set: naive answers from the masks, all summaries above them included.
#include "tiny_set.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

unsigned tiny_lowest_fit(const struct tiny_set *tiny, unsigned mask, unsigned n)
{
    for (unsigned i = 0; i + n <= tiny->config->n_pages; i++) {
        if ((mask & tiny_mask(i, n)) == tiny_mask(i, n))
            return i;
    }
    return TINY_NONE;
}

unsigned tiny_os_pages_of(const struct tiny_set *tiny, unsigned mask, bool whole)
{
    unsigned result = 0;
    for (unsigned i = 0; i < tiny->config->n_pages; i += tiny->config->os_page_pages) {
        unsigned os_page = tiny_mask(i, tiny->config->os_page_pages);
        if (whole ? (mask & os_page) == os_page : (mask & os_page) != 0)
            result |= os_page;
    }
    return result;
}

// Of the pages on one side of the edge, in an entry that covers many more.
static struct page_summary summarise(unsigned mask, unsigned n_bits)
{
    struct page_summary summary = {0, 0, 0};
    unsigned            run = 0;
    for (unsigned i = 0; i < n_bits; i++) {
        run = (mask >> i & 1) != 0 ? run + 1 : 0;
        summary.longest = run > summary.longest ? run : summary.longest;
    }
    return summary;
}

// ---- the set against the masks ----------------------------------------------------------------

static const struct page_summary *entry_at(const struct tiny_set *tiny, unsigned level, bool above)
{
    size_t page = TINY_EDGE - !above;
    switch (level) {
    case 0:
        return &tiny->tables[above]->level0[above ? 0 : TABLE_LEAVES - 1];
    case 1:
        return &tiny->tables[above]->level1[above ? 0 : TABLE_LEAVES / FANOUT - 1];
    case 2:
        return &tiny->tables[above]->level2[above ? 0 : TABLE_LEAVES / FANOUT / FANOUT - 1];
    case 3:
        return &tiny->set.level3[page / TABLE_PAGES];
    case 4:
        return &tiny->set.level4[page / TABLE_PAGES / FANOUT];
    case 5:
        return &tiny->set.level5[page / TABLE_PAGES / FANOUT / FANOUT];
    case 6:
        return &tiny->set.level6[page / TABLE_PAGES / FANOUT / FANOUT / FANOUT];
    default:
        return &tiny->set.level7[page / TABLE_PAGES / FANOUT / FANOUT / FANOUT / FANOUT];
    }
}

static bool summaries_agree(const struct tiny_set *tiny, unsigned free)
{
    unsigned            half = tiny->config->n_pages / 2;
    struct page_summary below = summarise(free & tiny_mask(0, half), half);
    struct page_summary above = summarise(free >> half, half);
    while (below.at_end < half && (free >> (half - 1 - below.at_end) & 1) != 0)
        below.at_end++;
    while (above.at_start < half && (free >> (half + above.at_start) & 1) != 0)
        above.at_start++;
    for (unsigned level = 0; level <= ROOT_LEVEL; level++) {
        if (memcmp(entry_at(tiny, level, false), &below, sizeof below) != 0 ||
            memcmp(entry_at(tiny, level, true), &above, sizeof above) != 0)
            return false;
    }
    return true;
}

static bool leaf_agrees(const struct page_leaf *leaf, size_t word, uint64_t free, uint64_t released)
{
    uint64_t others = 0;
    for (size_t i = 0; i < LEAF_WORDS; i++)
        others |= i != word ? leaf->free[i] | leaf->released[i] : 0;
    return others == 0 && leaf->free[word] == free && leaf->released[word] == released;
}

static bool marks_agree(const struct tiny_set *tiny, unsigned releasable, bool above)
{
    unsigned half = tiny->config->n_pages / 2;
    bool     any = (above ? releasable >> half : releasable & tiny_mask(0, half)) != 0;
    size_t   leaf = above ? 0 : TABLE_LEAVES - 1;
    size_t   table = above ? TINY_EDGE_TABLE : TINY_EDGE_TABLE - 1;
    return (tiny->tables[above]->releasable[leaf / 64] >> (leaf % 64) & 1) == any &&
           (tiny->set.releasable[table / 64] >> (table % 64) & 1) == any;
}

static uint64_t in_word_below(const struct tiny_set *tiny, unsigned mask)
{
    unsigned half = tiny->config->n_pages / 2;
    return (uint64_t)(mask & tiny_mask(0, half)) << (WORD_BITS - half);
}

static uint64_t in_word_above(const struct tiny_set *tiny, unsigned mask)
{
    return mask >> (tiny->config->n_pages / 2);
}

unsigned tiny_hint(const struct tiny_set *tiny)
{
    size_t hint = tiny->set.search_hint;
    return hint >= tiny->base && hint <= tiny->base + tiny->config->n_pages
               ? (unsigned)(hint - tiny->base)
               : TINY_NONE;
}

const char *tiny_compare(const struct tiny_set *tiny, const struct tiny_state *state)
{
    if (!leaf_agrees(&tiny->tables[0]->leaves[TABLE_LEAVES - 1], LEAF_WORDS - 1,
                     in_word_below(tiny, state->free), in_word_below(tiny, state->released)) ||
        !leaf_agrees(&tiny->tables[1]->leaves[0], 0, in_word_above(tiny, state->free),
                     in_word_above(tiny, state->released)))
        return "other pages are free or released";
    if (tiny->set.free_pages != bits_count(state->free) ||
        tiny->set.released_pages != bits_count(state->released))
        return "the counts are wrong";
    if (!summaries_agree(tiny, state->free))
        return "a summary is wrong";
    unsigned releasable = tiny_os_pages_of(tiny, state->free & ~(unsigned)state->released, true);
    if (!marks_agree(tiny, releasable, false) || !marks_agree(tiny, releasable, true))
        return "a releasable mark is wrong";
    unsigned lowest = tiny_lowest_fit(tiny, state->free, 1);
    if (lowest != TINY_NONE && tiny->set.search_hint > tiny->base + lowest)
        return "the hint lies above a free page";
    if (state->window != 0) {
        bool     below = state->window == 1;
        uint64_t cached =
            below ? in_word_below(tiny, state->cached) : in_word_above(tiny, state->cached);
        uint64_t released = below ? in_word_below(tiny, state->cached_released)
                                  : in_word_above(tiny, state->cached_released);
        if (tiny->window.free != cached || tiny->window.released != released)
            return "the window is wrong";
    }
    return NULL;
}

// ---- states -----------------------------------------------------------------------------------

static void give_mask(struct tiny_set *tiny, unsigned mask, bool released)
{
    for (unsigned i = 0; i < tiny->config->n_pages; i++) {
        unsigned n = 0;
        while (i + n < tiny->config->n_pages && (mask >> (i + n) & 1) != 0)
            n++;
        if (n > 0)
            page_set_give(&tiny->set, page_at_number(tiny->base + i), n, released);
        i += n;
    }
}

// Makes the set what the state says. Whatever else the set consists of follows from that, and has
// been compared.
void tiny_load(struct tiny_set *tiny, const struct tiny_state *state)
{
    for (unsigned i = 0; i < tiny->config->n_pages; i++) {
        page_id page = page_at_number(tiny->base + i);
        size_t  n = page_set_free_from(&tiny->set, page, tiny->config->n_pages - i);
        if (n > 0)
            (void)page_set_take(&tiny->set, page, n);
        i += (unsigned)n;
    }
    give_mask(tiny, state->released, true);
    give_mask(tiny, state->free & ~(unsigned)state->released, false);
    tiny->set.search_hint =
        state->hint == TINY_NONE ? (size_t)1 << PAGE_NUMBER_BITS : tiny->base + state->hint;
    bool below = state->window != 2;
    tiny->window = (struct page_window){
        .first = page_at_number(below ? TINY_EDGE - WINDOW_PAGES : TINY_EDGE),
        .free = below ? in_word_below(tiny, state->cached) : in_word_above(tiny, state->cached),
        .released = below ? in_word_below(tiny, state->cached_released)
                          : in_word_above(tiny, state->cached_released),
    };
}

static void add_piece(struct tiny_set *tiny, const void *at, size_t n_bytes)
{
    CHECK(tiny->n_pieces < TINY_PIECES_MAX);
    tiny->pieces[tiny->n_pieces++] = (struct tiny_piece){(void *)(uintptr_t)at, n_bytes};
}

static void list_pieces(struct tiny_set *tiny)
{
    struct page_set *set = &tiny->set;
    add_piece(tiny, &set->free_pages, sizeof set->free_pages);
    add_piece(tiny, &set->released_pages, sizeof set->released_pages);
    add_piece(tiny, &set->search_hint, sizeof set->search_hint);
    add_piece(tiny, &tiny->window, sizeof tiny->window);
    for (size_t side = 0; side < 2; side++) {
        size_t leaf = side == 0 ? TABLE_LEAVES - 1 : 0;
        add_piece(tiny, &tiny->tables[side]->leaves[leaf], sizeof tiny->tables[side]->leaves[leaf]);
        add_piece(tiny, &tiny->tables[side]->releasable[leaf / WORD_BITS], sizeof(uint64_t));
        add_piece(tiny, &set->releasable[(TINY_EDGE_TABLE - 1 + side) / WORD_BITS],
                  sizeof(uint64_t));
        for (unsigned level = 0; level <= ROOT_LEVEL; level++)
            add_piece(tiny, entry_at(tiny, level, side == 1), sizeof(struct page_summary));
    }
}

void tiny_save(struct tiny_set *tiny)
{
    unsigned char *to = tiny->saved;
    for (size_t i = 0; i < tiny->n_pieces; i++) {
        memcpy(to, tiny->pieces[i].at, tiny->pieces[i].n_bytes);
        to += tiny->pieces[i].n_bytes;
    }
    CHECK(to <= tiny->saved + TINY_SAVED_BYTES_MAX);
}

void tiny_restore(struct tiny_set *tiny)
{
    const unsigned char *from = tiny->saved;
    for (size_t i = 0; i < tiny->n_pieces; i++) {
        memcpy(tiny->pieces[i].at, from, tiny->pieces[i].n_bytes);
        from += tiny->pieces[i].n_bytes;
    }
}

void tiny_start(struct tiny_set *tiny, const struct tiny_config *config)
{
    tiny->config = config;
    tiny->base = TINY_EDGE - config->n_pages / 2;
    page_set_init(&tiny->set, config->os_page_pages, config->huge_page_pages);
    for (size_t i = 0; i < 2; i++) {
        tiny->tables[i] = calloc(1, sizeof *tiny->tables[i]);
        CHECK(tiny->tables[i] != NULL);
        page_set_add_table(&tiny->set, page_at_number(TINY_EDGE - 1 + i), tiny->tables[i]);
    }
    list_pieces(tiny);
}

void tiny_end(struct tiny_set *tiny)
{
    free(tiny->tables[0]);
    free(tiny->tables[1]);
}
