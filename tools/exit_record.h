// The records that libneap leaves when processes exit (option NEAP_EXIT_STATS): where they go,
// and reading them.
#ifndef NEAP_TOOLS_EXIT_RECORD_H
#define NEAP_TOOLS_EXIT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define EXIT_RECORD_OPTION "NEAP_EXIT_STATS"
#define EXIT_RECORD_NAME_BYTES 64

// Bytes and counts that a record may hold. Which it does depends on the library.
enum exit_key {
    EXIT_RESIDENT_BYTES,
    EXIT_LIVE_SLOTS_BYTES,
    EXIT_LARGE_BYTES,
    EXIT_FREE_SLOTS_BYTES,
    EXIT_CACHED_BYTES,
    EXIT_FREE_READY_BYTES,
    EXIT_METADATA_BYTES,
    EXIT_SCAVENGED_BYTES,
    EXIT_SCAVENGED_STEPS,
    EXIT_ALLOCATIONS,
    N_EXIT_KEYS
};

struct exit_record {
    long     pid;
    char     name[EXIT_RECORD_NAME_BYTES];
    bool     known[N_EXIT_KEYS];
    uint64_t values[N_EXIT_KEYS];   // 0 where not known
};

struct exit_records {
    bool               has_own;
    struct exit_record own;        // of the process asked for; the last one if there are several
    size_t             n_others;   // records of other processes
    struct exit_record largest;    // the one of them with the most live memory
};

// Makes a folder that nobody else can enter, and names a file in it that does not exist yet.
// False, with errno, where there is no place for one.
bool exit_record_make_place(char *out_path, size_t n_bytes);

// Removes file and folder. A process that exits later finds no place for a record, and leaves none.
void exit_record_remove_place(const char *path);

// Reads records; what is cut off or no record is passed by.
void exit_records_read(FILE *in, long pid, struct exit_records *out);

// What the program held: asked for and rounding.
uint64_t exit_record_live_bytes(const struct exit_record *record);

#endif
