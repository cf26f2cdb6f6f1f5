// Which run of a leaf is worth giving back: the highest, whole OS pages, huge pages kept whole.
//
// Smallest sizes of 1 to 64 pages stand for OS pages of 8 to 512 KiB. Names are those of the
// cases; each has its own function from the smallest size to free pages, cap and answer.
#include "unit_kit.h"

struct candidate {
    struct run_list    taken, released;   // the rest of the leaf is free and ready
    size_t             max;
    struct run_literal expected;   // n_pages 0: nothing
};

struct candidate_row {
    const char *name;
    unsigned    min_first, min_last;   // of the smallest sizes that the case makes sense for
    void (*make)(size_t min, struct candidate *out, struct run_literal *room);
};

static void put(struct run_list *list, struct run_literal *room, size_t n_runs)
{
    *list = (struct run_list){n_runs, room};
}

static void all_free(size_t min, struct candidate *out, struct run_literal *room)
{
    *out = (struct candidate){.max = 512, .expected = {0, 512}};
}

static void all_scavenged(size_t min, struct candidate *out, struct run_literal *room)
{
    room[0] = (struct run_literal){0, 512};
    *out = (struct candidate){.max = 512};
    put(&out->released, room, 1);
}

static void none_free(size_t min, struct candidate *out, struct run_literal *room)
{
    room[0] = (struct run_literal){0, 512};
    *out = (struct candidate){.max = 512};
    put(&out->taken, room, 1);
}

static void start_free(size_t min, struct candidate *out, struct run_literal *room)
{
    room[0] = (struct run_literal){min, 512 - min};
    *out = (struct candidate){.max = 512, .expected = {0, min}};
    put(&out->taken, room, 1);
}

static void end_free(size_t min, struct candidate *out, struct run_literal *room)
{
    room[0] = (struct run_literal){0, 512 - min};
    *out = (struct candidate){.max = 512, .expected = {512 - min, min}};
    put(&out->taken, room, 1);
}

static void straddle_64(size_t min, struct candidate *out, struct run_literal *room)
{
    room[0] = (struct run_literal){0, 64 - min};
    room[1] = (struct run_literal){64 + min, 512 - 64 - min};
    *out = (struct candidate){.max = 2 * min, .expected = {64 - min, 2 * min}};
    put(&out->taken, room, 2);
}

// A run that begins with a word, above a full one (one with a hole too small for anything).
static void bottom_edge_64_with_full(size_t min, struct candidate *out, struct run_literal *room)
{
    room[0] = (struct run_literal){64, 64};
    room[1] = (struct run_literal){128 + 2 * min, 512 - 128 - 2 * min};
    *out = (struct candidate){.max = 2 * min, .expected = {128, 2 * min}};
    put(&out->taken, room, 2);
}

static void bottom_edge_64_with_pocket(size_t min, struct candidate *out, struct run_literal *room)
{
    bottom_edge_64_with_full(min, out, room);
    room[2] = (struct run_literal){127, 1};
    room[0] = (struct run_literal){64, 61};
    put(&out->taken, room, 3);
}

static void max_0(size_t min, struct candidate *out, struct run_literal *room)
{
    room[0] = (struct run_literal){0, 512 - min};
    *out = (struct candidate){.max = 0, .expected = {512 - min, min}};
    put(&out->released, room, 1);
}

static void max_less_than(size_t min, struct candidate *out, struct run_literal *room)
{
    max_0(min, out, room);
    out->max = 1;
}

// Neither the cap nor the free pages are multiples of the smallest size.
static void max_unaligned(size_t min, struct candidate *out, struct run_literal *room)
{
    room[0] = (struct run_literal){0, 512 - (3 * min - 1)};
    *out = (struct candidate){.max = min + 1, .expected = {512 - 2 * min, 2 * min}};
    put(&out->taken, room, 1);
}

static void one_free(size_t min, struct candidate *out, struct run_literal *room)
{
    room[0] = (struct run_literal){0, 48};
    room[1] = (struct run_literal){48 + min, 512 - 48 - min};
    *out = (struct candidate){.max = 512, .expected = {48, min}};
    put(&out->taken, room, 2);
}

static void one_scavenged(size_t min, struct candidate *out, struct run_literal *room)
{
    one_free(min, out, room);
    room[2] = (struct run_literal){48, min};
    put(&out->released, room + 2, 1);
    out->expected = (struct run_literal){0, 0};
}

static void skip_small(size_t min, struct candidate *out, struct run_literal *room)
{
    size_t hole = min - 1;   // pages free, at most, in a place that begins well
    room[0] = (struct run_literal){0, 64 - min};
    room[1] = (struct run_literal){64, 64};
    room[2] = (struct run_literal){128 + hole, 512 - 128 - hole};
    *out = (struct candidate){.max = min, .expected = {64 - min, min}};
    put(&out->taken, room, 3);
}

static void skip_misaligned(size_t min, struct candidate *out, struct run_literal *room)
{
    // As many pages as needed, but over the edge between two OS pages.
    room[0] = (struct run_literal){0, 64 - min};
    room[1] = (struct run_literal){64, 63};
    room[2] = (struct run_literal){127 + min, 512 - 127 - min};
    *out = (struct candidate){.max = min, .expected = {64 - min, min}};
    put(&out->taken, room, 3);
}

static void mixed(size_t min, struct candidate *out, struct run_literal *room)
{
    room[0] = (struct run_literal){0, 50};
    room[1] = (struct run_literal){53, 459};
    room[2] = (struct run_literal){50, 1};
    room[3] = (struct run_literal){52, 1};
    *out = (struct candidate){.max = 512, .expected = {51, 1}};
    put(&out->taken, room, 2);
    put(&out->released, room + 2, 2);
}

static void multi(size_t min, struct candidate *out, struct run_literal *room)
{
    room[0] = (struct run_literal){0, 62};
    room[1] = (struct run_literal){66, 14};
    room[2] = (struct run_literal){83, 429};
    room[3] = (struct run_literal){82, 1};
    *out = (struct candidate){.max = 512, .expected = {80, 2}};
    put(&out->taken, room, 3);
    put(&out->released, room + 3, 1);
}

static void highest_run_capped(size_t min, struct candidate *out, struct run_literal *room)
{
    *out = (struct candidate){.max = 3 * min, .expected = {512 - 3 * min, 3 * min}};
}

static const struct candidate_row candidate_rows[] = {
    {"AllFree", 1, 64, all_free},
    {"AllScavenged", 1, 64, all_scavenged},
    {"NoneFree", 1, 64, none_free},
    {"StartFree", 1, 64, start_free},
    {"EndFree", 1, 64, end_free},
    {"Straddle64", 1, 64, straddle_64},
    {"BottomEdge64WithFull", 1, 64, bottom_edge_64_with_full},
    {"BottomEdge64WithPocket", 1, 64, bottom_edge_64_with_pocket},
    {"Max0", 1, 64, max_0},
    {"MaxLessThan", 2, 64, max_less_than},
    {"MaxUnaligned", 2, 64, max_unaligned},
    {"OneFree", 1, 16, one_free},
    {"OneScavenged", 1, 16, one_scavenged},
    {"SkipSmall", 2, 64, skip_small},
    {"SkipMisaligned", 2, 64, skip_misaligned},
    {"MixedMin1", 1, 1, mixed},
    {"MultiMin1", 1, 1, multi},
    {"HighestRunCapped", 1, 64, highest_run_capped},
};

static void take_runs(struct unit_set *u, struct run_list runs)
{
    for (size_t i = 0; i < runs.n_runs; i++) {
        if (runs.runs[i].n_pages > 0)   // of a table made by arithmetic
            unit_take(u, runs.runs[i].first, runs.runs[i].n_pages);
    }
}

static void expect_candidate(const struct unit_set *u, size_t max, struct run_literal expected)
{
    page_id first = page_at_number(0);
    size_t  n_pages = 0;
    bool    found = page_set_find_releasable(u->set, max, &first, &n_pages);
    assert_int_equal(found, expected.n_pages != 0);
    if (!found)
        return;
    assert_int_equal(first.number, UNIT_BASE_PAGE + expected.first);
    assert_int_equal(n_pages, expected.n_pages);
}

static void candidate_at(const struct candidate_row *row, unsigned min)
{
    struct page_shape  shape = {"", 0, min, 0};
    struct unit_set   *u = unit_set_new(&shape);
    struct run_literal room[4];
    struct candidate   candidate;
    row->make(min, &candidate, room);
    given_runs(u, (struct run_list)RUNS({0, 512}), candidate.released);
    take_runs(u, candidate.taken);
    expect_as_model(u);
    expect_candidate(u, candidate.max, candidate.expected);
    expect_as_model(u);   // finding changes nothing
    unit_set_delete(u);
}

static void finds_the_highest_run(void **state)
{
    const struct candidate_row *row = unit_case_of(state)->row;
    for (unsigned min = row->min_first; min <= row->min_last; min *= 2)
        candidate_at(row, min);
}

// ---- huge pages -------------------------------------------------------------------------------

struct huge_row {
    const char        *name;
    unsigned           huge_page_pages;
    size_t             max;
    struct run_list    free, released;
    struct run_literal expected;
};

static const struct huge_row huge_rows[] = {
    // The cap would break a huge page that is free and ready: down to its start.
    {"PreserveHugePageBottom", 256, 4, RUNS({0, 259}), {0, NULL}, {0, 259}},
    {"PreserveHugePageMiddle", 128, 13, RUNS({119, 146}), {0, NULL}, {128, 137}},
    {"PreserveHugePageTop", 256, 1, RUNS({256, 256}), {0, NULL}, {256, 256}},
    {"PreserveHugePageAll", 512, 1, RUNS({0, 512}), {0, NULL}, {0, 512}},
    // A huge page larger than a leaf cannot be kept: as if there were none.
    {"PreserveHugePageNone", 1024, 1, RUNS({0, 512}), {0, NULL}, {511, 1}},
    {"NoHugePages", 0, 1, RUNS({0, 512}), {0, NULL}, {511, 1}},
    {"CapEndsAtAHugePage", 256, 256, RUNS({0, 512}), {0, NULL}, {256, 256}},
    {"CapAboveAHugePage", 256, 257, RUNS({0, 512}), {0, NULL}, {0, 512}},
    // Broken already: part of it is taken, or released. No reason to take more.
    {"StartOfHugePageTaken", 256, 3, RUNS({257, 255}), {0, NULL}, {509, 3}},
    {"EndOfHugePageTaken", 256, 3, RUNS({0, 511}), {0, NULL}, {508, 3}},
    {"PartOfHugePageReleased", 256, 3, RUNS({0, 512}), RUNS({256, 1}), {509, 3}},
    {"PartOfHugePageReleasedAbove", 256, 3, RUNS({0, 512}), RUNS({511, 1}), {508, 3}},
    {"OnlyTheBrokenPart", 256, 100, RUNS({0, 300}), {0, NULL}, {0, 300}},
    {"WithinTheBrokenPart", 256, 44, RUNS({0, 300}), {0, NULL}, {256, 44}},
};

static void keeps_huge_pages_whole(void **state)
{
    const struct huge_row *row = unit_case_of(state)->row;
    struct page_shape      shape = {"", 0, 1, row->huge_page_pages};
    struct unit_set       *u = unit_set_new(&shape);
    given_runs(u, row->free, row->released);
    expect_candidate(u, row->max, row->expected);
    unit_set_delete(u);
}

// ---- limits -----------------------------------------------------------------------------------

struct limit_row {
    const char        *name;
    size_t             below, max;
    bool               breaks_huge_pages;
    struct run_literal expected;
};

// Free and ready: pages 0 to 511, 600 to 699 and, a table further up, 64 pages.
#define FAR LEAF(1024)

static const struct limit_row limit_rows[] = {
    {"above all", 2 * FAR, 64, false, {FAR, 64}},
    {"at the end of the highest", FAR + 64, 64, false, {FAR, 64}},
    {"within the highest", FAR + 8, 64, false, {FAR, 8}},
    {"at its start", FAR, 100, false, {600, 100}},
    {"in a table that is not there", LEAF(512) + 5, 100, false, {600, 100}},
    {"in a leaf with nothing free", LEAF(700), 100, false, {600, 100}},
    {"within the second", 608, 100, false, {600, 8}},
    {"at the start of the second", 600, 100, false, {256, 256}},
    {"at the edge of a leaf", 512, 1, false, {256, 256}},
    {"at the edge of a huge page", 256, 1, false, {0, 256}},
    {"within a huge page", 255, 1, false, {254, 1}},
    {"breaking huge pages", 512, 1, true, {511, 1}},
    {"breaking more of them", 512, 300, true, {212, 300}},
    {"above the first page", 1, 100, false, {0, 1}},
    {"below all", 0, 100, false, {0, 0}},
};

static void looks_below_the_limit_only(void **state)
{
    const struct limit_row *row = unit_case_of(state)->row;
    struct unit_set        *u = unit_set_new(&page_shapes[0]);
    struct release_limits   limits = {PAGE(row->below), row->max, row->breaks_huge_pages};
    page_id                 first = PAGE(0);
    size_t                  n_pages = 0;
    given_free_runs(u, RUNS({0, 512}, {600, 100}, {FAR, 64}));
    bool found = page_set_find_releasable_within(u->set, &limits, &first, &n_pages);
    assert_int_equal(found, row->expected.n_pages != 0);
    assert_int_equal(first.number, UNIT_BASE_PAGE + row->expected.first);
    assert_int_equal(n_pages, row->expected.n_pages);
    unit_set_delete(u);
}

static void a_huge_page_of_one_os_page_is_nothing_special(void **state)
{
    struct page_shape shape = {"", 0, 8, 8};
    struct unit_set  *u = unit_set_new(&shape);
    given_free_runs(u, RUNS({0, 512}));
    expect_candidate(u, 9, (struct run_literal){496, 16});
    unit_set_delete(u);
}

// Where pages were handed out lately is spared, until time has gone by twice.
static size_t highest_unused(struct unit_set *u)
{
    struct release_limits limits = {PAGE(2 * FAR), 1, .spares_taken = true};
    page_id               first = PAGE(0);
    size_t                n_pages;
    return page_set_find_releasable_within(u->set, &limits, &first, &n_pages)
               ? first.number - UNIT_BASE_PAGE
               : SIZE_MAX;
}

static void leaves_that_pages_were_taken_of_are_spared(void **state)
{
    struct unit_set *u = unit_set_new(&page_shapes[0]);
    given_free_runs(u, RUNS({0, 100}, {600, 100}, {FAR, 64}));
    assert_int_equal(highest_unused(u), FAR + 63);
    page_set_note_taken(u->set, PAGE(FAR), 1);
    assert_int_equal(highest_unused(u), 699);
    page_set_note_taken(u->set, PAGE(511), 2);   // both leaves
    assert_int_equal(highest_unused(u), SIZE_MAX);
    page_set_age(u->set);
    assert_int_equal(highest_unused(u), SIZE_MAX);
    page_set_note_taken(u->set, PAGE(600), 1);
    page_set_age(u->set);
    assert_int_equal(highest_unused(u), FAR + 63);
    expect_candidate(u, 1, (struct run_literal){FAR + 63, 1});   // who does not ask to spare
    page_set_note_taken(u->set, PAGE(FAR), 1);
    assert_int_equal(highest_unused(u), 99);   // page 600 is still spared
    unit_set_delete(u);
}

static const struct unit_sentence sentences[] = {
    {"leaves that pages were taken of are spared", leaves_that_pages_were_taken_of_are_spared},
    {"a huge page of one OS page is nothing special",
     a_huge_page_of_one_os_page_is_nothing_special},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("scav_candidate", candidate_rows, 0, finds_the_highest_run));
    unit_add_table(UNIT_TABLE("scav_candidate", huge_rows, 0, keeps_huge_pages_whole));
    unit_add_table(UNIT_TABLE("scav_candidate limit", limit_rows, 0, looks_below_the_limit_only));
    ADD_SENTENCES("scav_candidate", sentences, 0);
    return cmocka_run_group_tests_name("page_set_releasable", unit_tests, NULL, NULL);
}
