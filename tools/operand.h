// Operands of commands that look at processes. Each function says in one line what is wrong.
#ifndef NEAP_TOOLS_OPERAND_H
#define NEAP_TOOLS_OPERAND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// A process id: digits only. NULL: it is missing.
bool operand_pid(const char *text, pid_t *out_pid);

// Seconds, from `minimum` to a day.
bool operand_seconds(const char *text, double minimum, double *out_seconds);

// A size as the library's options take it: "4096", "64K", "1.5GiB".
bool operand_bytes(const char *text, uint64_t *out_bytes);

// A whole number from 1 on.
bool operand_count(const char *text, unsigned long *out_count);

#endif
