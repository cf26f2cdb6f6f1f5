// Span: a run of pages with an owner, cut into slots of one size class, or one large object.
//
// Which slots are free is kept in bitmaps in the span's record, apart from the objects: nothing is
// written into free memory, an overflow of an object cannot reach it, and a slot freed twice
// shows in its bit. A span belongs to one class from its birth until all of it is free.
//
// A span has one owner at a time: a cache, or the central list of its class. Only the owner
// changes `free`. Anybody else who frees a slot sets its bit in `freed_elsewhere`, from where the
// owner takes it in. So that the owner hears of it, whoever sets the first bit of a word adds a
// note to the span, and whoever adds the first note puts the span into the owner's inbox.
#ifndef NEAP_SPAN_SPAN_H
#define NEAP_SPAN_SPAN_H

#include "os/vm.h"
#include "pageheap/page_heap.h"
#include "span/size_class.h"

#define SPAN_LARGE 0   // size_class of a span that is one object, and of any until it is cut

#define SPAN_WORDS (SLOTS_MAX / WORD_BITS)

// Spans in which others have freed something. Anybody may put one in; the owner takes all out.
struct span_inbox {
    ATOMIC(struct span *) first;
    ATOMIC(size_t)        n_put;   // counter: since all was taken out
    struct neap_heap     *heap;   // constant: the first-class heap whose inbox it is; NULL: of none
};

struct span {
    struct run run;   // first, so that a run's record is the span

    // Written by the owner, read by anybody who frees: others only write to it the first time they
    // free something here. With the first words of `free` on a cache line.
    ATOMIC(struct span_inbox *) owner;        // changes under the central lock of the class
    uint16_t                    n_free;       // central lists only: as many bits as set in `free`
    int16_t                     owed_notes;   // W3: words taken in, less notes received for them
    uint8_t                     size_class;   // or SPAN_LARGE; constant while the run is handed out
    bool                        listed;       // in the owner's list, or the one he allocates from?
    ATOMIC(bool)                visited;      // hint: others have freed something here, some time

    // The owner's: a bit per slot. W1, W2; of a class of one word see span_cold.c
    ATOMIC(uint64_t) free[SPAN_WORDS];

    struct span *previous, *next;   // in the owner's list
    bool         rested;            // caches: not used since it was looked at last
    bool         is_cooled;         // central lists: in which list
    bool         is_cooling;        // OS pages of it are on their way to the kernel
    ATOMIC(bool) has_resized;       // hint: an object in it has the size of another class

    // Set by others, taken in by the owner: what he has no need to look at while nobody comes.
    ATOMIC(uint64_t)       freed_elsewhere[SPAN_WORDS] CACHE_ALIGNED;   // W1, W2, W3
    ATOMIC(uint32_t) notes CACHE_ALIGNED;                               // W3
    struct span           *next_in_inbox;   // of whoever holds the inbox
};
_Static_assert(sizeof(struct span) == 256 && offsetof(struct span, free[3]) == 64,
               "four cache lines, of which a free by the owner mostly needs one");
// Invariants:
//   W1  bits stand for the slots of the class; those behind the last slot are zero
//   W2  a slot is in use, or its bit is set in one of the two: in both is a double free
//   W4  a cold slot is free and touches a released OS page; a slot that touches one is cold. Only
//       spans of central lists have any
//   W3  notes == owed_notes + words with bits in freed_elsewhere; when nobody frees in the span
// A span with notes is in one inbox, or about to be put there by who added the first note. While
// it has notes, or owes some, it is not given back to the page heap: somebody may still touch it.

static inline struct span *span_of_run(struct run *run)
{
    return (struct span *)(void *)run;
}

static inline bool span_is_large(const struct span *span)
{
    return span->size_class == SPAN_LARGE;
}

static inline const struct size_class *span_class(const struct span *span)
{
    return &size_classes[span->size_class];
}

// Bytes from the start of an object to the end of its slot or run.
static inline size_t span_object_bytes(const struct span *span)
{
    return span_is_large(span) ? run_bytes(&span->run) : span_class(span)->slot_bytes;
}

// Which slot starts exactly at `address`? False if none does: an interior pointer, or the tail.
// Requires: the address lies in the span.
static ALWAYS_INLINE bool span_slot_at(const struct span *span, uintptr_t address, size_t *out_slot)
{
    return size_class_slot_at(span_class(span), address - (uintptr_t)run_start(&span->run),
                              out_slot);
}

// Of a class that may cool, words of `free`:
#define COLD_WORD 1       // free slots that are not in word 0, as they touch a released OS page
#define RELEASED_WORD 2   // whole OS pages that are released; bit 0 is the first within the span

static inline bool span_may_cool(const struct span *span)
{
    return size_class_may_cool(span->size_class);
}

static inline uint64_t span_cold(struct span *span)
{
    return span_may_cool(span) ? load_relaxed(&span->free[COLD_WORD]) : 0;   // hint: or owner
}

static inline uint64_t span_released_os_pages(struct span *span)
{
    return span_may_cool(span) ? load_relaxed(&span->free[RELEASED_WORD]) : 0;   // owner
}

// Has another than the owner freed it, and nobody taken it in?
static inline bool span_slot_is_free_elsewhere(struct span *span, size_t slot)
{
    // pairs with: span_take_in
    uint64_t bits = load_acquire(&span->freed_elsewhere[slot / WORD_BITS]);
    return bits_has(bits, slot % WORD_BITS);
}

static inline size_t span_released_bytes(struct span *span)
{
    return bits_count(span_released_os_pages(span)) * vm_page_bytes();
}

static inline bool span_slot_is_free(struct span *span, size_t slot)
{
    // In this order: a bit leaves the second word when it stands in the first.
    if (span_slot_is_free_elsewhere(span, slot))
        return true;
    uint64_t bits = load_relaxed(&span->free[slot / WORD_BITS]) | span_cold(span);   // hint
    return bits_has(bits, slot % WORD_BITS);
}

// ---- by the owner -----------------------------------------------------------------------------

// Makes a fresh span one of `size_class` with all slots free.
void span_cut(struct span *span, unsigned size_class, struct span_inbox *owner);

// Hands out the lowest free slot that is not cold. Requires: there is one.
void *span_take_slot(struct span *span);

enum span_give_result {
    SPAN_GIVEN,
    SPAN_GIVEN_ALARM,    // the same, and it is time to look how much is idle; only by cache_free
    SPAN_ALREADY_FREE,   // the slot is free: a double free
};

// Takes a slot back. Requires: `slot` < n_slots of the class.
NODISCARD enum span_give_result span_give_slot(struct span *span, size_t slot);

// Takes in what others have freed, of a span that comes out of an inbox: its notes have arrived.
// Ends the process at a double free found only now: two threads freed a slot at the same instant.
void span_take_in(struct span *span);

bool   span_has_free(struct span *span);     // one that is not cold
size_t span_count_free(struct span *span);   // cold ones, too

// Slots in use at this moment, as far as anybody can tell. May be called by others.
size_t span_count_used(struct span *span);

// May the span go back to the page heap? All slots are free and nobody is about to touch it.
// Requires: no slot is cold.
bool span_is_idle(struct span *span);

// ---- cold slots: by the holder of its central list's lock -------------------------------------

// The whole OS pages of the span that no live object touches and that are not released yet, a bit
// each, as of RELEASED_WORD. Requires: span_may_cool.
uint64_t span_idle_os_pages(struct span *span);

uintptr_t span_os_page_address(const struct span *span, unsigned i);

// Those pages are about to be given back: no slot that touches one is handed out any more.
void span_begin_cooling(struct span *span, uint64_t os_pages);

// Those of them that the kernel has taken are released, the others are as before.
void span_end_cooling(struct span *span, uint64_t os_pages_taken);

// No OS page is released any more, and no slot cold. Requires: it is not cooling; span_may_cool.
void span_warm(struct span *span);

// W4. Requires: span_may_cool.
bool span_cold_fits(struct span *span);

struct span_released {
    uint64_t pages;              // of ours, a bit each: every byte is released
    uint64_t os_pages;           // that these are made of
    uint64_t missing_os_pages;   // that are not released, of pages of ours of which a part is
};
struct span_released span_released_pages(struct span *span);

// ---- books ------------------------------------------------------------------------------------

// Returns NULL, or the invariant found broken. Requires: nobody else frees in it meanwhile, else W3
// is not looked at.
const char *span_verify(struct span *span, bool nobody_frees);

// ---- by others --------------------------------------------------------------------------------

// Frees a slot of a span that belongs to somebody else. Waits for nobody. The caller may not touch
// the span afterwards. *out_crowded: an inbox that could do with being looked at, or NULL.
NODISCARD enum span_give_result span_free_elsewhere(struct span *span, size_t slot,
                                                    struct span_inbox **out_crowded);

// ---- inboxes and lists ------------------------------------------------------------------------

// True now and then, when the inbox has become crowded.
bool span_inbox_put(struct span_inbox *inbox, struct span *span);

// All that is in the inbox, linked by next_in_inbox.
struct span *span_inbox_take_all(struct span_inbox *inbox);

static inline bool span_inbox_is_empty(struct span_inbox *inbox)
{
    return load_relaxed(&inbox->first) == NULL;   // hint: what comes later is found later
}

void span_list_add(struct span **first, struct span *span);
void span_list_remove(struct span **first, struct span *span);

#endif
