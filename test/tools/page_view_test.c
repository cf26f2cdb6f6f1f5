// page_view.c, page_table.c, page_find.c, process_memory.c, ranges.c: made-up pages in our own
// memory, whole ones and damaged ones. Real ones are in test/programs/observe.sh.
#include "history.h"
#include "page_view.h"
#include "ranges.h"

#include "clock.h"
#include "neap/page.h"
#include "tool_kit.h"

#include <sys/wait.h>
#include <unistd.h>

#define MEMBERS 3
#define FLIPS 20000
#define RING_ROWS 4
#define NS_PER_S UINT64_C(1000000000)

// What the process has.
struct member {
    uint64_t before, number;
};
struct element {
    struct element *next;
    uint64_t        unused;
    struct member   members[MEMBERS];
};
struct made_range {
    struct made_range *older;
    uint64_t           start, n_bytes;
};
struct ring_row {
    uint64_t objects, time_ns;
};
struct heap {
    uint64_t           number, far_away[100], bits;
    uint32_t           n_members;
    uint8_t            flag;
    struct element    *first;
    struct member      members[MEMBERS];
    struct made_range *ranges;
    uint64_t           n_ranges;
    uint64_t           n_noted;
    struct ring_row    ring[RING_ROWS];
};

enum { HEAP, ARRAY, LIST, PLACES };
enum { NUMBER, BITS, SUM, WEIGHTED, DIFFERENCE, CHECK, STATISTICS };

struct made_page {
    struct neap_page           head;
    struct neap_page_statistic statistics[STATISTICS];
    struct neap_page_place     places[PLACES];
    struct neap_page_term      terms[8];
    struct neap_page_range     ranges[2];
    struct neap_page_ring      rings[1];
    struct neap_page_column    columns[2];
    uint32_t                   weights[2][MEMBERS];
};

#define TABLE(rows)                                                                                \
    {                                                                                              \
        offsetof(struct made_page, rows), sizeof(((struct made_page *)0)->rows[0]),                \
            LENGTH_OF(((struct made_page *)0)->rows)                                               \
    }
#define TERM(statistic_, place_, operation_, bytes_, weights_, offset_, factor_)                   \
    {                                                                                              \
        .statistic = (statistic_), .place = (place_), .operation = NEAP_PAGE_##operation_,         \
        .word_bytes = (bytes_), .weights = (weights_), .offset = (uint32_t)(offset_),              \
        .factor = (factor_)                                                                        \
    }
#define ALL_1 NEAP_PAGE_UNWEIGHTED

static const struct made_page whole = {
    .head = {.magic = NEAP_PAGE_MAGIC,
             .layout = NEAP_PAGE_LAYOUT,
             .page_bytes = sizeof(struct made_page),
             .version = "1.2.3",
             .heap_bytes = sizeof(struct heap),
             .statistics = TABLE(statistics),
             .terms = TABLE(terms),
             .places = TABLE(places),
             .weights = TABLE(weights),
             .ranges = TABLE(ranges),
             .rings = TABLE(rings),
             .columns = TABLE(columns)},
    .statistics = {[NUMBER] = {.name = "number", .unit = "bytes"},
                   [BITS] = {.name = "bits", .unit = "count"},
                   [SUM] = {.name = "sum", .unit = "count", .kind = NEAP_PAGE_COUNTER},
                   [WEIGHTED] = {.name = "weighted", .unit = "count", .kind = NEAP_PAGE_COUNTER},
                   [DIFFERENCE] = {.name = "difference", .kind = NEAP_PAGE_COUNTER},
                   [CHECK] = {.name = "check", .kind = NEAP_PAGE_CHECK}},
    .places = {[HEAP] = {.count = 1},
               [ARRAY] = {.start = offsetof(struct heap, members),
                          .stride = sizeof(struct member),
                          .count = MEMBERS,
                          .count_at = offsetof(struct heap, n_members)},
               [LIST] = {.is_list = 1,
                         .first = offsetof(struct heap, first),
                         .next = offsetof(struct element, next),
                         .start = offsetof(struct element, members),
                         .stride = sizeof(struct member),
                         .count = MEMBERS}},
    .terms = {TERM(NUMBER, HEAP, WORD, 8, ALL_1, offsetof(struct heap, number), 3),
              TERM(NUMBER, HEAP, ONE, 8, ALL_1, 0, 1000),
              TERM(BITS, HEAP, BITS, 8, ALL_1, offsetof(struct heap, bits), 1),
              TERM(SUM, ARRAY, WORD, 8, ALL_1, offsetof(struct member, number), 1),
              TERM(SUM, LIST, WORD, 8, ALL_1, offsetof(struct member, number), 1),
              TERM(WEIGHTED, LIST, WORD, 8, 1, offsetof(struct member, number), 1),
              TERM(DIFFERENCE, HEAP, WORD, 1, ALL_1, offsetof(struct heap, flag), -1),
              TERM(CHECK, HEAP, WORD, 4, ALL_1, offsetof(struct heap, n_members), 0)},
    .ranges = {{.use = "heap",
                .first = offsetof(struct heap, ranges),
                .count_at = offsetof(struct heap, n_ranges),
                .stride = sizeof(struct made_range),
                .start = offsetof(struct made_range, start),
                .length = offsetof(struct made_range, n_bytes),
                .start_unit = 8,
                .length_unit = 16},
               {.use = "metadata",
                .is_list = 1,
                .first = offsetof(struct heap, ranges),
                .next = offsetof(struct made_range, older),
                .start = offsetof(struct made_range, start),
                .length = offsetof(struct made_range, n_bytes),
                .start_unit = 1,
                .length_unit = 1}},
    .rings = {{.name = "seconds",
               .start = offsetof(struct heap, ring),
               .row_bytes = sizeof(struct ring_row),
               .n_rows = RING_ROWS,
               .count_at = offsetof(struct heap, n_noted),
               .period_ns = NS_PER_S}},
    .columns = {{.name = "object_bytes", .offset = offsetof(struct ring_row, objects)},
                {.name = "time_ns", .offset = offsetof(struct ring_row, time_ns)}},
    .weights = {{0, 0, 0}, {1, 100, 10000}},
};

static struct element    elements[2];
static struct made_range made_ranges[2];
static struct heap       heap;
static struct made_page  page;

static int make_whole(void **state)
{
    elements[0] = (struct element){&elements[1], 9, {{9, 1}, {9, 2}, {9, 3}}};
    elements[1] = (struct element){NULL, 9, {{9, 4}, {9, 5}, {9, 6}}};
    made_ranges[0] = (struct made_range){&made_ranges[1], 1000, 10};
    made_ranges[1] = (struct made_range){NULL, 2000, 20};
    heap = (struct heap){.number = 7,
                         .bits = 0xF0F,
                         .n_members = 2,
                         .flag = 1,
                         .first = elements,
                         .members = {{9, 10}, {9, 20}, {9, 40}},
                         .ranges = made_ranges,
                         .n_ranges = 2};
    page = whole;
    return 0;
}

static enum process_result open_made(struct page_view **out_view)
{
    struct page_place place = {(uint64_t)(uintptr_t)&page, (uint64_t)(uintptr_t)&heap};
    *out_view = NULL;
    return page_view_open(getpid(), &place, out_view);
}

static struct page_view *open_and_read(void)
{
    struct page_view *view;
    assert_int_equal(open_made(&view), PROCESS_READ);
    assert_int_equal(page_view_read(view), PROCESS_READ);
    return view;
}

static void words_arrays_and_lists_add_up(void **state)
{
    struct page_view *view = open_and_read();
    assert_string_equal(page_view_version(view), "1.2.3");
    assert_int_equal(page_view_count(view), STATISTICS - 1);   // without the check
    assert_string_equal(page_view_describe(view, 0).name, "number");
    assert_string_equal(page_view_describe(view, 0).unit, "bytes");
    assert_false(page_view_describe(view, 0).is_counter);
    assert_true(page_view_describe(view, SUM).is_counter);
    assert_int_equal(page_view_number(view, "number"), 3 * 7 + 1000);
    assert_int_equal(page_view_number(view, "bits"), 8);
    assert_int_equal(page_view_number(view, "sum"), 10 + 20 + 1 + 2 + 3 + 4 + 5 + 6);
    assert_int_equal(page_view_number(view, "weighted"), 5 + 700 + 90000);
    assert_true(page_view_number(view, "difference") == UINT64_MAX);
    uint64_t value;
    assert_false(page_view_get(view, "check", &value));
    heap.number = 8;
    elements[1].next = NULL;
    elements[0].next = NULL;
    assert_int_equal(page_view_read(view), PROCESS_READ);
    assert_int_equal(page_view_number(view, "number"), 3 * 8 + 1000);
    assert_int_equal(page_view_number(view, "sum"), 10 + 20 + 1 + 2 + 3);
    page_view_close(view);
}

static void a_limit_is_there_or_not(void **state)
{
    uint64_t value;
    page.statistics[DIFFERENCE].kind = NEAP_PAGE_LIMIT;
    struct page_view *view = open_and_read();
    assert_false(page_view_get(view, "difference", &value));
    heap.flag = 0;
    assert_int_equal(page_view_read(view), PROCESS_READ);
    assert_false(page_view_get(view, "difference", &value));
    heap.flag = 3;
    assert_int_equal(page_view_read(view), PROCESS_READ);
    assert_true(page_view_get(view, "difference", &value));
    page_view_close(view);
}

static void what_never_adds_up_is_damaged(void **state)
{
    struct page_view *view;
    page.terms[7].factor = 1;   // the check
    assert_int_equal(open_made(&view), PROCESS_READ);
    assert_int_equal(page_view_read(view), PROCESS_DAMAGED);
    heap.n_members = 0;
    assert_int_equal(page_view_read(view), PROCESS_READ);
    page.statistics[DIFFERENCE].kind = NEAP_PAGE_GAUGE;   // negative
    page_view_close(view);
    assert_int_equal(open_made(&view), PROCESS_READ);
    assert_int_equal(page_view_read(view), PROCESS_DAMAGED);
    page_view_close(view);
}

static void a_list_that_goes_round_is_damaged(void **state)
{
    struct page_view *view;
    elements[1].next = elements;
    assert_int_equal(open_made(&view), PROCESS_READ);
    assert_int_equal(page_view_read(view), PROCESS_DAMAGED);
    page_view_close(view);
}

static void what_a_newer_library_adds_is_left_out(void **state)
{
    uint64_t value;
    page.terms[3].operation = 77;
    page.statistics[BITS].kind = 77;
    struct page_view *view = open_and_read();
    assert_false(page_view_get(view, "sum", &value));
    assert_false(page_view_get(view, "bits", &value));
    assert_int_equal(page_view_number(view, "number"), 3 * 7 + 1000);
    page_view_close(view);
}

static void pages_that_are_none_are_told_apart(void **state)
{
    struct page_view *view;
    page.head.layout++;
    assert_int_equal(open_made(&view), PROCESS_NEWER);
    page = whole;
    page.head.magic[0] = 'N';
    assert_int_equal(open_made(&view), PROCESS_DAMAGED);
    page = whole;
    page.head.page_bytes--;
    assert_int_equal(open_made(&view), PROCESS_DAMAGED);
    assert_int_equal(page_view_open(getpid(), &(struct page_place){16, 16}, &view),
                     PROCESS_DAMAGED);
}

static void ranges_come_from_arrays_and_lists(void **state)
{
    struct page_view *view = open_and_read();
    struct range_list list = {.n_ranges = 0};
    assert_int_equal(ranges_read(view, &list), PROCESS_READ);
    assert_int_equal(list.n_ranges, 5);
    assert_int_equal(list.ranges[0].start, 1000);
    assert_int_equal(list.ranges[0].end, 1010);
    assert_int_equal(list.ranges[0].use, RANGE_METADATA);
    assert_int_equal(list.ranges[1].start, 2000);
    assert_int_equal(list.ranges[2].start, 8000);
    assert_int_equal(list.ranges[2].end, 8160);
    assert_int_equal(list.ranges[2].use, RANGE_HEAP);
    assert_int_equal(list.ranges[4].start, (uintptr_t)&heap);   // metadata too
    ranges_free(&list);
    page_view_close(view);
}

static void note_seconds(uint64_t n)
{
    uint64_t now_ns = (uint64_t)(clock_now_s() * 1e9);
    heap.n_noted = n;
    for (uint64_t i = n > RING_ROWS ? n - RING_ROWS : 0; i < n; i++)
        heap.ring[i % RING_ROWS] = (struct ring_row){i + 100, now_ns - (n - i) * NS_PER_S};
}

static void expect_history(struct page_view *view, size_t n_samples, uint64_t first)
{
    struct history history;
    assert_int_equal(history_read(view, "seconds", &history), PROCESS_READ);
    assert_int_equal(history.n_samples, n_samples);
    for (size_t i = 0; i < n_samples; i++) {
        assert_int_equal(history.samples[i].object_bytes, first + i);
        double seconds = (double)(n_samples - i);
        assert_true(history.samples[i].age_s > seconds - 0.1);
        assert_true(history.samples[i].age_s < seconds + 1);
        assert_int_equal(history.samples[i].resident_bytes, 0);   // there is no such column
    }
    history_free(&history);
}

static void the_past_is_read_from_rings(void **state)
{
    struct page_view *view = open_and_read();
    struct history    history;
    expect_history(view, 0, 0);
    note_seconds(3);
    expect_history(view, 3, 100);
    note_seconds(RING_ROWS);
    expect_history(view, RING_ROWS - 1, 101);   // the oldest one may be being written over
    note_seconds(10);
    expect_history(view, RING_ROWS - 1, 107);
    assert_int_equal(history_read(view, "minutes", &history), PROCESS_READ);
    assert_int_equal(history.n_samples, 0);
    page_view_close(view);
}

// Whatever is in the page, no reader falls over it; sanitizers look on.
static void damaged_pages_do_no_harm(void **state)
{
    unsigned seed = 1;
    size_t   n_opened = 0;
    for (size_t i = 0; i < FLIPS; i++) {
        struct page_view *view;
        struct range_list list = {.n_ranges = 0};
        page = whole;
        page.statistics[CHECK].kind = NEAP_PAGE_COUNTER;   // else it is tried again and again
        for (unsigned n = 0; n <= i % 3; n++) {
            seed = seed * 1103515245 + 12345;
            size_t at = sizeof page.head.magic + (seed >> 8) % (sizeof page - 8);
            ((unsigned char *)&page)[at] = (unsigned char)(i % 2 ? seed >> 4 : 0xFF);
        }
        for (int row = 0; row < STATISTICS; row++)
            page.statistics[row].kind = NEAP_PAGE_COUNTER;
        if (open_made(&view) == PROCESS_READ) {
            n_opened++;
            (void)page_view_read(view);
            (void)ranges_read(view, &list);
            ranges_free(&list);
            struct history history;
            (void)history_read(view, "seconds", &history);
            history_free(&history);
            page_view_close(view);
        }
    }
    assert_true(n_opened > FLIPS / 10);
}

static void processes_without_neap_are_told_apart(void **state)
{
    struct page_place place;
    assert_int_equal(page_find(getpid(), &place), PROCESS_WITHOUT);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(page_find(child, &place), PROCESS_ABSENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(words_arrays_and_lists_add_up, make_whole),
        cmocka_unit_test_setup(a_limit_is_there_or_not, make_whole),
        cmocka_unit_test_setup(what_never_adds_up_is_damaged, make_whole),
        cmocka_unit_test_setup(a_list_that_goes_round_is_damaged, make_whole),
        cmocka_unit_test_setup(what_a_newer_library_adds_is_left_out, make_whole),
        cmocka_unit_test_setup(pages_that_are_none_are_told_apart, make_whole),
        cmocka_unit_test_setup(ranges_come_from_arrays_and_lists, make_whole),
        cmocka_unit_test_setup(the_past_is_read_from_rings, make_whole),
        cmocka_unit_test_setup(damaged_pages_do_no_harm, make_whole),
        cmocka_unit_test(processes_without_neap_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
