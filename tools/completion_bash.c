// bash: a table of options for each command, and one function that walks along the words.
//
// bash hands over "--svg=a" as three words, because "=" separates words there. What follows the
// command to start is completed by bash-completion's _command_offset where that is loaded.
#include "commands.h"
#include "completion.h"

static const char head[] =
    "# Completes neap's command line in bash. Written by: neap completion bash\n"
    "_neap() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    local flags= others= files= files_too= lists= choices= operands= starts= begun= i=2\n"
    "    COMPREPLY=()\n"
    "    local commands='";

static const char body[] =
    "    esac\n"
    "    if [[ $COMP_CWORD -eq 1 ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$cur\")\n"
    "        return\n"
    "    fi\n"
    "    while [[ -n $starts && $i -lt $COMP_CWORD && -z $begun ]]; do\n"
    "        case ${COMP_WORDS[i]} in\n"
    "        --) begun=1; i=$((i + 1)); continue ;;\n"
    "        -*) if [[ ${COMP_WORDS[i+1]} == = ]]; then\n"
    "                i=$((i + 2))\n"
    "            elif [[ \"$others$files$lists \" == *\" ${COMP_WORDS[i]} \"* ]]; then\n"
    "                i=$((i + 1))\n"
    "            fi ;;\n"
    "        *) begun=1; continue ;;\n"
    "        esac\n"
    "        i=$((i + 1))\n"
    "    done\n"
    "    if [[ -n $begun && $i -lt $COMP_CWORD ]]; then\n"
    "        if declare -F _command_offset >/dev/null; then\n"
    "            _command_offset \"$i\"\n"
    "        else\n"
    "            _neap_files \"$cur\"\n"
    "        fi\n"
    "        return\n"
    "    fi\n"
    "    local option=$prev\n"
    "    if [[ $prev == = ]]; then option=${COMP_WORDS[COMP_CWORD-2]}; files+=$files_too; fi\n"
    "    if [[ $cur == = ]]; then cur=; files+=$files_too; fi\n"
    "    if [[ -n $begun ]]; then\n"
    "        _neap_commands \"$cur\"\n"
    "    elif [[ \"$files \" == *\" $option \"* ]]; then\n"
    "        _neap_files \"$cur\"\n"
    "    elif [[ \"$lists \" == *\" $option \"* && ${cur##*,} != */* ]]; then\n"
    "        mapfile -t COMPREPLY < <(\n"
    "            compgen -P \"${cur%\"${cur##*,}\"}\" -W \"$choices\" -- \"${cur##*,}\")\n"
    "    elif [[ \"$lists \" == *\" $option \"* ]]; then\n"
    "        _neap_files \"$cur\"\n"
    "    elif [[ \"$others \" == *\" $option \"* ]]; then\n"
    "        return\n"
    "    elif [[ $cur == -* ]]; then\n"
    "        mapfile -t COMPREPLY < <(\n"
    "            compgen -W \"$flags$others$files$files_too$lists\" -- \"$cur\")\n"
    "    elif [[ -n $starts ]]; then\n"
    "        _neap_commands \"$cur\"\n"
    "    elif [[ $COMP_CWORD -eq 2 ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$operands\" -- \"$cur\")\n"
    "    fi\n"
    "}\n"
    "_neap_files() {\n"
    "    compopt -o filenames 2>/dev/null\n"
    "    mapfile -t COMPREPLY < <(compgen -f -- \"$1\")\n"
    "}\n"
    "_neap_commands() {\n"
    "    compopt -o filenames 2>/dev/null\n"
    "    mapfile -t COMPREPLY < <({ compgen -c -- \"$1\"; compgen -d -- \"$1\"; } | sort -u)\n"
    "}\n"
    "complete -F _neap neap\n";

// " -t --timeline" for each option whose value is of one kind, as the value of a variable.
static void write_options(const struct command_spec *spec, enum value_kind kind, const char *name,
                          FILE *out)
{
    (void)fprintf(out, "        %s='", name);
    for (const struct option_spec *row = completion_next(spec, NULL); row != NULL;
         row = completion_next(spec, row)) {
        if (completion_value_kind(row) != kind)
            continue;
        if (row->letter != 0)
            (void)fprintf(out, " -%c", row->letter);
        (void)fprintf(out, " --%s", row->name);
    }
    (void)fprintf(out, "'\n");
}

static void write_command(const struct command_spec *spec, FILE *out)
{
    (void)fprintf(out, "    %s)\n", spec->name);
    write_options(spec, VALUE_NONE, "flags", out);
    write_options(spec, VALUE_OTHER, "others", out);
    write_options(spec, VALUE_FILE, "files", out);
    write_options(spec, VALUE_FILE_TOO, "files_too", out);
    write_options(spec, VALUE_CHOICES, "lists", out);
    for (const struct option_spec *row = spec->options; row->name != NULL; row++) {
        if (row->choices != NULL)
            (void)fprintf(out, "        choices='%s'\n", row->choices);
    }
    if (spec->operands == OPERANDS_COMMAND)
        (void)fprintf(out, "        starts=1\n");
    (void)fprintf(out, "        operands='");
    completion_write_operands(spec, out);
    (void)fprintf(out, "' ;;\n");
}

void completion_write_bash(FILE *out)
{
    (void)fputs(head, out);
    for (const struct command *command = commands; command->spec != NULL; command++)
        (void)fprintf(out, "%s ", command->spec->name);
    (void)fprintf(out, "--help --version'\n    case ${COMP_WORDS[1]} in\n");
    for (const struct command *command = commands; command->spec != NULL; command++)
        write_command(command->spec, out);
    (void)fputs(body, out);
}
