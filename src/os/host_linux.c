// Machine facts, each from at most one system call.
#include "os/host.h"

#include "base/bits.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

size_t host_cpus(void)
{
    uint64_t mask[16];   // 1024 CPUs; the call fails on more, and then 64 caches are enough
    memset(mask, 0, sizeof mask);
    int  saved_errno = errno;
    long n_bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    errno = saved_errno;
    if (n_bytes <= 0)
        return 64;
    size_t cpus = 0;
    for (size_t i = 0; i < sizeof mask / sizeof mask[0]; i++)
        cpus += bits_count(mask[i]);
    return cpus > 0 ? cpus : 1;
}

uint64_t host_random(void)
{
    uint64_t random = 0;
    int      saved_errno = errno;
    long     n_bytes = syscall(SYS_getrandom, &random, sizeof random, GRND_NONBLOCK);
    if (n_bytes != (long)sizeof random) {
        // Not the bits of AT_RANDOM: the stack protector's secret is made of them.
        struct timespec now = {0, 0};
        clock_gettime(CLOCK_MONOTONIC, &now);
        random = ((uint64_t)now.tv_nsec + (uint64_t)now.tv_sec) * UINT64_C(0x9E3779B97F4A7C15);
        random ^= random >> 29;
    }
    errno = saved_errno;
    return random;
}

void host_yield(void)
{
    sched_yield();
}

void host_sleep_ns(long n)
{
    int saved_errno = errno;
    nanosleep(&(struct timespec){.tv_nsec = n}, NULL);
    errno = saved_errno;
}

static long membarrier(int command)
{
    int  saved_errno = errno;
    long result = syscall(SYS_membarrier, command, 0, 0);
    errno = saved_errno;
    return result;
}

bool host_barrier_register(void)
{
    return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
}

void host_barrier_all_threads(void)
{
    membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

static pthread_key_t thread_end_key;

bool host_at_thread_end(void (*act)(void *argument))
{
    return pthread_key_create(&thread_end_key, act) == 0;
}

void host_thread_end_argument(void *argument)
{
    int saved_errno = errno;
    // Fails only where libc cannot allocate its table; then the cache is not passed on.
    (void)pthread_setspecific(thread_end_key, argument);
    errno = saved_errno;
}

size_t host_thread_hash(void)
{
    // The thread pointer is unique per thread and at least 4 KiB from its neighbours; the
    // golden ratio spreads it over the high bits.
    uintptr_t thread = (uintptr_t)__builtin_thread_pointer();
    return (size_t)((thread >> 6) * UINT64_C(0x9E3779B97F4A7C15) >> 32);
}
