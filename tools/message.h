// The one line that neap says when something is wrong: what, where, and what to do.
#ifndef NEAP_TOOLS_MESSAGE_H
#define NEAP_TOOLS_MESSAGE_H

#include <stdbool.h>
#include <stdio.h>

// May what is written there have colours? A terminal that knows them, and neither NO_COLOR nor
// NEAP_NO_COLOR is set to something.
bool message_may_colour(FILE *stream);

// Sets the subcommand named in front of every message ("neap run: "); NULL: none.
// The text is kept by reference.
void message_set_subcommand(const char *name);

// Writes one line to stderr.
void message(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Writes one line to stderr and returns `exit_code`, so that a caller can
// `return message_exit(EXIT_CODE_USAGE, ...)`.
int message_exit(int exit_code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
