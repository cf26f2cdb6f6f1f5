// The subcommands of neap. Each takes argv with argv[0] its own name and returns an exit code.
#ifndef NEAP_TOOLS_COMMANDS_H
#define NEAP_TOOLS_COMMANDS_H

#include "options.h"

extern const struct command_spec run_spec, try_spec, version_spec;

int command_run(int argc, char **argv);
int command_try(int argc, char **argv);
int command_version(int argc, char **argv);

#endif
