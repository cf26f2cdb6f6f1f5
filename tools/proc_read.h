// Reading one process from /proc. A process that has ended reads as zero everywhere.
#ifndef NEAP_TOOLS_PROC_READ_H
#define NEAP_TOOLS_PROC_READ_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROC_NAME_BYTES 64

// The name that ps shows; "" of a process that has ended. Returns `out`.
char *proc_read_name(pid_t pid, char out[PROC_NAME_BYTES]);

// Resident bytes, shared pages counted whole.
uint64_t proc_read_resident_bytes(pid_t pid);

// Resident bytes, each page divided by the number of processes that map it (Pss); falls back
// to proc_read_resident_bytes where the kernel does not let us see it. Walks page tables.
uint64_t proc_read_share_bytes(pid_t pid);

// Bytes of private, writable, anonymous mappings: memory as allocators hold it.
uint64_t proc_read_mapped_bytes(pid_t pid);

// CPU time, user and system, with that of children it has waited for; seconds.
double proc_read_cpu_s(pid_t pid);

// Lists `root` and its living descendants, parents first, at most `n_max`; returns how many.
// A child that still shares its parent's address space (vfork) is left out, and so are its
// descendants. Without CONFIG_PROC_CHILDREN in the kernel only `root` is found.
size_t proc_read_tree(pid_t root, pid_t *out_pids, size_t n_max);

// Bytes of the mapping that a line of /proc/PID/maps describes if it is memory as allocators
// hold it; else 0. Reserved, inaccessible ranges count nothing. What lies below *io_end, the end
// of the lines before, is left out: a mapping that grows while the file is read shows up twice.
uint64_t proc_mapped_bytes_of_line(const char *line, uint64_t *io_end);

#endif
