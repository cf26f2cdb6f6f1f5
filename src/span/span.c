// Slots of one span, freed by its owner and by others.
#include "span/span.h"

#include "base/check.h"

void span_cut(struct span *span, unsigned size_class, struct span_inbox *owner)
{
    const struct size_class *shape = &size_classes[size_class];
    DCHECK_EQ(span->run.n_pages, shape->span_pages);
    span->size_class = (uint8_t)size_class;
    span->n_free = shape->n_slots;
    for (size_t i = 0; i + 1 < shape->n_words; i++)
        store_relaxed(&span->words[i].free, ~UINT64_C(0));                     // owner
    store_relaxed(&span->words[shape->n_words - 1u].free, shape->last_word);   // owner
    store_release(&span->owner, owner);   // pairs with: span_free_elsewhere
}

void *span_take_slot(struct span *span)
{
    size_t   i = 0;
    uint64_t bits;
    while ((bits = load_relaxed(&span->words[i].free)) == 0)   // owner
        i++;
    DCHECK(i < span_class(span)->n_words);
    store_relaxed(&span->words[i].free, bits & (bits - 1));   // owner
    size_t slot = i * WORD_BITS + bits_lowest(bits);
    return (char *)run_start(&span->run) + slot * span_class(span)->slot_bytes;
}

enum span_give_result span_give_slot(struct span *span, size_t slot)
{
    DCHECK(slot < span_class(span)->n_slots);
    if (span_slot_is_free(span, slot))
        return SPAN_ALREADY_FREE;
    struct span_word *word = &span->words[slot / WORD_BITS];
    uint64_t          bit = UINT64_C(1) << slot % WORD_BITS;
    store_relaxed(&word->free, load_relaxed(&word->free) | bit);   // owner
    return SPAN_GIVEN;
}

NORETURN static void stop_at_double_free(struct span *span, size_t i, uint64_t twice)
{
    size_t    slot = i * WORD_BITS + bits_lowest(twice);
    uintptr_t object = (uintptr_t)run_start(&span->run) + slot * span_class(span)->slot_bytes;
    char      address[ADDRESS_TEXT_BYTES];
    address_to_text(object, address);
    const char *parts[] = {"neap: double free of ", address, ": by two threads at once"};
    stop_with_line(parts, sizeof parts / sizeof parts[0]);
}

void span_take_in(struct span *span)
{
    size_t n_words = span_class(span)->n_words;
    for (size_t i = 0; i < n_words; i++) {
        struct span_word *word = &span->words[i];
        if (load_relaxed(&word->freed_elsewhere) == 0)   // hint: a later bit comes with a note
            continue;
        // pairs with: span_free_elsewhere
        uint64_t came = exchange_acq_rel(&word->freed_elsewhere, 0);
        uint64_t here = load_relaxed(&word->free);   // owner
        if (UNLIKELY((here & came) != 0))
            stop_at_double_free(span, i, here & came);   // W2
        store_relaxed(&word->free, here | came);         // owner
        span->owed_notes++;
    }
}

void span_take_in_with_notes(struct span *span)
{
    // First the notes, then the bits: a bit set after this is followed by a note that finds none
    // here and puts the span into the inbox again. pairs with: span_free_elsewhere
    uint16_t notes = exchange_acq_rel(&span->notes, 0);
    span->owed_notes = (int16_t)(span->owed_notes - notes);
    span_take_in(span);
    DCHECK(span->owed_notes >= 0);   // each note came after its bit
}

bool span_has_free(struct span *span)
{
    size_t n_words = span_class(span)->n_words;
    for (size_t i = 0; i < n_words; i++)
        if (load_relaxed(&span->words[i].free) != 0)   // owner
            return true;
    return false;
}

size_t span_count_free(struct span *span)
{
    size_t n_words = span_class(span)->n_words;
    size_t n_free = 0;
    for (size_t i = 0; i < n_words; i++)
        n_free += bits_count(load_relaxed(&span->words[i].free));   // owner
    return n_free;
}

size_t span_count_used(struct span *span)
{
    const struct size_class *shape = span_class(span);
    size_t                   n_free = 0;
    for (size_t i = 0; i < shape->n_words; i++) {
        struct span_word *word = &span->words[i];
        // hint: the two are not read at one instant
        n_free += bits_count(load_relaxed(&word->free) | load_relaxed(&word->freed_elsewhere));
    }
    return shape->n_slots - n_free;
}

bool span_is_idle(struct span *span)
{
    const struct size_class *shape = span_class(span);
    for (size_t i = 0; i + 1 < shape->n_words; i++)
        if (load_relaxed(&span->words[i].free) != ~UINT64_C(0))   // owner
            return false;
    // owner
    return load_relaxed(&span->words[shape->n_words - 1u].free) == shape->last_word &&
           span->owed_notes == 0;
}

const char *span_verify(struct span *span, bool nobody_frees)
{
    const struct size_class *shape = span_class(span);
    size_t                   n_words_freed = 0;
    for (size_t i = 0; i < SPAN_WORDS; i++) {
        uint64_t valid = i + 1 < shape->n_words ? ~UINT64_C(0) : 0;
        if (i + 1 == shape->n_words)
            valid = shape->last_word;
        uint64_t free = load_relaxed(&span->words[i].free);                         // owner
        uint64_t freed_elsewhere = load_relaxed(&span->words[i].freed_elsewhere);   // hint
        if (((free | freed_elsewhere) & ~valid) != 0)
            return "W1 a span has bits for slots that it does not have";   // W1
        if ((free & freed_elsewhere) != 0)
            return "W2 a slot was freed twice";   // W2
        n_words_freed += freed_elsewhere != 0;
    }
    if (nobody_frees &&   // hint
        load_relaxed(&span->notes) != (size_t)span->owed_notes + n_words_freed)
        return "W3 notes and words freed elsewhere do not agree";   // W3
    return NULL;
}

enum span_give_result span_free_elsewhere(struct span *span, size_t slot)
{
    if (span_slot_is_free(span, slot))
        return SPAN_ALREADY_FREE;
    struct span_word *word = &span->words[slot / WORD_BITS];
    uint64_t          bit = UINT64_C(1) << slot % WORD_BITS;
    // From here on the owner may find the span idle, unless a note of ours is owed.
    // pairs with: span_take_in
    uint64_t before = or_acq_rel(&word->freed_elsewhere, bit);
    if (UNLIKELY((before & bit) != 0))
        return SPAN_ALREADY_FREE;
    if (before != 0)
        return SPAN_GIVEN;   // whoever set the first bit adds the note
    // pairs with: span_take_in_with_notes
    if (add_acq_rel(&span->notes, 1) == 0)
        // The owner may be another by the time it is in there; see span_inbox_take_all's callers.
        span_inbox_put(load_acquire(&span->owner), span);   // pairs with: span_cut
    return SPAN_GIVEN;
}

void span_inbox_put(struct span_inbox *inbox, struct span *span)
{
    struct span *first = load_relaxed(&inbox->first);   // hint: the exchange below checks it
    do
        span->next_in_inbox = first;
    while (!cas_release(&inbox->first, &first, span));   // pairs with: span_inbox_take_all
}

struct span *span_inbox_take_all(struct span_inbox *inbox)
{
    return exchange_acquire(&inbox->first, NULL);   // pairs with: span_inbox_put
}

void span_list_add(struct span **first, struct span *span)
{
    span->previous = NULL;
    span->next = *first;
    if (*first != NULL)
        (*first)->previous = span;
    *first = span;
    span->listed = true;
}

void span_list_remove(struct span **first, struct span *span)
{
    if (span->previous != NULL)
        span->previous->next = span->next;
    else
        *first = span->next;
    if (span->next != NULL)
        span->next->previous = span->previous;
    span->previous = span->next = NULL;
    span->listed = false;
}
