// Help: subcommands print their own option table; the other topics are texts.
#include "help.h"

#include "commands.h"
#include "exit_code.h"
#include "message.h"
#include "options.h"

#include <string.h>

struct topic {
    const char                *name, *summary;
    const struct command_spec *command;   // NULL: `text` is the page
    const char                *text;
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
    "resident = live + rounding + free slots + cached + free ready + metadata\n";

static const char text_exit_codes[] =
    "0        done\n"
    "1        failed\n"
    "2        wrong usage; nothing was started\n"
    "3        try: output or exit code was not the same in all runs\n"
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
    {"run", "start a command with neap as its memory allocator", &run_spec, NULL},
    {"try", "compare a command under its present malloc and under neap", &try_spec, NULL},
    {"version", "which neap this is, and which library it preloads", &version_spec, NULL},
    {"exit-codes", "what the exit codes mean", NULL, text_exit_codes},
    {"preload", "how a program gets neap without being changed", NULL, text_preload},
    {"words", "live, rounding, free slots, cached, free ready, released", NULL, text_words},
};

#define N_TOPICS (sizeof topics / sizeof *topics)

static void print_topics(FILE *out, bool are_commands)
{
    for (size_t i = 0; i < N_TOPICS; i++) {
        if ((topics[i].command != NULL) == are_commands)
            (void)fprintf(out, "  %-12s %s\n", topics[i].name, topics[i].summary);
    }
}

void help_print_overview(FILE *out)
{
    (void)fprintf(out, "neap - a memory allocator that grows in small steps and counts every byte\n"
                       "\n"
                       "Examples:\n"
                       "  neap run -- ./server            start a program with neap\n"
                       "  neap try -- python3 job.py      compare with the present malloc\n"
                       "\n"
                       "Usage: neap COMMAND [OPTION...]   (neap COMMAND --help tells its options)\n"
                       "\n"
                       "Commands:\n");
    print_topics(out, true);
    (void)fprintf(out, "  %-12s %s\n\nTopics for neap help:\n", "help", "[TOPIC] show a text");
    print_topics(out, false);
}

int command_help(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help_print_overview(stdout);
        return EXIT_CODE_DONE;
    }
    if (argc > 2)
        return message_exit(EXIT_CODE_USAGE, "'%s': one topic at a time", argv[2]);

    const char *names[N_TOPICS];
    for (size_t i = 0; i < N_TOPICS; i++) {
        names[i] = topics[i].name;
        if (strcmp(argv[1], topics[i].name) != 0)
            continue;
        if (topics[i].command != NULL)
            options_print_help(topics[i].command, stdout);
        else
            (void)fputs(topics[i].text, stdout);
        return EXIT_CODE_DONE;
    }
    const char *near = options_suggest(argv[1], names, N_TOPICS);
    if (near != NULL)
        return message_exit(EXIT_CODE_USAGE, "no topic '%s'; did you mean %s?", argv[1], near);
    return message_exit(EXIT_CODE_USAGE, "no topic '%s'; neap help lists them", argv[1]);
}
