// What each unit accepts and refuses, that values are printed as they are read, and that texts
// without a NUL are not read beyond their end.
#include "config/value.h"

#include "base/units.h"
#include "random.h"
#include "unit_kit.h"

#include <stdlib.h>

#define TIB (1024 * GIB)
#define SECOND ((size_t)1000 * 1000 * 1000)

// Parses a copy that ends where its memory ends, so that ASan sees any byte read too many.
static bool parse_copy(enum value_unit unit, struct text text, size_t *out_value)
{
    char *copy = malloc(text.length);
    memcpy(copy, text.start, text.length);
    bool accepted = value_parse(unit, (struct text){copy, text.length}, out_value);
    free(copy);
    return accepted;
}

struct accepted_row {
    const char     *text;
    enum value_unit unit;
    size_t          value;
};

static const struct accepted_row accepted_rows[] = {
    {"0", UNIT_BYTES, 0},
    {"4096", UNIT_BYTES, 4096},
    {"0004096", UNIT_BYTES, 4096},
    {"64K", UNIT_BYTES, 64 * KIB},
    {"64k", UNIT_BYTES, 64 * KIB},
    {"64Ki", UNIT_BYTES, 64 * KIB},
    {"64KiB", UNIT_BYTES, 64 * KIB},
    {"64kib", UNIT_BYTES, 64 * KIB},
    {"3M", UNIT_BYTES, 3 * MIB},
    {"1.5GiB", UNIT_BYTES, 3 * GIB / 2},
    {"1.0000K", UNIT_BYTES, KIB},
    {"0.3K", UNIT_BYTES, 307},
    {"0.999999999999999999G", UNIT_BYTES, GIB - 1},
    {"2T", UNIT_BYTES, 2 * TIB},
    {"16383P", UNIT_BYTES, 16383 * 1024 * TIB},
    {"16384P", UNIT_BYTES, VALUE_MAX},
    {"18446744073709551613", UNIT_BYTES, SIZE_MAX - 2},
    {"18446744073709551614", UNIT_BYTES, VALUE_MAX},
    {"18446744073709551615", UNIT_BYTES, VALUE_MAX},
    {"18446744073709551616", UNIT_BYTES, VALUE_MAX},
    {"99999999999999999999999999999999", UNIT_BYTES, VALUE_MAX},
    {"99999999999999999999.5P", UNIT_BYTES, VALUE_MAX},
    {"110", UNIT_PERCENT, 110},
    {"110%", UNIT_PERCENT, 110},
    {"0", UNIT_DURATION, 0},
    {"0s", UNIT_DURATION, 0},
    {"000", UNIT_DURATION, 0},
    {"7ns", UNIT_DURATION, 7},
    {"500us", UNIT_DURATION, 500 * 1000},
    {"10ms", UNIT_DURATION, 10 * 1000 * 1000},
    {"10MS", UNIT_DURATION, 10 * 1000 * 1000},
    {"5s", UNIT_DURATION, 5 * SECOND},
    {"1.5s", UNIT_DURATION, 3 * SECOND / 2},
    {"0.0000000019s", UNIT_DURATION, 1},
    {"5min", UNIT_DURATION, 300 * SECOND},
    {"2h", UNIT_DURATION, 7200 * SECOND},
    {"9999999h", UNIT_DURATION, VALUE_MAX},
    {"8", UNIT_COUNT, 8},
    {"1.5GiB", UNIT_LIMIT, 3 * GIB / 2},
    {"4096", UNIT_LIMIT, 4096},
    {"1%", UNIT_LIMIT, VALUE_SHARES_FROM + 1},
    {"80%", UNIT_LIMIT, VALUE_SHARES_FROM + 80},
    {"100%", UNIT_LIMIT, VALUE_SHARES_FROM + 100},
    {"9223372036854775807", UNIT_LIMIT, VALUE_SHARES_FROM - 1},
    {"9223372036854775808", UNIT_LIMIT, VALUE_MAX},   // not a share
    {"9223372036854775818", UNIT_LIMIT, VALUE_MAX},
    {"8192P", UNIT_LIMIT, VALUE_MAX},
    {"0", UNIT_SWITCH, 0},
    {"1", UNIT_SWITCH, 1},
    {"on", UNIT_SWITCH, 1},
    {"off", UNIT_SWITCH, 0},
    {"Yes", UNIT_SWITCH, 1},
    {"NO", UNIT_SWITCH, 0},
    {"true", UNIT_SWITCH, 1},
    {"False", UNIT_SWITCH, 0},
};

static void a_value_is_read(void **state)
{
    const struct accepted_row *row = unit_case_of(state)->row;
    size_t                     value = 12345;
    assert_true(parse_copy(row->unit, text_of(row->text), &value));
    assert_int_equal(value, row->value);
}

struct refused_row {
    const char     *text;
    enum value_unit unit;
};

static const struct refused_row refused_rows[] = {
    {"", UNIT_BYTES},         {" ", UNIT_BYTES},
    {"", UNIT_LIMIT},         {"%", UNIT_LIMIT},
    {"0%", UNIT_LIMIT},       {"101%", UNIT_LIMIT},
    {"64K%", UNIT_LIMIT},     {"1.5%", UNIT_LIMIT},
    {"auto", UNIT_LIMIT},     {"64KB", UNIT_LIMIT},
    {"64Q", UNIT_BYTES},      {"64KB", UNIT_BYTES},
    {"64MB", UNIT_BYTES},     {"64B", UNIT_BYTES},
    {"64 K", UNIT_BYTES},     {" 64K", UNIT_BYTES},
    {"64K ", UNIT_BYTES},     {"64KiBs", UNIT_BYTES},
    {"-1", UNIT_BYTES},       {"+1", UNIT_BYTES},
    {"0x1000", UNIT_BYTES},   {"1e6", UNIT_BYTES},
    {"1,5G", UNIT_BYTES},     {"1.5", UNIT_BYTES},
    {"1.G", UNIT_BYTES},      {".5G", UNIT_BYTES},
    {"1.2.3G", UNIT_BYTES},   {"1.0000000000000000001G", UNIT_BYTES},
    {"K", UNIT_BYTES},        {"off", UNIT_BYTES},
    {"64%", UNIT_BYTES},      {"", UNIT_PERCENT},
    {"%", UNIT_PERCENT},      {"110%%", UNIT_PERCENT},
    {"1.1", UNIT_PERCENT},    {"110.5%", UNIT_PERCENT},
    {"110K", UNIT_PERCENT},   {"", UNIT_DURATION},
    {"5", UNIT_DURATION},     {"0.5", UNIT_DURATION},
    {"0.0", UNIT_DURATION},   {"1.5ns", UNIT_DURATION},
    {"5m", UNIT_DURATION},    {"5sec", UNIT_DURATION},
    {"5 s", UNIT_DURATION},   {"", UNIT_COUNT},
    {"8K", UNIT_COUNT},       {"8.0", UNIT_COUNT},
    {"eight", UNIT_COUNT},    {"", UNIT_SWITCH},
    {"2", UNIT_SWITCH},       {"01", UNIT_SWITCH},
    {"o", UNIT_SWITCH},       {"onn", UNIT_SWITCH},
    {"enabled", UNIT_SWITCH},
};

static void a_text_is_refused(void **state)
{
    const struct refused_row *row = unit_case_of(state)->row;
    size_t                    value = 12345;
    assert_false(parse_copy(row->unit, text_of(row->text), &value));
    assert_int_equal(value, 12345);
}

struct printed_row {
    const char     *text;
    enum value_unit unit;
    size_t          value;
};

static const struct printed_row printed_rows[] = {
    {"0", UNIT_BYTES, 0},
    {"1023", UNIT_BYTES, 1023},
    {"1KiB", UNIT_BYTES, KIB},
    {"64MiB", UNIT_BYTES, 64 * MIB},
    {"1537KiB", UNIT_BYTES, 1537 * KIB},
    {"1TiB", UNIT_BYTES, TIB},
    {"1025TiB", UNIT_BYTES, 1025 * TIB},
    {"16383PiB", UNIT_BYTES, 16383 * 1024 * TIB},
    {"18446744073709551613", UNIT_BYTES, VALUE_MAX},
    {"110%", UNIT_PERCENT, 110},
    {"18446744073709551613%", UNIT_PERCENT, VALUE_MAX},
    {"64MiB", UNIT_LIMIT, 64 * MIB},
    {"80%", UNIT_LIMIT, VALUE_SHARES_FROM + 80},
    {"0", UNIT_DURATION, 0},
    {"999ns", UNIT_DURATION, 999},
    {"1500ms", UNIT_DURATION, 3 * SECOND / 2},
    {"90s", UNIT_DURATION, 90 * SECOND},
    {"5min", UNIT_DURATION, 300 * SECOND},
    {"24h", UNIT_DURATION, 86400 * SECOND},
    {"0", UNIT_COUNT, 0},
    {"1000000", UNIT_COUNT, 1000000},
    {"off", UNIT_SWITCH, 0},
    {"on", UNIT_SWITCH, 1},
};

static void a_value_is_printed(void **state)
{
    const struct printed_row *row = unit_case_of(state)->row;
    char                      text[VALUE_TEXT_BYTES];
    value_print(row->unit, row->value, text);
    assert_string_equal(text, row->text);
}

// Letters that lead far into the parser, and any byte now and then.
static size_t random_text(struct unit_random *random, char *out_text, size_t length_max)
{
    static const char letters[] = "0123456789012345678900..KMGTPiBkmgtpib%nsmuhonfyetrual ";
    size_t            length = unit_random_below(random, length_max + 1);
    for (size_t i = 0; i < length; i++) {
        bool any_byte = unit_random_below(random, 20) == 0;
        out_text[i] = any_byte ? (char)unit_random_next(random)
                               : letters[unit_random_below(random, sizeof letters - 1)];
    }
    return length;
}

static void whatever_is_accepted_is_printed_and_read_again(void **state)
{
    struct unit_random random = unit_random_start();
    size_t             n_accepted = 0;
    for (size_t i = 0; i < 400000; i++) {
        char            letters[24], printed[VALUE_TEXT_BYTES];
        struct text     text = {letters, random_text(&random, letters, i % 24)};
        enum value_unit unit = (enum value_unit)(i % (UNIT_LIMIT + 1));
        size_t          value, again;
        if (!parse_copy(unit, text, &value))
            continue;
        n_accepted++;
        assert_true(value <= VALUE_MAX);
        value_print(unit, value, printed);
        assert_true(parse_copy(unit, text_of(printed), &again));
        assert_int_equal(value, again);
    }
    assert_true(n_accepted > 1000);
}

static void the_examples_in_messages_are_accepted(void **state)
{
    for (enum value_unit unit = 0; unit <= UNIT_LIMIT; unit++) {
        if (unit == UNIT_SWITCH)
            continue;
        const char *example = strstr(value_unit_text(unit), "such as ");
        size_t      value;
        assert_non_null(example);
        struct text text = text_behind(text_of(example), strlen("such as "));
        text.length = text_find(text, ')');
        assert_true(parse_copy(unit, text, &value));
    }
}

static const struct unit_sentence sentences[] = {
    {"whatever is accepted is printed and read again",
     whatever_is_accepted_is_printed_and_read_again},
    {"the examples in messages are accepted", the_examples_in_messages_are_accepted},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("value reads", accepted_rows, 0, a_value_is_read));
    unit_add_table(UNIT_TABLE("value refuses", refused_rows, 0, a_text_is_refused));
    unit_add_table(UNIT_TABLE("value prints", printed_rows, 0, a_value_is_printed));
    ADD_SENTENCES("value", sentences, 0);
    return cmocka_run_group_tests_name("value", unit_tests, NULL, NULL);
}
