// process_vm_readv in portions that the kernel takes.
#include "process_memory.h"

#include <errno.h>
#include <sys/uio.h>

#define PIECES_AT_ONCE 1024   // UIO_MAXIOV

static enum process_result result_of(int error)
{
    switch (error) {
    case ESRCH:
        return PROCESS_ABSENT;
    case EPERM:
    case EACCES:
    case ENOSYS:   // a filter of system calls
        return PROCESS_FORBIDDEN;
    default:
        return PROCESS_DAMAGED;
    }
}

enum process_result process_memory_read(pid_t pid, const struct process_piece *pieces,
                                        size_t n_pieces)
{
    struct iovec here[PIECES_AT_ONCE], there[PIECES_AT_ONCE];
    while (n_pieces > 0) {
        size_t  n = n_pieces < PIECES_AT_ONCE ? n_pieces : PIECES_AT_ONCE;
        ssize_t n_wanted = 0;
        for (size_t i = 0; i < n; i++) {
            here[i] = (struct iovec){pieces[i].to, pieces[i].n_bytes};
            there[i] = (struct iovec){(void *)(uintptr_t)pieces[i].address, pieces[i].n_bytes};
            n_wanted += (ssize_t)pieces[i].n_bytes;
        }
        ssize_t n_read = process_vm_readv(pid, here, n, there, n, 0);
        if (n_read != n_wanted)
            return n_read < 0 ? result_of(errno) : PROCESS_DAMAGED;
        pieces += n;
        n_pieces -= n;
    }
    return PROCESS_READ;
}

enum process_result process_memory_write(pid_t pid, uint64_t address, const void *from,
                                         size_t n_bytes)
{
    struct iovec here = {(void *)(uintptr_t)from, n_bytes};
    struct iovec there = {(void *)(uintptr_t)address, n_bytes};
    ssize_t      n_written = process_vm_writev(pid, &here, 1, &there, 1, 0);
    if (n_written != (ssize_t)n_bytes)
        return n_written < 0 ? result_of(errno) : PROCESS_DAMAGED;
    return PROCESS_READ;
}

enum process_result process_memory_read_one(pid_t pid, uint64_t address, void *to, size_t n_bytes)
{
    struct process_piece piece = {address, n_bytes, to};
    return process_memory_read(pid, &piece, 1);
}
