// page_set_verify names the invariant that was broken.
#include "unit_kit.h"

struct verify_row {
    const char *name;
    const char *code;
    void (*corrupt)(struct unit_set *u, struct page_leaf *leaf);
};

static void release_taken_page(struct unit_set *u, struct page_leaf *leaf)
{
    leaf->released[0] |= bits_mask(0, 8);   // a whole OS page at every size, but taken
    u->set->released_pages += 8;
}

static void release_part_of_os_page(struct unit_set *u, struct page_leaf *leaf)
{
    leaf->released[1] |= 1;
    u->set->released_pages++;
}

static void miscount_free(struct unit_set *u, struct page_leaf *leaf)
{
    u->set->free_pages++;
}

static void miscount_released(struct unit_set *u, struct page_leaf *leaf)
{
    u->set->released_pages--;
}

static void raise_hint(struct unit_set *u, struct page_leaf *leaf)
{
    u->set->search_hint = UNIT_BASE_PAGE + 65;   // page 64 is free
}

static void unmark_leaf(struct unit_set *u, struct page_leaf *leaf)
{
    u->tables[0].releasable[0] &= ~UINT64_C(1);
}

static void mark_empty_leaf(struct unit_set *u, struct page_leaf *leaf)
{
    u->tables[0].releasable[0] |= 2;
}

static void unmark_table(struct unit_set *u, struct page_leaf *leaf)
{
    size_t index = UNIT_BASE_PAGE >> TABLE_PAGES_SHIFT;
    u->set->releasable[index / WORD_BITS] = 0;
}

static void change_leaf_summary(struct unit_set *u, struct page_leaf *leaf)
{
    u->tables[0].level0[0].at_end++;
}

static void change_level1(struct unit_set *u, struct page_leaf *leaf)
{
    u->tables[0].level1[63].longest++;
}

static void change_level2(struct unit_set *u, struct page_leaf *leaf)
{
    u->tables[0].level2[7].at_start++;
}

static void change_level3(struct unit_set *u, struct page_leaf *leaf)
{
    u->set->level3[0].longest++;
}

static void change_level4(struct unit_set *u, struct page_leaf *leaf)
{
    u->set->level4[LEVEL4_ENTRIES - 1].longest++;
}

static void change_level5(struct unit_set *u, struct page_leaf *leaf)
{
    u->set->level5[0].at_end++;
}

static void change_level6(struct unit_set *u, struct page_leaf *leaf)
{
    u->set->level6[LEVEL6_ENTRIES - 1].at_start++;
}

static void change_root(struct unit_set *u, struct page_leaf *leaf)
{
    u->set->level7[ROOT_ENTRIES - 1].longest++;
}

static const struct verify_row verify_rows[] = {
    {"S1 a taken page released", "S1", release_taken_page},
    {"S3 one free page too many", "S3", miscount_free},
    {"S3 one released page too few", "S3", miscount_released},
    {"S4 the hint above a free page", "S4", raise_hint},
    {"S5 a leaf not marked", "S5", unmark_leaf},
    {"S5 an empty leaf marked", "S5", mark_empty_leaf},
    {"S5 a table not marked", "S5", unmark_table},
    {"S6 the summary of a leaf", "S6", change_leaf_summary},
    {"S6 level 1", "S6", change_level1},
    {"S6 level 2", "S6", change_level2},
    {"S6 level 3", "S6", change_level3},
    {"S6 level 4", "S6", change_level4},
    {"S6 level 5", "S6", change_level5},
    {"S6 level 6", "S6", change_level6},
    {"S6 the root", "S6", change_root},
};

// Where every OS page is one page there are no parts of it.
static const struct verify_row part_rows[] = {
    {"S2 part of an OS page released", "S2", release_part_of_os_page},
};

static void verify_names_it(void **state)
{
    const struct verify_row *row = unit_case_of(state)->row;
    struct unit_set         *u = unit_set_new(unit_case_of(state)->shape);
    unit_give(u, 64, 128, false);
    unit_give(u, 192, 64, true);
    expect_as_model(u);
    row->corrupt(u, &u->tables[0].leaves[0]);
    expect_broken(page_set_verify(u->set), row->code);
    unit_set_delete(u);
}

static void part_released_is_named(void **state)
{
    static const struct page_shape shape = {"64K", 64 * KIB, 8, 0};
    struct unit_case               unit_case = {unit_case_of(state)->row, &shape};
    void                          *as_state = &unit_case;
    verify_names_it(&as_state);
}

static void an_empty_set_is_in_order(void **state)
{
    struct unit_set *u = unit_set_new(unit_case_of(state)->shape);
    assert_null(page_set_verify(u->set));
    unit_set_delete(u);
}

static const struct unit_sentence sentences[] = {
    {"an empty set is in order", an_empty_set_is_in_order},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("page_set_verify", verify_rows, SET_SHAPES, verify_names_it));
    unit_add_table(UNIT_TABLE("page_set_verify", part_rows, 0, part_released_is_named));
    ADD_SENTENCES("page_set_verify", sentences, SET_SHAPES);
    return cmocka_run_group_tests_name("page_set_verify", unit_tests, NULL, NULL);
}
