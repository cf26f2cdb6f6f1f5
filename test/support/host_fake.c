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

size_t host_thread_hash(void)
{
    return thread_hash;
}
