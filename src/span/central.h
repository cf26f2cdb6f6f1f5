// Central lists: for each size class, the spans that no cache owns. The face of this folder.
//
// Whoever has no cache, or may not use it at the moment, allocates here, a slot at a time under the
// class's lock. Caches take whole spans from here and put them back when they are emptied. A span
// with free slots is in the list of its class; one without is in none and is found again by the
// address of whatever is freed in it; one with all slots free goes back to the page heap.
#ifndef NEAP_SPAN_CENTRAL_H
#define NEAP_SPAN_CENTRAL_H

#include "os/lock.h"
#include "span/span.h"

struct central_list {
    struct span_inbox inbox;   // anybody's; T3

    struct lock lock;   // rank CENTRAL; one after the other in the order of the classes
    // Guarded by lock.
    struct span *first;    // T1: with something freed since OS pages were looked for
    struct span *cooled;   // T1: without

    // Counters. Those of slots: what did not go through a cache.
    ATOMIC(size_t) n_spans;   // of this class, whoever owns them
    ATOMIC(size_t) n_allocated, n_freed;
    ATOMIC(size_t) released_bytes;   // OS pages inside of spans
} CACHE_ALIGNED;

struct central {
    struct page_heap   *page_heap;      // constant after init; its records hold a struct span
    struct lock         cooling;        // rank COOLING: who gives OS pages inside of spans back
    ATOMIC(unsigned)    n_waiting;      // hint: for who cools to stop
    ATOMIC(size_t)      cooled_bytes;   // counter: given back inside of spans so far
    struct central_list lists[SIZE_CLASSES];
};
// Invariants:
//   T1  the spans in a list are exactly those it owns that have a slot free, cold ones included,
//       but for those that are cooling
//   T2  n_free of a span in a list is the number of its free slots
//   T3  of a span whose owner is the list only the lock's holder changes anything but
//       freed_elsewhere, notes and next_in_inbox

// Requires: memory of `central` is zero.
void central_init(struct central *central, struct page_heap *page_heap);

// ---- slots ------------------------------------------------------------------------------------

// Hands out a slot. NULL: the OS has no more memory. Takes the list's lock.
NODISCARD void *central_fetch(struct central *central, unsigned size_class);

// Takes a slot back, whoever owns the span. Requires: `slot` < n_slots. Takes the list's lock.
// *out_crowded: as of span_free_elsewhere.
NODISCARD enum span_give_result central_give_back(struct central *central, struct span *span,
                                                  size_t slot, struct span_inbox **out_crowded);

// Is the span in the central list's hands? Sure only under the lock of its class.
static inline bool central_owns(struct central *central, struct span *span)
{
    // hint: it is looked at again under the lock
    return load_relaxed(&span->owner) == &central->lists[span->size_class].inbox;
}

// ---- spans ------------------------------------------------------------------------------------

// Makes a span with all slots free. NULL: the OS has no more memory.
NODISCARD struct span *central_create_span(struct central *central, unsigned size_class,
                                           struct span_inbox *owner, bool owes_scavenge);

// Gives an idle span back to the page heap, with what is released in it. Requires: all its slots
// are free, no note is owed, and the caller owns it.
void central_destroy_span(struct central *central, struct span *span);

// The same whatever is in use in it, which counts as freed.
void central_discard_span(struct central *central, struct span *span);

// Hands over a span with free slots to a new owner. NULL: there is none. Takes the list's lock.
NODISCARD struct span *central_take_span(struct central *central, unsigned size_class,
                                         struct span_inbox *new_owner);

// Hands over this very span, if all its slots are in use: then nobody is allocating from it. False:
// it has free slots, or another owner. Takes the list's lock.
NODISCARD bool central_take_full_span(struct central *central, struct span *span,
                                      struct span_inbox *new_owner);

// Takes a span over from its owner. It goes back to the page heap if it is idle. Takes the lock.
void central_put_span(struct central *central, struct span *span);

// Takes in what was freed elsewhere in spans of a list. Takes its lock.
void central_take_in(struct central_list *list, struct central *central);

// The same for all lists, and gives idle spans back. Takes each lock in turn.
void central_tidy(struct central *central);

// Gives OS pages inside of the lists' spans that no live object touches back to the kernel, about
// as much as `n_bytes`. Returns how much, in bytes: less if there is less, if it is not found soon
// (the next call looks further), if the kernel refuses again and again, or if somebody waits for
// central_lock_all. Takes locks; none is held while the kernel is told, but that of rank COOLING.
// Does nothing if somebody else is at it.
size_t central_cool(struct central *central, size_t n_bytes);

// The same with all there is, however long it takes. Waits for whoever is at it.
size_t central_cool_all(struct central *central);

// Waits until spans that are on their way are in their lists again.
void central_wait_for_cooling(struct central *central);

// The list whose inbox it is, or NULL.
struct central_list *central_list_of_inbox(struct central *central, struct span_inbox *inbox);

// ---- books ------------------------------------------------------------------------------------

// Returns NULL, or the invariant found broken. Takes each lock in turn.
const char *central_verify(struct central *central);

void central_lock_all(struct central *central);
void central_unlock_all(struct central *central);
// In the child of a fork, if the parent held all locks.
void central_reset_locks(struct central *central);

#endif
