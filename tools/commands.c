// The table of commands: what main runs, help lists and completion completes.
#include "commands.h"

#include <string.h>

const struct command commands[] = {
    {&run_spec, command_run},
    {&try_spec, command_try},
    {&ps_spec, command_ps},
    {&stat_spec, command_stat},
    {&explain_spec, command_explain},
    {&top_spec, command_top},
    {&metrics_spec, command_metrics},
    {&serve_spec, command_serve},
    {&doctor_spec, command_doctor},
    {&size_spec, command_size},
    {&config_spec, command_config},
    {&snapshot_spec, command_snapshot},
    {&autopsy_spec, command_autopsy},
    {&trim_spec, command_trim},
    {&limit_spec, command_limit},
    {&version_spec, command_version},
    {&completion_spec, command_completion},
    {&help_spec, command_help},
    {NULL, NULL},
};

const struct command *commands_find(const char *name)
{
    for (const struct command *command = commands; command->spec != NULL; command++) {
        if (strcmp(command->spec->name, name) == 0)
            return command;
    }
    return NULL;
}
