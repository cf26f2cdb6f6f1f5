// The commands of neap, in the order in which help lists them.
#ifndef NEAP_TOOLS_COMMANDS_H
#define NEAP_TOOLS_COMMANDS_H

#include "options.h"

struct command {
    const struct command_spec *spec;   // NULL ends the table
    int (*run)(char **argv);           // argv[0] is the command's name; returns an exit code
};

extern const struct command commands[];

// The command of that name, or NULL.
const struct command *commands_find(const char *name);

extern const struct command_spec run_spec, try_spec, ps_spec, stat_spec, explain_spec,
    snapshot_spec, autopsy_spec, trim_spec, limit_spec, version_spec, completion_spec, help_spec;
extern const struct command_spec top_spec, metrics_spec, serve_spec, doctor_spec, size_spec,
    config_spec;

int command_run(char **argv);
int command_try(char **argv);
int command_ps(char **argv);
int command_stat(char **argv);
int command_explain(char **argv);
int command_top(char **argv);
int command_metrics(char **argv);
int command_serve(char **argv);
int command_doctor(char **argv);
int command_size(char **argv);
int command_config(char **argv);
int command_snapshot(char **argv);
int command_autopsy(char **argv);
int command_trim(char **argv);
int command_limit(char **argv);
int command_version(char **argv);
int command_completion(char **argv);
int command_help(char **argv);

#endif
