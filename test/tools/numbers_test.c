// Pure arithmetic and text: spread, axis, format, JSON and XML escapes.
#include "axis.h"
#include "format.h"
#include "spread.h"
#include "text.h"

#include "tool_kit.h"

static void the_median_is_in_the_middle(void **state)
{
    double        odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2}, one[] = {7};
    struct spread spread = spread_of(odd, 3);
    assert_true(spread.median == 2 && spread.smallest == 1 && spread.largest == 3);
    spread = spread_of(even, 4);
    assert_true(spread.median == 2.5 && spread.smallest == 1 && spread.largest == 4);
    spread = spread_of(one, 1);
    assert_true(spread.median == 7 && spread.smallest == 7 && spread.largest == 7);
}

struct difference_row {
    const char     *name;
    struct spread   a, b;
    double          amount;
    enum difference expected;
};

static void only_what_is_clear_is_called_a_difference(void **state)
{
    static const struct difference_row rows[] = {
        {"same", {100, 100, 100}, {100, 100, 100}, 0, DIFFERENCE_NONE},
        {"4 % lower", {100, 100, 100}, {96, 96, 96}, 0, DIFFERENCE_NONE},
        {"6 % lower", {100, 100, 100}, {94, 94, 94}, 0, DIFFERENCE_LOWER},
        {"6 % higher", {100, 100, 100}, {106, 106, 106}, 0, DIFFERENCE_HIGHER},
        {"6 % higher, within the amount", {100, 100, 100}, {106, 106, 106}, 10, DIFFERENCE_NONE},
        {"20 % lower, ranges touch", {100, 80, 110}, {80, 70, 80}, 0, DIFFERENCE_NONE},
        {"20 % lower, ranges apart", {100, 81, 110}, {80, 70, 80}, 0, DIFFERENCE_LOWER},
        {"20 % higher, ranges touch", {100, 90, 115}, {120, 115, 130}, 0, DIFFERENCE_NONE},
        {"both nothing", {0, 0, 0}, {0, 0, 0}, 0, DIFFERENCE_NONE},
        {"something from nothing", {0, 0, 0}, {1, 1, 1}, 0, DIFFERENCE_HIGHER},
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        if (spread_difference(&rows[i].a, &rows[i].b, (struct tolerance){0.05, rows[i].amount}) !=
            rows[i].expected)
            fail_msg("%s", rows[i].name);
    }
}

struct axis_row {
    double largest;
    int    n_ticks_max;
    double step, rounded_end;
    int    n_decimals;
};

static void ticks_are_round_numbers(void **state)
{
    static const struct axis_row rows[] = {
        {741, 6, 200, 800, 0},  {600, 6, 100, 600, 0},
        {601, 6, 200, 800, 0},  {21.3, 12, 2, 22, 0},
        {0.37, 6, 0.1, 0.4, 1}, {0.06, 12, 0.005, 0.06, 3},
        {9.6, 6, 2, 10, 0},     {1234567, 6, 500000, 1500000, 0},
        {0, 6, 0.2, 1, 1},
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct axis axis = axis_make(rows[i].largest, rows[i].n_ticks_max, true);
        double      step_ratio = axis.tick_step / rows[i].step;
        double      end_ratio = axis.end / rows[i].rounded_end;
        bool        is_right = step_ratio > 0.9999 && step_ratio < 1.0001 && end_ratio > 0.9999 &&
                        end_ratio < 1.0001 && axis.n_decimals == rows[i].n_decimals;
        if (!is_right)
            fail_msg("%g: step %g, end %g, %d decimals", rows[i].largest, axis.tick_step, axis.end,
                     axis.n_decimals);
    }
    assert_true(axis_make(21.3, 12, false).end == 21.3);
}

static void memory_gets_the_unit_that_fits(void **state)
{
    const char *name;
    assert_true(axis_memory_unit(3e5, &name) == 1024);
    assert_string_equal(name, "KiB");
    assert_true(axis_memory_unit(5e8, &name) == 1048576);
    assert_string_equal(name, "MiB");
    assert_true(axis_memory_unit(3e9, &name) == 1073741824);
    assert_string_equal(name, "GiB");
    (void)axis_memory_unit(1e15, &name);
    assert_string_equal(name, "TiB");
}

static void sizes_have_three_digits(void **state)
{
    char out[FORMAT_BYTES];
    assert_string_equal(format_bytes(0, out), "0 B");
    assert_string_equal(format_bytes(999, out), "999 B");
    assert_string_equal(format_bytes(1000, out), "0.98 KiB");
    assert_string_equal(format_bytes(1024, out), "1.00 KiB");
    assert_string_equal(format_bytes(1536 * 1024, out), "1.50 MiB");
    assert_string_equal(format_bytes(12.34 * 1024 * 1024, out), "12.3 MiB");
    assert_string_equal(format_bytes(741.0 * 1024 * 1024, out), "741 MiB");
    assert_string_equal(format_bytes(999.7 * 1024 * 1024, out), "0.98 GiB");
}

static void durations_and_counts_are_readable(void **state)
{
    char out[FORMAT_BYTES];
    assert_string_equal(format_duration(0.0123, out), "0.012 s");
    assert_string_equal(format_duration(59.4, out), "59.4 s");
    assert_string_equal(format_duration(59.7, out), "1m 00s");
    assert_string_equal(format_duration(451, out), "7m 31s");
    assert_string_equal(format_duration(7500, out), "2h 05m");
    assert_string_equal(format_count(0, out), "0");
    assert_string_equal(format_count(999, out), "999");
    assert_string_equal(format_count(12345, out), "12 345");
    assert_string_equal(format_count(UINT64_MAX, out), "18 446 744 073 709 551 615");
}

static void a_status_is_an_exit_code_or_a_signal(void **state)
{
    char out[64];
    format_status(3 << 8, out, sizeof out);
    assert_string_equal(out, "exit 3");
    format_status(9, out, sizeof out);
    assert_string_equal(out, "signal 9 (Killed)");
}

static void commands_are_quoted_and_cut(void **state)
{
    char  out[64], small[12];
    char *plain[] = {(char *)"ls", (char *)"-l", (char *)"/tmp", NULL};
    char *quoted[] = {(char *)"sh", (char *)"-c", (char *)"echo 'a'\n\x1b[1m", (char *)"", NULL};
    char *exact[] = {(char *)"12345678901", NULL}, *longer[] = {(char *)"123456789012", NULL};
    format_command(plain, out, sizeof out);
    assert_string_equal(out, "ls -l /tmp");
    format_command(quoted, out, sizeof out);
    assert_string_equal(out, "sh -c 'echo '\\''a'\\''  [1m' ''");
    format_command(longer, small, sizeof small);
    assert_string_equal(small, "12345678...");
    format_command(exact, small, sizeof small);
    assert_true(strlen(small) == 11);
}

struct utf8_row {
    const char *text;
    size_t      length;
};

static void only_valid_utf8_is_taken(void **state)
{
    static const struct utf8_row rows[] = {
        {"a", 1},
        {"\xc3\xa4", 2},
        {"\xe2\x82\xac", 3},
        {"\xf0\x9f\x8c\x8a", 4},
        {"\x80", 0},
        {"\xc3", 0},
        {"\xc0\xaf", 0},
        {"\xe0\x80\xaf", 0},
        {"\xed\xa0\x80", 0},
        {"\xf4\x90\x80\x80", 0},
        {"\xff", 0},
        {"\xe2\x82", 0},
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        if (text_utf8_length(rows[i].text) != rows[i].length)
            fail_msg("row %zu: %zu", i, text_utf8_length(rows[i].text));
    }
}

static void json_and_xml_are_escaped(void **state)
{
    static const char source[] = "a\"\\<&>\n\x01\xff\xc3\xa4";
    struct kit_text   json, xml;
    text_write_json(kit_text_begin(&json), source);
    assert_string_equal(kit_text_end(&json), "\"a\\\"\\\\<&>\\u000a\\u0001\xef\xbf\xbd\xc3\xa4\"");
    text_write_xml(kit_text_begin(&xml), source);
    assert_string_equal(kit_text_end(&xml), "a&quot;\\&lt;&amp;&gt;\xef\xbf\xbd\xef\xbf\xbd"
                                            "\xef\xbf\xbd\xc3\xa4");
    kit_text_free(&json);
    kit_text_free(&xml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_median_is_in_the_middle),
        cmocka_unit_test(only_what_is_clear_is_called_a_difference),
        cmocka_unit_test(ticks_are_round_numbers),
        cmocka_unit_test(memory_gets_the_unit_that_fits),
        cmocka_unit_test(sizes_have_three_digits),
        cmocka_unit_test(durations_and_counts_are_readable),
        cmocka_unit_test(a_status_is_an_exit_code_or_a_signal),
        cmocka_unit_test(commands_are_quoted_and_cut),
        cmocka_unit_test(only_valid_utf8_is_taken),
        cmocka_unit_test(json_and_xml_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
