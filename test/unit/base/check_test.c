// A failing check names file, line, text and both values, and ends the process.
#include "base/check.h"
#include "unit_kit.h"

#include <stdio.h>
#include <string.h>

struct check_row {
    const char *name;
    void (*fail)(void *);
    const char *text;   // behind the file and the line
    int         line;
};

static void fail_check(void *argument)
{
    CHECK(argument != NULL);
}
enum { FAIL_CHECK_LINE = __LINE__ - 2 };

static void fail_eq(void *argument)
{
    size_t seven = 7;
    CHECK_EQ(seven, 8);
}
enum { FAIL_EQ_LINE = __LINE__ - 2 };

static void fail_le(void *argument)
{
    size_t all = SIZE_MAX;
    CHECK_LE(all, 0);
}
enum { FAIL_LE_LINE = __LINE__ - 2 };

static void fail_by_hand(void *argument)
{
    check_failed("a/file.c", 0, "text", 10, 100);
}

static const struct check_row check_rows[] = {
    {"CHECK", fail_check, "check failed: argument != NULL (0 against 1)\n", FAIL_CHECK_LINE},
    {"CHECK_EQ", fail_eq, "check failed: seven == 8 (7 against 8)\n", FAIL_EQ_LINE},
    {"CHECK_LE", fail_le, "check failed: all <= 0 (18446744073709551615 against 0)\n",
     FAIL_LE_LINE},
};

static void names_file_line_and_values(void **state)
{
    const struct check_row *row = unit_case_of(state)->row;
    char                    text[300];
    snprintf(text, sizeof text, "neap: %s:%d: %s", __FILE__, row->line, row->text);
    expect_dies(row->fail, NULL, text);
}

static void text_is_printed_as_given(void **state)
{
    expect_dies(fail_by_hand, NULL, "neap: a/file.c:0: check failed: text (10 against 100)\n");
}

static void fail_with_a_long_text(void *argument)
{
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    check_failed(text, 1, text, 1, 2);
}

static void a_long_text_is_cut(void **state)
{
    expect_dies(fail_with_a_long_text, NULL, "neap: xxxxxxxxxxxxxxxx");
}

static void pass_all(void *argument)
{
    CHECK(argument == NULL);
    CHECK_EQ(3, 3);
    CHECK_LE(3, 3);
    CHECK_LE(2, 3);
    DCHECK(argument == NULL);
    DCHECK_EQ(3, 3);
    DCHECK_LE(2, 3);
}

static void true_checks_are_silent(void **state)
{
    expect_survives(pass_all, NULL);
}

static void fail_debug(void *argument)
{
    size_t seven = 7;
    DCHECK_EQ(seven, 8);
    DCHECK_LE(seven, 6);
    DCHECK(argument != NULL);
}

static void debug_checks_act_in_debug_builds_only(void **state)
{
    if (NEAP_DEBUG)
        expect_dies(fail_debug, NULL, "check failed: seven == 8 (7 against 8)");
    else
        expect_survives(fail_debug, NULL);
}

static const struct unit_sentence sentences[] = {
    {"text is printed as given", text_is_printed_as_given},
    {"a long text is cut", a_long_text_is_cut},
    {"true checks are silent", true_checks_are_silent},
    {"debug checks act in debug builds only", debug_checks_act_in_debug_builds_only},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("check", check_rows, 0, names_file_line_and_values));
    ADD_SENTENCES("check", sentences, 0);
    return cmocka_run_group_tests_name("check", unit_tests, NULL, NULL);
}
