// Whose every 16 bytes of the address space are, as far as objects are alive: finds two objects in
// one place.
//
// A bit for each granule, in maps of 64 KiB of address space each that are found by hashing. All
// threads share one; a bit is set and cleared atomically but orders nothing, so that no
// missing order between threads of the allocator is hidden by it.
#ifndef NEAP_FUZZ_GRANULES_H
#define NEAP_FUZZ_GRANULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRANULE_BYTES ((size_t)16)   // no object may start between two of them

// Makes the map. Later it needs no memory from the kernel, which may refuse it on purpose then.
void granules_start(void);

// Marks the granules of [start, start + n_bytes) as taken. False: one of them was already.
bool granules_take(uintptr_t start, size_t n_bytes);

// Marks them as free. False: one of them was already, which means that the fuzzer is broken.
bool granules_give(uintptr_t start, size_t n_bytes);

#endif
