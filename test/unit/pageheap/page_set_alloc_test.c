// First fit by address: which run a request gets, and how much of it was released.
//
// Rows are written for an OS page of one page. With a larger one the runs found are the same;
// how many of their pages are released then is worked out by the model of unit_kit.
#include "unit_kit.h"

#define HITS_MAX 8

struct hit {
    size_t n_pages, first, n_released;
};

struct alloc_row {
    const char     *name;
    struct run_list free, released;
    struct hit      hits[HITS_MAX];
};

// A leaf at the end of its table, so that its summaries end their arrays.
#define TABLE_LAST LEAF(TABLE_LEAVES - 1)
#define HALF (LEAF_PAGES / 2)

static const struct alloc_row alloc_rows[] = {
    {"AllFree1",
     RUNS({0, 512}),
     RUNS({1, 1}, {3, 1}),
     {{1, 0, 0}, {1, 1, 1}, {1, 2, 0}, {1, 3, 1}, {1, 4, 0}}},
    {"ManyArena1",
     RUNS({LEAF(3) - 1, 1}),
     RUNS({LEAF(3) - 1, 1}),
     {{2, NO_PAGE, 0}, {1, LEAF(3) - 1, 1}, {1, NO_PAGE, 0}}},
    {"NotContiguous1",
     RUNS({LEAF(0xee), 512}),
     RUNS({LEAF(0xee), 512}),
     {{1, LEAF(0xee), 1}, {1, LEAF(0xee) + 1, 1}}},
    {"AllFree2",
     RUNS({0, 512}),
     RUNS({1, 4}, {9, 1}),
     {{2, 0, 1}, {2, 2, 2}, {2, 4, 1}, {2, 6, 0}, {2, 8, 1}}},
    {"Straddle2", RUNS({511, 2}), RUNS({512, 1}), {{2, 511, 1}, {1, NO_PAGE, 0}}},
    {"AllFree5",
     RUNS({0, 512}),
     RUNS({2, 9}, {12, 1}, {19, 3}),
     {{5, 0, 3}, {5, 5, 5}, {5, 10, 2}, {5, 15, 1}, {5, 20, 2}}},
    {"AllFree64",
     RUNS({0, 512}),
     RUNS({30, 2}, {62, 66}),
     {{64, 0, 4}, {64, 64, 64}, {64, 128, 0}}},
    {"AllFree65", RUNS({0, 512}), RUNS({64, 2}, {131, 1}), {{65, 0, 1}, {65, 65, 1}, {65, 130, 1}}},
    {"ExhaustLeaf-3",
     RUNS({0, 512}),
     RUNS({77, 1}, {509, 1}),
     {{509, 0, 1}, {509, NO_PAGE, 0}, {1, 509, 1}, {2, 510, 0}, {1, NO_PAGE, 0}}},
    {"AllFreeLeaf",
     RUNS({0, 512}),
     RUNS({0, 2}, {510, 2}),
     {{512, 0, 4}, {512, NO_PAGE, 0}, {1, NO_PAGE, 0}}},
    {"StraddleLeaf",
     RUNS({HALF, 512}),
     RUNS({500, 100}),
     {{512, HALF, 100}, {512, NO_PAGE, 0}, {1, NO_PAGE, 0}}},
    {"StraddleLeaf+1",
     RUNS({HALF, 768}),
     RUNS({HALF, 768}),
     {{513, HALF, 513}, {512, NO_PAGE, 0}, {1, HALF + 513, 1}}},
    {"AllFreeLeaf*2",
     RUNS({0, 1024}),
     RUNS({511, 2}),
     {{1024, 0, 2}, {1024, NO_PAGE, 0}, {1, NO_PAGE, 0}}},
    {"NotContiguousLeaf*2",
     RUNS({0, 512}, {LEAF(0x50), 1024}),
     RUNS({0, 512}),
     {{1024, LEAF(0x50), 0}, {33, 0, 33}, {1, 33, 1}}},
    {"StraddleLeaf*2",
     RUNS({HALF, 1024}),
     RUNS({LEAF(1) + 9, 11}, {LEAF(2) + 250, 4}),
     {{1024, HALF, 15}, {1024, NO_PAGE, 0}, {1, NO_PAGE, 0}}},
    {"StraddleLeaf*5/4",
     RUNS({LEAF(1) + 384, 128}, {LEAF(2) + 384, 640}),
     RUNS({LEAF(1) + 384, 1}, {LEAF(3) + 99, 1}),
     {{640, LEAF(2) + 384, 1}, {640, NO_PAGE, 0}, {1, LEAF(1) + 384, 1}}},
    {"AllFreeLeaf*7+5",
     RUNS({0, LEAF(8)}),
     RUNS({11, 1}, {LEAF(1) + 40, 1}, {LEAF(2) + 3, 1}, {LEAF(3) + 300, 1}, {LEAF(4), 1},
          {LEAF(6) + 511, 1}, {LEAF(7) + 5, 1}),
     {{LEAF(7) + 5, 0, 6}, {LEAF(7) + 5, NO_PAGE, 0}, {1, LEAF(7) + 5, 1}}},
    // An exhausted leaf whose summaries end one table, and the next free leaf far above.
    {"DiscontiguousMappedSumBoundary",
     RUNS({TABLE_LAST, 512}, {BIG_JUMP, 512}),
     RUNS({BIG_JUMP, 9}),
     {{511, TABLE_LAST, 0},
      {1, TABLE_LAST + 511, 0},
      {1, BIG_JUMP, 1},
      {511, BIG_JUMP + 1, 8},
      {1, NO_PAGE, 0}}},
    // The hint stands where no table is; the second request passes over what the third needs.
    {"DiscontiguousBadSearchAddr",
     RUNS({511, 1}, {BIG_JUMP + LEAF(0x407) + 500, 9}, {2 * BIG_JUMP, 512}),
     RUNS({2 * BIG_JUMP, 50}),
     {{1, 511, 0}, {90, 2 * BIG_JUMP, 50}, {9, BIG_JUMP + LEAF(0x407) + 500, 0}}},
    // Runs over the edges of every level of the summaries: 8, 64, 512, 4096 ... leaves.
    {"StraddleLevel1",
     RUNS({LEAF(8) - 3, 6}),
     RUNS({LEAF(8), 1}),
     {{7, NO_PAGE, 0}, {6, LEAF(8) - 3, 1}}},
    {"StraddleLevel2", RUNS({LEAF(64) - 3, 6}), RUNS({LEAF(64), 1}), {{6, LEAF(64) - 3, 1}}},
    {"StraddleTable", RUNS({LEAF(512) - 3, 6}), RUNS({LEAF(512), 1}), {{6, LEAF(512) - 3, 1}}},
    {"StraddleLevel4", RUNS({LEAF(4096) - 3, 6}), RUNS({LEAF(4096), 1}), {{6, LEAF(4096) - 3, 1}}},
    {"StraddleLevel5",
     RUNS({LEAF(32768) - 3, 6}),
     RUNS({LEAF(32768), 1}),
     {{6, LEAF(32768) - 3, 1}}},
    {"StraddleLevel6",
     RUNS({LEAF(262144) - 3, 6}),
     RUNS({LEAF(262144), 1}),
     {{6, LEAF(262144) - 3, 1}}},
    {"StraddleRoot",
     RUNS({2 * BIG_JUMP - 3, 6}),
     RUNS({2 * BIG_JUMP, 1}),
     {{6, 2 * BIG_JUMP - 3, 1}}},
    {"WholeLeavesBetween",
     RUNS({511, LEAF(9) + 2}),
     RUNS({511, 1}),
     {{LEAF(9) + 3, NO_PAGE, 0}, {LEAF(9) + 2, 511, 1}}},
    {"TooSmallBelow",
     RUNS({5, 1}, {100, 3}, {LEAF(1) - 2, 2}, {LEAF(2), 4}),
     RUNS({100, 3}),
     {{4, LEAF(2), 0}, {3, 100, 3}, {2, LEAF(1) - 2, 0}, {1, 5, 0}, {1, NO_PAGE, 0}}},
};

static void gives_the_lowest_fit(void **state)
{
    const struct unit_case *unit_case = unit_case_of(state);
    const struct alloc_row *row = unit_case->row;
    struct unit_set        *u = unit_set_new(unit_case->shape);
    given_runs(u, row->free, row->released);
    for (const struct hit *hit = row->hits; hit->n_pages != 0; hit++) {
        expect_find(u, hit->n_pages, hit->first);
        expect_as_model(u);   // finding changes nothing
        if (hit->first == NO_PAGE)
            continue;
        size_t n_released = unit_take(u, hit->first, hit->n_pages);
        if (unit_case->shape->os_page_pages == 1)
            assert_int_equal(n_released, hit->n_released);
        expect_as_model(u);
    }
    unit_set_delete(u);
}

static void nothing_fits_in_an_empty_set(void **state)
{
    struct unit_set *u = unit_set_new(unit_case_of(state)->shape);
    page_id          page;
    assert_false(page_set_find_lowest(u->set, &page));
    expect_find(u, 1, NO_PAGE);
    expect_find(u, RUN_PAGES_MAX, NO_PAGE);
    unit_set_delete(u);
}

static void the_largest_request_is_answered(void **state)
{
    struct unit_set *u = unit_set_new(unit_case_of(state)->shape);
    given_free_runs(u, RUNS({7, LEAF(20)}));
    expect_find(u, RUN_PAGES_MAX, NO_PAGE);
    expect_find(u, LEAF(20) + 1, NO_PAGE);
    expect_find(u, LEAF(20), 7);
    unit_set_delete(u);
}

static void pages_behind_a_page_are_counted(void **state)
{
    struct unit_set *u = unit_set_new(unit_case_of(state)->shape);
    given_free_runs(u, RUNS({3, 2}, {500, LEAF(2)}, {LEAF(512) - 1, 1}));
    assert_int_equal(page_set_free_from(u->set, PAGE(2), 9), 0);
    assert_int_equal(page_set_free_from(u->set, PAGE(3), 9), 2);
    assert_int_equal(page_set_free_from(u->set, PAGE(3), 1), 1);
    assert_int_equal(page_set_free_from(u->set, PAGE(4), 9), 1);
    assert_int_equal(page_set_free_from(u->set, PAGE(500), 12), 12);
    assert_int_equal(page_set_free_from(u->set, PAGE(500), 13), 13);
    assert_int_equal(page_set_free_from(u->set, PAGE(500), SIZE_MAX / 2), LEAF(2));
    assert_int_equal(page_set_free_from(u->set, PAGE(LEAF(1)), LEAF(9)), LEAF(1) + 500);
    // The next table has not been supplied.
    assert_int_equal(page_set_free_from(u->set, PAGE(LEAF(512) - 1), 5), 1);
    assert_int_equal(page_set_free_from(u->set, PAGE(LEAF(512)), 5), 0);
    unit_set_delete(u);
}

// The hint may be anything that is not above the lowest free page.
static void a_low_hint_changes_no_answer(void **state)
{
    struct unit_set *u = unit_set_new(unit_case_of(state)->shape);
    given_free_runs(u, RUNS({LEAF(3) + 5, 4}, {LEAF(600), 700}));
    static const size_t hints[] = {0, 1, LEAF(3), LEAF(3) + 5};
    for (size_t i = 0; i < LENGTH_OF(hints); i++) {
        u->set->search_hint = hints[i] == 0 ? 0 : UNIT_BASE_PAGE + hints[i];
        expect_find(u, 4, LEAF(3) + 5);
        expect_find(u, 5, LEAF(600));
        expect_find(u, 513, LEAF(600));
        expect_find(u, 701, NO_PAGE);
        expect_as_model(u);
    }
    unit_set_delete(u);
}

static const struct unit_sentence sentences[] = {
    {"nothing fits in an empty set", nothing_fits_in_an_empty_set},
    {"the largest request is answered", the_largest_request_is_answered},
    {"pages behind a page are counted", pages_behind_a_page_are_counted},
    {"a low hint changes no answer", a_low_hint_changes_no_answer},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("pa_alloc_table", alloc_rows, SET_SHAPES, gives_the_lowest_fit));
    ADD_SENTENCES("pa_alloc_table", sentences, SET_SHAPES);
    return cmocka_run_group_tests_name("page_set_alloc", unit_tests, NULL, NULL);
}
