// Options: getopt_long driven by our table, plus the messages that getopt does not write.
//
// getopt's own messages are switched off; on an error we look at what it stumbled over
// and say it with a suggestion.
#include "options.h"

#include "exit_code.h"
#include "message.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 16        // rows of a table, --help included
#define NAME_BYTES_MAX 32     // longest name considered for a suggestion
#define LONG_ONLY_FIRST 256   // getopt values of options without a letter: no character

_Static_assert(no_argument == 0 && required_argument == 1 && optional_argument == 2,
               "as many colons follow a letter");

const struct option_spec options_help_row = {
    .letter = 'h', .name = "help", .kind = OPTION_FLAG, .help = "show this text"};

static size_t options_count(const struct option_spec *specs)
{
    size_t n_specs = 0;
    while (specs[n_specs].name != NULL)
        n_specs++;
    return n_specs;
}

static size_t size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

// Edit distance of two words: insert, delete, replace, or swap two neighbours.
static size_t edit_distance(const char *a, const char *b)
{
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length >= NAME_BYTES_MAX || b_length >= NAME_BYTES_MAX)
        return NAME_BYTES_MAX;

    size_t cost[NAME_BYTES_MAX][NAME_BYTES_MAX];
    for (size_t i = 0; i <= a_length; i++) {
        for (size_t j = 0; j <= b_length; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            size_t replace = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0);
            cost[i][j] = size_min(replace, size_min(cost[i - 1][j], cost[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = size_min(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[a_length][b_length];
}

const char *options_suggest(const char *word, const char *const *names, size_t n_names)
{
    // A third of the word may be wrong: "sumary" finds "summary", "x" finds nothing.
    size_t      best_distance = strlen(word) / 3 + 1;
    const char *best = NULL;
    for (size_t i = 0; i < n_names; i++) {
        size_t distance = edit_distance(word, names[i]);
        if (distance < best_distance) {
            best_distance = distance;
            best = names[i];
        }
    }
    return best;
}

// Says what is wrong with the long option `argument`, with a suggestion where one is near.
static void options_report_unknown(const struct command_spec *spec, const char *argument)
{
    char   word[NAME_BYTES_MAX];
    size_t length = strcspn(argument + 2, "=");
    (void)snprintf(word, sizeof word, "%.*s", (int)size_min(length, sizeof word), argument + 2);

    const char *names[OPTIONS_MAX + 1] = {"help"};
    size_t      n_names = 1;
    for (const struct option_spec *row = spec->options; row->name != NULL; row++)
        names[n_names++] = row->name;
    const char *near = options_suggest(word, names, n_names);
    if (near != NULL)
        message("unknown option --%s; did you mean --%s?", word, near);
    else
        message("unknown option --%s; neap %s --help lists the options", word, spec->name);
}

// Says why getopt stopped: `value` is what it returned, `argument` the word it stopped at.
static void options_report(const struct command_spec *spec, int value, const char *argument)
{
    bool is_long = strncmp(argument, "--", 2) == 0;
    if (value == ':')
        message("%s needs a value; neap %s --help tells which", argument, spec->name);
    else if (is_long && optopt != 0)
        message("%.*s takes no value", (int)strcspn(argument, "="), argument);
    else if (optopt != 0)
        message("unknown option -%c; neap %s --help lists the options", optopt, spec->name);
    else
        options_report_unknown(spec, argument);
}

static bool options_read_number(const struct option_spec *row, const char *text, double *out)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    bool   is_number = end != text && *end == '\0' && errno == 0 && isfinite(value);
    bool   is_whole = is_number && value == (double)(long long)value;
    if (is_number && value >= row->minimum && value <= row->maximum &&
        (row->kind == OPTION_SECONDS || is_whole)) {
        *out = value;
        return true;
    }
    message("--%s needs a %s from %g to %g, not '%s'", row->name,
            row->kind == OPTION_COUNT ? "whole number" : "number of seconds", row->minimum,
            row->maximum, text);
    return false;
}

// Adds the words of `text`, which commas separate.
static bool options_store_list(const struct option_spec *row, char *text, struct option_list *list)
{
    for (char *word = text; word != NULL;) {
        char *comma = strchr(word, ',');
        if (comma != NULL)
            *comma++ = '\0';
        if (*word == '\0') {
            message("--%s: nothing stands before or after a comma", row->name);
            return false;
        }
        if (list->count == OPTION_LIST_MAX) {
            message("--%s takes %d at most", row->name, OPTION_LIST_MAX);
            return false;
        }
        list->values[list->count++] = word;
        word = comma;
    }
    return true;
}

static bool options_store(const struct option_spec *row, char *text, void *settings)
{
    void  *field = (char *)settings + row->offset;
    double number = 0;

    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)field = true;
        return true;
    case OPTION_TEXT:
        *(const char **)field = text;
        return true;
    case OPTION_OUTPUT:
        *(const char **)field = text != NULL ? text : "-";
        return true;
    case OPTION_COUNT:
        if (!options_read_number(row, text, &number))
            return false;
        *(unsigned *)field = (unsigned)number;
        return true;
    case OPTION_SECONDS:
        if (!options_read_number(row, text, &number))
            return false;
        *(double *)field = number;
        return true;
    case OPTION_LIST:
        return options_store_list(row, text, field);
    }
    return false;
}

static int options_has_value(const struct option_spec *row)
{
    if (row->kind == OPTION_FLAG)
        return no_argument;
    return row->kind == OPTION_OUTPUT ? optional_argument : required_argument;
}

static bool options_may_follow_operands(const struct command_spec *spec)
{
    return spec->operands == OPERANDS_PROCESS || spec->operands == OPERANDS_FREE;
}

// Translates our table to getopt's two. "+" in front: the first operand ends the options.
static void options_translate(const struct command_spec *spec, struct option *out_long,
                              char *out_letters)
{
    const struct option_spec *specs = spec->options;
    size_t                    n_specs = options_count(specs);
    char                     *letter = out_letters;
    if (!options_may_follow_operands(spec))
        *letter++ = '+';
    *letter++ = ':';
    *letter++ = 'h';
    for (size_t i = 0; i < n_specs; i++) {
        out_long[i] = (struct option){.name = specs[i].name,
                                      .has_arg = options_has_value(&specs[i]),
                                      .val = LONG_ONLY_FIRST + (int)i};
        if (specs[i].letter != 0) {
            *letter++ = specs[i].letter;
            for (int n_colons = options_has_value(&specs[i]); n_colons > 0; n_colons--)
                *letter++ = ':';
        }
    }
    *letter = '\0';
    out_long[n_specs] = (struct option){.name = "help", .val = 'h'};
    out_long[n_specs + 1] = (struct option){0};
}

static const struct option_spec *options_row(const struct option_spec *specs, int value)
{
    if (value >= LONG_ONLY_FIRST)
        return &specs[value - LONG_ONLY_FIRST];
    for (const struct option_spec *row = specs; row->name != NULL; row++) {
        if (row->letter == value)
            return row;
    }
    return NULL;
}

enum options_result { OPTIONS_TAKEN, OPTIONS_HELP, OPTIONS_WRONG };

static enum options_result options_parse(const struct command_spec *spec, int argc, char **argv,
                                         void *settings)
{
    struct option long_options[OPTIONS_MAX + 2];
    char          letters[3 + 3 * OPTIONS_MAX + 1];
    options_translate(spec, long_options, letters);

    optind = 0;   // glibc: start afresh, also with the flags in `letters`
    opterr = 0;
    int value;
    while ((value = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
        if (value == 'h')
            return OPTIONS_HELP;
        if (value == ':' || value == '?') {
            options_report(spec, value, argv[optind - 1]);
            return OPTIONS_WRONG;
        }
        if (!options_store(options_row(spec->options, value), optarg, settings))
            return OPTIONS_WRONG;
    }
    return OPTIONS_TAKEN;
}

static bool word_is_in(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; *at != '\0'; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");
        if (n == length && strncmp(at, word, n) == 0)
            return true;
        at += n;
    }
    return false;
}

// Says what is wrong with the operands, and returns false.
static bool options_check_operands(const struct command_spec *spec, char **operands)
{
    size_t n_max = spec->operands == OPERANDS_NONE     ? 0
                   : options_may_follow_operands(spec) ? spec->n_operands_max
                                                       : 1;
    if (spec->operands == OPERANDS_COMMAND) {
        if (operands[0] == NULL)
            message("no command given; example: neap %s -- ls -l", spec->name);
        return operands[0] != NULL;
    }
    for (size_t i = 0; operands[i] != NULL; i++) {
        if (i == n_max) {
            message(n_max == 0   ? "'%s': %s takes no operands"
                    : n_max == 1 ? "'%s': %s takes one word"
                                 : "'%s' is too much; usage: neap %s %s",
                    operands[i], spec->name, spec->usage);
            return false;
        }
    }
    if (spec->operands != OPERANDS_WORD ||
        (operands[0] != NULL && word_is_in(spec->words, operands[0])))
        return true;
    if (operands[0] == NULL)
        message("one of these is missing: %s", spec->words);
    else
        message("'%s' is none of: %s", operands[0], spec->words);
    return false;
}

bool options_take(const struct command_spec *spec, char **argv, void *settings, int *out_first,
                  int *out_exit_code)
{
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    enum options_result result = options_parse(spec, argc, argv, settings);
    *out_first = optind;
    if (result == OPTIONS_HELP) {
        options_print_help(spec, stdout);
        *out_exit_code = EXIT_CODE_DONE;
        return false;
    }
    *out_exit_code = EXIT_CODE_USAGE;
    return result == OPTIONS_TAKEN && options_check_operands(spec, argv + optind);
}

// Writes one option: its forms in a column, then the help text, each line of it indented.
static void options_print_row(const struct option_spec *row, FILE *out)
{
    char forms[64];
    char letter[8] = "    ";
    if (row->letter != 0)
        (void)snprintf(letter, sizeof letter, "-%c, ", row->letter);
    bool        may_be_left_out = row->kind == OPTION_OUTPUT;
    const char *value_name = row->value_name != NULL ? row->value_name : "";
    const char *lead = row->kind == OPTION_FLAG ? "" : may_be_left_out ? "[=" : " ";
    (void)snprintf(forms, sizeof forms, "%s--%s%s%s%s", letter, row->name, lead, value_name,
                   may_be_left_out ? "]" : "");

    const char *line = row->help;
    const char *first = forms;
    while (line != NULL) {
        const char *end = strchr(line, '\n');
        int         length = end != NULL ? (int)(end - line) : (int)strlen(line);
        (void)fprintf(out, "  %-22s  %.*s\n", first, length, line);
        line = end != NULL ? end + 1 : NULL;
        first = "";
    }
}

void options_print_help(const struct command_spec *spec, FILE *out)
{
    (void)fprintf(out, "neap %s - %s\n\n", spec->name, spec->summary);
    (void)fprintf(out, "Usage: neap %s %s\n", spec->name, spec->usage);
    if (spec->examples != NULL)
        (void)fprintf(out, "\nExamples:\n%s", spec->examples);

    (void)fprintf(out, "\nOptions:\n");
    for (const struct option_spec *row = spec->options; row->name != NULL; row++)
        options_print_row(row, out);
    options_print_row(&options_help_row, out);
    if (spec->notes != NULL)
        (void)fprintf(out, "\n%s", spec->notes);
}
