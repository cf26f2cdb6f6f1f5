// How much memory the system lets this process have, as its files say.
//
// `root` goes before every path: "" for the system's own files. One caller at a time: the files
// pass through a buffer that is not on the stack. Nothing here allocates; errno is kept.
#ifndef NEAP_OS_MEMORY_LIMIT_H
#define NEAP_OS_MEMORY_LIMIT_H

#include <stddef.h>

#define MEMORY_LIMIT_NONE ((size_t)-1)

// The tightest limit of the control groups that the process is in and of all above them, in bytes.
// Version 2's memory.max and memory.high, version 1's memory.limit_in_bytes, where they are mounted
// in /sys/fs/cgroup as systemd and containers have them. MEMORY_LIMIT_NONE: none, or none to be
// seen.
size_t memory_limit_read(const char *root);

// The machine's memory in bytes; 0: it cannot be found.
size_t memory_of_machine(const char *root);

#endif
