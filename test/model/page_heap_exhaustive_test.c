// Every state that a tiny page set and one window can reach, every operation in each of them.
//
// A few pages lie where two tables, and the entries of all levels, meet. From the empty set, all
// operations of all arguments are performed in all states, breadth first, until no new state
// turns up; each result is compared with the same done on three small bit masks.
#include "pageheap/page_cache.h"
#include "state_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EDGE_TABLE (TABLES_MAX / 2)
#define EDGE (EDGE_TABLE * TABLE_PAGES)   // the first page above the middle of the address space
#define NO_HINT 31u                       // in a state: nothing is free
#define WINDOW_RUN_MAX 4
#define VERIFY_STATES 5000   // the set's own verification takes a millisecond

#define PIECES_MAX 40
#define SAVED_BYTES_MAX 1024

struct tiny_config {
    const char *name;
    unsigned    n_pages;   // half of them below the edge
    unsigned    os_page_pages, huge_page_pages;
    bool        with_window;
};

// Bit i of a mask is page EDGE - n_pages / 2 + i.
struct state {
    uint16_t free, released;   // in the set
    uint16_t cached, cached_released;
    uint8_t  window;   // which one the cache holds: 0 none, 1 below the edge, 2 above
    uint8_t  hint;     // bit number of the search hint, or NO_HINT
};

struct piece {
    void  *at;
    size_t n_bytes;
};

static struct {
    const struct tiny_config *config;
    uint64_t                  base;   // page number of bit 0
    struct page_set           set;
    struct page_set_table    *tables[2];
    struct page_window        window;

    struct state_table states;   // those before n_done have been worked off
    size_t             n_done;
    struct piece       pieces[PIECES_MAX];   // everything in the set that an operation may change
    size_t             n_pieces;
    unsigned char      saved[SAVED_BYTES_MAX];
    size_t             n_transitions;
    size_t             n_verified;
    const char        *what;   // the operation under way, for messages
} tiny;

// ---- masks ------------------------------------------------------------------------------------

static unsigned mask_of(unsigned first, unsigned n)
{
    return ((1u << n) - 1) << first;
}

static unsigned lowest_fit(unsigned mask, unsigned n)
{
    for (unsigned i = 0; i + n <= tiny.config->n_pages; i++) {
        if ((mask & mask_of(i, n)) == mask_of(i, n))
            return i;
    }
    return NO_HINT;
}

// The OS pages that a mask touches (or, with `whole`, those it holds wholly).
static unsigned os_pages_of(unsigned mask, bool whole)
{
    unsigned result = 0;
    for (unsigned i = 0; i < tiny.config->n_pages; i += tiny.config->os_page_pages) {
        unsigned os_page = mask_of(i, tiny.config->os_page_pages);
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

static void bad(const struct state *before, const char *found)
{
    fail_msg("%s: %s: free %x released %x cached %x (%x) window %u hint %u: %s", tiny.config->name,
             tiny.what, before->free, before->released, before->cached, before->cached_released,
             before->window, before->hint, found);
}

// ---- the set against the masks ----------------------------------------------------------------

static const struct page_summary *entry_at(unsigned level, bool above)
{
    size_t page = EDGE - !above;
    switch (level) {
    case 0:
        return &tiny.tables[above]->level0[above ? 0 : TABLE_LEAVES - 1];
    case 1:
        return &tiny.tables[above]->level1[above ? 0 : TABLE_LEAVES / FANOUT - 1];
    case 2:
        return &tiny.tables[above]->level2[above ? 0 : TABLE_LEAVES / FANOUT / FANOUT - 1];
    case 3:
        return &tiny.set.level3[page / TABLE_PAGES];
    case 4:
        return &tiny.set.level4[page / TABLE_PAGES / FANOUT];
    case 5:
        return &tiny.set.level5[page / TABLE_PAGES / FANOUT / FANOUT];
    case 6:
        return &tiny.set.level6[page / TABLE_PAGES / FANOUT / FANOUT / FANOUT];
    default:
        return &tiny.set.level7[page / TABLE_PAGES / FANOUT / FANOUT / FANOUT / FANOUT];
    }
}

static bool summaries_agree(unsigned free)
{
    unsigned            half = tiny.config->n_pages / 2;
    struct page_summary below = summarise(free & mask_of(0, half), half);
    struct page_summary above = summarise(free >> half, half);
    while (below.at_end < half && (free >> (half - 1 - below.at_end) & 1) != 0)
        below.at_end++;
    while (above.at_start < half && (free >> (half + above.at_start) & 1) != 0)
        above.at_start++;
    for (unsigned level = 0; level <= ROOT_LEVEL; level++) {
        if (memcmp(entry_at(level, false), &below, sizeof below) != 0 ||
            memcmp(entry_at(level, true), &above, sizeof above) != 0)
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

static bool marks_agree(unsigned releasable, bool above)
{
    unsigned half = tiny.config->n_pages / 2;
    bool     any = (above ? releasable >> half : releasable & mask_of(0, half)) != 0;
    size_t   leaf = above ? 0 : TABLE_LEAVES - 1;
    size_t   table = above ? EDGE_TABLE : EDGE_TABLE - 1;
    return (tiny.tables[above]->releasable[leaf / 64] >> (leaf % 64) & 1) == any &&
           (tiny.set.releasable[table / 64] >> (table % 64) & 1) == any;
}

static uint64_t in_word_below(unsigned mask)
{
    unsigned half = tiny.config->n_pages / 2;
    return (uint64_t)(mask & mask_of(0, half)) << (WORD_BITS - half);
}

static uint64_t in_word_above(unsigned mask)
{
    return mask >> (tiny.config->n_pages / 2);
}

static unsigned hint_now(void)
{
    size_t hint = tiny.set.search_hint;
    return hint >= tiny.base && hint <= tiny.base + tiny.config->n_pages
               ? (unsigned)(hint - tiny.base)
               : NO_HINT;
}

// Is the set what `state` says? All but the hint, which may be anything not above a free page.
static void compare_set(const struct state *before, const struct state *state)
{
    if (!leaf_agrees(&tiny.tables[0]->leaves[TABLE_LEAVES - 1], LEAF_WORDS - 1,
                     in_word_below(state->free), in_word_below(state->released)) ||
        !leaf_agrees(&tiny.tables[1]->leaves[0], 0, in_word_above(state->free),
                     in_word_above(state->released)))
        bad(before, "other pages are free or released");
    if (tiny.set.free_pages != bits_count(state->free) ||
        tiny.set.released_pages != bits_count(state->released))
        bad(before, "the counts are wrong");
    if (!summaries_agree(state->free))
        bad(before, "a summary is wrong");
    unsigned releasable = os_pages_of(state->free & ~(unsigned)state->released, true);
    if (!marks_agree(releasable, false) || !marks_agree(releasable, true))
        bad(before, "a releasable mark is wrong");
    unsigned lowest = lowest_fit(state->free, 1);
    if (lowest != NO_HINT && tiny.set.search_hint > tiny.base + lowest)
        bad(before, "the hint lies above a free page");
    if (state->window != 0) {
        bool     below = state->window == 1;
        uint64_t cached = below ? in_word_below(state->cached) : in_word_above(state->cached);
        uint64_t released =
            below ? in_word_below(state->cached_released) : in_word_above(state->cached_released);
        if (tiny.window.free != cached || tiny.window.released != released)
            bad(before, "the window is wrong");
    }
}

// ---- states -----------------------------------------------------------------------------------

static void give_mask(unsigned mask, bool released)
{
    for (unsigned i = 0; i < tiny.config->n_pages; i++) {
        unsigned n = 0;
        while (i + n < tiny.config->n_pages && (mask >> (i + n) & 1) != 0)
            n++;
        if (n > 0)
            page_set_give(&tiny.set, page_at_number(tiny.base + i), n, released);
        i += n;
    }
}

// Makes the set what the state says. Whatever else the set consists of follows from that, and has
// been compared.
static void load_state(const struct state *state)
{
    for (unsigned i = 0; i < tiny.config->n_pages; i++) {
        page_id page = page_at_number(tiny.base + i);
        size_t  n = page_set_free_from(&tiny.set, page, tiny.config->n_pages - i);
        if (n > 0)
            (void)page_set_take(&tiny.set, page, n);
        i += (unsigned)n;
    }
    give_mask(state->released, true);
    give_mask(state->free & ~(unsigned)state->released, false);
    tiny.set.search_hint =
        state->hint == NO_HINT ? (size_t)1 << PAGE_NUMBER_BITS : tiny.base + state->hint;
    bool below = state->window != 2;
    tiny.window = (struct page_window){
        .first = page_at_number(below ? EDGE - WINDOW_PAGES : EDGE),
        .free = below ? in_word_below(state->cached) : in_word_above(state->cached),
        .released =
            below ? in_word_below(state->cached_released) : in_word_above(state->cached_released),
    };
}

static void add_piece(const void *at, size_t n_bytes)
{
    assert_true(tiny.n_pieces < PIECES_MAX);
    tiny.pieces[tiny.n_pieces++] = (struct piece){(void *)(uintptr_t)at, n_bytes};
}

static void list_pieces(void)
{
    struct page_set *set = &tiny.set;
    add_piece(&set->free_pages, sizeof set->free_pages);
    add_piece(&set->released_pages, sizeof set->released_pages);
    add_piece(&set->search_hint, sizeof set->search_hint);
    add_piece(&tiny.window, sizeof tiny.window);
    for (size_t side = 0; side < 2; side++) {
        size_t leaf = side == 0 ? TABLE_LEAVES - 1 : 0;
        add_piece(&tiny.tables[side]->leaves[leaf], sizeof tiny.tables[side]->leaves[leaf]);
        add_piece(&tiny.tables[side]->releasable[leaf / WORD_BITS], sizeof(uint64_t));
        add_piece(&set->releasable[(EDGE_TABLE - 1 + side) / WORD_BITS], sizeof(uint64_t));
        for (unsigned level = 0; level <= ROOT_LEVEL; level++)
            add_piece(entry_at(level, side == 1), sizeof(struct page_summary));
    }
}

static void save_pieces(void)
{
    unsigned char *to = tiny.saved;
    for (size_t i = 0; i < tiny.n_pieces; i++) {
        memcpy(to, tiny.pieces[i].at, tiny.pieces[i].n_bytes);
        to += tiny.pieces[i].n_bytes;
    }
    assert_true(to <= tiny.saved + SAVED_BYTES_MAX);
}

static void restore_pieces(void)
{
    const unsigned char *from = tiny.saved;
    for (size_t i = 0; i < tiny.n_pieces; i++) {
        memcpy(tiny.pieces[i].at, from, tiny.pieces[i].n_bytes);
        from += tiny.pieces[i].n_bytes;
    }
}

// Ends a transition: the set is compared, the state noted, the one before restored.
static void arrive(const struct state *before, struct state *after)
{
    compare_set(before, after);
    after->hint = (uint8_t)hint_now();
    (void)state_table_add(&tiny.states, after);
    tiny.n_transitions++;
    restore_pieces();
}

// ---- operations -------------------------------------------------------------------------------

static void take_everywhere(const struct state *before)
{
    tiny.what = "take";
    for (unsigned first = 0; first < tiny.config->n_pages; first++) {
        for (unsigned n = 1; first + n <= tiny.config->n_pages; n++) {
            unsigned taken = mask_of(first, n);
            if ((before->free & taken) != taken)
                break;
            struct state after = *before;
            after.free &= (uint16_t)~taken;
            after.released &= (uint16_t)~os_pages_of(taken, false);
            if (page_set_take(&tiny.set, page_at_number(tiny.base + first), n) !=
                bits_count(before->released & taken))
                bad(before, "another number of released pages");
            arrive(before, &after);
        }
    }
}

static void give_everywhere(const struct state *before)
{
    tiny.what = "give";
    unsigned handed_out = ~((unsigned)before->free | before->cached);
    for (unsigned first = 0; first < tiny.config->n_pages; first++) {
        for (unsigned n = 1; first + n <= tiny.config->n_pages; n++) {
            unsigned given = mask_of(first, n);
            if ((handed_out & given) != given)
                break;
            struct state after = *before;
            after.free |= (uint16_t)given;
            page_set_give(&tiny.set, page_at_number(tiny.base + first), n, false);
            arrive(before, &after);
            if (os_pages_of(given, true) != given)
                continue;
            after = *before;
            after.free |= (uint16_t)given;
            after.released |= (uint16_t)given;
            page_set_give(&tiny.set, page_at_number(tiny.base + first), n, true);
            arrive(before, &after);
        }
    }
}

static void find_everything(const struct state *before)
{
    tiny.what = "find";
    for (unsigned n = 1; n <= tiny.config->n_pages + 1; n++) {
        page_id  first = page_at_number(0);
        bool     found = page_set_find(&tiny.set, n, &first);
        unsigned expected = n <= tiny.config->n_pages ? lowest_fit(before->free, n) : NO_HINT;
        if (found != (expected != NO_HINT) || (found && first.number != tiny.base + expected))
            bad(before, "not the lowest fit");
    }
    tiny.what = "free_from";
    for (unsigned i = 0; i < tiny.config->n_pages; i++) {
        unsigned n = 0;
        while (i + n < tiny.config->n_pages && (before->free >> (i + n) & 1) != 0)
            n++;
        for (unsigned max = 1; max <= 5; max++) {
            if (page_set_free_from(&tiny.set, page_at_number(tiny.base + i), max) !=
                (n < max ? n : max))
                bad(before, "another number of free pages");
        }
    }
    tiny.what = "find_lowest";
    page_id      page = page_at_number(0);
    bool         found = page_set_find_lowest(&tiny.set, &page);
    unsigned     lowest = lowest_fit(before->free, 1);
    struct state after = *before;
    if (found != (lowest != NO_HINT) || (found && page.number != tiny.base + lowest))
        bad(before, "not the lowest page");
    arrive(before, &after);
}

// What a step of at most `max` pages gives back: as a mask.
static unsigned expected_release(const struct state *before, unsigned max)
{
    unsigned unit = tiny.config->os_page_pages;
    unsigned half = tiny.config->n_pages / 2;
    unsigned releasable = os_pages_of(before->free & ~(unsigned)before->released, true);
    if (releasable == 0)
        return 0;
    unsigned end = bits_highest(releasable) + 1;
    unsigned low = end;
    while (low > 0 && (releasable >> (low - 1) & 1) != 0 && (low != half || end == half))
        low--;
    unsigned wanted = (unsigned)align_up(max > 0 ? max : 1, unit);
    unsigned start = wanted < end - low ? end - wanted : low;
    unsigned huge = tiny.config->huge_page_pages;
    if (huge > unit) {
        unsigned huge_start = start - (unsigned)((tiny.base + start) % huge);
        if (start >= (tiny.base + start) % huge && huge_start >= low && huge_start + huge <= end)
            start = huge_start;
    }
    return mask_of(start, end - start);
}

static void scavenge_all_sizes(const struct state *before)
{
    tiny.what = "find_releasable";
    for (unsigned max = 0; max <= tiny.config->n_pages; max++) {
        page_id  first = page_at_number(0);
        size_t   n_pages = 0;
        bool     found = page_set_find_releasable(&tiny.set, max, &first, &n_pages);
        unsigned expected = expected_release(before, max);
        unsigned got = found ? mask_of((unsigned)(first.number - tiny.base), (unsigned)n_pages) : 0;
        struct state after = *before;
        if (got != expected)
            bad(before, "not the highest run");
        if (!found)
            continue;
        after.released |= (uint16_t)got;
        (void)page_set_take(&tiny.set, first, n_pages);
        page_set_give(&tiny.set, first, n_pages, true);
        arrive(before, &after);
    }
}

static void window_fill_and_flush(const struct state *before)
{
    unsigned half = tiny.config->n_pages / 2;
    for (uint8_t window = 1; before->window == 0 && window <= 2; window++) {
        tiny.what = "take_window";
        unsigned     pages = window == 1 ? mask_of(0, half) : mask_of(half, half);
        struct state after = *before;
        after.window = window;
        after.cached = (uint16_t)(before->free & pages);
        after.cached_released = (uint16_t)(before->released & pages);
        after.free &= (uint16_t)~pages;
        after.released &= (uint16_t)~pages;
        tiny.window =
            page_set_take_window(&tiny.set, page_at_number(window == 1 ? EDGE - 1 : EDGE + 1));
        arrive(before, &after);
    }
    if (before->window != 0) {
        tiny.what = "give_window";
        struct state after = *before;
        after.free |= before->cached;
        after.released |= before->cached_released;
        after.cached = after.cached_released = after.window = 0;
        page_set_give_window(&tiny.set, &tiny.window);
        arrive(before, &after);
    }
}

static void window_take_and_give(const struct state *before)
{
    unsigned half = tiny.config->n_pages / 2;
    tiny.what = "window_take";
    for (unsigned n = 1; n <= WINDOW_RUN_MAX; n++) {
        page_id first = page_at_number(0);
        size_t  n_released = 0;
        bool    found =
            page_window_take(&tiny.window, n, tiny.config->os_page_pages, &first, &n_released);
        unsigned     expected = lowest_fit(before->cached, n);
        struct state after = *before;
        if (found != (expected != NO_HINT) || (found && first.number != tiny.base + expected))
            bad(before, "not the lowest fit");
        if (!found)
            continue;
        if (n_released != bits_count(before->cached_released & mask_of(expected, n)))
            bad(before, "another number of released pages");
        after.cached &= (uint16_t)~mask_of(expected, n);
        after.cached_released &= (uint16_t)~os_pages_of(mask_of(expected, n), false);
        arrive(before, &after);
    }
    tiny.what = "window_give";
    unsigned low = before->window == 1 ? 0 : half;
    unsigned handed_out = ~((unsigned)before->free | before->cached);
    for (unsigned first = 0; first < tiny.config->n_pages; first++) {
        for (unsigned n = 1; first + n <= tiny.config->n_pages; n++) {
            unsigned given = mask_of(first, n);
            if ((handed_out & given) != given)
                break;
            bool         fits = first >= low && first + n <= low + half;
            struct state after = *before;
            if (page_window_give(&tiny.window, page_at_number(tiny.base + first), n) != fits)
                bad(before, "taken, or not");
            if (fits)
                after.cached |= (uint16_t)given;
            arrive(before, &after);
        }
    }
}

static void work_off(const struct state *before)
{
    load_state(before);
    save_pieces();
    find_everything(before);
    take_everywhere(before);
    give_everywhere(before);
    scavenge_all_sizes(before);
    if (tiny.config->with_window)
        window_fill_and_flush(before);
    if (before->window != 0)
        window_take_and_give(before);
    if (++tiny.n_verified % VERIFY_STATES == 0) {
        const char *broken = page_set_verify(&tiny.set);
        if (broken != NULL)
            bad(before, broken);
    }
}

static void every_state_and_operation_is_right(void **state)
{
    memset(&tiny, 0, sizeof tiny);
    tiny.config = *state;
    tiny.base = EDGE - tiny.config->n_pages / 2;
    page_set_init(&tiny.set, tiny.config->os_page_pages, tiny.config->huge_page_pages);
    for (size_t i = 0; i < 2; i++) {
        tiny.tables[i] = calloc(1, sizeof *tiny.tables[i]);
        page_set_add_table(&tiny.set, page_at_number(EDGE - 1 + i), tiny.tables[i]);
    }
    list_pieces();
    state_table_init(&tiny.states, sizeof(struct state));
    (void)state_table_add(&tiny.states, &(struct state){.hint = NO_HINT});
    while (tiny.n_done < tiny.states.n_states) {
        struct state next;   // a copy: the table may move
        memcpy(&next, state_table_at(&tiny.states, tiny.n_done++), sizeof next);
        work_off(&next);
    }
    print_message("%zu states, %zu transitions\n", tiny.states.n_states, tiny.n_transitions);
    assert_true(tiny.states.n_states > 1000);
    state_table_destroy(&tiny.states);
    free(tiny.tables[0]);
    free(tiny.tables[1]);
}

#if NEAP_DEBUG
#define SIZED(in_release, in_debug) (in_debug)
#else
#define SIZED(in_release, in_debug) (in_release)
#endif

static const struct tiny_config configs[] = {
    {"OS page of 1 page", SIZED(12, 8), 1, 4, false},
    {"OS page of 1 page, a window", SIZED(8, 6), 1, 4, true},
    {"OS page of 2 pages", SIZED(16, 8), 2, 4, false},
    {"OS page of 2 pages, a window", SIZED(12, 8), 2, 4, true},
    {"OS page of 8 pages", 16, 8, 0, false},
    {"OS page of 8 pages, a window", SIZED(16, 16), 8, 0, true},
};

int main(void)
{
    enum { N = sizeof configs / sizeof configs[0] };
    struct CMUnitTest tests[N];
    for (size_t i = 0; i < N; i++)
        tests[i] = (struct CMUnitTest){.name = configs[i].name,
                                       .test_func = every_state_and_operation_is_right,
                                       .initial_state = (void *)&configs[i]};
    return cmocka_run_group_tests_name("all states of a tiny page set", tests, NULL, NULL);
}
