// Spans: which slot an address is, slots freed by the owner and by others, notes and inboxes.
#include "random.h"
#include "span/span.h"
#include "span_world.h"

#include <stdio.h>
#include <string.h>

static struct span_inbox owner_inbox;

// A span of `size_class` with all slots free, that no page heap knows.
static struct span span_new(unsigned size_class)
{
    struct span span = {.run = {.first = PAGE(0), .n_pages = size_classes[size_class].span_pages}};
    store_relaxed(&owner_inbox.first, NULL);
    span_cut(&span, size_class, &owner_inbox);
    return span;
}

static uintptr_t slot_address(const struct span *span, size_t slot)
{
    return (uintptr_t)run_start(&span->run) + slot * span_class(span)->slot_bytes;
}

// The same in which only `n_used` slots are in use, those of `used`.
static struct span span_with_used(unsigned size_class, const size_t *used, size_t n_used)
{
    struct span span = span_new(size_class);
    for (size_t slot = 0; slot < span_class(&span)->n_slots; slot++)
        assert_int_equal(span_take_slot(&span), slot_address(&span, slot));
    for (size_t slot = 0; slot < span_class(&span)->n_slots; slot++) {
        bool is_used = false;
        for (size_t i = 0; i < n_used; i++)
            is_used |= used[i] == slot;
        if (!is_used)
            assert_int_equal(span_give_slot(&span, slot), SPAN_GIVEN);
    }
    return span;
}

static void set_free(struct span *span, size_t slot)
{
    ATOMIC(uint64_t) *word = &span->free[slot / WORD_BITS];
    store_relaxed(word, load_relaxed(word) | UINT64_C(1) << slot % WORD_BITS);
}

// What others do first who free a slot; their note is on its way.
static void set_bit_only(struct span *span, size_t slot)
{
    or_acq_rel(&span->freed_elsewhere[slot / WORD_BITS], UINT64_C(1) << slot % WORD_BITS);
}

// ---- addresses and bits -----------------------------------------------------------------------

static void only_the_first_byte_of_a_slot_is_a_slot(void **state)
{
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        struct span span = span_new(i);
        uintptr_t   next_start = slot_address(&span, 0);
        size_t      n_found = 0;
        for (size_t offset = 0; offset < run_bytes(&span.run); offset++) {
            uintptr_t address = slot_address(&span, 0) + offset;
            size_t    slot = SIZE_MAX;
            bool      found = span_slot_at(&span, address, &slot);
            // Slots lie one behind the other; the tail is too short for one more.
            bool starts = address == next_start && n_found < span_class(&span)->n_slots;
            if (found != starts || (found && slot != n_found))
                fail_msg("class %u, byte %zu", i, offset);
            n_found += starts;
            next_start += starts ? span_class(&span)->slot_bytes : 0;
        }
        assert_int_equal(n_found, span_class(&span)->n_slots);
    }
}

static void a_fresh_span_is_all_free(void **state)
{
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        struct span span = span_new(i);
        size_t      n_slots = span_class(&span)->n_slots;
        for (size_t slot = 0; slot < SLOTS_MAX; slot++)   // those behind the last are not there
            assert_int_equal(span_slot_is_free(&span, slot), slot < n_slots);
        assert_int_equal(span_count_free(&span), n_slots);
        assert_int_equal(span.n_free, n_slots);
        assert_true(span_is_idle(&span));
        assert_ptr_equal(span.owner, &owner_inbox);
        assert_false(span_is_large(&span));
        assert_int_equal(span_object_bytes(&span), size_classes[i].slot_bytes);
    }
}

static void slots_are_taken_lowest_first(void **state)
{
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        struct span span = span_with_used(i, NULL, 0);   // takes all of them
        size_t      last = span_class(&span)->n_slots - 1u;
        assert_int_equal(span_take_slot(&span), slot_address(&span, 0));
        assert_int_equal(span_take_slot(&span), slot_address(&span, 1));
        assert_int_equal(span_give_slot(&span, 0), SPAN_GIVEN);
        assert_int_equal(span_take_slot(&span), slot_address(&span, 0));
        assert_int_equal(span_count_free(&span), last - 1);
        assert_false(span_is_idle(&span));
    }
}

// ---- double frees -----------------------------------------------------------------------------

enum by { BY_OWNER, BY_OTHER };

static enum span_give_result free_slot(struct span *span, size_t slot, enum by by)
{
    return by == BY_OWNER ? span_give_slot(span, slot) : free_elsewhere(span, slot);
}

static const struct twice_row {
    const char *name;
    enum by     first, second;
    bool        taken_in_between;
} twice_rows[] = {
    {"twice by the owner", BY_OWNER, BY_OWNER, false},
    {"by the owner, then by another", BY_OWNER, BY_OTHER, false},
    {"by another, then by the owner", BY_OTHER, BY_OWNER, false},
    {"twice by others", BY_OTHER, BY_OTHER, false},
    {"by another, taken in, then by the owner", BY_OTHER, BY_OWNER, true},
    {"by another, taken in, then by another", BY_OTHER, BY_OTHER, true},
};

static void is_found_and_changes_nothing(void **state)
{
    const struct twice_row *row = unit_case_of(state)->row;
    static const size_t     n_slots[] = {4, 64, 73, 512};
    for (size_t i = 0; i < LENGTH_OF(n_slots); i++) {
        size_t      used[] = {0, n_slots[i] - 1};
        struct span span = span_with_used(class_with_slots(n_slots[i]), used, 2);
        for (size_t u = 0; u < LENGTH_OF(used); u++) {
            assert_int_equal(free_slot(&span, used[u], row->first), SPAN_GIVEN);
            if (row->taken_in_between)
                span_take_in(&span);
            struct span before = span;
            assert_true(span_slot_is_free(&span, used[u]));
            assert_int_equal(free_slot(&span, used[u], row->second), SPAN_ALREADY_FREE);
            assert_memory_equal(&span, &before, sizeof span);
        }
    }
}

struct at_once {
    struct span *span;
    size_t       slot;
};

// Both looked before either set its bit.
static void free_at_once(void *argument)
{
    struct at_once *case_ = argument;
    set_free(case_->span, case_->slot);
    set_bit_only(case_->span, case_->slot);
    span_take_in(case_->span);
}

static void at_the_same_instant_ends_the_process_when_taken_in(void **state)
{
    static const size_t slots[] = {0, 1, 63, 64, 100, 169};
    for (size_t i = 0; i < LENGTH_OF(slots); i++) {
        struct span    span = span_with_used(class_with_slots(170), slots, LENGTH_OF(slots));
        struct at_once case_ = {&span, slots[i]};
        char           line[100];
        snprintf(line, sizeof line, "neap: double free of 0x%016zx: by two threads at once\n",
                 (size_t)slot_address(&span, slots[i]));
        expect_stops(free_at_once, &case_, line);
    }
}

// ---- notes ------------------------------------------------------------------------------------

enum event_kind {
    END,
    FREES,    // another frees the slot
    SETS,     // another, on the way to do that, has set the bit
    NOTES,    // and goes on: adds its note
    TAKES,    // the owner takes bits in
    EMPTIES   // the owner empties his inbox
};

struct event {
    enum event_kind kind;
    size_t          slot;
    int             owed;   // all that follow: afterwards
    unsigned        notes;
    bool            waiting;   // in the inbox
    bool            idle;
};

#define EVENTS_MAX 12
#define USED_MAX 4

// Of a span of 128 slots, two words, in which only these slots are in use.
static const struct notes_row {
    const char  *name;
    size_t       n_used, used[USED_MAX];
    struct event events[EVENTS_MAX];
} notes_rows[] = {
    {"the first bit of a word adds a note, further ones none",
     4,
     {0, 1, 63, 64},
     {{FREES, 1, 0, 1, true, false},
      {FREES, 0, 0, 1, true, false},
      {FREES, 63, 0, 1, true, false},
      {FREES, 64, 0, 2, true, false},
      {EMPTIES, 0, 0, 0, false, true}}},
    {"a word that was taken in is noted anew",
     3,
     {5, 6, 7},
     {{FREES, 5, 0, 1, true, false},
      {EMPTIES, 0, 0, 0, false, false},
      {FREES, 6, 0, 1, true, false},
      {EMPTIES, 0, 0, 0, false, false},
      {FREES, 7, 0, 1, true, false},
      {EMPTIES, 0, 0, 0, false, true}}},
    {"what is taken in before its note arrives is owed, and not idle",
     2,
     {0, 64},
     {{FREES, 0, 0, 1, true, false},
      {TAKES, 0, 1, 1, true, false},
      {FREES, 64, 1, 2, true, false},
      {TAKES, 0, 2, 2, true, false},
      {TAKES, 0, 2, 2, true, false},
      {EMPTIES, 0, 0, 0, false, true}}},
    {"nobody puts it into the inbox twice",
     3,
     {0, 1, 2},
     {{FREES, 0, 0, 1, true, false},
      {TAKES, 0, 1, 1, true, false},
      {FREES, 1, 1, 2, true, false},
      {TAKES, 0, 2, 2, true, false},
      {FREES, 2, 2, 3, true, false},
      {EMPTIES, 0, 0, 0, false, true}}},
    {"a note on its way keeps it",
     1,
     {9},
     {{SETS, 9, 0, 0, false, false},
      {TAKES, 0, 1, 0, false, false},
      {NOTES, 0, 1, 1, true, false},
      {EMPTIES, 0, 0, 0, false, true}}},
    {"a note on its way behind one that has come",
     2,
     {9, 64},
     {{FREES, 9, 0, 1, true, false},
      {SETS, 64, 0, 1, true, false},
      {EMPTIES, 0, 1, 0, false, false},
      {NOTES, 0, 1, 1, true, false},
      {EMPTIES, 0, 0, 0, false, true}}},
    {"a note on its way comes before the inbox is emptied",
     2,
     {9, 64},
     {{SETS, 9, 0, 0, false, false},
      {FREES, 64, 0, 1, true, false},
      {TAKES, 0, 2, 1, true, false},
      {NOTES, 0, 2, 2, true, false},
      {EMPTIES, 0, 0, 0, false, true}}},
    {"a bit behind the first relies on the first one's note",
     2,
     {9, 10},
     {{SETS, 9, 0, 0, false, false},
      {FREES, 10, 0, 0, false, false},
      {TAKES, 0, 1, 0, false, false},
      {NOTES, 0, 1, 1, true, false},
      {EMPTIES, 0, 0, 0, false, true}}},
};

static void add_note_only(struct span *span)
{
    if (add_acq_rel(&span->notes, 1) == 0)
        span_inbox_put(load_acquire(&span->owner), span);
}

static void empty_inbox(struct span *expected)
{
    struct span *span = span_inbox_take_all(&owner_inbox);
    if (span == NULL)
        return;
    assert_ptr_equal(span, expected);
    assert_null(span->next_in_inbox);
    span_take_in(span);
}

static void happen(struct span *span, const struct event *event)
{
    switch (event->kind) {
    case FREES:
        assert_int_equal(free_elsewhere(span, event->slot), SPAN_GIVEN);
        break;
    case SETS:
        set_bit_only(span, event->slot);
        break;
    case NOTES:
        add_note_only(span);
        break;
    case TAKES:
        take_bits_only(span);
        break;
    case EMPTIES:
        empty_inbox(span);
        break;
    case END:
        break;
    }
}

static void is_noted(void **state)
{
    const struct notes_row *row = unit_case_of(state)->row;
    struct span             span = span_with_used(class_with_slots(128), row->used, row->n_used);
    for (const struct event *event = row->events; event->kind != END; event++) {
        happen(&span, event);
        assert_int_equal(span.owed_notes, event->owed);
        assert_int_equal(span.notes, event->notes);
        assert_int_equal(!span_inbox_is_empty(&owner_inbox), event->waiting);
        assert_int_equal(span_is_idle(&span), event->idle);
    }
    assert_int_equal(span_count_free(&span), 128);
}

// ---- random traffic ---------------------------------------------------------------------------

enum slot_state { SLOT_FREE, SLOT_USED, SLOT_FREED_ELSEWHERE };

struct naive_span {
    enum slot_state slots[SLOTS_MAX];
    bool            noted[SPAN_WORDS];   // somebody freed in it since it was last taken in
    int             notes, owed;
};

static size_t naive_count(const struct naive_span *naive, size_t n_slots, enum slot_state state)
{
    size_t n = 0;
    for (size_t slot = 0; slot < n_slots; slot++)
        n += naive->slots[slot] == state;
    return n;
}

static void naive_take_in(struct naive_span *naive)
{
    for (size_t slot = 0; slot < SLOTS_MAX; slot++)
        if (naive->slots[slot] == SLOT_FREED_ELSEWHERE)
            naive->slots[slot] = SLOT_FREE;
    for (size_t i = 0; i < SPAN_WORDS; i++) {
        naive->owed += naive->noted[i];
        naive->noted[i] = false;
    }
}

static void take_lowest(struct span *span, struct naive_span *naive)
{
    size_t slot = 0;
    while (naive->slots[slot] != SLOT_FREE)
        slot++;
    assert_int_equal(span_take_slot(span), slot_address(span, slot));
    naive->slots[slot] = SLOT_USED;
}

static void free_any(struct span *span, struct naive_span *naive, size_t slot, enum by by)
{
    bool is_used = naive->slots[slot] == SLOT_USED;
    assert_int_equal(free_slot(span, slot, by), is_used ? SPAN_GIVEN : SPAN_ALREADY_FREE);
    if (!is_used)
        return;
    naive->slots[slot] = by == BY_OWNER ? SLOT_FREE : SLOT_FREED_ELSEWHERE;
    if (by == BY_OTHER && !naive->noted[slot / WORD_BITS]) {
        naive->noted[slot / WORD_BITS] = true;
        naive->notes++;
    }
}

static void take_in_somehow(struct span *span, struct naive_span *naive, bool from_inbox)
{
    if (from_inbox && span_inbox_is_empty(&owner_inbox))
        return;
    if (from_inbox) {
        empty_inbox(span);
        naive->owed -= naive->notes;
        naive->notes = 0;
    } else {
        take_bits_only(span);
    }
    naive_take_in(naive);
}

static void expect_as_naive(struct span *span, const struct naive_span *naive)
{
    size_t n_slots = span_class(span)->n_slots;
    size_t n_free = naive_count(naive, n_slots, SLOT_FREE);
    assert_int_equal(span_count_free(span), n_free);
    assert_int_equal(span_count_used(span), naive_count(naive, n_slots, SLOT_USED));
    assert_null(span_verify(span, true));
    assert_int_equal(span->notes, naive->notes);
    assert_int_equal(span->owed_notes, naive->owed);
    assert_true(naive->owed >= 0);
    assert_int_equal(!span_inbox_is_empty(&owner_inbox), naive->notes > 0);
    assert_int_equal(span_is_idle(span), n_free == n_slots && naive->owed == 0);
    for (size_t slot = 0; slot < n_slots; slot++)
        assert_int_equal(span_slot_is_free(span, slot), naive->slots[slot] != SLOT_USED);
}

static void random_frees_are_as_in_a_naive_span(void **state)
{
    struct unit_random seed = unit_random_start();
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        struct random_source random = {unit_random_next(&seed)};
        struct span          span = span_new(i);
        struct naive_span    naive = {.notes = 0};
        size_t               n_slots = span_class(&span)->n_slots;
        for (int step = 0; step < 4000; step++) {
            size_t what = random_below(&random, 100);
            if (what < 45 && naive_count(&naive, n_slots, SLOT_FREE) > 0)
                take_lowest(&span, &naive);
            else if (what < 90)
                free_any(&span, &naive, random_below(&random, n_slots),
                         what < 65 ? BY_OWNER : BY_OTHER);
            else
                take_in_somehow(&span, &naive, what < 95);
            if (step % 16 == 0)
                expect_as_naive(&span, &naive);
        }
    }
}

// ---- verify -----------------------------------------------------------------------------------

static void free_behind_the_last(struct span *span)
{
    set_free(span, 73);
}

static void free_elsewhere_behind_the_last(struct span *span)
{
    set_bit_only(span, 73);
}

static void free_in_a_word_too_many(struct span *span)
{
    set_free(span, 2 * WORD_BITS);
}

static void free_twice(struct span *span)
{
    set_bit_only(span, 72);
}

static void lose_a_note(struct span *span)
{
    set_bit_only(span, 0);
}

static void note_nothing(struct span *span)
{
    store_relaxed(&span->notes, 1);
}

static void owe_nothing(struct span *span)
{
    span->owed_notes = 1;
}

// Of a span of 73 slots, of which 0 to 71 are in use.
static const struct verify_row {
    const char *name, *code;
    void (*corrupt)(struct span *span);
    bool is_seen_while_others_free;
} verify_rows[] = {
    {"W1 a free slot behind the last", "W1", free_behind_the_last, true},
    {"W1 a slot behind the last freed elsewhere", "W1", free_elsewhere_behind_the_last, true},
    {"W1 a free slot in a word that has none", "W1", free_in_a_word_too_many, true},
    {"W2 a slot freed by both", "W2", free_twice, true},
    {"W3 a word without a note", "W3", lose_a_note, false},
    {"W3 a note without a word", "W3", note_nothing, false},
    {"W3 a note owed for no word", "W3", owe_nothing, false},
};

static void is_named(void **state)
{
    const struct verify_row *row = unit_case_of(state)->row;
    struct span              span = span_with_used(class_with_slots(73), NULL, 0);
    for (size_t slot = 0; slot < 72; slot++)
        span_take_slot(&span);
    assert_null(span_verify(&span, true));
    row->corrupt(&span);
    expect_broken(span_verify(&span, true), row->code);
    if (row->is_seen_while_others_free)
        expect_broken(span_verify(&span, false), row->code);
    else
        assert_null(span_verify(&span, false));
}

// ---- inboxes and lists ------------------------------------------------------------------------

static void an_inbox_hands_out_all_it_was_given_the_last_first(void **state)
{
    struct span       spans[4] = {{.notes = 0}};
    struct span_inbox inbox = {NULL};
    for (int round = 0; round < 2; round++) {
        assert_true(span_inbox_is_empty(&inbox));
        assert_null(span_inbox_take_all(&inbox));
        for (size_t i = 0; i < LENGTH_OF(spans); i++) {
            span_inbox_put(&inbox, &spans[i]);
            assert_false(span_inbox_is_empty(&inbox));
        }
        struct span *span = span_inbox_take_all(&inbox);
        for (size_t i = LENGTH_OF(spans); i > 0; i--) {
            assert_ptr_equal(span, &spans[i - 1]);
            span = span->next_in_inbox;
        }
        assert_null(span);
    }
}

static void the_note_goes_to_the_owner_of_the_moment(void **state)
{
    static const size_t used[] = {0, 1};
    struct span         span = span_with_used(class_with_slots(64), used, LENGTH_OF(used));
    struct span_inbox   next_owner = {NULL};
    set_bit_only(&span, 0);
    store_relaxed(&span.owner, &next_owner);
    add_note_only(&span);
    assert_true(span_inbox_is_empty(&owner_inbox));
    assert_ptr_equal(span_inbox_take_all(&next_owner), &span);
    span_take_in(&span);
    assert_int_equal(free_elsewhere(&span, 1), SPAN_GIVEN);
    assert_ptr_equal(span_inbox_take_all(&next_owner), &span);
}

static void a_list_loses_what_is_removed_at_either_end_or_between(void **state)
{
    static const size_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                       {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t i = 0; i < LENGTH_OF(orders); i++) {
        struct span  spans[3] = {{.notes = 0}};
        struct span *first = NULL;
        for (size_t k = 0; k < 3; k++)
            span_list_add(&first, &spans[k]);
        for (size_t k = 0; k < 3; k++) {
            span_list_remove(&first, &spans[orders[i][k]]);
            assert_false(spans[orders[i][k]].listed);
            size_t       n_listed = 0;
            struct span *previous = NULL;
            for (struct span *span = first; span != NULL; span = span->next) {
                assert_true(span->listed);
                assert_ptr_equal(span->previous, previous);
                previous = span;
                n_listed++;
            }
            assert_int_equal(n_listed, 2 - k);
        }
    }
}

static const struct unit_sentence sentences[] = {
    {"only the first byte of a slot is a slot", only_the_first_byte_of_a_slot_is_a_slot},
    {"a fresh span is all free", a_fresh_span_is_all_free},
    {"slots are taken lowest first", slots_are_taken_lowest_first},
    {"a free by two at the same instant ends the process when it is taken in",
     at_the_same_instant_ends_the_process_when_taken_in},
    {"random frees are as in a naive span", random_frees_are_as_in_a_naive_span},
    {"an inbox hands out all it was given, the last first",
     an_inbox_hands_out_all_it_was_given_the_last_first},
    {"the note goes to the owner of the moment", the_note_goes_to_the_owner_of_the_moment},
    {"a list loses what is removed at either end or between",
     a_list_loses_what_is_removed_at_either_end_or_between},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("found: a slot freed", twice_rows, 0, is_found_and_changes_nothing));
    unit_add_table(UNIT_TABLE("notes", notes_rows, 0, is_noted));
    unit_add_table(UNIT_TABLE("verify names", verify_rows, 0, is_named));
    ADD_SENTENCES("span", sentences, 0);
    return cmocka_run_group_tests_name("span", unit_tests, NULL, NULL);
}
