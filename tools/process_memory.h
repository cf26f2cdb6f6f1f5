// Reading the memory of another process: no stop, no signal, nothing that it could notice.
#ifndef NEAP_TOOLS_PROCESS_MEMORY_H
#define NEAP_TOOLS_PROCESS_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// What can come of looking into a process.
enum process_result {
    PROCESS_READ,
    PROCESS_ABSENT,      // there is none, or it has ended
    PROCESS_FORBIDDEN,   // we may not look
    PROCESS_WITHOUT,     // it does not run neap
    PROCESS_NEWER,       // its page has a layout that we do not know
    PROCESS_DAMAGED,     // what is there makes no sense
};

// Bytes of the process, and where to.
struct process_piece {
    uint64_t address;
    size_t   n_bytes;
    void    *to;
};

// Copies all pieces, with one system call if they are not more than a thousand. PROCESS_DAMAGED: at
// one of the addresses is nothing to read.
enum process_result process_memory_read(pid_t pid, const struct process_piece *pieces,
                                        size_t n_pieces);

// Writes into the process's memory. PROCESS_DAMAGED: nothing may be written there.
enum process_result process_memory_write(pid_t pid, uint64_t address, const void *from,
                                         size_t n_bytes);

// One piece.
enum process_result process_memory_read_one(pid_t pid, uint64_t address, void *to, size_t n_bytes);

#endif
