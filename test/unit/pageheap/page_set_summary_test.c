// The summaries: what a leaf says about its pages, and what each level makes of the one below.
#include "unit_kit.h"

struct summary_row {
    const char         *name;
    struct run_list     free;
    struct page_summary expected;
};

static const struct summary_row leaf_rows[] = {
    {"NoneFree", RUNS({0, 0}), {0, 0, 0}},
    {"OnlyStart", RUNS({0, 12}), {12, 12, 0}},
    {"OnlyEnd", RUNS({479, 33}), {0, 33, 33}},
    {"StartAndEnd", RUNS({0, 14}, {481, 31}), {14, 31, 31}},
    {"EndAndStart", RUNS({0, 31}, {498, 14}), {31, 31, 14}},
    {"StartMaxEnd", RUNS({0, 3}, {60, 90}, {505, 7}), {3, 90, 7}},
    {"OnlyMax", RUNS({2, 25}, {40, 230}, {450, 40}), {0, 230, 0}},
    {"MultiMax", RUNS({30, 3}, {44, 6}, {90, 6}), {0, 6, 0}},
    {"One", RUNS({9, 1}), {0, 1, 0}},
    {"AllFree", RUNS({0, 512}), {512, 512, 512}},
    {"AllButFirst", RUNS({1, 511}), {0, 511, 511}},
    {"AllButLast", RUNS({0, 511}), {511, 511, 0}},
    {"WordAtStart", RUNS({0, 64}), {64, 64, 0}},
    {"WordAndOne", RUNS({64, 65}), {0, 65, 0}},
    {"OneAndWord", RUNS({63, 65}), {0, 65, 0}},
    {"WordAtEnd", RUNS({448, 64}), {0, 64, 64}},
    {"LongestInsideAWord", RUNS({0, 2}, {70, 9}, {127, 3}, {510, 2}), {2, 9, 2}},
};

static struct page_summary summary_of_leaf(const struct unit_set *u)
{
    return u->n_tables == 0 ? (struct page_summary){0, 0, 0} : u->tables[0].level0[0];
}

static void expect_summary(struct page_summary got, struct page_summary expected)
{
    assert_int_equal(got.at_start, expected.at_start);
    assert_int_equal(got.longest, expected.longest);
    assert_int_equal(got.at_end, expected.at_end);
}

static void leaf_is_summarised(void **state)
{
    const struct summary_row *row = unit_case_of(state)->row;
    struct unit_set          *u = unit_set_new(&page_shapes[0]);
    given_runs(u, row->free, (struct run_list){0, NULL});
    expect_summary(summary_of_leaf(u), row->expected);
    unit_set_delete(u);
}

static struct page_summary summarise_slowly(const unsigned char *states, size_t n_pages)
{
    struct page_summary slow = {0, 0, 0};
    uint32_t            run = 0;
    for (size_t i = 0; i < n_pages; i++) {
        run = states[i] == MODEL_NONE ? 0 : run + 1;
        slow.longest = run > slow.longest ? run : slow.longest;
        if (run == i + 1)
            slow.at_start = run;
    }
    slow.at_end = run;
    return slow;
}

// Gives the runs of ones among `n_bits` bits, each of which stands for `scale` pages.
static void give_pattern(struct unit_set *u, unsigned pattern, unsigned n_bits, size_t first,
                         size_t scale)
{
    for (unsigned i = 0; i < n_bits; i++) {
        if ((pattern >> i & 1) != 0)
            unit_give(u, first + i * scale, scale, false);
    }
}

static void clear(struct unit_set *u)
{
    for (size_t leaf = 0; leaf < u->n_leaves; leaf++) {
        for (size_t i = 0; i < LEAF_PAGES; i++) {
            if (u->states[leaf][i] != MODEL_NONE)
                unit_take(u, LEAF(u->leaf_numbers[leaf]) + i, 1);
        }
    }
}

// All patterns of twelve pages over the edge between two words, and of eight words.
static void all_small_patterns_are_summarised(void **state)
{
    struct unit_set *u = unit_set_new(&page_shapes[0]);
    for (unsigned pattern = 1; pattern < 1u << 12; pattern++) {
        give_pattern(u, pattern, 12, 58, 1);
        expect_summary(summary_of_leaf(u), summarise_slowly(u->states[0], LEAF_PAGES));
        clear(u);
    }
    for (unsigned pattern = 1; pattern < 1u << LEAF_WORDS; pattern++) {
        give_pattern(u, pattern, LEAF_WORDS, 0, WORD_BITS);
        expect_summary(summary_of_leaf(u), summarise_slowly(u->states[0], LEAF_PAGES));
        clear(u);
    }
    unit_set_delete(u);
}

static void random_leaves_are_summarised(void **state)
{
    struct unit_random random = unit_random_start();
    struct unit_set   *u = unit_set_new(&page_shapes[0]);
    for (int i = 0; i < 500; i++) {
        size_t n_runs = 1 + unit_random_below(&random, 40);
        size_t at = unit_random_below(&random, 3);
        for (size_t r = 0; r < n_runs && at < LEAF_PAGES; r++) {
            size_t n_pages = 1 + unit_random_below(&random, 100 / n_runs + 60);
            n_pages = size_min(n_pages, LEAF_PAGES - at);
            unit_give(u, at, n_pages, false);
            at += n_pages + 1 + unit_random_below(&random, 70);
        }
        expect_summary(summary_of_leaf(u), summarise_slowly(u->states[0], LEAF_PAGES));
        clear(u);
    }
    unit_set_delete(u);
}

// ---- the levels above -------------------------------------------------------------------------

struct join_row {
    const char         *name;
    struct run_list     free;
    struct page_summary level1, level2, level3;   // of the entries that begin at page 0
};

#define LEVEL1 LEAF(8)
#define LEVEL2 LEAF(64)
#define LEVEL3 LEAF(512)

static const struct join_row join_rows[] = {
    {"OneLeaf", RUNS({0, LEAF(1)}), {512, 512, 0}, {512, 512, 0}, {512, 512, 0}},
    {"SecondLeaf", RUNS({LEAF(1), LEAF(1)}), {0, 512, 0}, {0, 512, 0}, {0, 512, 0}},
    {"OverAnEdge", RUNS({LEAF(1) - 2, 5}), {0, 5, 0}, {0, 5, 0}, {0, 5, 0}},
    {"LeavesBetween", RUNS({LEAF(1) - 2, LEAF(2) + 5}), {0, 1029, 0}, {0, 1029, 0}, {0, 1029, 0}},
    {"StartAndMore", RUNS({0, LEAF(1) + 1}), {513, 513, 0}, {513, 513, 0}, {513, 513, 0}},
    {"EndOfLevel1", RUNS({LEVEL1 - 513, 513}), {0, 513, 513}, {0, 513, 0}, {0, 513, 0}},
    {"WholeLevel1", RUNS({0, LEVEL1}), {4096, 4096, 4096}, {4096, 4096, 0}, {4096, 4096, 0}},
    {"OverLevel1", RUNS({LEVEL1 - 1, 3}), {0, 1, 1}, {0, 3, 0}, {0, 3, 0}},
    {"EndOfLevel2", RUNS({LEVEL2 - 7, 7}), {0, 0, 0}, {0, 7, 7}, {0, 7, 0}},
    {"OverLevel2", RUNS({LEVEL2 - 7, 9}), {0, 0, 0}, {0, 7, 7}, {0, 9, 0}},
    {"WholeLevel2",
     RUNS({0, LEVEL2}),
     {4096, 4096, 4096},
     {32768, 32768, 32768},
     {32768, 32768, 0}},
    {"EndOfTable", RUNS({LEVEL3 - 600, 600}), {0, 0, 0}, {0, 0, 0}, {0, 600, 600}},
    {"TwoRuns", RUNS({LEAF(1), 9}, {LEAF(4), 8}), {0, 9, 0}, {0, 9, 0}, {0, 9, 0}},
    {"LongestAtAnEdge", RUNS({5, 9}, {LEAF(6) - 5, 10}), {0, 10, 0}, {0, 10, 0}, {0, 10, 0}},
};

static void levels_are_joined(void **state)
{
    const struct join_row *row = unit_case_of(state)->row;
    struct unit_set       *u = unit_set_new(&page_shapes[0]);
    for (size_t i = 0; i < row->free.n_runs; i++)
        unit_give(u, row->free.runs[i].first, row->free.runs[i].n_pages, false);
    expect_as_model(u);
    size_t table_index = UNIT_BASE_PAGE >> TABLE_PAGES_SHIFT;
    expect_summary(u->tables[0].level1[0], row->level1);
    expect_summary(u->tables[0].level2[0], row->level2);
    expect_summary(u->set->level3[table_index], row->level3);
    unit_set_delete(u);
}

static void whole_tables_add_up(void **state)
{
    struct unit_set *u = unit_set_new(&page_shapes[0]);
    for (size_t i = 0; i < 8 * TABLE_PAGES; i += TABLE_PAGES)
        page_set_add_table(u->set, PAGE(i), &u->tables[u->n_tables++]);
    page_set_give(u->set, PAGE(0), 8 * TABLE_PAGES, true);
    size_t              index = UNIT_BASE_PAGE >> TABLE_PAGES_SHIFT;
    const uint32_t      whole = 8 * TABLE_PAGES;
    struct page_summary all = {whole, whole, whole};
    struct page_summary first = {whole, whole, 0};
    expect_summary(u->set->level4[index / 8], all);
    expect_summary(u->set->level5[index / 64], first);
    expect_summary(u->set->level6[index / 512], first);
    expect_summary(u->set->level7[index / 4096], first);
    assert_int_equal(page_set_take(u->set, PAGE(TABLE_PAGES), 1), 1);
    expect_summary(u->set->level4[index / 8],
                   (struct page_summary){TABLE_PAGES, 7 * TABLE_PAGES - 1, 7 * TABLE_PAGES - 1});
    assert_null(page_set_verify(u->set));
    unit_set_delete(u);
}

static const struct unit_sentence sentences[] = {
    {"all small patterns", all_small_patterns_are_summarised},
    {"random leaves", random_leaves_are_summarised},
    {"whole tables add up", whole_tables_add_up},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("bits_summarize", leaf_rows, 0, leaf_is_summarised));
    unit_add_table(UNIT_TABLE("bits_summarize join", join_rows, 0, levels_are_joined));
    ADD_SENTENCES("bits_summarize", sentences, 0);
    return cmocka_run_group_tests_name("page_set_summary", unit_tests, NULL, NULL);
}
