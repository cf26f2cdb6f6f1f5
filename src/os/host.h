// Facts about the machine and the process that neither allocate nor open files.
#ifndef NEAP_OS_HOST_H
#define NEAP_OS_HOST_H

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

// Prepares host_barrier_all_threads(). False: the kernel does not offer it. One system call; cheap
// while the process has one thread.
bool host_barrier_register(void);

// Every other thread of the process passes a full memory barrier between its instructions before
// this call and those after it; so does the caller. Requires: host_barrier_register was true.
void host_barrier_all_threads(void);

// Has `act` called when a thread ends that has set an argument for it, with the argument. Once per
// process. False: libc has no room for it. May allocate.
bool host_at_thread_end(void (*act)(void *argument));
// Requires: host_at_thread_end was true. May allocate.
void host_thread_end_argument(void *argument);

// A small number that differs between threads and stays for the thread's life. No system call.
size_t host_thread_hash(void);

#endif
