// Scripts that make a shell complete neap's command line.
//
// They are written from the same tables that parsing and --help use, so no option can be missing.
// What follows a command to start is left to the shell, as for any command typed first.
#ifndef NEAP_TOOLS_COMPLETION_H
#define NEAP_TOOLS_COMPLETION_H

#include "options.h"

#include <stdio.h>

void completion_write_bash(FILE *out);
void completion_write_zsh(FILE *out);
void completion_write_fish(FILE *out);

// ---- what the three share ---------------------------------------------------------------------

// What may stand for the value of an option.
enum value_kind {
    VALUE_NONE,       // it takes none
    VALUE_OTHER,      // nothing that a shell could know
    VALUE_FILE,       // in the next word or behind "="
    VALUE_FILE_TOO,   // behind "=", or nothing
    VALUE_CHOICES,    // some of the row's choices, with commas between
};

enum value_kind completion_value_kind(const struct option_spec *row);

// The next row of a command's table, --help behind the last one; NULL behind that. `row` NULL:
// the first.
const struct option_spec *completion_next(const struct command_spec *spec,
                                          const struct option_spec  *row);

// Writes what the operand of a command may be, with spaces between.
void completion_write_operands(const struct command_spec *spec, FILE *out);

// Writes what a text says up to its first colon or bracket, for between single quotes: `before`
// in front of each of the bytes `special`.
void completion_write_brief(const char *text, const char *special, const char *before, FILE *out);

#endif
