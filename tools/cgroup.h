// The memory limit that a control group sets for this process and what it starts.
#ifndef NEAP_TOOLS_CGROUP_H
#define NEAP_TOOLS_CGROUP_H

#include <stdint.h>

// The tightest limit on the way from the process's groups to the root, in bytes; 0: no limit.
// `process_folder` is "/proc/self". Understands version 2 (memory.max) and version 1, also where
// only a part of the tree is mounted, as in a container.
uint64_t cgroup_limit_bytes(const char *process_folder);

#endif
