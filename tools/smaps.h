// /proc/PID/smaps: what the kernel says about each mapping of a process.
#ifndef NEAP_TOOLS_SMAPS_H
#define NEAP_TOOLS_SMAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define SMAPS_PATH_BYTES 256

struct smaps_mapping {
    uint64_t start, end;
    char     permissions[5];   // "rw-p"
    uint64_t inode;
    char     path[SMAPS_PATH_BYTES];   // cut to fit; "[stack]" and the like; "" if it has no name
    uint64_t resident_bytes, swapped_bytes, huge_bytes;
};

// Reads the next mapping. False: there is none any more.
bool smaps_next(FILE *smaps, struct smaps_mapping *out_mapping);

// How much of a range is in memory, by the table of its pages. Returns false where that cannot be
// read.
bool smaps_count_present(pid_t pid, uint64_t start, uint64_t end, uint64_t *out_bytes);

#endif
