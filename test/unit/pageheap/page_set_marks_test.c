// The marks of leaves and tables that hold something to give back: an index from the top.
//
// To mark is to make pages free and ready; what was found is emptied by taking it out.
#include "unit_kit.h"

#define FINDS_MAX 3

// So many leaves, going downwards from `leaf`, are found with this page as their highest.
struct find {
    size_t leaf, n_leaves, last_page;
};

struct mark_row {
    const char     *name;
    struct run_list marked;
    size_t          taken_between;   // pages from 0 on: taken and given back once more
    struct find     finds[FINDS_MAX];
};

static const struct mark_row mark_rows[] = {
    {"Uninitialized", {0, NULL}, 0, {{0, 0, 0}}},
    {"OnePage", RUNS({8, 8}), 0, {{0, 1, 15}}},
    {"FirstPage", RUNS({0, 8}), 0, {{0, 1, 7}}},
    {"SeveralPages", RUNS({16, 24}), 0, {{0, 1, 39}}},
    {"WholeLeaf", RUNS({0, LEAF(1)}), 0, {{0, 1, 511}}},
    {"LastPage", RUNS({504, 8}), 0, {{0, 1, 511}}},
    {"TwoLeaves", RUNS({LEAF(0) + 256, LEAF(1)}), 0, {{1, 1, 255}, {0, 1, 511}}},
    {"TwoLeavesOffset", RUNS({LEAF(9) + 256, LEAF(1) + 8}), 0, {{10, 1, 263}, {9, 1, 511}}},
    {"SevenLeavesOffset", RUNS({LEAF(5) + 24, LEAF(7) + 8}), 0, {{12, 1, 31}, {11, 7, 511}}},
    {"ThirtyTwoLeaves", RUNS({0, LEAF(32)}), 0, {{31, 32, 511}}},
    {"ThirtyTwoLeavesOffset", RUNS({LEAF(5), LEAF(32)}), 0, {{36, 32, 511}}},
    {"Mark",
     RUNS({0, LEAF(1)}, {LEAF(1), LEAF(1)}, {LEAF(2), LEAF(1)}, {LEAF(3), LEAF(1)}),
     0,
     {{3, 4, 511}}},
    {"MarkIdempotentOneLeaf", RUNS({0, LEAF(1)}), LEAF(1), {{0, 1, 511}}},
    {"MarkIdempotentHalves", RUNS({0, 256}, {256, 256}), 256, {{0, 1, 511}}},
    {"MarkIdempotentThirtyTwoLeaves", RUNS({0, LEAF(32)}), LEAF(32), {{31, 32, 511}}},
    {"MarkIdempotentThirtyTwoLeavesOffset",
     RUNS({0, LEAF(5) + 8}, {LEAF(5) + 8, LEAF(27) - 8}),
     LEAF(31) + 16,
     {{31, 32, 511}}},
    {"OverTheEdgeOfTables", RUNS({LEAF(510), LEAF(4)}), 0, {{513, 4, 511}}},
    {"TablesFarApart", RUNS({LEAF(3), 8}, {BIG_JUMP, 8}), 0, {{0x100000, 1, 7}, {3, 1, 7}}},
    {"OverAWordOfMarks", RUNS({LEAF(62), LEAF(4)}), 0, {{65, 4, 511}}},
};

static void find_and_empty(struct unit_set *u, size_t leaf, size_t last_page)
{
    page_id first;
    size_t  n_pages;
    assert_true(page_set_find_releasable(u->set, 1, &first, &n_pages));
    assert_int_equal(first.number + n_pages - 1, UNIT_BASE_PAGE + LEAF(leaf) + last_page);
    for (size_t at = 0; at < LEAF_PAGES; at++) {
        if (model_state_at(u, LEAF(leaf) + at) != MODEL_NONE)
            unit_take(u, LEAF(leaf) + at, 1);
    }
}

static void expect_exhausted(const struct unit_set *u)
{
    page_id first;
    size_t  n_pages;
    assert_false(page_set_find_releasable(u->set, SIZE_MAX, &first, &n_pages));
    for (size_t i = 0; i < LENGTH_OF(u->set->releasable); i++)
        assert_int_equal(u->set->releasable[i], 0);
}

static void finds_downwards_until_exhausted(void **state)
{
    const struct mark_row *row = unit_case_of(state)->row;
    struct unit_set       *u = unit_set_new(unit_case_of(state)->shape);
    for (size_t i = 0; i < row->marked.n_runs; i++)
        unit_give(u, row->marked.runs[i].first, row->marked.runs[i].n_pages, false);
    if (row->taken_between > 0) {
        unit_take(u, 0, row->taken_between);
        unit_give(u, 0, row->taken_between, false);
    }
    expect_as_model(u);
    for (size_t i = 0; i < FINDS_MAX; i++) {
        for (size_t n = 0; n < row->finds[i].n_leaves; n++)
            find_and_empty(u, row->finds[i].leaf - n, row->finds[i].last_page);
    }
    expect_exhausted(u);
    expect_as_model(u);
    unit_set_delete(u);
}

static void marks_between_finds_are_found(void **state)   // MarkInterleaved
{
    struct unit_set *u = unit_set_new(unit_case_of(state)->shape);
    for (size_t i = 0; i < 32; i++) {
        unit_give(u, LEAF(i), LEAF_PAGES, false);
        find_and_empty(u, i, LEAF_PAGES - 1);
        expect_exhausted(u);
    }
    unit_set_delete(u);
}

static bool is_marked(const struct unit_set *u, size_t leaf)
{
    size_t                       number = UNIT_BASE_PAGE / LEAF_PAGES + leaf;
    const struct page_set_table *table = u->set->tables[number / TABLE_LEAVES];
    size_t                       i = number % TABLE_LEAVES;
    return (table->releasable[i / WORD_BITS] >> (i % WORD_BITS) & 1) != 0;
}

static void only_ready_pages_mark(void **state)
{
    size_t           unit = unit_case_of(state)->shape->os_page_pages;
    struct unit_set *u = unit_set_new(unit_case_of(state)->shape);
    unit_give(u, 0, LEAF(2), true);
    expect_exhausted(u);
    // One OS page cut: what is left of it is ready, but no whole OS page is.
    unit_take(u, LEAF(1) + 3 * unit, 1);
    assert_false(is_marked(u, 1));
    expect_exhausted(u);
    unit_give(u, LEAF(1) + 3 * unit, 1, false);
    assert_true(is_marked(u, 1));
    assert_false(is_marked(u, 0));
    find_and_empty(u, 1, 4 * unit - 1);
    expect_exhausted(u);
    unit_set_delete(u);
}

static void windows_carry_their_marks(void **state)
{
    struct unit_set *u = unit_set_new(unit_case_of(state)->shape);
    unit_give(u, LEAF(7) + 64, 64, false);
    struct page_window window = page_set_take_window(u->set, PAGE(LEAF(7) + 100));
    expect_exhausted(u);
    page_set_give_window(u->set, &window);
    find_and_empty(u, 7, 127);
    expect_exhausted(u);
    unit_set_delete(u);
}

static const struct unit_sentence sentences[] = {
    {"MarkInterleaved", marks_between_finds_are_found},
    {"only whole ready OS pages mark", only_ready_pages_mark},
    {"windows carry their marks", windows_carry_their_marks},
};

int main(void)
{
    unit_add_table(
        UNIT_TABLE("scav_index", mark_rows, SET_SHAPES, finds_downwards_until_exhausted));
    ADD_SENTENCES("scav_index", sentences, SET_SHAPES);
    return cmocka_run_group_tests_name("page_set_marks", unit_tests, NULL, NULL);
}
