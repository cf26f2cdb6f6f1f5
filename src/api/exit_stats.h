// The record that a process leaves when it ends: how its memory is used at that moment.
//
// Wanted when the option NEAP_EXIT_STATS names a file, or "-" for stderr; "%p" in the name stands
// for the process id. A record is one line "KEY VALUE" after the other: the first is
// "neap_exit_stats 1", the last is "end PID", keys in between may be missing or new. It is
// appended, in one write: a child that inherits the option, with or without an exec, adds a
// record of its own and destroys nobody else's.
//
// A process that ends by _exit, exec or a signal leaves none; nor does one that may not write to
// the file, or that exits in a signal handler which has interrupted neap: its locks are held.
// Nothing is said then, because the program's stderr is not ours.
#ifndef NEAP_API_EXIT_STATS_H
#define NEAP_API_EXIT_STATS_H

#include "base/compiler.h"
#include "front/front.h"

#include <stdbool.h>
#include <stddef.h>

#define EXIT_STATS_BYTES 2048   // twenty lines, the longest of 50 bytes
#define EXIT_STATS_PATH_BYTES 4096
#define EXIT_STATS_NAME_BYTES 16   // of a process, as the kernel keeps it

// From now on a record is written when the process exits, if one is wanted. Called once, as
// early as possible: what is registered first runs last, after the destructors of all libraries.
void exit_stats_begin(void);

// ---- within the folder ------------------------------------------------------------------------

// Who writes a record.
struct exit_stats_writer {
    long   pid;
    char   name[EXIT_STATS_NAME_BYTES];   // what ps calls it; empty where /proc does not tell
    size_t resident_bytes;                // all of the process; 0: not known
};

void exit_stats_know_yourself(struct exit_stats_writer *out_writer);

// Writes the record as text. Returns its length.
size_t exit_stats_format(const struct exit_stats_writer *writer,
                         const struct front_account *account, char out[EXIT_STATS_BYTES]);

// Writes a file name with each %p replaced by the process id. False: too long.
NODISCARD bool exit_stats_expand(const char *pattern, long pid, char out[EXIT_STATS_PATH_BYTES]);

#endif
