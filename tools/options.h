// Command line options: one table per subcommand, from which parsing, --help and
// suggestions all come.
#ifndef NEAP_TOOLS_OPTIONS_H
#define NEAP_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define OPTION_LIST_MAX 8   // values of an option that may be repeated

struct option_list {
    const char *values[OPTION_LIST_MAX];
    size_t      count;
};

enum option_kind {
    OPTION_FLAG,      // bool, set to true
    OPTION_TEXT,      // const char *
    OPTION_OUTPUT,    // const char *; the value may be left out, and is "-" then
    OPTION_COUNT,     // unsigned, from `minimum` to `maximum`
    OPTION_SECONDS,   // double, from `minimum` to `maximum`
    OPTION_LIST,      // struct option_list; values may be joined by commas
};

struct option_spec {
    char             letter;   // 0: long form only
    enum option_kind kind;
    size_t           offset;   // of the value in the settings structure
    double           minimum, maximum;
    const char      *name;         // long form; NULL ends the table
    const char      *value_name;   // for --help; NULL for a flag
    const char      *choices;      // words that the value may be, with spaces between; or NULL
    const char      *help;         // may hold '\n'
};

// What follows the options.
enum operands {
    OPERANDS_NONE,
    OPERANDS_COMMAND,   // a command to start, and its arguments
    OPERANDS_WORD,      // one of `words`
    OPERANDS_TOPIC,     // a topic of neap help, or nothing
    OPERANDS_PROCESS,   // a process id and what goes with it; options may stand behind them
    OPERANDS_FREE,      // words that the command explains; options may stand behind them
};

struct command_spec {
    const char               *name;       // "run"
    const char               *summary;    // one line
    const char               *usage;      // what follows the name
    const char               *examples;   // lines, shown first; NULL: none
    const char               *notes;      // lines, shown last; NULL: none
    const struct option_spec *options;    // -h, --help is understood besides
    enum operands             operands;
    const char               *words;            // with spaces between; for OPERANDS_WORD
    size_t                    n_operands_max;   // for OPERANDS_PROCESS and _FREE
};

// Reads the options in argv[1..] into *settings (as the table's offsets say) and sets
// *out_first to the index of the first operand. An option starts no later than the first
// operand, unless these are OPERANDS_PROCESS or _FREE, which are moved to the end; "--" ends
// options. Commas in the words of a list become zero bytes.
// Returns: true; or false and an exit code, after the help text or one line on stderr.
bool options_take(const struct command_spec *spec, char **argv, void *settings, int *out_first,
                  int *out_exit_code);

// Writes usage, examples, options and notes.
void options_print_help(const struct command_spec *spec, FILE *out);

// What every command understands besides its table.
extern const struct option_spec options_help_row;

// Returns the name in `names` that `word` was probably meant to be, or NULL when none is near.
const char *options_suggest(const char *word, const char *const *names, size_t n_names);

#endif
