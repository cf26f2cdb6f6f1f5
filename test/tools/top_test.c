// neap top: lines at 80 columns, pictures, order; of made-up data, without a terminal.
#include "tool_kit.h"
#include "top_frame.h"

#include <string.h>

static struct frame      frame;
static struct top_data   data;
static struct top_detail detail;
static struct top_row    rows[3];

static void reset(void)
{
    memset(rows, 0, sizeof rows);
    rows[0] = (struct top_row){.pid = 10,
                               .name = "alpha",
                               .resident_bytes = 5 << 20,
                               .held_bytes = 4 << 20,
                               .object_bytes = 1 << 20};
    rows[1] = (struct top_row){.pid = 4194304,
                               .name = "a-name-that-is-very-long",
                               .resident_bytes = (uint64_t)999 << 30,
                               .held_bytes = 2 << 20,
                               .object_bytes = 2 << 20,
                               .limit_bytes = 100,
                               .counted_bytes = 71,
                               .has_rates = true,
                               .allocations_per_s = 123456,
                               .returned_per_s = 1 << 20};
    rows[2] = (struct top_row){.pid = 12, .name = "beta", .held_bytes = 3 << 20};
    data = (struct top_data){.rows = rows, .n_rows = 3};
    frame = (struct frame){.n_columns = 80, .n_lines_max = 24};
}

static size_t n_columns_of(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void expect_fits(void)
{
    assert_in_range(frame.n_lines, 1, frame.n_lines_max);
    for (size_t i = 0; i < frame.n_lines; i++)
        assert_in_range(n_columns_of(frame.lines[i].text), 0, frame.n_columns);
}

static void the_list_has_a_line_for_each_process(void **state)
{
    reset();
    frame_draw_list(
        &frame, &data,
        &(struct frame_list){.sorted_by = TOP_HELD, .selected = 1, .clock = "10:42:07"});
    expect_fits();
    assert_int_equal(frame.n_lines, 5);
    assert_string_equal(frame.lines[0].text, "neap top  3 processes  resident 999G  held 9.00M  "
                                             "objects 3.00M         10:42:07");
    assert_string_equal(frame.lines[1].text, "    PID NAME         RESIDENT    HELD*  OBJECTS  "
                                             "FREE%  ALLOC/s  RETURN/s  LIMIT");
    assert_string_equal(frame.lines[2].text, "     10 alpha           5.00M    4.00M    1.00M     "
                                             "75        -         -      -");
    assert_string_equal(frame.lines[3].text, "4194304 a-name-that      999G    2.00M    2.00M      "
                                             "0     123k     1.00M    71%");
    assert_int_equal(frame.lines[3].look, FRAME_SELECTED);
}

static void the_list_scrolls_and_ends_with_the_screen(void **state)
{
    reset();
    frame.n_lines_max = 3;
    frame_draw_list(&frame, &data, &(struct frame_list){.first = 2, .selected = 2, .clock = ""});
    expect_fits();
    assert_non_null(strstr(frame.lines[2].text, "beta"));
}

static void columns_sort_downwards_and_names_upwards(void **state)
{
    static const struct {
        enum top_column column;
        pid_t           pids[3];
    } table[] = {
        {TOP_PID, {10, 12, 4194304}},      {TOP_NAME, {4194304, 10, 12}},
        {TOP_RESIDENT, {4194304, 10, 12}}, {TOP_HELD, {10, 12, 4194304}},
        {TOP_OBJECTS, {4194304, 10, 12}},  {TOP_FREE, {10, 12, 4194304}},
        {TOP_LIMIT, {4194304, 10, 12}},    {TOP_ALLOCATIONS, {4194304, 10, 12}},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        reset();
        top_data_sort(&data, table[i].column);
        for (size_t j = 0; j < 3; j++)
            assert_int_equal(data.rows[j].pid, table[i].pids[j]);
    }
}

static void draw_detail(bool is_utf8)
{
    reset();
    memset(&detail, 0, sizeof detail);
    frame.is_utf8 = is_utf8;
    detail.pid = 10;
    detail.row = rows[0];
    detail.past_s = TOP_PAST_S;
    detail.n_past = frame_past_columns(&frame);
    for (size_t i = 0; i < detail.n_past; i++)
        detail.past_resident[i] = i;
    detail.state_bytes[TOP_STATE_OBJECTS] = 1 << 20;
    detail.state_bytes[TOP_STATE_FREE_READY] = 3 << 20;
    frame_draw_detail(&frame, &detail, "10:42:07", true);
}

static void details_fit_a_small_terminal(void **state)
{
    draw_detail(true);
    expect_fits();
    assert_non_null(strstr(frame.lines[0].text, "10 alpha"));
    assert_non_null(strstr(frame.lines[0].text, "[frozen] 10:42:07"));
    assert_non_null(strstr(frame.lines[1].text, "\u2581\u2581"));
    assert_non_null(strstr(frame.lines[1].text, "\u2588"));
    draw_detail(false);
    expect_fits();
    assert_non_null(strstr(frame.lines[1].text, "____"));
    assert_null(strstr(frame.lines[1].text, "\u2588"));
}

static void narrow_and_short_screens_do_no_harm(void **state)
{
    for (size_t n_columns = 1; n_columns <= FRAME_COLUMNS_MAX; n_columns += 7) {
        draw_detail(true);
        frame.n_columns = n_columns;
        frame.n_lines_max = 1 + n_columns / 8;
        detail.n_past = frame_past_columns(&frame);
        frame_draw_detail(&frame, &detail, "10:42:07", false);
        expect_fits();
        frame_draw_list(&frame, &data, &(struct frame_list){.clock = "10:42:07"});
        expect_fits();
        frame_draw_help(&frame);
        expect_fits();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_has_a_line_for_each_process),
        cmocka_unit_test(the_list_scrolls_and_ends_with_the_screen),
        cmocka_unit_test(columns_sort_downwards_and_names_upwards),
        cmocka_unit_test(details_fit_a_small_terminal),
        cmocka_unit_test(narrow_and_short_screens_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
