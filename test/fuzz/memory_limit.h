// The kernel's limits on a process's memory, tightened and relaxed again while it runs.
#ifndef NEAP_FUZZ_MEMORY_LIMIT_H
#define NEAP_FUZZ_MEMORY_LIMIT_H

#include <stdbool.h>
#include <stddef.h>

// False where a sanitizer needs memory of its own at any time.
bool memory_limit_is_possible(void);

// From now on there is no more than `room_bytes` beyond what is in use: of address space (which is
// what reserving takes) or of data (which is what may be written).
void memory_limit_tighten(bool is_of_data, size_t room_bytes);
void memory_limit_relax(void);

#endif
