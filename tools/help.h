// neap help: the overview, and one page for each topic.
#ifndef NEAP_TOOLS_HELP_H
#define NEAP_TOOLS_HELP_H

#include <stdio.h>

void help_print_overview(FILE *out);

// neap help [TOPIC]. Returns an exit code.
int command_help(int argc, char **argv);

#endif
