// Span: a run of pages with an owner, cut into slots of one size class, or one large object.
//
// Which slots are free is a bitmap in the span's record, apart from the objects: nothing is
// written into free memory, an overflow of an object cannot reach it, and a slot freed twice
// shows in its bit. A span belongs to one class from its birth until all of it is free.
#ifndef NEAP_SPAN_SPAN_H
#define NEAP_SPAN_SPAN_H

#include "pageheap/page_heap.h"
#include "span/size_class.h"

#define SPAN_LARGE 0xFF   // size_class of a span that is one object
_Static_assert(SIZE_CLASSES < SPAN_LARGE, "classes and the mark of large spans differ");

struct span {
    struct run run;   // first, so that a run's record is the span
    // Constant while the run is handed out.
    uint8_t size_class;   // or SPAN_LARGE
    // Guarded by the central list of the class.
    uint16_t     n_free;            // as many bits as set in free_slots
    struct span *previous, *next;   // among spans with some slots free; see central.h
    uint64_t     free_slots[SLOTS_MAX / WORD_BITS];
};
_Static_assert(sizeof(struct span) <= 128, "two cache lines; 1.6 % of the smallest span");

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

// Makes a fresh span one of `size_class` with all slots free.
void span_cut(struct span *span, unsigned size_class);

// Hands out the lowest free slot. Requires: n_free > 0.
void *span_take_slot(struct span *span);

enum span_give_result {
    SPAN_GIVEN,
    SPAN_ALREADY_FREE,   // the slot is free: a double free
};

// Takes a slot back. Requires: `slot` < n_slots of the class.
NODISCARD enum span_give_result span_give_slot(struct span *span, size_t slot);

// Which slot starts exactly at `address`? False if none does: an interior pointer, or the tail.
NODISCARD bool span_slot_at(const struct span *span, uintptr_t address, size_t *out_slot);

// Bytes from the start of an object to the end of its slot or run.
static inline size_t span_object_bytes(const struct span *span)
{
    return span_is_large(span) ? run_bytes(&span->run) : span_class(span)->slot_bytes;
}

#endif
