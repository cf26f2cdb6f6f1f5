// A kernel made of arrays: stands in for os/vm_linux.c in tests.
//
// Heap memory is only pretended: its addresses lie in a window of 64 TiB that nothing backs, so a
// test may grow a heap of terabytes but may not touch what it is given. Metadata is real. Each
// OS page of the window has a state; a transition that os/vm.h does not allow ends the test.
#ifndef NEAP_TEST_VM_FAKE_H
#define NEAP_TEST_VM_FAKE_H

#include "os/vm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VM_FAKE_WINDOW_BYTES ((uintptr_t)1 << 46)   // addresses [0, 64 TiB)

enum vm_fake_state {
    VM_FAKE_NONE,
    VM_FAKE_RESERVED,
    VM_FAKE_PREPARED,
    VM_FAKE_READY,
    VM_FAKE_FOREIGN
};

// Forgets everything and starts anew. Requires: page_bytes is 4, 16 or 64 KiB.
void vm_fake_reset(size_t page_bytes);

// With false, transitions are counted but not checked: for heaps of a TiB.
void vm_fake_check_states(bool check);

// Refuses the n-th call from now that may be refused (1: the next one), and if `from_there_on`
// all after it. 0: refuses nothing.
void vm_fake_refuse(size_t nth, bool from_there_on);
// How many calls that may be refused were made since the last vm_fake_reset or vm_fake_refuse.
size_t vm_fake_refusable_calls(void);

// Refuses only vm_unuse, as for locked pages.
void vm_fake_refuse_unuse(bool refuse);

// What the next vm_move does: all goes well; it is refused and somebody else gets `to`; it moves
// and somebody else gets `from`. (vm_fake_refuse makes it refuse and lose nothing.)
enum vm_fake_loss { VM_FAKE_LOSE_NOTHING, VM_FAKE_LOSE_TO, VM_FAKE_LOSE_FROM };
void vm_fake_lose(enum vm_fake_loss loss);

// One byte per OS page stands for its contents: zero once it is prepared, and moved by vm_move.
// Requires: the page is ready.
void          vm_fake_write(uintptr_t address, unsigned char value);
unsigned char vm_fake_read(uintptr_t address);

// Called at each vm_unuse, refused or not. NULL: nothing.
void vm_fake_at_unuse(void (*act)(size_t n_bytes));

// At most this much address space may be reserved at a time (RLIMIT_AS). SIZE_MAX: no limit.
void vm_fake_limit_bytes(size_t n_bytes);

// Puts somebody else's mapping there. Requires: the range is none.
void vm_fake_occupy(uintptr_t start, size_t n_bytes);

// Where vm_reserve_anywhere looks next, going downwards.
void vm_fake_place_next(uintptr_t end);

enum vm_fake_state vm_fake_state_at(uintptr_t address);

// Bytes of heap memory in each state.
struct vm_fake_bytes {
    size_t reserved, prepared, ready;
};
struct vm_fake_bytes vm_fake_heap_bytes(void);
// Bytes of metadata that are mapped, reserved ones included.
size_t vm_fake_metadata_bytes(void);

#endif
