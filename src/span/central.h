// Central lists: for each size class, the spans that have a slot free. The face of this folder.
//
// A span with free slots is in the list of its class; one without is in none and is found again
// by the address of whatever is freed in it; one with all slots free goes back to the page heap.
#ifndef NEAP_SPAN_CENTRAL_H
#define NEAP_SPAN_CENTRAL_H

#include "os/lock.h"
#include "span/span.h"

struct central_list {
    struct lock lock;   // rank CENTRAL; one after the other in the order of the classes
    // Guarded by lock.
    struct span *first;        // T1
    size_t       n_spans;      // of this class, full ones included
    size_t       used_slots;   // T2
} CACHE_ALIGNED;

struct central {
    struct page_heap   *page_heap;   // constant after init; its records hold a struct span
    struct central_list lists[SIZE_CLASSES];
};
// Invariants:
//   T1  the spans in a list are exactly those of the class with 0 < n_free < n_slots
//   T2  used_slots is the number of slots handed out and not given back

// Requires: memory of `central` is zero.
void central_init(struct central *central, struct page_heap *page_heap);

// Hands out a slot. NULL: the OS has no more memory. Takes the list's lock.
NODISCARD void *central_fetch(struct central *central, unsigned size_class);

// Takes a slot back. Requires: `slot` < n_slots. Takes the list's lock.
NODISCARD enum span_give_result central_give_back(struct central *central, struct span *span,
                                                  size_t slot);

// Is the slot handed out? Takes the list's lock.
bool central_slot_is_used(struct central *central, struct span *span, size_t slot);

struct central_account {
    size_t used_slots, used_bytes;   // in slots handed out
    size_t free_bytes;               // in spans, but not in slots handed out
};
// Sums over all classes; each class is read at one instant, not all at the same.
void central_account_read(struct central *central, struct central_account *out_account);

// Returns NULL, or the invariant found broken. Takes each lock in turn.
const char *central_verify(struct central *central);

void central_lock_all(struct central *central);
void central_unlock_all(struct central *central);
// In the child of a fork, if the parent held all locks.
void central_reset_locks(struct central *central);

#endif
