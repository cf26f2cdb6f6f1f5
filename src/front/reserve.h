// The reserve: memory for a signal handler that has interrupted its thread while that held a lock.
//
// Nothing else may be touched then but what needs no lock. 64 KiB of the library's own data, in
// units of 1 KiB, handed out and taken back by single atomic operations; resident once used.
#ifndef NEAP_FRONT_RESERVE_H
#define NEAP_FRONT_RESERVE_H

#include "base/atomic.h"
#include "base/bits.h"
#include "base/compiler.h"
#include "base/units.h"

#define RESERVE_UNITS WORD_BITS   // one word says which are in use
#define RESERVE_UNIT_BYTES KIB
#define RESERVE_ALIGN_MAX ((size_t)4096)

struct reserve {
    ATOMIC(uint64_t) used;                     // a bit per unit
    ATOMIC(uint32_t) n_units[RESERVE_UNITS];   // of the object that starts here; 0: none does
};

// NULL: not enough of it is free. Requires: `alignment` is a power of two.
NODISCARD void *reserve_allocate(struct reserve *reserve, size_t alignment, size_t n_bytes);

bool reserve_contains(const void *address);

// Bytes from the start of the object at `address` to its end; 0: no object starts there.
size_t reserve_object_bytes(struct reserve *reserve, const void *object);

// False: no object starts there.
NODISCARD bool reserve_release(struct reserve *reserve, const void *object);

#endif
