// Page caches: runs out of one word, windows taken from a set and flushed back into it.
#include "pageheap/page_cache.h"
#include "unit_kit.h"

#define HITS_MAX 24
#define ONES (~UINT64_C(0))

struct hit {
    unsigned n_pages;
    size_t   first, n_released;   // first NO_PAGE: nothing
};

struct take_row {
    const char *name;
    uint64_t    free, released;
    struct hit  hits[HITS_MAX];
};

static const struct take_row take_rows[] = {
    {"Empty",
     0,
     0,
     {{1, NO_PAGE, 0},
      {2, NO_PAGE, 0},
      {3, NO_PAGE, 0},
      {7, NO_PAGE, 0},
      {13, NO_PAGE, 0},
      {16, NO_PAGE, 0},
      {31, NO_PAGE, 0},
      {33, NO_PAGE, 0},
      {63, NO_PAGE, 0},
      {64, NO_PAGE, 0}}},
    {"Lo1", 1, 1, {{1, 0, 1}, {1, NO_PAGE, 0}, {9, NO_PAGE, 0}}},
    {"Hi1", UINT64_C(1) << 63, 0, {{1, 63, 0}, {1, NO_PAGE, 0}, {9, NO_PAGE, 0}}},
    {"Swiss1",
     0x40001555,
     0x1405,
     {{2, NO_PAGE, 0},
      {1, 0, 1},
      {1, 2, 1},
      {1, 4, 0},
      {1, 6, 0},
      {1, 8, 0},
      {1, 10, 1},
      {1, 12, 1},
      {1, 30, 0},
      {1, NO_PAGE, 0},
      {9, NO_PAGE, 0}}},
    {"Lo2", 3, 0, {{2, 0, 0}, {2, NO_PAGE, 0}, {1, NO_PAGE, 0}}},
    {"Hi2", UINT64_C(3) << 62, UINT64_C(3) << 62, {{2, 62, 2}, {2, NO_PAGE, 0}, {1, NO_PAGE, 0}}},
    {"Swiss2",
     UINT64_C(0x3333) << 30,
     UINT64_C(0x0330) << 30,
     {{2, 30, 0}, {2, 34, 2}, {2, 38, 2}, {2, 42, 0}, {2, NO_PAGE, 0}}},
    {"Hi53",
     ((UINT64_C(1) << 53) - 1) << 11,
     UINT64_C(0xFFF) << 20,
     {{53, 11, 12}, {53, NO_PAGE, 0}, {1, NO_PAGE, 0}}},
    {"Full53", ONES, UINT64_C(0xFFF) << 48, {{53, 0, 5}, {53, NO_PAGE, 0}, {1, 53, 1}}},
    {"Full64", ONES, ONES, {{64, 0, 64}, {64, NO_PAGE, 0}, {1, NO_PAGE, 0}}},
    {"FullMixed",
     ONES,
     ONES,
     {{6, 0, 6},
      {3, 6, 3},
      {1, 9, 1},
      {29, 10, 29},
      {62, NO_PAGE, 0},
      {2, 39, 2},
      {2, 41, 2},
      {11, 43, 11},
      {11, NO_PAGE, 0},
      {5, 54, 5},
      {6, NO_PAGE, 0},
      {3, 59, 3},
      {33, NO_PAGE, 0},
      {3, NO_PAGE, 0},
      {2, 62, 2},
      {64, NO_PAGE, 0},
      {1, NO_PAGE, 0}}},
};

static void takes_the_lowest_run(void **state)
{
    const struct take_row *row = unit_case_of(state)->row;
    struct page_window     window = {PAGE(640), row->free, row->released};
    for (const struct hit *hit = row->hits; hit->n_pages != 0; hit++) {
        struct page_window before = window;
        page_id            first;
        size_t             n_released;
        bool               taken = page_window_take(&window, hit->n_pages, 1, &first, &n_released);
        assert_int_equal(taken, hit->first != NO_PAGE);
        if (taken) {
            assert_int_equal(first.number, UNIT_BASE_PAGE + 640 + hit->first);
            assert_int_equal(n_released, hit->n_released);
            uint64_t mask = bits_mask((unsigned)hit->first, hit->n_pages);
            assert_int_equal(window.free, before.free & ~mask);
            assert_int_equal(window.released, before.released & ~mask);
        } else {
            assert_memory_equal(&window, &before, sizeof window);
        }
        assert_null(page_window_verify(&window, 1));
    }
}

struct cut_row {
    const char *name;
    unsigned    os_page_pages, n_pages;
    uint64_t    free, released;
    size_t      n_released;   // of those taken
    uint64_t    released_after;
};

// An OS page that is cut counts as ready, also the part that stays.
static const struct cut_row cut_rows[] = {
    {"cut at its end", 8, 3, ONES, ONES, 3, ONES << 8},
    {"whole", 8, 8, ONES, ONES, 8, ONES << 8},
    {"whole and one", 8, 9, ONES, ONES, 9, ONES << 16},
    {"cut at its start", 8, 5, ONES << 3, ONES << 8, 0, ONES << 8},
    {"cut at both ends", 8, 10, ONES << 7, ONES << 8, 9, ONES << 24},
    {"two pages", 2, 1, ONES, ONES, 1, ONES << 2},
    {"ready ones", 8, 3, ONES, ONES << 8, 0, ONES << 8},
};

static void a_cut_os_page_is_ready(void **state)
{
    const struct cut_row *row = unit_case_of(state)->row;
    struct page_window    window = {PAGE(64), row->free, row->released};
    page_id               first;
    size_t                n_released;
    assert_true(page_window_take(&window, row->n_pages, row->os_page_pages, &first, &n_released));
    assert_int_equal(n_released, row->n_released);
    assert_int_equal(window.released, row->released_after);
    assert_null(page_window_verify(&window, row->os_page_pages));
}

struct give_row {
    const char *name;
    size_t      first;
    unsigned    n_pages;
    bool        given;
};

static const struct give_row give_rows[] = {
    {"at the start", 64, 1, true},    {"at the end", 127, 1, true},
    {"all of it", 64, 64, true},      {"the page below", 63, 1, false},
    {"over the start", 63, 2, false}, {"the page above", 128, 1, false},
    {"over the end", 127, 2, false},  {"more than it", 64, 65, false},
    {"far below", 0, 1, false},       {"far above", 1000, 64, false},
    {"in the middle", 90, 15, true},  {"up to the end", 100, 28, true},
};

static void gives_back_what_lies_in_it(void **state)
{
    const struct give_row *row = unit_case_of(state)->row;
    struct page_window     window = {PAGE(64), 0, 0};
    assert_int_equal(page_window_give(&window, PAGE(row->first), row->n_pages), row->given);
    uint64_t mask = row->given ? bits_mask((unsigned)(row->first - 64), row->n_pages) : 0;
    assert_int_equal(window.free, mask);
    assert_int_equal(window.released, 0);   // whoever used it made it ready
}

// ---- windows and sets -------------------------------------------------------------------------

static void flush_window(size_t first, uint64_t free, uint64_t released,
                         const struct page_shape *shape)
{
    struct unit_set   *u = unit_set_new(shape);
    struct run_literal runs[2] = {{0, first}, {first + 64, 512 - first - 64}};
    given_free_runs(u, RUNS({0, 512}));
    unit_take(u, first, 64);
    released = bits_whole_groups(released & free, shape->os_page_pages);
    struct page_window window = {PAGE(first), free, released};
    page_set_give_window(u->set, &window);
    size_t index = UNIT_BASE_PAGE >> TABLE_PAGES_SHIFT;
    assert_int_equal(u->set->tables[index]->leaves[0].free[first / 64], free);
    assert_int_equal(u->set->tables[index]->leaves[0].released[first / 64], released);
    assert_int_equal(u->set->free_pages, 512 - 64 + bits_count(free));
    assert_int_equal(u->set->released_pages, bits_count(released));
    assert_null(page_set_verify(u->set));
    // The pages of the other windows are as they were.
    for (size_t i = 0; i < 2; i++) {
        if (runs[i].n_pages > 0)
            assert_int_equal(bits_count_range(u->set->tables[index]->leaves[0].free, runs[i].first,
                                              runs[i].n_pages),
                             runs[i].n_pages);
    }
    unit_set_delete(u);
}

static void an_empty_window_gives_nothing(void **state)
{
    flush_window(0, 0, 0, unit_case_of(state)->shape);
}

static void a_full_window_gives_all(void **state)
{
    flush_window(0, ONES, ONES, unit_case_of(state)->shape);
    flush_window(448, ONES, 0, unit_case_of(state)->shape);
}

static void random_windows_give_their_bits(void **state)
{
    struct unit_random random = unit_random_start();
    for (int i = 0; i < 100; i++) {
        size_t   first = 64 * unit_random_below(&random, LEAF_WORDS);
        uint64_t free = unit_random_next(&random) | unit_random_next(&random);
        flush_window(first, free, unit_random_next(&random), unit_case_of(state)->shape);
    }
}

static void a_window_lowers_the_hint(void **state)
{
    struct unit_set *u = unit_set_new(unit_case_of(state)->shape);
    given_free_runs(u, RUNS({0, LEAF(1)}));
    unit_take(u, 0, LEAF(1));
    struct page_window window = {PAGE(128), UINT64_C(3) << 40, 0};
    page_set_give_window(u->set, &window);
    page_id lowest;
    assert_true(page_set_find_lowest(u->set, &lowest));
    assert_int_equal(lowest.number, UNIT_BASE_PAGE + 128 + 40);
    assert_null(page_set_verify(u->set));
    unit_set_delete(u);
}

#define FILLS_MAX 4

struct fill_row {
    const char     *name;
    struct run_list free, released;
    struct {
        size_t   first;   // NO_PAGE: nothing is left
        uint64_t free, released;
    } fills[FILLS_MAX];
};

static const struct fill_row fill_rows[] = {
    {"AllFree",
     RUNS({0, 512}),
     RUNS({8, 8}, {128, 64}),
     {{0, ONES, 0xFF00}, {64, ONES, 0}, {128, ONES, ONES}, {192, ONES, 0}}},
    {"ManyArena", RUNS({LEAF(3) - 64, 64}), {0, NULL}, {{LEAF(3) - 64, ONES, 0}, {NO_PAGE, 0, 0}}},
    {"NotContiguous",
     RUNS({LEAF(0xee), 512}),
     RUNS({LEAF(0xee) + 40, 56}),
     {{LEAF(0xee), ONES, ONES << 40}, {LEAF(0xee) + 64, ONES, UINT64_C(0xFFFFFFFF)}}},
    {"First",
     RUNS({40, 1}, {64, 24}, {120, 8}),
     RUNS({72, 8}),
     {{0, UINT64_C(1) << 40, 0}, {64, UINT64_C(0xFF00000000FFFFFF), 0xFF00}, {NO_PAGE, 0, 0}}},
    {"Fail", {0, NULL}, {0, NULL}, {{NO_PAGE, 0, 0}, {NO_PAGE, 0, 0}, {NO_PAGE, 0, 0}}},
    {"RetainScavBits",
     RUNS({8, 64}),
     RUNS({8, 8}, {64, 8}),
     {{0, ONES << 8, 0xFF00}, {64, 0xFF, 0xFF}, {NO_PAGE, 0, 0}}},
    {"DiscontiguousMappedSumBoundary",
     RUNS({LEAF(512) - 1, 1}, {BIG_JUMP, 1}),
     {0, NULL},
     {{LEAF(512) - 64, UINT64_C(1) << 63, 0}, {BIG_JUMP, 1, 0}, {NO_PAGE, 0, 0}}},
};

static void forget_window(struct unit_set *u, size_t first)
{
    size_t i = 0;
    while (u->leaf_numbers[i] != first / LEAF_PAGES)
        i++;
    for (size_t at = 0; at < WINDOW_PAGES; at++)
        u->states[i][first % LEAF_PAGES + at] = MODEL_NONE;
}

static void fills_from_the_lowest_window(void **state)
{
    const struct fill_row *row = unit_case_of(state)->row;
    struct unit_set       *u = unit_set_new(unit_case_of(state)->shape);
    given_runs(u, row->free, row->released);
    for (size_t i = 0; i < FILLS_MAX; i++) {
        page_id lowest;
        bool    any = page_set_find_lowest(u->set, &lowest);
        if (!any || row->fills[i].free == 0) {
            assert_int_equal(row->fills[i].free, 0);
            assert_int_equal(any, u->set->free_pages != 0);
            continue;
        }
        struct page_window window = page_set_take_window(u->set, lowest);
        assert_int_equal(window.first.number, UNIT_BASE_PAGE + row->fills[i].first);
        assert_int_equal(window.free, row->fills[i].free);
        assert_int_equal(window.released, row->fills[i].released);
        forget_window(u, row->fills[i].first);
        expect_as_model(u);
    }
    unit_set_delete(u);
}

static void a_window_with_nothing_free_is_empty(void **state)
{
    struct unit_set *u = unit_set_new(unit_case_of(state)->shape);
    given_free_runs(u, RUNS({64, 64}));
    struct page_window window = page_set_take_window(u->set, PAGE(63));
    assert_int_equal(window.free | window.released, 0);
    assert_int_equal(window.first.number, UNIT_BASE_PAGE);
    expect_as_model(u);
    unit_set_delete(u);
}

// ---- verification -----------------------------------------------------------------------------

static void verify_names_what_is_broken(void **state)
{
    struct page_window taken = {PAGE(0), 0xF0, 0x1F0};
    expect_broken(page_window_verify(&taken, 1), "C2");
    struct page_window part = {PAGE(0), 0xFFFF, 0x7F00};
    expect_broken(page_window_verify(&part, 8), "C2");
    assert_null(page_window_verify(&part, 1));
}

static const struct unit_sentence alone[] = {
    {"verify names what is broken", verify_names_what_is_broken},
};

static const struct unit_sentence flushes[] = {
    {"Empty", an_empty_window_gives_nothing},
    {"Full", a_full_window_gives_all},
    {"Random", random_windows_give_their_bits},
    {"lowers the hint", a_window_lowers_the_hint},
};

static const struct unit_sentence fills[] = {
    {"a window with nothing free is empty", a_window_with_nothing_free_is_empty},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("pc_alloc", take_rows, 0, takes_the_lowest_run));
    unit_add_table(UNIT_TABLE("pc_alloc", cut_rows, 0, a_cut_os_page_is_ready));
    unit_add_table(UNIT_TABLE("pc_alloc give", give_rows, 0, gives_back_what_lies_in_it));
    ADD_SENTENCES("pc_alloc", alone, 0);
    ADD_SENTENCES("pc_flush", flushes, SET_SHAPES);
    unit_add_table(UNIT_TABLE("pc_fill", fill_rows, SET_SHAPES, fills_from_the_lowest_window));
    ADD_SENTENCES("pc_fill", fills, SET_SHAPES);
    return cmocka_run_group_tests_name("page_cache", unit_tests, NULL, NULL);
}
