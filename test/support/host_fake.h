// Stands in for os/host_linux.c in programs that call host_fake_*: one thread plays many.
#ifndef NEAP_TEST_HOST_FAKE_H
#define NEAP_TEST_HOST_FAKE_H

#include "os/host.h"

#include <stdbool.h>
#include <stddef.h>

#define HOST_FAKE_CPUS 3

// From now on the calling thread is one that is spread to cache `cache` of `n_caches`.
void host_fake_become(size_t cache, size_t n_caches);

// What host_barrier_register and host_barrier_all_threads answer; at first both true.
void host_fake_set_barrier(bool is_offered, bool is_granted);
// How often host_barrier_all_threads was asked since host_fake_set_barrier.
size_t host_fake_barriers_asked(void);

// What host_environment and host_is_secure answer; at first NULL and false. Nothing is copied.
void host_fake_set_environment(const char *const *entries, bool is_secure);

// What host_read_file answers to some paths; at first to none. Nothing is copied; a NULL path ends
// the table. A text of NULL: the file may not be read.
struct host_fake_file {
    const char *path, *text;
};
void host_fake_set_files(const struct host_fake_file *files);

// What it answers to every other path; at first HOST_FILE_ABSENT. Nothing is copied.
void host_fake_set_file(enum host_file_result result, const char *text, size_t n_bytes);

// The path last asked for; "" if none was since host_fake_set_file.
const char *host_fake_path_read(void);

// What host_watch_open answers to one path, at first to none, and what host_watch_ask answers then,
// each time until told otherwise. Nothing is copied.
void host_fake_offer_watch(const char *path, enum host_watch_result result);

// What was written to it; "" if nothing was. Is it open?
const char *host_fake_written(size_t *out_n_bytes);
bool        host_fake_watch_is_open(void);

// All that host_say was given since host_fake_forget_said, at most 64 KiB.
const char *host_fake_said(void);
void        host_fake_forget_said(void);

// What other threads do meanwhile: called in each host_barrier_all_threads(), and in each
// host_yield() and host_sleep_ns(). NULL: nothing.
void host_fake_meanwhile(void (*at_barrier)(void), void (*at_wait)(void));

// Does the kernel offer the barrier? Yes, until told otherwise.
void host_fake_offer_barrier(bool offer);

// What was written to a file in memory, the last one that was begun.
struct host_fake_box {
    bool   is_refused, is_removed;
    size_t n_written;   // times
    char   path[64];
    char   bytes[64 * 1024];
};
const struct host_fake_box *host_fake_box_written(void);

// Is there no such file to be had from now on? If there is, what was written is forgotten.
void host_fake_refuse_box(bool is_refused);

// The wall clock is this much ahead of the other one.
#define HOST_FAKE_WALL_NS UINT64_C(1700000000000000000)

// Time goes by, without the thread at work, or with it. At first it is 0.
void host_fake_pass_time(uint64_t n_ns);
void host_fake_spend_cpu(uint64_t n_ns);
// Called in each host_thread_cpu_ns(). NULL: nothing.
void host_fake_at_cpu_time(void (*act)(void));

// Does host_start_thread fail? What it was last asked to run, which never runs by itself; NULL:
// nothing since.
void host_fake_refuse_threads(bool refuse);
void (*host_fake_started(void))(void);

// The one address that lies in libc; at first none.
void host_fake_set_libc(const void *address);
void host_fake_end_main_thread(bool ended);

// At first the process is 1.
void host_fake_become_process(long id);

// The calling thread ends, and another begins in its place.
void host_fake_end_thread(void);

#endif
