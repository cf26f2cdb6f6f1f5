// What the machine, the process and its user say, and the way to answer. Nothing here allocates
// unless it says so; all functions keep errno.
#ifndef NEAP_OS_HOST_H
#define NEAP_OS_HOST_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// CPUs this process may run on, at least 1. One system call.
size_t host_cpus(void);

// Random bits from the kernel; where it gives none, bits that at least differ from run to run.
uint64_t host_random(void);

// Lets other threads run.
void host_yield(void);
void host_sleep_ns(long n);   // below a second

uint64_t host_wall_time_ns(void);    // since 1970; may be set, also back
uint64_t host_now_ns(void);          // of a clock that never goes back, since some moment
uint64_t host_thread_cpu_ns(void);   // CPU time of the calling thread; two system calls' worth

// Starts a thread for ourselves, which nobody waits for, with all signals blocked, a small stack
// and a name of at most 15 bytes. Makes libc allocate. False: there is none to be had.
NODISCARD bool host_start_thread(void (*body)(void), const char *name);

// Does the address lie in libc or the loader? They call malloc and free with locks of their own
// held, which starting a thread needs. Requires: host_find_libc() was called, early.
void host_find_libc(void);
bool host_is_in_libc(const void *address);

// Has the thread that ran main ended, while the process goes on? Reads a file.
bool host_main_thread_has_ended(void);

// Prepares host_barrier_all_threads(). False: the kernel does not offer it. One system call; cheap
// while the process has one thread.
bool host_barrier_register(void);

// Every other thread of the process passes a full memory barrier between its instructions before
// this call and those after it; so does the caller. False: the kernel refuses (a filter of system
// calls, memory), and nothing is known of other threads.
NODISCARD bool host_barrier_all_threads(void);

// Has `act` called when a thread ends that has set an argument for it, with the argument. Once per
// process. False: libc has no room for it. May allocate.
bool host_at_thread_end(void (*act)(void *argument));
// Requires: host_at_thread_end was true. May allocate.
void host_thread_end_argument(void *argument);

// A small number that differs between threads and stays for the thread's life. No system call.
size_t host_thread_hash(void);

// The environment as NAME=VALUE strings, ended by a NULL; NULL if it cannot be found, which is so
// only before libc has set `environ` and only under a libc other than glibc. The program may
// change it at any time, so it is for the start alone.
const char *const *host_environment(void);

// Has this process more rights than whoever started it (set-user-ID and the like)? Then what he
// says, as by the environment, must not steer it.
bool host_is_secure(void);

enum host_file_result {
    HOST_FILE_READ,
    HOST_FILE_ABSENT,
    HOST_FILE_FORBIDDEN,
    HOST_FILE_TOO_LONG,
    HOST_FILE_UNREADABLE,   // a folder, a device's error and whatever else
};

// Reads a whole file of at most `capacity` bytes. Does not wait for a writer, as of a pipe.
NODISCARD enum host_file_result host_read_file(const char *path, char *out_text, size_t capacity,
                                               size_t *out_n_bytes);

// A file that says by its state that something has happened: one of the kernel by an exceptional
// state, a pipe or a socket by something to read.
struct host_watch {
    int      file;
    short    state;            // of poll
    uint64_t device, number;   // which file it is: the program may have closed ours
};

// Opens the file, or connects to the socket, and writes `n_bytes` to it first. Its descriptor is
// none of the low numbers, which programs count on. False: it cannot be done.
NODISCARD bool host_watch_open(const char *path, const void *text, size_t n_bytes,
                               struct host_watch *out_watch);

enum host_watch_result {
    HOST_WATCH_QUIET,
    HOST_WATCH_HAPPENED,   // since it was last asked
    HOST_WATCH_GONE,       // it will say nothing any more; it is closed
};
enum host_watch_result host_watch_ask(const struct host_watch *watch);
void                   host_watch_close(const struct host_watch *watch);

// Writes to stderr, as far as that can be done.
void host_say(const char *text, size_t n_bytes);

// Writes to any descriptor, all of it, as long as that takes. Returns 0 or an errno value.
NODISCARD int host_write(int fd, const char *text, size_t n_bytes);

// A number of bytes and where in a file they belong.
struct host_piece {
    const void *bytes;
    size_t      n_bytes, offset;
};

// Writes pieces to a file that lies in memory, one after the other. `is_new`: what it held is void;
// it is made, for its owner only, if there is none. Goes through no symbolic link. False: the file
// is not in memory, or not all could be written; then a new file is not left there empty.
NODISCARD bool host_write_file_in_memory(const char *path, const struct host_piece *pieces,
                                         size_t n_pieces, bool is_new);
void           host_remove_file(const char *path);

// Appends text to a file in one write, so that what several processes append does not mix. Makes
// the file, for its owner only, if there is none. Goes through no symbolic link, and does not wait
// for a reader, as of a pipe. Returns whether all of it was written.
bool host_append_file_best_effort(const char *path, const char *text, size_t n_bytes);

// The id of the calling thread, as the kernel and debuggers call it. A system call.
long host_thread_id(void);

// The id of this process, also in the child of a fork or vfork. A system call.
long host_process_id(void);

#endif
