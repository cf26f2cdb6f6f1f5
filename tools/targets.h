// The processes that run neap, as they come and go: looked for once, and again at each refresh.
//
// What has been found out about a process is kept, so that a refresh reads little; those that do
// not run neap are asked again from time to time, as they may have become another program.
#ifndef NEAP_TOOLS_TARGETS_H
#define NEAP_TOOLS_TARGETS_H

#include "page_view.h"
#include "proc_read.h"

struct target {
    pid_t    pid;
    uint64_t start_ticks;          // after the machine's start; tells pids apart that come again
    enum process_result result;    // of the last reading
    struct page_view   *view;      // PROCESS_READ: read just now
    unsigned            age;       // refreshes since it was looked at for the first time
    bool                is_seen;   // in this refresh
    char                name[PROC_NAME_BYTES];
};

struct targets {
    struct target *all;   // also those that do not run neap; by pid
    size_t         n_all, n_max;
    const pid_t   *wanted;   // only these; NULL: every process
    size_t         n_wanted;
};

// Looks at all of /proc, or at `wanted`, and reads those that run neap. Requires: memory of
// *targets is zero at first, or wanted and n_wanted are set. False: out of memory, or no /proc.
bool targets_refresh(struct targets *targets);
void targets_free(struct targets *targets);

// The next one that was read, behind `previous`; NULL: none.
struct target *targets_next(const struct targets *targets, struct target *previous);

// How many were not to be looked into.
size_t targets_n_forbidden(const struct targets *targets);

// What the kernel counts of a process, beside proc_read.h.
struct target_times {
    uint64_t start_ticks, virtual_bytes;
};
bool target_read_times(pid_t pid, struct target_times *out);

#endif
