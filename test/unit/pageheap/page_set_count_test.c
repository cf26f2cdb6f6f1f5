// How many pages of a run are released, with those that share an OS page with it: counted for every
// run there is around the borders of leaves, and compared with a list of runs. pageheap/page_set.c.
#include "unit_kit.h"

static const struct run_literal released_runs[] = {
    {LEAF(1) + 16, 8},
    {LEAF(1) + 128, 64},
    {LEAF(2) - 16, 48},
    {LEAF(2) + 504, 8},
};

static bool is_released(size_t page)
{
    for (size_t i = 0; i < LENGTH_OF(released_runs); i++)
        if (page - released_runs[i].first < released_runs[i].n_pages)
            return true;
    return false;
}

static size_t count_by_pages(size_t first, size_t n_pages, size_t unit)
{
    size_t n = 0;
    for (size_t page = first / unit * unit; page < (first + n_pages + unit - 1) / unit * unit;
         page++)
        n += is_released(page);
    return n;
}

static void whole_os_pages_count(void **state)
{
    static const size_t      starts[] = {LEAF(1),     LEAF(1) + 13, LEAF(1) + 127, LEAF(2) - 17,
                                         LEAF(2) - 1, LEAF(2),      LEAF(2) + 1,   LEAF(2) + 31};
    const struct page_shape *shape = unit_case_of(state)->shape;
    struct unit_set         *u = unit_set_new(shape);
    given_runs(u, (struct run_list)RUNS({LEAF(1), LEAF(2)}),
               (struct run_list){LENGTH_OF(released_runs), released_runs});
    for (size_t i = 0; i < LENGTH_OF(starts); i++)
        for (size_t n = 1; starts[i] + n <= LEAF(3); n++)
            assert_int_equal(page_set_count_released(u->set, PAGE(starts[i]), n),
                             count_by_pages(starts[i], n, shape->os_page_pages));
    unit_set_delete(u);
}

static const struct unit_sentence sentences[] = {
    {"whole OS pages count", whole_os_pages_count},
};

int main(void)
{
    ADD_SENTENCES("released pages:", sentences, SET_SHAPES);
    return cmocka_run_group_tests_name("page set count", unit_tests, NULL, NULL);
}
