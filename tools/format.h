// Numbers as people read them. All functions write to `out` and return it.
#ifndef NEAP_TOOLS_FORMAT_H
#define NEAP_TOOLS_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define FORMAT_BYTES 32   // room for any of them

// "1.42 GiB", "512 B": three significant digits, binary units.
char *format_bytes(double n_bytes, char out[FORMAT_BYTES]);

// "0.123 s", "12.3 s", "7m 31s", "2h 05m".
char *format_duration(double seconds, char out[FORMAT_BYTES]);

// "12 345": digits in groups of three.
char *format_count(uint64_t count, char out[FORMAT_BYTES]);

// "exit 3" or "signal 9 (Killed)", from a wait(2) status.
void format_status(int status, char *out, size_t n_bytes);

// The words of a command in one line, quoted where the shell needs it; cut with "..." to
// `n_bytes` (at least 8).
void format_command(char *const *argv, char *out, size_t n_bytes);

#endif
