// A host of three CPUs whose only thread is whoever it was told to be.
#include "host_fake.h"

#include "os/host.h"

static size_t thread_hash;

void host_fake_become(size_t cache, size_t n_caches)
{
    // The smallest hash of 32 bits that is scaled to `cache`.
    thread_hash = (((uint64_t)cache << 32) + n_caches - 1) / n_caches;
}

size_t host_cpus(void)
{
    return HOST_FAKE_CPUS;
}

uint64_t host_random(void)
{
    return 1;
}

void host_yield(void)
{
}

bool host_barrier_register(void)
{
    return true;
}

void host_barrier_all_threads(void)
{
}

bool host_at_thread_end(void (*act)(void *argument))
{
    return act != NULL;
}

void host_thread_end_argument(void *argument)
{
}

void host_sleep_ns(long n)
{
}

size_t host_thread_hash(void)
{
    return thread_hash;
}
