// Every row of option.def: its range, its words, its page in the manual; and the search for names.
#include "config/option.h"

#include "base/units.h"
#include "pageheap/page_heap.h"
#include "unit_kit.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

// ---- rows of the table ------------------------------------------------------------------------

static enum option_verdict parse_number(const struct option *option, size_t number)
{
    char   text[VALUE_TEXT_BYTES];
    size_t value = number + 1;
    option_print(option, number, text);
    enum option_verdict verdict = option_parse(option, text_of(text), &value);
    assert_true(verdict != OPTION_ACCEPTED || value == number);
    return verdict;
}

static void its_range_ends_where_the_table_says(void **state)
{
    const struct option *option = unit_case_of(state)->row;
    if (option->is_text || option->unit == UNIT_SWITCH)
        return;
    size_t step = option->multiple_of;
    assert_int_equal(parse_number(option, option->initial), OPTION_ACCEPTED);
    assert_int_equal(parse_number(option, option->lowest), OPTION_ACCEPTED);
    assert_int_equal(parse_number(option, option->highest), OPTION_ACCEPTED);
    assert_int_equal(parse_number(option, option->highest + 1), OPTION_OUT_OF_RANGE);
    assert_int_equal(parse_number(option, option->highest + step), OPTION_OUT_OF_RANGE);
    assert_int_equal(parse_number(option, VALUE_MAX), OPTION_OUT_OF_RANGE);
    if (option->lowest > 0) {
        assert_int_equal(parse_number(option, option->lowest - 1), OPTION_OUT_OF_RANGE);
        assert_int_equal(parse_number(option, 0), OPTION_OUT_OF_RANGE);
    }
    if (step > 1) {
        assert_int_equal(parse_number(option, option->lowest + step), OPTION_ACCEPTED);
        assert_int_equal(parse_number(option, option->lowest + 1), OPTION_NO_MULTIPLE);
        assert_int_equal(parse_number(option, option->highest - 1), OPTION_NO_MULTIPLE);
    }
}

static void off_is_a_value_only_where_the_table_says(void **state)
{
    const struct option *option = unit_case_of(state)->row;
    size_t               value = 12345;
    if (option->is_text)
        return;
    enum option_verdict verdict = option_parse(option, text_of("Off"), &value);
    if (option->may_be_off)
        assert_true(verdict == OPTION_ACCEPTED && value == CONFIG_OFF);
    else if (option->unit == UNIT_SWITCH)
        assert_true(verdict == OPTION_ACCEPTED && value == 0);
    else
        assert_true(verdict == OPTION_NOT_OF_UNIT && value == 12345);
}

static void auto_and_shares_are_values_only_where_the_table_says(void **state)
{
    const struct option *option = unit_case_of(state)->row;
    size_t               value = 12345;
    if (option->is_text)
        return;
    bool is_auto = option_parse(option, text_of("Auto"), &value) == OPTION_ACCEPTED;
    assert_int_equal(is_auto, option->may_be_auto);
    assert_true(value == (is_auto ? CONFIG_AUTO : 12345));
    bool is_accepted = option_parse(option, text_of("7%"), &value) == OPTION_ACCEPTED;
    bool is_share = is_accepted && value == VALUE_SHARES_FROM + 7;
    assert_int_equal(is_share, option->unit == UNIT_LIMIT);
}

static void it_is_found_by_its_name_alone(void **state)
{
    const struct option *option = unit_case_of(state)->row;
    enum option_id       id = (enum option_id)(option - options);
    struct text          name = text_of(option->name);
    assert_memory_equal(option->name, OPTION_PREFIX, strlen(OPTION_PREFIX));
    assert_int_equal(option_find(name), id);
    assert_int_equal(option_find_in_file(name), id);
    assert_int_equal(option_find_in_file(text_behind(name, strlen(OPTION_PREFIX))), id);
    assert_int_equal(option_find(text_behind(name, strlen(OPTION_PREFIX))), OPTIONS);
    assert_int_equal(option_find((struct text){name.start, name.length - 1}), OPTIONS);
    assert_int_equal(option_find((struct text){name.start, 0}), OPTIONS);
    assert_int_equal(option_nearest(name), id);
}

static char *manual_read(const char *source_root)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/docs/man/neap-env.7.scd", source_root);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char  *text = calloc(1, 64 * KIB);
    size_t n_bytes = fread(text, 1, 64 * KIB - 1, file);
    fclose(file);
    assert_true(n_bytes > 0);
    return text;
}

static void the_manual_has_its_default(void **state)
{
    const struct option *option = unit_case_of(state)->row;
    char                 heading[100], number[VALUE_TEXT_BYTES], sentence[100];
    const char          *source_root = getenv("NEAP_SOURCE_ROOT");
    if (source_root == NULL)
        skip();
    char *manual = manual_read(source_root);
    snprintf(heading, sizeof heading, "*%s*=", option->name);
    char *start = strstr(manual, heading);
    assert_non_null(start);
    char *end = strstr(start, "\n\n");
    assert_non_null(end);
    *end = '\0';
    if (!option->is_text) {
        option_print(option, option->initial, number);
        snprintf(sentence, sizeof sentence, "Default *%s*", number);
        assert_non_null(strstr(start, sentence));
    }
    free(manual);
}

static void its_help_is_a_line_to_stand_in_a_list(void **state)
{
    const struct option *option = unit_case_of(state)->row;
    size_t               length = strlen(option->help);
    assert_true(length > 0 && length <= 70);
    assert_true(islower((unsigned char)option->help[0]));
    assert_true(option->help[length - 1] != '.');
}

// What is accepted here must be what the page heap takes.
static void the_ranges_are_those_of_the_page_heap(void **state)
{
    assert_int_equal(options[OPTION_page_caches].highest, PAGE_CACHES_MAX);
    assert_true(options[OPTION_retain_pct].lowest > RETAIN_PCT_NEVER);
    assert_true(options[OPTION_arena_bytes].multiple_of % (64 * KIB) == 0);   // any OS page
}

// ---- names ------------------------------------------------------------------------------------

struct nearest_row {
    const char    *name;
    enum option_id nearest;
};

static const struct nearest_row nearest_rows[] = {
    {"NEAP_ARENNA", OPTION_arena_bytes},
    {"NEAP_AREN", OPTION_arena_bytes},
    {"NEAP_ARENAS", OPTION_arena_bytes},
    {"NEAP_ERENA", OPTION_arena_bytes},
    {"NEAPARENA", OPTION_arena_bytes},
    {"NEAP_arena", OPTION_arena_bytes},
    {"ARENNA", OPTION_arena_bytes},
    {"NEAP_RETIAN", OPTION_retain_pct},
    {"NEAP_PAGE_CACHE", OPTION_page_caches},
    {"NEAP_PAGECACHES", OPTION_page_caches},
    {"NEAP_DISABLED", OPTION_disable},
    {"NEAP_CONFIG", OPTION_conf},
    {"NEAP_CONFIGS", OPTIONS},
    {"NEAP_ARENA_SIZE", OPTIONS},
    {"NEAP_", OPTIONS},
    {"", OPTIONS},
    {"NEAP_LIMITLESS", OPTIONS},
    {"NEAP_ARENA_ARENA_ARENA_ARENA_ARENA_ARENA_ARENA_ARENA_ARENA_ARENA", OPTIONS},
};

static void the_nearest_name_is_found(void **state)
{
    const struct nearest_row *row = unit_case_of(state)->row;
    assert_int_equal(option_nearest(text_of(row->name)), row->nearest);
}

static void names_of_scripts_are_known(void **state)
{
    assert_true(option_is_foreign(text_of("NEAP_BUILD")));
    assert_true(option_is_foreign(text_of("NEAP_TEST_SEED")));
    assert_false(option_is_foreign(text_of("NEAP_BUIL")));
    assert_false(option_is_foreign(text_of("NEAP_BUILDS")));
    assert_false(option_is_foreign(text_of("NEAP_ARENA")));
}

static void a_nul_in_a_name_does_not_end_it(void **state)
{
    for (size_t length = 6; length <= 9; length++) {
        struct text text = {"ARENA\0\0\0\0", length};
        assert_int_equal(option_find_in_file(text), OPTIONS);
        assert_int_equal(option_find(text), OPTIONS);
    }
}

// Names of every length, in memory that ends with them.
static void any_name_may_be_looked_for(void **state)
{
    struct unit_random random = unit_random_start();
    for (size_t i = 0; i < 100000; i++) {
        static const char letters[] = "NEAP_ARENADISBLRTCOFGneap_arena=\n";
        size_t            length = i % 70;
        char             *name = malloc(length);
        for (size_t at = 0; at < length; at++)
            name[at] = letters[unit_random_below(&random, sizeof letters)];   // its NUL as well
        struct text text = {name, length};
        (void)option_find(text);
        (void)option_find_in_file(text);
        (void)option_is_foreign(text);
        (void)option_nearest(text);
        free(name);
    }
}

static const struct unit_sentence sentences[] = {
    {"the ranges are those of the page heap", the_ranges_are_those_of_the_page_heap},
    {"names of scripts are known", names_of_scripts_are_known},
    {"a NUL in a name does not end it", a_nul_in_a_name_does_not_end_it},
    {"any name may be looked for", any_name_may_be_looked_for},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("its range ends where the table says:", options, 0,
                              its_range_ends_where_the_table_says));
    unit_add_table(UNIT_TABLE("off is a value only where the table says:", options, 0,
                              off_is_a_value_only_where_the_table_says));
    unit_add_table(UNIT_TABLE("auto and shares are values only where the table says:", options, 0,
                              auto_and_shares_are_values_only_where_the_table_says));
    unit_add_table(
        UNIT_TABLE("it is found by its name alone:", options, 0, it_is_found_by_its_name_alone));
    unit_add_table(
        UNIT_TABLE("the manual has its default:", options, 0, the_manual_has_its_default));
    unit_add_table(UNIT_TABLE("its help is a line to stand in a list:", options, 0,
                              its_help_is_a_line_to_stand_in_a_list));
    unit_add_table(UNIT_TABLE("nearest to", nearest_rows, 0, the_nearest_name_is_found));
    ADD_SENTENCES("option", sentences, 0);
    return cmocka_run_group_tests_name("option", unit_tests, NULL, NULL);
}
