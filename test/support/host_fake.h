// Stands in for os/host_linux.c in programs that call host_fake_*: one thread plays many.
#ifndef NEAP_TEST_HOST_FAKE_H
#define NEAP_TEST_HOST_FAKE_H

#include <stddef.h>

#define HOST_FAKE_CPUS 3

// From now on the calling thread is one that is spread to cache `cache` of `n_caches`.
void host_fake_become(size_t cache, size_t n_caches);

#endif
