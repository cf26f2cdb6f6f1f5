// Taking until nothing fits, taking and giving in rounds, and a random walk beside the model.
#include "unit_kit.h"

struct exhaust_row {
    const char *name;
    size_t      n_pages;
};

static const struct exhaust_row exhaust_rows[] = {
    {"1", 1},   {"2", 2},   {"3", 3},       {"4", 4},       {"5", 5},       {"8", 8},
    {"16", 16}, {"64", 64}, {"1024", 1024}, {"1025", 1025}, {"2048", 2048}, {"2049", 2049},
};

static void exactly_as_many_as_fit(void **state)
{
    const struct unit_case   *unit_case = unit_case_of(state);
    const struct exhaust_row *row = unit_case->row;
    struct unit_set          *u = unit_set_new(unit_case->shape);
    unit_give(u, 0, LEAF(4), true);
    size_t n_fit = LEAF(4) / row->n_pages;
    for (size_t i = 0; i < n_fit; i++) {
        page_id first;
        assert_true(page_set_find(u->set, row->n_pages, &first));
        assert_int_equal(first.number, UNIT_BASE_PAGE + i * row->n_pages);
        unit_take(u, i * row->n_pages, row->n_pages);
        if (i % 128 == 0)
            expect_as_model(u);
    }
    expect_find(u, row->n_pages, NO_PAGE);
    expect_as_model(u);
    if (LEAF(4) % row->n_pages != 0)
        expect_free_runs(
            u, (struct run_list)RUNS({n_fit * row->n_pages, LEAF(4) - n_fit * row->n_pages}));
    unit_set_delete(u);
}

static void take_all(struct unit_set *u, size_t n_leaves)
{
    for (size_t i = 0; i < n_leaves; i++) {
        expect_find(u, LEAF_PAGES, LEAF(i));
        unit_take(u, LEAF(i), LEAF_PAGES);
    }
    expect_find(u, 1, NO_PAGE);
    expect_as_model(u);
}

// Eight leaves three times over, then one page, then all again: always the lowest address.
static void eight_leaves_in_rounds(void **state)
{
    struct unit_set *u = unit_set_new(unit_case_of(state)->shape);
    unit_give(u, 0, LEAF(8), true);
    for (int round = 0; round < 3; round++) {
        take_all(u, 8);
        for (size_t i = 0; i < 8; i++)
            unit_give(u, LEAF(i), LEAF_PAGES, false);
        expect_as_model(u);
        expect_find(u, LEAF(8), 0);
    }
    expect_find(u, 1, 0);
    unit_take(u, 0, 1);
    expect_find(u, LEAF(8), NO_PAGE);
    unit_give(u, 0, 1, false);
    take_all(u, 8);
    unit_set_delete(u);
}

static void hint_is_valid(const struct unit_set *u)
{
    size_t lowest = naive_lowest_fit(u, 1);
    if (lowest != NO_PAGE)
        assert_true(u->set->search_hint <= UNIT_BASE_PAGE + lowest);
}

#define WALK_LEAVES 12   // across the edge between two nodes of the summaries
#define HELD_MAX 200

// One step: takes the lowest run that fits, or gives one back (sometimes as released).
static size_t walk_step(struct unit_set *u, struct unit_random *random, struct run_literal *held,
                        size_t n_held)
{
    size_t unit = u->set->os_page_pages;
    if (n_held < HELD_MAX && unit_random_below(random, 5) < 3) {
        size_t log2 = unit_random_below(random, 11);
        size_t n_pages = 1 + unit_random_below(random, (size_t)1 << log2);
        size_t first = naive_lowest_fit(u, n_pages);
        expect_find(u, n_pages, first);
        if (first == NO_PAGE)
            return n_held;
        unit_take(u, first, n_pages);
        held[n_held] = (struct run_literal){first, n_pages};
        return n_held + 1;
    }
    if (n_held == 0)
        return 0;
    size_t             i = unit_random_below(random, n_held);
    struct run_literal run = held[i];
    held[i] = held[n_held - 1];
    bool whole = run.first % unit == 0 && run.n_pages % unit == 0;
    unit_give(u, run.first, run.n_pages, whole && unit_random_below(random, 2) == 0);
    return n_held - 1;
}

static void random_walk_agrees_with_the_model(void **state)
{
    struct unit_set   *u = unit_set_new(unit_case_of(state)->shape);
    struct unit_random random = unit_random_start();
    struct run_literal held[HELD_MAX];
    size_t             n_held = 0;
    unit_give(u, LEAF(504), LEAF(WALK_LEAVES), true);
    for (int step = 0; step < 2000; step++) {
        n_held = walk_step(u, &random, held, n_held);
        hint_is_valid(u);
        if (step % 50 == 0)
            expect_as_model(u);
    }
    while (n_held > 0) {
        n_held--;
        unit_give(u, held[n_held].first, held[n_held].n_pages, false);
    }
    expect_as_model(u);
    expect_find(u, LEAF(WALK_LEAVES), LEAF(504));
    unit_set_delete(u);
}

static const struct unit_sentence cycles[] = {
    {"Leaves8", eight_leaves_in_rounds},
    {"random walk agrees with the model", random_walk_agrees_with_the_model},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("pa_exhaust", exhaust_rows, SET_SHAPES, exactly_as_many_as_fit));
    ADD_SENTENCES("pa_cycle", cycles, SET_SHAPES);
    return cmocka_run_group_tests_name("page_set_exhaust", unit_tests, NULL, NULL);
}
