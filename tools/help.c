// Help: commands print their own option table; the other topics are texts.
#include "help.h"

#include "commands.h"
#include "exit_code.h"
#include "message.h"
#include "options.h"

#include <string.h>

struct topic {
    const char *name, *summary, *text;
};

static const char text_words[] =
    "live         asked for by the program and not freed\n"
    "rounding     size class minus request\n"
    "free slots   free places in spans that still hold a live object\n"
    "cached       set aside in page caches for the next small runs\n"
    "free ready   free, still resident; goes back when the heap grows or is trimmed\n"
    "metadata     neap's own books\n"
    "released     free and given back to the system; not resident\n"
    "\n"
    "resident = live + rounding + free slots + cached + free ready + metadata\n"
    "\n"
    "What a running process had not freed is told as objects: live and rounding together, as\n"
    "neap does not write down how much of a size class was asked for.\n";

static const char text_exit_codes[] =
    "0        done\n"
    "1        failed\n"
    "2        wrong usage; nothing was started\n"
    "3        try: output or exit code was not the same in all runs;\n"
    "         doctor: something keeps neap from working\n"
    "4        there is no such process, it has ended, or does not run neap\n"
    "5        the system does not allow to look into the process\n"
    "125      run, try: neap itself failed, or preloading would have no effect\n"
    "126      run, try: the command cannot be executed\n"
    "127      run, try: the command was not found\n"
    "128 + N  run, try: signal N ended the command\n"
    "other    run, try: the command's own exit code\n";

static const char text_preload[] =
    "neap replaces malloc, free and their relatives of a program that is not changed:\n"
    "\n"
    "  LD_PRELOAD=libneap.so.0 ./server\n"
    "  neap run -- ./server\n"
    "\n"
    "run does the same and checks first that it will have an effect. It has none on a\n"
    "program that is statically linked, is for another architecture or C library, or is\n"
    "set-uid, set-gid or has file capabilities. Programs that the command starts inherit it.\n"
    "Linking with -lneap works for static and set-uid programs too.\n";

static const struct topic topics[] = {
    {"exit-codes", "what the exit codes mean", text_exit_codes},
    {"preload", "how a program gets neap without being changed", text_preload},
    {"words", "live, rounding, free slots, cached, free ready, released", text_words},
};

#define N_TOPICS (sizeof topics / sizeof *topics)
#define NAMES_MAX 32

static const struct option_spec help_options[] = {{0}};

const struct command_spec help_spec = {
    .name = "help",
    .summary = "show a text about a command or a topic",
    .usage = "[TOPIC]",
    .examples = "  neap help run\n"
                "  neap help exit-codes\n",
    .options = help_options,
    .operands = OPERANDS_TOPIC,
};

size_t help_list_topics(const char **out_names, size_t n_max)
{
    size_t n_names = 0;
    for (const struct command *row = commands; row->spec != NULL && n_names < n_max; row++)
        out_names[n_names++] = row->spec->name;
    for (size_t i = 0; i < N_TOPICS && n_names < n_max; i++)
        out_names[n_names++] = topics[i].name;
    return n_names;
}

void help_print_overview(FILE *out)
{
    (void)fprintf(out, "neap - a memory allocator that grows in small steps and counts every byte\n"
                       "\n"
                       "Examples:\n"
                       "  neap run -- ./server            start a program with neap\n"
                       "  neap run --summary -- ./job     and say at its end what it took\n"
                       "  neap try -- python3 job.py      compare with the present malloc\n"
                       "  neap explain 4127               where the memory of a process is\n"
                       "  neap doctor ./server            will it work, and what is in the way\n"
                       "\n"
                       "Usage: neap COMMAND [OPTION...]   (neap COMMAND --help tells its options)\n"
                       "       neap --help | --version\n"
                       "\n"
                       "Commands:\n");
    for (const struct command *row = commands; row->spec != NULL; row++)
        (void)fprintf(out, "  %-12s %s\n", row->spec->name, row->spec->summary);
    (void)fprintf(out, "\nTopics for neap help, besides the commands:\n");
    for (size_t i = 0; i < N_TOPICS; i++)
        (void)fprintf(out, "  %-12s %s\n", topics[i].name, topics[i].summary);
}

static int help_print_topic(const char *name)
{
    const struct command *command = commands_find(name);
    if (command != NULL) {
        options_print_help(command->spec, stdout);
        return EXIT_CODE_DONE;
    }
    for (size_t i = 0; i < N_TOPICS; i++) {
        if (strcmp(name, topics[i].name) == 0) {
            (void)fputs(topics[i].text, stdout);
            return EXIT_CODE_DONE;
        }
    }
    const char *names[NAMES_MAX];
    size_t      n_names = help_list_topics(names, NAMES_MAX);
    const char *near = options_suggest(name, names, n_names);
    if (near != NULL)
        return message_exit(EXIT_CODE_USAGE, "no topic '%s'; did you mean %s?", name, near);
    return message_exit(EXIT_CODE_USAGE, "no topic '%s'; neap help lists them", name);
}

int command_help(char **argv)
{
    int first, exit_code;
    if (!options_take(&help_spec, argv, NULL, &first, &exit_code))
        return exit_code;
    if (argv[first] != NULL)
        return help_print_topic(argv[first]);
    help_print_overview(stdout);
    return EXIT_CODE_DONE;
}
