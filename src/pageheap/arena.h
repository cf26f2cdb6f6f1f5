// Where the heap's address space comes from: arenas, reserved one at a time.
//
// Arenas are asked for at hints, addresses that let one arena follow the other. A hint at which
// somebody else has mapped something is thrown away; when none is left the kernel
// chooses, and new hints are made around its answer. Where address space is limited the size asked
// for is halved until the kernel agrees, remembered, and doubled again after each success.
//
// A reservation obtained waits in `spare` until the heap has everything else it needs to use it,
// so a failure on the way loses nothing and has nothing to undo.
//
// No lock of its own: the page heap's lock guards it.
#ifndef NEAP_PAGEHEAP_ARENA_H
#define NEAP_PAGEHEAP_ARENA_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARENA_HINTS_MAX 16

// The part of the address space still to be handed out: [base, end).
struct arena {
    uintptr_t base, end;
};

struct arena_hint {
    uintptr_t address;
    bool      downwards;   // the arena shall end, not start, at `address`
};

struct arena_source {
    // Constant after init.
    size_t arena_bytes;   // asked for first; 64 MiB
    size_t unit_bytes;    // sizes and addresses are multiples: the larger of page and OS page

    struct arena_hint hints[ARENA_HINTS_MAX];   // the last one is tried first
    size_t            n_hints;
    size_t            ask_bytes;   // A1
    struct arena      spare;       // A2; empty when base == end
};
// Invariants:
//   A1  unit_bytes <= ask_bytes <= arena_bytes; what the kernel last agreed to, or twice that
//   A2  hints and spare are multiples of unit_bytes

// Requires: arena_bytes is a multiple of unit_bytes. `random` spreads the first hints.
void arena_source_init(struct arena_source *source, size_t arena_bytes, size_t unit_bytes,
                       uint64_t random);

// Sees to it that `spare` holds at least `n_bytes`. False: the kernel has no address space.
// Requires: n_bytes is a multiple of unit_bytes.
NODISCARD bool arena_source_fill_spare(struct arena_source *source, size_t n_bytes);

// Returns NULL, or the invariant found broken.
const char *arena_source_verify(const struct arena_source *source);

#endif
