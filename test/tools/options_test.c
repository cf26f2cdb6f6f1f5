// Options: one table gives parsing, help and suggestions.
#include "exit_code.h"
#include "options.h"

#include "tool_kit.h"

struct settings {
    bool               flag;
    const char        *file;
    unsigned           runs;
    double             wait_s;
    struct option_list list;
    const char        *output;
};

static const struct option_spec specs[] = {
    {.letter = 'f',
     .name = "flag",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct settings, flag),
     .help = "a flag"},
    {.name = "file",
     .kind = OPTION_TEXT,
     .value_name = "FILE",
     .offset = offsetof(struct settings, file),
     .help = "a file\nin two lines"},
    {.letter = 'n',
     .name = "runs",
     .kind = OPTION_COUNT,
     .value_name = "RUNS",
     .offset = offsetof(struct settings, runs),
     .minimum = 1,
     .maximum = 9,
     .help = "a count"},
    {.name = "wait",
     .kind = OPTION_SECONDS,
     .value_name = "SECONDS",
     .offset = offsetof(struct settings, wait_s),
     .minimum = 0.5,
     .maximum = 60,
     .help = "a time"},
    {.letter = 'w',
     .name = "with",
     .kind = OPTION_LIST,
     .value_name = "NAME",
     .offset = offsetof(struct settings, list),
     .help = "a list"},
    {.letter = 'o',
     .name = "output",
     .kind = OPTION_OUTPUT,
     .value_name = "FILE",
     .offset = offsetof(struct settings, output),
     .help = "a file or stdout"},
    {0},
};

static const struct command_spec spec = {.name = "test",
                                         .summary = "a test",
                                         .usage = "[OPTION...] CMD",
                                         .examples = "  neap test\n",
                                         .notes = "Notes.\n",
                                         .options = specs,
                                         .operands = OPERANDS_COMMAND};

#define ARGUMENTS_MAX 24

enum result { PARSED, HELP, WRONG };

// Parses words separated by spaces.
static enum result parse_by(const struct command_spec *by, const char *line,
                            struct settings *settings, int *out_first)
{
    static char  words[512];
    static char *argv[ARGUMENTS_MAX + 1];
    (void)snprintf(words, sizeof words, "test %s", line);
    int argc = 0;
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    *settings = (struct settings){0};
    int exit_code = -1;
    if (options_take(by, argv, settings, out_first, &exit_code))
        return PARSED;
    assert_true(exit_code == EXIT_CODE_DONE || exit_code == EXIT_CODE_USAGE);
    return exit_code == EXIT_CODE_DONE ? HELP : WRONG;
}

static enum result parse(const char *line, struct settings *settings, int *out_first)
{
    return parse_by(&spec, line, settings, out_first);
}

static void every_kind_is_read(void **state)
{
    struct settings settings;
    int             first;
    assert_int_equal(
        parse("-f --file a.svg -n 3 --wait 1.5 -w x --with=y -- ls -l", &settings, &first), PARSED);
    assert_true(settings.flag);
    assert_string_equal(settings.file, "a.svg");
    assert_int_equal(settings.runs, 3);
    assert_true(settings.wait_s == 1.5);
    assert_int_equal(settings.list.count, 2);
    assert_string_equal(settings.list.values[0], "x");
    assert_string_equal(settings.list.values[1], "y");
    assert_int_equal(first, 12);
    assert_null(settings.output);
}

static void a_list_may_be_given_in_pieces(void **state)
{
    struct settings settings;
    int             first;
    assert_int_equal(parse("-w a,b --with c -w=d,e ls,x", &settings, &first), PARSED);
    static const char *const expected[] = {"a", "b", "c", "=d", "e"};
    assert_int_equal(settings.list.count, LENGTH_OF(expected));
    for (size_t i = 0; i < LENGTH_OF(expected); i++)
        assert_string_equal(settings.list.values[i], expected[i]);
    assert_int_equal(parse("-w 1,2,3,4,5,6,7,8 ls", &settings, &first), PARSED);
}

struct output_row {
    const char *line, *expected;
    int         first;
};

static void an_output_needs_no_file(void **state)
{
    static const struct output_row rows[] = {
        {"--output ls", "-", 2},       {"--output -- ls", "-", 3}, {"--output=a ls", "a", 2},
        {"--output=a b.json", "a", 2}, {"-oa ls", "a", 2},         {"-o ls", "-", 2},
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct settings settings;
        int             first;
        assert_int_equal(parse(rows[i].line, &settings, &first), PARSED);
        assert_string_equal(settings.output, rows[i].expected);
        assert_int_equal(first, rows[i].first);
    }
}

static void the_command_keeps_its_options(void **state)
{
    struct settings settings;
    int             first;
    assert_int_equal(parse("ls -f --nonsense", &settings, &first), PARSED);
    assert_false(settings.flag);
    assert_int_equal(first, 1);
}

static void help_is_asked_for_anywhere_before_the_command(void **state)
{
    static const char *const lines[] = {"-h", "--help", "-f --help", "--help ls"};
    struct settings          settings;
    int                      first;
    for (size_t i = 0; i < LENGTH_OF(lines); i++)
        assert_int_equal(parse(lines[i], &settings, &first), HELP);
    assert_int_equal(parse("-- ls --help", &settings, &first), PARSED);
}

static void wrong_words_are_refused(void **state)
{
    static const char *const lines[] = {
        "-x ls",
        "--flog ls",
        "--flag=1 ls",
        "--file",
        "-n",
        "-n 0 ls",
        "-n 10 ls",
        "-n 1.5 ls",
        "-n x ls",
        "-n 3x ls",
        "--wait 0.1 ls",
        "--wait nan",
        "--wait inf ls",
        "--wait 1s ls",
        "",
        "--",
        "--w 1 ls",
        "--help=yes ls",
        "-w 1 -w 2 -w 3 -w 4 -w 5 -w 6 -w 7 -w 8 -w 9 l",
        "-w 1,2,3,4,5 -w 6,7,8,9 ls",
        "-w , ls",
        "-w a, ls",
        "-w ,a ls",
        "-w a,,b ls",
    };
    struct settings settings;
    int             first;
    for (size_t i = 0; i < LENGTH_OF(lines); i++) {
        if (parse(lines[i], &settings, &first) != WRONG)
            fail_msg("'%s' was taken", lines[i]);
    }
}

struct operands_row {
    enum operands operands;
    const char   *line;
    enum result   expected;
};

static void operands_are_what_the_command_takes(void **state)
{
    static const struct operands_row rows[] = {
        {OPERANDS_NONE, "", PARSED},          {OPERANDS_NONE, "--", PARSED},
        {OPERANDS_NONE, "x", WRONG},          {OPERANDS_TOPIC, "", PARSED},
        {OPERANDS_TOPIC, "anything", PARSED}, {OPERANDS_TOPIC, "any thing", WRONG},
        {OPERANDS_WORD, "one", PARSED},       {OPERANDS_WORD, "two", PARSED},
        {OPERANDS_WORD, "-- two", PARSED},    {OPERANDS_WORD, "", WRONG},
        {OPERANDS_WORD, "on", WRONG},         {OPERANDS_WORD, "ones", WRONG},
        {OPERANDS_WORD, "one two", WRONG},    {OPERANDS_WORD, "ne", WRONG},
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct command_spec with = spec;
        struct settings     settings;
        int                 first;
        with.operands = rows[i].operands;
        with.words = "one two";
        if (parse_by(&with, rows[i].line, &settings, &first) != rows[i].expected)
            fail_msg("'%s'", rows[i].line);
    }
}

struct suggest_row {
    const char *word, *expected;
};

static void near_misses_are_recognised(void **state)
{
    static const char *const        names[] = {"summary", "timeline", "svg", "runs"};
    static const struct suggest_row rows[] = {
        {"sumary", "summary"},
        {"sumamry", "summary"},
        {"summarry", "summary"},
        {"time-line", "timeline"},
        {"svgg", "svg"},
        {"rusn", "runs"},
        {"x", NULL},
        {"", NULL},
        {"frequency", NULL},
        {"a-word-longer-than-anything-considered-here", NULL},
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        const char *near = options_suggest(rows[i].word, names, LENGTH_OF(names));
        if (rows[i].expected == NULL)
            assert_null(near);
        else
            assert_string_equal(near, rows[i].expected);
    }
}

static void help_shows_every_option(void **state)
{
    struct kit_text kit;
    options_print_help(&spec, kit_text_begin(&kit));
    const char *text = kit_text_end(&kit);
    for (const struct option_spec *row = specs; row->name != NULL; row++)
        expect_holds(text, row->name);
    expect_holds(text, "Usage: neap test [OPTION...] CMD\n");
    expect_holds(text, "  -n, --runs RUNS");
    expect_holds(text, "      --file FILE");
    expect_holds(text, "  -o, --output[=FILE]");
    expect_holds(text, "in two lines\n");
    expect_holds(text, "-h, --help");
    expect_holds(text, "Notes.\n");
    kit_text_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read),
        cmocka_unit_test(a_list_may_be_given_in_pieces),
        cmocka_unit_test(an_output_needs_no_file),
        cmocka_unit_test(the_command_keeps_its_options),
        cmocka_unit_test(help_is_asked_for_anywhere_before_the_command),
        cmocka_unit_test(wrong_words_are_refused),
        cmocka_unit_test(operands_are_what_the_command_takes),
        cmocka_unit_test(near_misses_are_recognised),
        cmocka_unit_test(help_shows_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
