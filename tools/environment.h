// The environment of another process, as it was when the process started.
#ifndef NEAP_TOOLS_ENVIRONMENT_H
#define NEAP_TOOLS_ENVIRONMENT_H

#include "process_memory.h"

// Reads /proc/PID/environ into NAME=VALUE strings, ended by a NULL. They stay for this program's
// life. PROCESS_READ: *out_entries is set.
enum process_result environment_of(pid_t pid, char ***out_entries);

#endif
