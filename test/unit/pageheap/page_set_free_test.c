// Giving back: exactly the bits of the run, and one run with its free neighbours.
#include "unit_kit.h"

#define FREES_MAX 8
#define HALF (LEAF_PAGES / 2)

struct free_row {
    const char        *name;
    struct run_literal taken;     // here nothing is free before
    size_t             n_pages;   // of each run given back
    size_t             n_frees;
    size_t             frees[FREES_MAX];
    struct run_list    after;
};

static const struct free_row free_rows[] = {
    {"Free1", {0, 512}, 1, 5, {0, 1, 2, 3, 4}, RUNS({0, 5})},
    {"Free1Reversed", {0, 512}, 1, 5, {4, 3, 2, 1, 0}, RUNS({0, 5})},
    {"ManyArena1",
     {0, LEAF(3)},
     1,
     3,
     {HALF, LEAF(1), LEAF(3) - 1},
     RUNS({HALF, 1}, {LEAF(1), 1}, {LEAF(3) - 1, 1})},
    {"Free2", {0, 512}, 2, 5, {0, 2, 4, 8, 6}, RUNS({0, 10})},
    {"Straddle2", {0, LEAF(2)}, 2, 1, {511}, RUNS({511, 2})},
    {"Free5", {0, 512}, 5, 5, {0, 5, 20, 15, 10}, RUNS({0, 25})},
    {"Free64", {0, 512}, 64, 3, {0, 64, 128}, RUNS({0, 192})},
    {"Free65", {0, 512}, 65, 3, {0, 65, 130}, RUNS({0, 195})},
    {"FreeLeaf", {0, 512}, 512, 1, {0}, RUNS({0, 512})},
    {"StraddleLeaf", {0, LEAF(2)}, 512, 1, {HALF}, RUNS({HALF, 512})},
    {"StraddleLeaf+1", {0, LEAF(2)}, 513, 1, {HALF}, RUNS({HALF, 513})},
    {"FreeLeaf*2", {0, LEAF(2)}, LEAF(2), 1, {0}, RUNS({0, LEAF(2)})},
    {"StraddleLeaf*2", {0, LEAF(3)}, LEAF(2), 1, {HALF}, RUNS({HALF, LEAF(2)})},
    {"AllFreeLeaf*7+5", {0, LEAF(8)}, LEAF(7) + 5, 1, {0}, RUNS({0, LEAF(7) + 5})},
    {"MergesBelow", {0, 512}, 3, 2, {60, 63}, RUNS({60, 6})},
    {"MergesAbove", {0, 512}, 3, 2, {63, 60}, RUNS({60, 6})},
    {"MergesBoth", {0, LEAF(2)}, 4, 3, {508, 516, 512}, RUNS({508, 12})},
    {"AcrossTables", {LEAF(511), LEAF(2)}, 2, 1, {LEAF(512) - 1}, RUNS({LEAF(512) - 1, 2})},
};

static void clears_exactly_the_run(void **state)
{
    const struct unit_case *unit_case = unit_case_of(state);
    const struct free_row  *row = unit_case->row;
    struct unit_set        *u = unit_set_new(unit_case->shape);
    given_runs(u, (struct run_list){1, &row->taken}, (struct run_list){0, NULL});
    unit_take(u, row->taken.first, row->taken.n_pages);
    expect_as_model(u);
    for (size_t i = 0; i < row->n_frees; i++) {
        unit_give(u, row->frees[i], row->n_pages, false);
        expect_as_model(u);
    }
    expect_free_runs(u, row->after);
    assert_int_equal(u->set->released_pages, 0);
    unit_set_delete(u);
}

// Rows counted in OS pages: a released run stays released whatever its neighbours are.
static void neighbours_keep_their_state(void **state)
{
    size_t           unit = unit_case_of(state)->shape->os_page_pages;
    struct unit_set *u = unit_set_new(unit_case_of(state)->shape);
    unit_give(u, 0, 2 * unit, true);
    unit_give(u, 4 * unit, 2 * unit, true);
    expect_as_model(u);
    unit_give(u, 2 * unit, 2 * unit, false);
    expect_as_model(u);
    expect_free_runs(u, (struct run_list)RUNS({0, 6 * unit}));
    expect_released_runs(u, (struct run_list)RUNS({0, 2 * unit}, {4 * unit, 2 * unit}));
    expect_find(u, 6 * unit, 0);
    unit_set_delete(u);
}

// Cutting an OS page makes what is left of it ready; its neighbours stay released.
static void a_cut_os_page_is_ready(void **state)
{
    size_t           unit = unit_case_of(state)->shape->os_page_pages;
    struct unit_set *u = unit_set_new(unit_case_of(state)->shape);
    unit_give(u, 0, 8 * unit, true);
    assert_int_equal(unit_take(u, 2 * unit, 2 * unit + 1), 2 * unit + 1);
    expect_as_model(u);
    size_t next = unit == 1 ? 5 * unit : 4 * unit + 1;
    expect_free_runs(u, (struct run_list)RUNS({0, 2 * unit}, {next, 8 * unit - next}));
    expect_released_runs(u, (struct run_list)RUNS({0, 2 * unit}, {5 * unit, 3 * unit}));
    // Cut at its end, too.
    assert_int_equal(unit_take(u, 2 * unit - 1, 1), 1);
    expect_as_model(u);
    if (unit > 1)
        expect_released_runs(u, (struct run_list)RUNS({0, unit}, {5 * unit, 3 * unit}));
    unit_set_delete(u);
}

// A run that begins in one OS page and ends in the next cuts both.
static void a_run_cuts_the_os_pages_at_both_ends(void **state)
{
    size_t           unit = unit_case_of(state)->shape->os_page_pages;
    struct unit_set *u = unit_set_new(unit_case_of(state)->shape);
    unit_give(u, 0, 8 * unit, true);
    assert_int_equal(unit_take(u, 3 * unit - 1, 2), 2);
    expect_as_model(u);
    size_t low = unit == 1 ? 2 : 2 * unit;   // up to here all is released still
    size_t high = 4 * unit;
    expect_released_runs(u, (struct run_list)RUNS({0, low}, {high, 8 * unit - high}));
    unit_set_delete(u);
}

static void the_hint_comes_down_with_each_free(void **state)
{
    struct unit_set *u = unit_set_new(unit_case_of(state)->shape);
    given_free_runs(u, RUNS({0, LEAF(2)}));
    unit_take(u, 0, LEAF(2));
    for (size_t page = LEAF(2); page > 0; page -= 128) {
        unit_give(u, page - 128, 128, false);
        assert_true(u->set->search_hint <= UNIT_BASE_PAGE + page - 128);
        expect_find(u, 1, page - 128);
    }
    expect_as_model(u);
    unit_set_delete(u);
}

static const struct unit_sentence sentences[] = {
    {"neighbours keep their state", neighbours_keep_their_state},
    {"a cut OS page is ready", a_cut_os_page_is_ready},
    {"a run cuts the OS pages at both ends", a_run_cuts_the_os_pages_at_both_ends},
    {"the hint comes down with each free", the_hint_comes_down_with_each_free},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("pa_free_table", free_rows, SET_SHAPES, clears_exactly_the_run));
    ADD_SENTENCES("pa_free_table", sentences, SET_SHAPES);
    return cmocka_run_group_tests_name("page_set_free", unit_tests, NULL, NULL);
}
