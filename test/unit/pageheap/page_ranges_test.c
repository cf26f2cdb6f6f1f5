// Sorted ranges: merging down, up and both ways, and the search for a successor.
#include "pageheap/page_ranges.h"
#include "unit_kit.h"

#define STORAGE 160

struct list {
    struct page_ranges ranges;
    struct page_range  storage[STORAGE];
};

static void list_init(struct list *list, size_t capacity)
{
    list->ranges = (struct page_ranges){.ranges = list->storage, .capacity = capacity};
}

static void expect_ranges(const struct page_ranges *list, const struct run_literal *runs,
                          size_t n_runs)
{
    size_t total_pages = 0;
    assert_null(page_ranges_verify(list));
    assert_int_equal(list->n_ranges, n_runs);
    for (size_t i = 0; i < n_runs; i++) {
        assert_int_equal(list->ranges[i].first.number, runs[i].first);
        assert_int_equal(list->ranges[i].n_pages, runs[i].n_pages);
        total_pages += runs[i].n_pages;
    }
    assert_int_equal(list->total_pages, total_pages);
}

// ---- adding -----------------------------------------------------------------------------------

struct add_row {
    const char        *name;
    struct run_list    before;
    struct run_literal added;
    struct run_list    after;
};

static const struct add_row add_rows[] = {
    {"the first", {0, NULL}, {500, 20}, RUNS({500, 20})},
    {"merges up", RUNS({500, 20}), {480, 20}, RUNS({480, 40})},
    {"merges down", RUNS({500, 20}), {520, 20}, RUNS({500, 40})},
    {"stays apart above", RUNS({500, 20}), {521, 20}, RUNS({500, 20}, {521, 20})},
    {"stays apart below", RUNS({500, 20}), {479, 20}, RUNS({479, 20}, {500, 20})},
    {"closes a gap", RUNS({500, 20}, {530, 5}), {520, 10}, RUNS({500, 35})},
    {"in a gap, joins the lower", RUNS({500, 20}, {530, 5}), {520, 9}, RUNS({500, 29}, {530, 5})},
    {"in a gap, joins the upper", RUNS({500, 20}, {530, 5}), {521, 9}, RUNS({500, 20}, {521, 14})},
    {"in a gap, joins neither",
     RUNS({500, 20}, {530, 5}),
     {521, 8},
     RUNS({500, 20}, {521, 8}, {530, 5})},
    {"closes the first of two gaps", RUNS({1, 1}, {3, 1}, {5, 1}), {2, 1}, RUNS({1, 3}, {5, 1})},
    {"closes the second of two gaps", RUNS({1, 1}, {3, 1}, {5, 1}), {4, 1}, RUNS({1, 1}, {3, 3})},
    {"at page zero", RUNS({5, 1}), {0, 1}, RUNS({0, 1}, {5, 1})},
};

static void ranges_merge(void **state)
{
    const struct add_row *row = unit_case_of(state)->row;
    struct list           list;
    list_init(&list, STORAGE);
    for (size_t i = 0; i < row->before.n_runs; i++)
        page_ranges_add(&list.ranges, page_at_number(row->before.runs[i].first),
                        row->before.runs[i].n_pages);
    page_ranges_add(&list.ranges, page_at_number(row->added.first), row->added.n_pages);
    expect_ranges(&list.ranges, row->after.runs, row->after.n_runs);
}

static void grow_if_full(struct page_ranges *list, struct page_range *other)
{
    if (!page_ranges_is_full(list))
        return;
    struct page_range *before = list->ranges;
    struct page_range *old = page_ranges_move(list, other, list->capacity * 2);
    assert_ptr_equal(old, before);
    for (size_t i = 0; i < list->n_ranges; i++)
        old[i] = (struct page_range){page_at_number(~(size_t)0), 0};   // forgotten
}

// Sixty-four at the end, then sixty-three at the start: room for 16, 32, 64, 128.
static void growing_at_both_ends(void **state)
{
    static struct page_range storage[3][STORAGE];
    struct page_ranges       list = {.ranges = storage[0], .capacity = 16};
    struct run_literal       expected[127];
    size_t                   n_moves = 0;
    for (size_t i = 0; i < 127; i++) {
        size_t slot = i < 64 ? 63 + i : i - 64;   // among the sorted
        size_t first = 100 + 10 * slot;
        if (page_ranges_is_full(&list))
            n_moves++;
        grow_if_full(&list, storage[1 + n_moves % 2]);
        page_ranges_add(&list, page_at_number(first), 7);
        assert_null(page_ranges_verify(&list));
        expected[slot] = (struct run_literal){first, 7};
    }
    assert_int_equal(n_moves, 3);
    expect_ranges(&list, expected, 127);
}

// ---- searching --------------------------------------------------------------------------------

#define MANY 100   // ranges {7 i + 7, 4}

struct find_row {
    const char     *name;
    struct run_list runs;
    size_t          page, successor;
    bool            contains;
};

static struct run_literal many[MANY];

static const struct find_row find_rows[] = {
    {"Empty", {0, NULL}, 12, 0, false},
    {"OneBefore", RUNS({14, 3}), 13, 0, false},
    {"OneWithin", RUNS({14, 3}), 14, 0, true},
    {"OneLast", RUNS({14, 3}), 16, 0, true},
    {"OneAfterLimit", RUNS({14, 3}), 17, 1, false},
    {"OneAfter", RUNS({14, 3}), 18, 1, false},
    {"ThreeBefore", RUNS({6, 4}, {12, 4}, {19, 3}), 3, 0, false},
    {"ThreeAfter", RUNS({6, 4}, {12, 4}, {19, 3}), 22, 3, false},
    {"ThreeBetween", RUNS({6, 4}, {12, 4}, {19, 3}), 11, 1, false},
    {"ThreeWithin", RUNS({6, 4}, {12, 4}, {19, 3}), 9, 0, true},
    {"ThreeWithinLast", RUNS({6, 4}, {12, 4}, {19, 3}), 21, 2, true},
    {"Zero", RUNS({0, 10}), 0, 0, true},
    {"Max", RUNS({((size_t)1 << PAGE_NUMBER_BITS) - 6, 5}), ((size_t)1 << PAGE_NUMBER_BITS) - 1, 1,
     false},
    {"LargeBefore", {MANY, many}, 2, 0, false},
    {"LargeAfter", {MANY, many}, 7 * MANY + 40, MANY, false},
    {"LargeBetweenLow", {MANY, many}, 7 * 2 + 5, 2, false},
    {"LargeBetweenHigh", {MANY, many}, 7 * 90 + 4, 90, false},
    {"LargeWithinLow", {MANY, many}, 7 * 3 + 3, 2, true},
    {"LargeWithinHigh", {MANY, many}, 7 * 97 + 1, 96, true},
    {"LargeWithinMiddle", {MANY, many}, 7 * 50, 49, true},
};

static void successor_is_found(void **state)
{
    const struct find_row *row = unit_case_of(state)->row;
    struct list            list;
    list_init(&list, STORAGE);
    for (size_t i = 0; i < row->runs.n_runs; i++)
        page_ranges_add(&list.ranges, page_at_number(row->runs.runs[i].first),
                        row->runs.runs[i].n_pages);
    page_id page = page_at_number(row->page);
    assert_int_equal(page_ranges_find_successor(&list.ranges, page), row->successor);
    assert_int_equal(page_ranges_contains(&list.ranges, page), row->contains);
}

// ---- verification -----------------------------------------------------------------------------

struct verify_row {
    const char       *name, *code;
    struct page_range ranges[2];
    size_t            total_pages;
};

static const struct verify_row verify_rows[] = {
    {"R1 an empty range", "R1", {{{4}, 0}, {{8}, 2}}, 2},
    {"R1 not sorted", "R1", {{{8}, 2}, {{4}, 1}}, 3},
    {"R2 two ranges touch", "R2", {{{4}, 4}, {{8}, 2}}, 6},
    {"R2 two ranges overlap", "R2", {{{4}, 5}, {{8}, 2}}, 7},
    {"R3 a page too many", "R3", {{{4}, 3}, {{8}, 2}}, 6},
};

static void verify_names_it(void **state)
{
    const struct verify_row *row = unit_case_of(state)->row;
    struct page_range        storage[2] = {row->ranges[0], row->ranges[1]};
    struct page_ranges       list = {storage, 2, 2, row->total_pages};
    expect_broken(page_ranges_verify(&list), row->code);
}

static const struct unit_sentence sentences[] = {
    {"growing at both ends", growing_at_both_ends},
};

int main(void)
{
    for (size_t i = 0; i < MANY; i++)
        many[i] = (struct run_literal){7 * i + 7, 4};
    unit_add_table(UNIT_TABLE("ranges_add", add_rows, 0, ranges_merge));
    ADD_SENTENCES("ranges_add", sentences, 0);
    unit_add_table(UNIT_TABLE("ranges_find", find_rows, 0, successor_is_found));
    unit_add_table(UNIT_TABLE("ranges_verify", verify_rows, 0, verify_names_it));
    return cmocka_run_group_tests_name("page_ranges", unit_tests, NULL, NULL);
}
