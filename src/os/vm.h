// Address space and its states: the contract between neap and the kernel.
//
// An OS page of ours is in one of four states, and each function below is one transition:
//
//          vm_reserve           vm_prepare           vm_use, vm_move to it
//   none ─────────────▶ reserved ─────────▶ prepared ─────────▶ ready
//     ◀─────────────────────┴──────────────────┘ ◀──────────────┘
//                vm_release (also from ready)           vm_unuse, vm_renew, vm_move from it
//
//   reserved  ours alone, but touching it faults and nothing backs it
//   prepared  may be made ready cheaply; holds no memory; reads as zero once ready
//   ready     may be touched; what was written stays
//
// The kernel may say *not now* to any call: too many mappings, an address-space or commit limit,
// locked pages, a seccomp filter. Then the function says so, the state is as before, and the
// caller goes on. vm_move alone may leave pages that are ours no more. No refusal ends the process.
// All functions keep errno and may be called by any
// thread, in a signal handler too. All addresses and sizes are multiples of vm_page_bytes().
//
// Two files keep this contract: vm_linux.c, and test/support/vm_fake.c, which checks every
// transition, pretends any OS page size and refuses the n-th call on demand.
#ifndef NEAP_OS_VM_H
#define NEAP_OS_VM_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vm_purpose {
    VM_HEAP,       // handed out to the owner of the heap; only touched by him
    VM_METADATA,   // our own books
};

enum vm_reserve_result {
    VM_RESERVED,
    VM_OCCUPIED,   // somebody else's mapping, or the end of user space, is in the way
    VM_NO_SPACE,   // no address space to be had under the present limits
};

// Bytes in the kernel's page: 4, 16 or 64 KiB. Constant.
size_t vm_page_bytes(void);

// Bytes in the kernel's huge page, or 0 if it has none. Constant.
size_t vm_huge_page_bytes(void);

// none -> reserved, exactly at `start`.
NODISCARD enum vm_reserve_result vm_reserve_at(uintptr_t start, size_t n_bytes,
                                               enum vm_purpose purpose);

// none -> reserved, where the kernel likes. Returns 0 if there is no space.
// Requires: `alignment` is a power of two, at least vm_page_bytes().
NODISCARD uintptr_t vm_reserve_anywhere(size_t n_bytes, size_t alignment, enum vm_purpose purpose);

// reserved -> prepared. False: not now (limits on mappings, data or commit).
NODISCARD bool vm_prepare(uintptr_t start, size_t n_bytes);

// Would the kernel let so much be prepared at present? For requests so large that getting ready
// for them is a cost by itself.
NODISCARD bool vm_could_prepare(size_t n_bytes);

// prepared -> ready; pages that are ready already stay so. Cannot fail: the kernel backs
// prepared memory when it is touched.
void vm_use(uintptr_t start, size_t n_bytes);

// ready -> prepared: the kernel takes the memory back, and the next touch reads zero.
// False: not now (locked pages, or the kernel has no memory for its own books).
NODISCARD bool vm_unuse(uintptr_t start, size_t n_bytes);

// What was ready at `from` comes to lie at the start of `to`, without being copied.
struct vm_move {
    uintptr_t from, to;
    size_t    from_bytes, to_bytes;   // to_bytes >= from_bytes; the ranges are apart
};

enum vm_move_result {
    VM_MOVED,
    VM_MOVED_FROM_LOST,   // moved, but `from` is ours no more
    VM_NOT_MOVED,         // not now; `to` stays ours, but what it held may be gone
    VM_TO_LOST,           // not moved, and `to` is ours no more
};

// from: ready -> prepared; to: prepared or ready -> ready. What `to` held is gone; behind what was
// moved it reads zero. The kernel has to take a range out of the address space for an instant, and
// whoever maps something just then gets it. A range so lost may never be touched nor given back.
// `from` keeps its contents where it was not moved.
// Not now: limits on mappings or commit; `from` lies in several mappings (what was moved there and
// what follows it, locked pages and others); a seccomp filter, which is not asked again.
// `to` becomes one mapping, which never becomes one with its neighbours: see vm_renew.
NODISCARD enum vm_move_result vm_move(const struct vm_move *move);

// ready -> prepared, and mapped like its neighbours again, so that the kernel can make one mapping
// of them: for where pages have been moved to. False: not now (as for vm_release).
NODISCARD bool vm_renew(uintptr_t start, size_t n_bytes);

// any -> none. False: not now (cutting a mapping in two may need one too many).
NODISCARD bool vm_release(uintptr_t start, size_t n_bytes);

// The same for callers who cannot do anything about a refusal: it costs address space, no memory,
// and is counted as refused.
static inline void vm_release_best_effort(uintptr_t start, size_t n_bytes)
{
    bool released = vm_release(start, n_bytes);
    (void)released;
}

// Transitions asked of the kernel so far, and how many it refused. What a transition needs beside
// its one call (cutting a reservation to its alignment, the trial of vm_unuse) is not counted.
struct vm_counts {
    size_t reserve, prepare, unuse, move, renew, release, refused;
};
void vm_counts_read(struct vm_counts *out_counts);

#endif
