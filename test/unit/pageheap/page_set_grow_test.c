// Growing leaf by leaf: which ranges there are, and that free neighbours are one run.
#include "pageheap/page_ranges.h"
#include "unit_kit.h"

#define CAPACITY_FIRST 16

struct grow_row {
    const char     *name;
    struct run_list leaves;    // given one after the other, counted in leaves
    struct run_list runs;      // what there is then, counted in leaves
    size_t          n_moves;   // of the range list to larger storage
};

static const struct grow_row grow_rows[] = {
    {"One", RUNS({0, 1}), RUNS({0, 1}), 0},
    {"Contiguous2", RUNS({0, 1}, {1, 1}), RUNS({0, 2}), 0},
    {"Contiguous5", RUNS({0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 1}), RUNS({0, 5}), 0},
    {"ContiguousDownwards", RUNS({2, 1}, {1, 1}, {0, 1}), RUNS({0, 3}), 0},
    {"Discontiguous", RUNS({0, 1}, {3, 1}, {6, 1}), RUNS({0, 1}, {3, 1}, {6, 1}), 0},
    {"GapClosedLast", RUNS({0, 1}, {2, 1}, {1, 1}), RUNS({0, 3}), 0},
    {"Mixed", RUNS({0, 1}, {1, 1}, {2, 1}, {5, 1}), RUNS({0, 3}, {5, 1}), 0},
    {"WildlyDiscontiguous", RUNS({0, 1}, {1, 1}, {0x13, 1}, {0x25, 1}),
     RUNS({0, 2}, {0x13, 1}, {0x25, 1}), 0},
    {"AcrossTables", RUNS({511, 1}, {512, 1}, {1024, 1}), RUNS({511, 2}, {1024, 1}), 0},
    {"ExtremelyDiscontiguous", RUNS({0, 1}, {0x100000, 1}), RUNS({0, 1}, {0x100000, 1}), 0},
};

static struct run_literal    many_leaves[33];   // every other leaf
static const struct grow_row many_row = {
    "ManyDiscontiguous", {33, many_leaves}, {33, many_leaves}, 2};

// Grows as the heap does: larger storage first, if the list is full.
static size_t add_range(struct page_ranges *list, struct page_range *storage, size_t first,
                        size_t n_pages)
{
    size_t n_moves = 0;
    if (page_ranges_is_full(list)) {
        page_ranges_move(list, storage + 2 * list->capacity, 2 * list->capacity);
        n_moves = 1;
    }
    page_ranges_add(list, PAGE(first), n_pages);
    return n_moves;
}

static void expect_ranges(const struct page_ranges *list, struct run_list runs)
{
    assert_null(page_ranges_verify(list));
    assert_int_equal(list->n_ranges, runs.n_runs);
    for (size_t i = 0; i < runs.n_runs; i++) {
        assert_int_equal(list->ranges[i].first.number, UNIT_BASE_PAGE + LEAF(runs.runs[i].first));
        assert_int_equal(list->ranges[i].n_pages, LEAF(runs.runs[i].n_pages));
    }
}

static void grows_to_the_ranges(void **state)
{
    const struct unit_case *unit_case = unit_case_of(state);
    const struct grow_row  *row = unit_case->row;
    struct unit_set        *u = unit_set_new(unit_case->shape);
    struct page_range       storage[CAPACITY_FIRST * 8];
    struct page_ranges      list = {.ranges = storage, .capacity = CAPACITY_FIRST};
    size_t                  n_moves = 0;
    struct run_literal      in_pages[33];
    for (size_t i = 0; i < row->leaves.n_runs; i++) {
        size_t first = LEAF(row->leaves.runs[i].first);
        unit_give(u, first, LEAF_PAGES, true);
        n_moves += add_range(&list, storage, first, LEAF_PAGES);
        expect_as_model(u);
    }
    for (size_t i = 0; i < row->runs.n_runs; i++)
        in_pages[i] =
            (struct run_literal){LEAF(row->runs.runs[i].first), LEAF(row->runs.runs[i].n_pages)};
    expect_ranges(&list, row->runs);
    expect_free_runs(u, (struct run_list){row->runs.n_runs, in_pages});
    expect_released_runs(u, (struct run_list){row->runs.n_runs, in_pages});
    assert_int_equal(n_moves, row->n_moves);
    unit_set_delete(u);
}

// What is found afterwards does not depend on the order in which the leaves came.
static void order_of_growth_does_not_matter(void **state)
{
    struct unit_set *u = unit_set_new(unit_case_of(state)->shape);
    struct unit_set *down = unit_set_new(unit_case_of(state)->shape);
    for (size_t i = 0; i < 16; i++) {
        unit_give(u, LEAF(i), LEAF_PAGES, true);
        unit_give(down, LEAF(15 - i), LEAF_PAGES, true);
    }
    assert_memory_equal(u->tables[0].leaves, down->tables[0].leaves, sizeof u->tables[0].leaves);
    assert_memory_equal(u->tables[0].level0, down->tables[0].level0, sizeof u->tables[0].level0);
    assert_memory_equal(u->tables[0].level1, down->tables[0].level1, sizeof u->tables[0].level1);
    assert_memory_equal(u->tables[0].level2, down->tables[0].level2, sizeof u->tables[0].level2);
    expect_find(u, LEAF(16), 0);
    expect_find(down, LEAF(16), 0);
    unit_set_delete(u);
    unit_set_delete(down);
}

static const struct unit_sentence sentences[] = {
    {"the order of growth does not matter", order_of_growth_does_not_matter},
};

int main(void)
{
    for (size_t i = 0; i < LENGTH_OF(many_leaves); i++)
        many_leaves[i] = (struct run_literal){2 * i, 1};
    unit_add_table(UNIT_TABLE("pa_grow", grow_rows, SET_SHAPES, grows_to_the_ranges));
    unit_add_table(&(const struct unit_table){"pa_grow", &many_row, 1, sizeof many_row, SET_SHAPES,
                                              grows_to_the_ranges});
    ADD_SENTENCES("pa_grow", sentences, SET_SHAPES);
    return cmocka_run_group_tests_name("page_set_grow", unit_tests, NULL, NULL);
}
