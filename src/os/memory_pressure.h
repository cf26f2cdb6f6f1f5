// Is memory short, in our control group or in the whole system?
//
// Who runs the program may say where it is told: by MEMORY_PRESSURE_WATCH, a file, pipe or socket
// that has something to say when memory is short, and MEMORY_PRESSURE_WRITE, what to write there
// first; systemd does so for its services. Else the kernel's count of the time that tasks waited
// for memory is read now and then: our group's, or the system's.
//
// One caller at a time: files pass through a buffer that is not on the stack. Nothing here
// allocates; errno is kept.
#ifndef NEAP_OS_MEMORY_PRESSURE_H
#define NEAP_OS_MEMORY_PRESSURE_H

#include "os/host.h"

#define MEMORY_PRESSURE_EVERY_NS UINT64_C(2000000000)   // so often is the count read
#define MEMORY_PRESSURE_STALLED_SHARE 10   // short: a tenth of the time somebody waited

enum memory_pressure_source {
    PRESSURE_SOURCE_NONE,    // nobody says
    PRESSURE_SOURCE_WATCH,   // an event at a time
    PRESSURE_SOURCE_COUNT,   // microseconds waited so far
};

struct memory_pressure {
    enum memory_pressure_source source;
    struct host_watch           watch;
    uint64_t                    stalled_us;   // as read
    uint64_t                    read_at_ns;   // when that was
};

// Keeps what the environment says, for memory_pressure_open. Entries as of host_environment.
void memory_pressure_note_environment(const char *const *entries);

// Finds out who says it. `root` goes before every path of the system's files.
void memory_pressure_open(struct memory_pressure *pressure, const char *root, uint64_t now_ns);
void memory_pressure_close(struct memory_pressure *pressure);

// Has memory been short since the last time? False also where it is too early to say.
bool memory_pressure_ask(struct memory_pressure *pressure, const char *root, uint64_t now_ns);

#endif
