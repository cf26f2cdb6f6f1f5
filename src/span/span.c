// Slots of one span, freed by its owner and by others.
#include "span/span.h"

#include "base/check.h"

#define CROWD_SPANS 64   // 1 MiB or more that nobody has taken in

void span_cut(struct span *span, unsigned size_class, struct span_inbox *owner)
{
    const struct size_class *shape = &size_classes[size_class];
    DCHECK_EQ(span->run.n_pages, shape->span_pages);
    span->size_class = (uint8_t)size_class;
    span->n_free = shape->n_slots;
    for (size_t i = 0; i + 1 < shape->n_words; i++)
        store_relaxed(&span->free[i], ~UINT64_C(0));                     // owner
    store_relaxed(&span->free[shape->n_words - 1u], shape->last_word);   // owner
    store_release(&span->owner, owner);   // pairs with: span_free_elsewhere
}

void *span_take_slot(struct span *span)
{
    size_t   i = 0;
    uint64_t bits;
    while ((bits = load_relaxed(&span->free[i])) == 0)   // owner
        i++;
    DCHECK(i < span_class(span)->n_words);
    store_relaxed(&span->free[i], bits & (bits - 1));   // owner
    size_t slot = i * WORD_BITS + bits_lowest(bits);
    return (char *)run_start(&span->run) + slot * span_class(span)->slot_bytes;
}

enum span_give_result span_give_slot(struct span *span, size_t slot)
{
    DCHECK(slot < span_class(span)->n_slots);
    if (span_slot_is_free(span, slot))
        return SPAN_ALREADY_FREE;
    ATOMIC(uint64_t) *word = &span->free[slot / WORD_BITS];
    store_relaxed(word, load_relaxed(word) | UINT64_C(1) << slot % WORD_BITS);   // owner
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

static void take_in(struct span *span)
{
    size_t n_words = span_class(span)->n_words;
    for (size_t i = 0; i < n_words; i++) {
        ATOMIC(uint64_t) *freed_elsewhere = &span->freed_elsewhere[i];
        uint64_t          came = load_acquire(freed_elsewhere);   // pairs with: span_free_elsewhere
        if (came == 0)
            continue;                                   // a later bit comes with a note
        uint64_t here = load_relaxed(&span->free[i]);   // owner
        // First set here, then cleared there: a slot shows as free in one of the two at every
        // instant. What comes meanwhile is taken in, too.
        do {
            if (UNLIKELY(((here | span_cold(span)) & came) != 0))
                stop_at_double_free(span, i, (here | span_cold(span)) & came);   // W2
            store_relaxed(&span->free[i], here | came);                          // owner
            // pairs with: span_free_elsewhere
        } while (!cas_acq_rel(freed_elsewhere, &came, 0));
        span->owed_notes++;
    }
}

void span_take_in(struct span *span)
{
    // First the notes, then the bits: a bit set after this is followed by a note that finds none
    // here and puts the span into the inbox again. pairs with: span_free_elsewhere
    uint32_t notes = exchange_acq_rel(&span->notes, 0);
    span->owed_notes = (int16_t)(span->owed_notes - (int32_t)notes);
    take_in(span);
    DCHECK(span->owed_notes >= 0);   // each note came after its bit
}

bool span_has_free(struct span *span)
{
    size_t n_words = span_class(span)->n_words;
    for (size_t i = 0; i < n_words; i++)
        if (load_relaxed(&span->free[i]) != 0)   // owner
            return true;
    return false;
}

size_t span_count_free(struct span *span)
{
    size_t n_words = span_class(span)->n_words;
    size_t n_free = bits_count(span_cold(span));
    for (size_t i = 0; i < n_words; i++)
        n_free += bits_count(load_relaxed(&span->free[i]));   // owner
    return n_free;
}

size_t span_count_used(struct span *span)
{
    const struct size_class *shape = span_class(span);
    size_t                   n_free = bits_count(span_cold(span));
    for (size_t i = 0; i < shape->n_words; i++) {
        uint64_t bits = load_relaxed(&span->free[i]);      // hint: not at one instant with
        bits |= load_relaxed(&span->freed_elsewhere[i]);   // this
        n_free += bits_count(bits);
    }
    return shape->n_slots - n_free;
}

bool span_is_idle(struct span *span)
{
    const struct size_class *shape = span_class(span);
    for (size_t i = 0; i + 1 < shape->n_words; i++)
        if (load_relaxed(&span->free[i]) != ~UINT64_C(0))   // owner
            return false;
    // owner
    return load_relaxed(&span->free[shape->n_words - 1u]) == shape->last_word &&
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
        bool     is_other = span_may_cool(span) && (i == COLD_WORD || i == RELEASED_WORD);
        uint64_t free = is_other ? 0 : load_relaxed(&span->free[i]);          // owner
        uint64_t freed_elsewhere = load_relaxed(&span->freed_elsewhere[i]);   // hint
        if (((free | freed_elsewhere) & ~valid) != 0)
            return "W1 a span has bits for slots that it does not have";   // W1
        if (((free | (i == 0 ? span_cold(span) : 0)) & freed_elsewhere) != 0)
            return "W2 a slot was freed twice";   // W2
        n_words_freed += freed_elsewhere != 0;
    }
    if (span_may_cool(span) && !span_cold_fits(span))
        return "W4 cold slots and released OS pages do not agree";   // W4
    if (nobody_frees &&                                              // hint
        load_relaxed(&span->notes) != (size_t)span->owed_notes + n_words_freed)
        return "W3 notes and words freed elsewhere do not agree";   // W3
    return NULL;
}

enum span_give_result span_free_elsewhere(struct span *span, size_t slot,
                                          struct span_inbox **out_crowded)
{
    *out_crowded = NULL;
    if (span_slot_is_free(span, slot))
        return SPAN_ALREADY_FREE;
    ATOMIC(uint64_t) *word = &span->freed_elsewhere[slot / WORD_BITS];
    uint64_t          bit = UINT64_C(1) << slot % WORD_BITS;
    if (!load_relaxed(&span->visited))         // hint
        store_relaxed(&span->visited, true);   // hint
    // From here on the owner may find the span idle, unless a note of ours is owed.
    // pairs with: span_take_in
    uint64_t before = or_acq_rel(word, bit);
    if (UNLIKELY((before & bit) != 0))
        return SPAN_ALREADY_FREE;
    if (before != 0)
        return SPAN_GIVEN;   // whoever set the first bit adds the note
    // pairs with: span_take_in
    if (add_acq_rel(&span->notes, 1) != 0)
        return SPAN_GIVEN;
    // The owner may be another by the time it is in there; see span_inbox_take_all's callers.
    struct span_inbox *inbox = load_acquire(&span->owner);   // pairs with: span_cut
    if (span_inbox_put(inbox, span))
        *out_crowded = inbox;
    return SPAN_GIVEN;
}

bool span_inbox_put(struct span_inbox *inbox, struct span *span)
{
    struct span *first = load_relaxed(&inbox->first);   // hint: the exchange below checks it
    do
        span->next_in_inbox = first;
    while (!cas_release(&inbox->first, &first, span));   // pairs with: span_inbox_take_all
    return (add_relaxed(&inbox->n_put, 1) + 1) % CROWD_SPANS == 0;   // counter
}

struct span *span_inbox_take_all(struct span_inbox *inbox)
{
    store_relaxed(&inbox->n_put, 0);                // counter
    return exchange_acquire(&inbox->first, NULL);   // pairs with: span_inbox_put
}

void span_list_add(struct span **first, struct span *span)
{
    span->rested = false;
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
