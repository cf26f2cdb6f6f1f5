// neap: the command line program. Chooses the command; everything else is elsewhere.
#include "commands.h"
#include "exit_code.h"
#include "help.h"
#include "library.h"
#include "message.h"
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COMMANDS_MAX 32

static int report_unknown(const char *word)
{
    const char *names[COMMANDS_MAX];
    size_t      n_names = 0;
    for (; commands[n_names].spec != NULL && n_names < COMMANDS_MAX; n_names++)
        names[n_names] = commands[n_names].spec->name;
    const char *near = options_suggest(word, names, n_names);
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
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help_print_overview(stdout);
        return EXIT_CODE_DONE;
    }
    if (strcmp(argv[1], "--version") == 0)
        return command_version((char *[]){argv[1], NULL});
    // Used by neap itself to see whether a library can be preloaded; not for people.
    if (strcmp(argv[1], "--loads") == 0 && argc == 3)
        return library_is_loaded(argv[2]) ? EXIT_CODE_DONE : EXIT_CODE_FAILED;

    const struct command *command = commands_find(argv[1]);
    if (command == NULL)
        return report_unknown(argv[1]);
    message_set_subcommand(command->spec->name);
    return command->run(argv + 1);
}

// Where stdin, stdout or stderr is closed, a result file must not take its number: messages would
// go into it. What is put there instead refuses to be written, and the command finds it closed.
static void fill_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        (void)close(fd);
}

int main(int argc, char **argv)
{
    fill_standard_descriptors();
    int exit_code = choose(argc, argv);
    // A full disk shows only now; a result that did not arrive is not a success.
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        message("cannot write to stdout: %s", strerror(errno));
        if (exit_code == EXIT_CODE_DONE)
            exit_code = EXIT_CODE_FAILED;
    }
    return exit_code;
}
