// Slots of one span.
#include "span/span.h"

#include "base/check.h"

void span_cut(struct span *span, unsigned size_class)
{
    const struct size_class *shape = &size_classes[size_class];
    DCHECK_EQ(span->run.n_pages, shape->span_pages);
    span->size_class = (uint8_t)size_class;
    span->n_free = (uint16_t)shape->n_slots;
    bits_set_range(span->free_slots, 0, shape->n_slots);
}

void *span_take_slot(struct span *span)
{
    DCHECK(span->n_free > 0);
    size_t i = 0;
    while (span->free_slots[i] == 0)
        i++;
    size_t slot = i * WORD_BITS + bits_lowest(span->free_slots[i]);
    span->free_slots[i] &= span->free_slots[i] - 1;
    span->n_free--;
    return (char *)run_start(&span->run) + slot * span_class(span)->slot_bytes;
}

enum span_give_result span_give_slot(struct span *span, size_t slot)
{
    DCHECK(slot < span_class(span)->n_slots);
    uint64_t bit = UINT64_C(1) << (slot % WORD_BITS);
    if ((span->free_slots[slot / WORD_BITS] & bit) != 0)
        return SPAN_ALREADY_FREE;
    span->free_slots[slot / WORD_BITS] |= bit;
    span->n_free++;
    return SPAN_GIVEN;
}

bool span_slot_at(const struct span *span, uintptr_t address, size_t *out_slot)
{
    const struct size_class *shape = span_class(span);
    size_t                   offset = address - (uintptr_t)run_start(&span->run);
    size_t                   slot = size_class_slot_of(shape, offset);
    *out_slot = slot;
    return slot < shape->n_slots && slot * shape->slot_bytes == offset;
}
