// neap help: the overview, and one page for each topic.
#ifndef NEAP_TOOLS_HELP_H
#define NEAP_TOOLS_HELP_H

#include <stddef.h>
#include <stdio.h>

void help_print_overview(FILE *out);

// Names of all topics, commands first. Returns how many, at most `n_max`.
size_t help_list_topics(const char **out_names, size_t n_max);

#endif
