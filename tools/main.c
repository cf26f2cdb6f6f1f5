// neap: the command line program. Chooses the subcommand; everything else is elsewhere.
#include "commands.h"
#include "exit_code.h"
#include "help.h"
#include "library.h"
#include "message.h"
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
};

static const struct subcommand subcommands[] = {
    {"run", command_run},
    {"try", command_try},
    {"version", command_version},
    {"help", command_help},
};

#define N_SUBCOMMANDS (sizeof subcommands / sizeof *subcommands)

static int report_unknown(const char *word)
{
    const char *names[N_SUBCOMMANDS];
    for (size_t i = 0; i < N_SUBCOMMANDS; i++)
        names[i] = subcommands[i].name;
    const char *near = options_suggest(word, names, N_SUBCOMMANDS);
    if (near != NULL)
        return message_exit(EXIT_CODE_USAGE, "unknown command '%s'; did you mean neap %s?", word,
                            near);
    if (word[0] == '-')
        return message_exit(EXIT_CODE_USAGE, "unknown option %s; neap --help lists the commands",
                            word);
    return message_exit(EXIT_CODE_USAGE, "unknown command '%s'; to start a program: neap run -- %s",
                        word, word);
}

static int choose(int argc, char **argv)
{
    if (argc < 2) {
        help_print_overview(stderr);
        return EXIT_CODE_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return command_help(1, argv);
    if (strcmp(argv[1], "--version") == 0)
        return command_version(1, argv + 1);
    // Used by try to see whether a library can be preloaded; not for people.
    if (strcmp(argv[1], "--loads") == 0 && argc == 3)
        return library_is_loaded(argv[2]) ? EXIT_CODE_DONE : EXIT_CODE_FAILED;

    for (size_t i = 0; i < N_SUBCOMMANDS; i++) {
        if (strcmp(argv[1], subcommands[i].name) == 0) {
            message_set_subcommand(subcommands[i].name);
            return subcommands[i].run(argc - 1, argv + 1);
        }
    }
    return report_unknown(argv[1]);
}

int main(int argc, char **argv)
{
    int exit_code = choose(argc, argv);
    // A full disk shows only now; a result that did not arrive is not a success.
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        message("cannot write to stdout: %s", strerror(errno));
        if (exit_code == EXIT_CODE_DONE)
            exit_code = EXIT_CODE_FAILED;
    }
    return exit_code;
}
