// Facts about the machine and the process that neither allocate nor open files.
#ifndef NEAP_OS_HOST_H
#define NEAP_OS_HOST_H

#include <stddef.h>
#include <stdint.h>

// CPUs this process may run on, at least 1. One system call.
size_t host_cpus(void);

// Random bits from the kernel; where it gives none, bits that at least differ from run to run.
uint64_t host_random(void);

// Lets other threads run.
void host_yield(void);

// A small number that differs between threads and stays for the thread's life. No system call.
size_t host_thread_hash(void);

#endif
