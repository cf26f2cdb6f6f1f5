// From an address to its run: single pages, whole leaves, and everything that is not a run.
#include "pageheap/page_map.h"
#include "pageheap/run.h"
#include "unit_kit.h"

#define N_TABLES 3

// A map with tables for the pages from 0 on.
struct map_kit {
    struct page_map       map;
    struct page_map_table tables[N_TABLES];
};

static struct map_kit *given_a_map(void)
{
    struct map_kit *kit = unit_map(sizeof *kit);
    for (size_t i = 0; i < N_TABLES; i++)
        page_map_add_table(&kit->map, PAGE(i * TABLE_PAGES), &kit->tables[i]);
    return kit;
}

static struct run *find_page(struct map_kit *kit, size_t page)
{
    return page_map_find(&kit->map, page_address(PAGE(page)));
}

// Exactly the pages [first, first + n_pages) of [low, high) belong to `run`.
static void expect_run(struct map_kit *kit, struct run_literal run_pages, struct run *run,
                       struct run_literal looked_at)
{
    for (size_t page = looked_at.first; page < looked_at.first + looked_at.n_pages; page++) {
        bool inside = page - run_pages.first < run_pages.n_pages;
        assert_ptr_equal(find_page(kit, page), inside ? run : NULL);
    }
}

// M2: of a page's own entry and its leaf's, at most one is set. Leaves wholly within the run are
// entered once, so that no page of them is.
static void expect_entered_sparingly(struct map_kit *kit, struct run_literal run)
{
    for (size_t leaf = 0; leaf < N_TABLES * TABLE_LEAVES; leaf++) {
        struct page_map_table *table = &kit->tables[leaf / TABLE_LEAVES];
        size_t                 in_table = leaf % TABLE_LEAVES;
        bool whole = LEAF(leaf) >= run.first && LEAF(leaf + 1) <= run.first + run.n_pages;
        // owner: only this thread
        assert_int_equal(load_relaxed(&table->leaf_run[in_table]) != NULL, whole);
        if (LEAF(leaf + 1) + LEAF(2) < run.first || LEAF(leaf) > run.first + run.n_pages + LEAF(2))
            continue;
        for (size_t i = 0; whole && i < LEAF_PAGES; i++) {
            // owner: only this thread
            assert_int_equal(load_relaxed(&table->page_entry[LEAF(in_table) + i]), 0);
        }
    }
}

struct set_row {
    const char        *name;
    struct run_literal run;
};

static const struct set_row set_rows[] = {
    {"one page", {7, 1}},
    {"the first page of a leaf", {LEAF(3), 1}},
    {"the last page of a leaf", {LEAF(3) - 1, 1}},
    {"over an edge", {LEAF(3) - 2, 5}},
    {"a leaf", {LEAF(3), LEAF(1)}},
    {"a leaf less its first page", {LEAF(3) + 1, 511}},
    {"a leaf less its last page", {LEAF(3), 511}},
    {"a leaf and a page", {LEAF(3), 513}},
    {"a page and a leaf", {LEAF(3) - 1, 513}},
    {"leaves and two ends", {LEAF(3) - 5, LEAF(4) + 12}},
    {"the end of a table", {LEAF(512) - 600, 600}},
    {"over the edge of tables", {LEAF(512) - 600, 1300}},
    {"whole leaves of two tables", {LEAF(510), LEAF(4)}},
    {"a whole table and more", {LEAF(511) + 100, LEAF(514)}},
};

static void all_pages_of_a_run_are_found(void **state)
{
    const struct set_row *row = unit_case_of(state)->row;
    struct map_kit       *kit = given_a_map();
    struct run            run = {.kind = RUN_IN_USE};
    struct run_literal    near = {row->run.first < 600 ? 0 : row->run.first - 600,
                               row->run.n_pages + 1200};
    page_map_set(&kit->map, PAGE(row->run.first), row->run.n_pages, &run);
    expect_run(kit, row->run, &run, near);
    expect_entered_sparingly(kit, row->run);
    // Inside a page too, up to its last byte.
    uintptr_t end = page_address(PAGE(row->run.first + row->run.n_pages));
    assert_ptr_equal(page_map_find(&kit->map, end - 1), &run);
    assert_null(page_map_find(&kit->map, end));
    assert_null(page_map_find(&kit->map, page_address(PAGE(row->run.first)) - 1));
    page_map_set(&kit->map, PAGE(row->run.first), row->run.n_pages, NULL);
    expect_run(kit, row->run, NULL, near);
    expect_entered_sparingly(kit, (struct run_literal){0, 0});
    unit_unmap(kit, sizeof *kit);
}

struct resize_row {
    const char *name;
    size_t      first, n_pages, new_n_pages;
};

static const struct resize_row resize_rows[] = {
    {"up within a leaf", LEAF(1) + 5, 3, 9},
    {"up to the end of a leaf", LEAF(1) + 5, 3, 507},
    {"up over an edge", LEAF(1) + 5, 3, 600},
    {"up to fill a leaf", LEAF(1), 3, 512},
    {"up to fill a leaf, less one", LEAF(1), 3, 511},
    {"up past a filled leaf", LEAF(1), 3, 513},
    {"up from a whole leaf", LEAF(1), 512, 513},
    {"up by whole leaves", LEAF(1), 512, 2048},
    {"up over many leaves", LEAF(1) + 1, 1, 3000},
    {"up within the last leaf of many", LEAF(1), 1030, 1031},
    {"up to fill the last leaf of many", LEAF(1), 1030, 1536},
    {"up past the last leaf of many", LEAF(1) + 7, 1030, 1700},
    {"up into the next table", LEAF(511) + 3, 300, 1500},
    {"up by a table", LEAF(500), 300, LEAF(600)},
    {"by nothing", LEAF(1) + 5, 600, 600},
};

// Both ways: the row upwards and back down.
static void resized_runs_are_found(void **state)
{
    const struct resize_row *row = unit_case_of(state)->row;
    struct map_kit          *kit = given_a_map();
    struct run               run = {.kind = RUN_IN_USE};
    struct run               below = {.kind = RUN_IN_USE};
    struct run_literal       small = {row->first, row->n_pages};
    struct run_literal       large = {row->first, row->new_n_pages};
    struct run_literal       near = {row->first, row->new_n_pages + 1200};
    page_map_set(&kit->map, PAGE(row->first - 1), 1, &below);
    page_map_set(&kit->map, PAGE(small.first), small.n_pages, &run);
    page_map_resize(&kit->map, PAGE(row->first), row->n_pages, row->new_n_pages, &run);
    expect_run(kit, large, &run, near);
    expect_entered_sparingly(kit, large);
    page_map_resize(&kit->map, PAGE(row->first), row->new_n_pages, row->n_pages, &run);
    expect_run(kit, small, &run, near);
    expect_entered_sparingly(kit, small);
    assert_ptr_equal(find_page(kit, row->first - 1), &below);
    unit_unmap(kit, sizeof *kit);
}

// What was one run can be two, in either order, with nothing left of the first.
static void entries_do_not_outlive_their_run(void **state)
{
    struct map_kit *kit = given_a_map();
    struct run      large = {.kind = RUN_IN_USE}, low = large, high = large;
    page_map_set(&kit->map, PAGE(LEAF(2)), LEAF(3), &large);
    page_map_set(&kit->map, PAGE(LEAF(2)), LEAF(3), NULL);
    page_map_set(&kit->map, PAGE(LEAF(2)), 700, &low);
    page_map_set(&kit->map, PAGE(LEAF(2) + 700), LEAF(3) - 700, &high);
    for (size_t page = LEAF(2); page < LEAF(5); page++)
        assert_ptr_equal(find_page(kit, page), page < LEAF(2) + 700 ? &low : &high);
    page_map_set(&kit->map, PAGE(LEAF(2)), 700, NULL);
    expect_run(kit, (struct run_literal){LEAF(2) + 700, LEAF(3) - 700}, &high,
               (struct run_literal){0, LEAF(6)});
    unit_unmap(kit, sizeof *kit);
}

static void any_value_may_be_asked_for(void **state)
{
    struct map_kit *kit = given_a_map();
    struct run      run = {.kind = RUN_IN_USE};
    page_map_set(&kit->map, PAGE(0), TABLE_PAGES, &run);
    static const uintptr_t addresses[] = {
        0,
        1,
        8192,
        UINT64_C(1) << 43,                   // no table
        (UINT64_C(1) << ADDRESS_BITS) - 1,   // the last that is looked at
        UINT64_C(1) << ADDRESS_BITS,
        UINT64_C(0x0000800000000000),                         // not canonical
        UINT64_C(0x8000000000000000) | (UINT64_C(1) << 44),   // a tag above a good address
        UINT64_C(0xFFFF800000000000),
        UINTPTR_MAX,
        UINTPTR_MAX - 8191,
    };
    for (size_t i = 0; i < LENGTH_OF(addresses); i++)
        assert_null(page_map_find(&kit->map, addresses[i]));
    struct unit_random random = unit_random_start();
    uintptr_t          start = page_address(PAGE(0));
    for (int i = 0; i < 100000; i++) {
        uintptr_t address = unit_random_next(&random) >> unit_random_below(&random, 64);
        bool      inside = address - start < pages_to_bytes(TABLE_PAGES);
        assert_ptr_equal(page_map_find(&kit->map, address), inside ? &run : NULL);
    }
    unit_unmap(kit, sizeof *kit);
}

static void tables_are_told(void **state)
{
    struct map_kit *kit = given_a_map();
    assert_true(page_map_has_table(&kit->map, PAGE(0)));
    assert_true(page_map_has_table(&kit->map, PAGE(N_TABLES * TABLE_PAGES - 1)));
    assert_false(page_map_has_table(&kit->map, PAGE(N_TABLES * TABLE_PAGES)));
    assert_false(page_map_has_table(&kit->map, page_at_number(UNIT_BASE_PAGE - 1)));
    unit_unmap(kit, sizeof *kit);
}

static const struct unit_sentence sentences[] = {
    {"entries do not outlive their run", entries_do_not_outlive_their_run},
    {"any value may be asked for", any_value_may_be_asked_for},
    {"tables are told", tables_are_told},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("page_map", set_rows, 0, all_pages_of_a_run_are_found));
    unit_add_table(UNIT_TABLE("page_map resize", resize_rows, 0, resized_runs_are_found));
    ADD_SENTENCES("page_map", sentences, 0);
    return cmocka_run_group_tests_name("page_map", unit_tests, NULL, NULL);
}
