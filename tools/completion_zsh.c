// zsh: one _arguments call for each command.
#include "commands.h"
#include "completion.h"

#include <stdlib.h>

static const char head[] =
    "#compdef neap\n"
    "# Completes neap's command line in zsh. Written by: neap completion zsh\n"
    "_neap() {\n"
    "    local context state state_descr line\n"
    "    local -A opt_args\n"
    "    _arguments -C '(- *)'{-h,--help}'[list the commands]' \\\n"
    "        '(- *)--version[say which neap this is]' \\\n"
    "        '1:command:->command' '*::argument:->argument' && return\n"
    "    case $state in\n"
    "    command)\n"
    "        local -a names=(\n";

static const char middle[] = "        )\n"
                             "        _describe command names ;;\n"
                             "    argument)\n"
                             "        case $words[1] in\n";

static const char tail[] = "        esac ;;\n"
                           "    esac\n"
                           "}\n"
                           "if [[ $funcstack[1] == _neap ]]; then _neap \"$@\"; else compdef _neap"
                           " neap; fi\n";

static void write_quoted(const char *text, FILE *out)
{
    char  *brief = NULL;
    size_t n_bytes;
    FILE  *stream = open_memstream(&brief, &n_bytes);
    if (stream == NULL)
        return;
    completion_write_brief(text, "[]\\:", "\\", stream);
    (void)fclose(stream);
    for (const char *at = brief; *at != '\0'; at++) {
        if (*at == '\'')
            (void)fputs("'\\''", out);   // what it is between ends, and begins again
        else
            (void)fputc(*at, out);
    }
    free(brief);
}

// What completes the value of an option; nothing for a flag.
static void write_value(const struct option_spec *row, FILE *out)
{
    switch (completion_value_kind(row)) {
    case VALUE_NONE:
        break;
    case VALUE_OTHER:
        (void)fprintf(out, ":%s: ", row->value_name);
        break;
    case VALUE_FILE:
        (void)fprintf(out, ":%s:_files", row->value_name);
        break;
    case VALUE_FILE_TOO:
        (void)fprintf(out, "::%s:_files", row->value_name);
        break;
    case VALUE_CHOICES:
        (void)fprintf(out, ":%s:_values -s , %s %s", row->value_name, row->value_name,
                      row->choices);
        break;
    }
}

static void write_option(const struct option_spec *row, FILE *out)
{
    const char *sign = row->kind == OPTION_OUTPUT ? "=-" : row->kind == OPTION_FLAG ? "" : "=";
    const char *repeats = row->kind == OPTION_LIST ? "*" : "";
    if (row->letter != 0)
        (void)fprintf(out, " \\\n                '%s-%c%s[", repeats, row->letter,
                      row->kind == OPTION_FLAG ? "" : "+");
    if (row->letter != 0) {
        write_quoted(row->help, out);
        (void)fputc(']', out);
        write_value(row, out);
        (void)fputc('\'', out);
    }
    (void)fprintf(out, " \\\n                '%s--%s%s[", repeats, row->name, sign);
    write_quoted(row->help, out);
    (void)fputc(']', out);
    write_value(row, out);
    (void)fputc('\'', out);
}

static void write_command(const struct command_spec *spec, FILE *out)
{
    (void)fprintf(out, "        %s)\n            _arguments -S -A '-*'", spec->name);
    for (const struct option_spec *row = completion_next(spec, NULL); row != NULL;
         row = completion_next(spec, row))
        write_option(row, out);
    if (spec->operands == OPERANDS_COMMAND) {
        (void)fprintf(out, " \\\n                '(-):command: _command_names -e'"
                           " '*::argument: _normal'");
    } else if (spec->operands != OPERANDS_NONE) {
        (void)fprintf(out, " \\\n                '1:word:(");
        completion_write_operands(spec, out);
        (void)fprintf(out, ")'");
    }
    (void)fprintf(out, " ;;\n");
}

void completion_write_zsh(FILE *out)
{
    (void)fputs(head, out);
    for (const struct command *command = commands; command->spec != NULL; command++) {
        (void)fprintf(out, "            '%s:", command->spec->name);
        completion_write_brief(command->spec->summary, "'", "'\\'", out);
        (void)fprintf(out, "'\n");
    }
    (void)fputs(middle, out);
    for (const struct command *command = commands; command->spec != NULL; command++)
        write_command(command->spec, out);
    (void)fputs(tail, out);
}
