// neap completion: chooses the shell; and what the scripts for all shells need.
#include "completion.h"

#include "commands.h"
#include "exit_code.h"
#include "help.h"

#include <string.h>

#define TOPICS_MAX 32

static const struct option_spec completion_options[] = {{0}};

const struct command_spec completion_spec = {
    .name = "completion",
    .summary = "print a script that completes neap's command line",
    .usage = "bash|zsh|fish",
    .examples = "  source <(neap completion bash)\n"
                "  neap completion fish >~/.config/fish/completions/neap.fish\n",
    .notes = "make install puts the scripts where the shells look for them.\n",
    .options = completion_options,
    .operands = OPERANDS_WORD,
    .words = "bash zsh fish",
};

enum value_kind completion_value_kind(const struct option_spec *row)
{
    if (row->kind == OPTION_FLAG)
        return VALUE_NONE;
    if (row->kind == OPTION_OUTPUT)
        return VALUE_FILE_TOO;
    if (row->choices != NULL)
        return VALUE_CHOICES;
    return row->kind == OPTION_TEXT ? VALUE_FILE : VALUE_OTHER;
}

const struct option_spec *completion_next(const struct command_spec *spec,
                                          const struct option_spec  *row)
{
    if (row == &options_help_row)
        return NULL;
    row = row == NULL ? spec->options : row + 1;
    return row->name != NULL ? row : &options_help_row;
}

void completion_write_operands(const struct command_spec *spec, FILE *out)
{
    const char *names[TOPICS_MAX];
    size_t      n_names = 0;
    if (spec->operands == OPERANDS_TOPIC)
        n_names = help_list_topics(names, TOPICS_MAX);
    for (size_t i = 0; i < n_names; i++)
        (void)fprintf(out, "%s%s", i > 0 ? " " : "", names[i]);
    if (spec->operands == OPERANDS_WORD)
        (void)fputs(spec->words, out);
}

void completion_write_brief(const char *text, const char *special, const char *before, FILE *out)
{
    for (; *text != '\0' && strncmp(text, " (", 2) != 0; text++) {
        if (*text == ':' && strchr(" \n", text[1]) != NULL)
            return;
        if (strchr(special, *text) != NULL)
            (void)fputs(before, out);
        (void)fputc(*text == '\n' ? ' ' : *text, out);
    }
}

int command_completion(char **argv)
{
    int first, exit_code;
    if (!options_take(&completion_spec, argv, NULL, &first, &exit_code))
        return exit_code;
    if (strcmp(argv[first], "bash") == 0)
        completion_write_bash(stdout);
    else if (strcmp(argv[first], "zsh") == 0)
        completion_write_zsh(stdout);
    else
        completion_write_fish(stdout);
    return EXIT_CODE_DONE;
}
