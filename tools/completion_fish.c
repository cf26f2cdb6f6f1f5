// fish: one `complete` line for each option, valid where the second word is its command.
#include "commands.h"
#include "completion.h"

static const char head[] =
    "# Completes neap's command line in fish. Written by: neap completion fish\n"
    "function __neap_is\n"
    "    set -l words (commandline -opc)\n"
    "    test (count $words) -gt 1; and test $words[2] = $argv[1]\n"
    "end\n"
    "complete -c neap -f\n"
    "complete -c neap -n 'test (count (commandline -opc)) -eq 1' -s h -l help"
    " -d 'list the commands'\n"
    "complete -c neap -n 'test (count (commandline -opc)) -eq 1' -l version"
    " -d 'say which neap this is'\n";

static void write_quoted(const char *text, FILE *out)
{
    (void)fputc('\'', out);
    completion_write_brief(text, "\\'", "\\", out);
    (void)fputc('\'', out);
}

static void write_value(const struct option_spec *row, FILE *out)
{
    switch (completion_value_kind(row)) {
    case VALUE_NONE:
        break;
    case VALUE_OTHER:
        (void)fprintf(out, " -x");
        break;
    case VALUE_FILE:
    case VALUE_FILE_TOO:   // fish knows no value that is behind "=" or nowhere
        (void)fprintf(out, row->kind == OPTION_TEXT ? " -r -F" : "");
        break;
    case VALUE_CHOICES:
        (void)fprintf(out, " -x -a '(__fish_complete_list , \"string split \\' \\' %s\")'",
                      row->choices);
        break;
    }
}

static void write_command(const struct command_spec *spec, FILE *out)
{
    (void)fprintf(out, "complete -c neap -n 'test (count (commandline -opc)) -eq 1' -a %s -d ",
                  spec->name);
    write_quoted(spec->summary, out);
    (void)fprintf(out, "\n");
    for (const struct option_spec *row = completion_next(spec, NULL); row != NULL;
         row = completion_next(spec, row)) {
        (void)fprintf(out, "complete -c neap -n '__neap_is %s'", spec->name);
        if (row->letter != 0)
            (void)fprintf(out, " -s %c", row->letter);
        (void)fprintf(out, " -l %s", row->name);
        write_value(row, out);
        (void)fprintf(out, " -d ");
        write_quoted(row->help, out);
        (void)fprintf(out, "\n");
    }
    if (spec->operands == OPERANDS_NONE)
        return;
    (void)fprintf(out, "complete -c neap -n '__neap_is %s' -x -a '", spec->name);
    if (spec->operands != OPERANDS_COMMAND) {
        completion_write_operands(spec, out);
    } else {   // neap and run are two words before it, and so are options that take a word
        (void)fprintf(out, "(__fish_complete_subcommand --fcs-skip=2");
        for (const struct option_spec *row = spec->options; row->name != NULL; row++) {
            enum value_kind kind = completion_value_kind(row);
            if (kind == VALUE_NONE || kind == VALUE_FILE_TOO)
                continue;
            if (row->letter != 0)
                (void)fprintf(out, " -%c", row->letter);
            (void)fprintf(out, " --%s", row->name);
        }
        (void)fprintf(out, ")");
    }
    (void)fprintf(out, "'\n");
}

void completion_write_fish(FILE *out)
{
    (void)fputs(head, out);
    for (const struct command *command = commands; command->spec != NULL; command++)
        write_command(command->spec, out);
}
