// What the manual says about each option, beside what the library knows (config/option.h).
#ifndef NEAP_TOOLS_CONFIG_TABLE_H
#define NEAP_TOOLS_CONFIG_TABLE_H

#include "config/option.h"

#include <stdio.h>

// Writes the paragraphs about an option in lines of at most `columns` bytes, each behind `lead`.
void config_write_manual(enum option_id id, const char *lead, size_t columns, FILE *out);

// "16MiB to 1PiB, or off", or "on or off", or "a path".
void config_range_text(enum option_id id, char *out, size_t n_bytes);

#endif
