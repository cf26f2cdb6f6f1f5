// Central lists on the fake kernel: slots, spans that change hands, notes that come late, books.
#include "span/central.h"

#include "random.h"
#include "span_world.h"
#include "vm_fake.h"

#include <string.h>

// The inboxes of owners that are no central list. One is always there, as those of caches are.
static struct span_inbox owners[2];

static struct span_world *given_a_world(void)
{
    for (size_t i = 0; i < LENGTH_OF(owners); i++)
        store_relaxed(&owners[i].first, NULL);
    return span_world_new();
}

static size_t n_allocated(struct span_world *world, unsigned size_class)
{
    return load_relaxed(&world->central.lists[size_class].n_allocated);
}

static size_t n_freed(struct span_world *world, unsigned size_class)
{
    return load_relaxed(&world->central.lists[size_class].n_freed);
}

static struct span_inbox *owner_of(struct span *span)
{
    return load_relaxed(&span->owner);
}

// A span of `owner`s with all slots in use but the last `n_free`.
static struct span *given_span(struct span_world *world, unsigned size_class,
                               struct span_inbox *owner, size_t n_free)
{
    struct span *span = central_create_span(&world->central, size_class, owner, false);
    assert_non_null(span);
    for (size_t i = n_free; i < size_classes[size_class].n_slots; i++)
        assert_ptr_equal(span_take_slot(span), world_slot(span, i - n_free));
    return span;
}

// What a thread does that loses the CPU on its way to free a slot elsewhere, before its note.
static void set_bit_only(struct span *span, size_t slot)
{
    or_acq_rel(&span->freed_elsewhere[slot / WORD_BITS], UINT64_C(1) << slot % WORD_BITS);
}

// And when it goes on, having read the owner before or after the span changed hands.
static void add_note_only(struct span *span, struct span_inbox *inbox)
{
    if (add_acq_rel(&span->notes, 1) == 0)
        span_inbox_put(inbox, span);
}

// ---- slots ------------------------------------------------------------------------------------

static void slots_come_in_address_order_span_by_span(void **state)
{
    struct span_world *world = given_a_world();
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        const struct size_class *shape = &size_classes[i];
        char                    *first = world_fetch(world, i);
        for (size_t slot = 1; slot < shape->n_slots; slot++)
            assert_ptr_equal(world_fetch(world, i), first + slot * shape->slot_bytes);
        char *in_next_span = world_fetch(world, i);
        assert_ptr_not_equal(world_span_at(world, in_next_span), world_span_at(world, first));
        assert_int_equal(world_n_spans(world, i), 2);
    }
    span_world_delete(world);
}

static void the_last_slot_sends_a_span_back_to_the_page_heap(void **state)
{
    struct span_world *world = given_a_world();
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        void  *slots[3 * SLOTS_MAX];
        size_t n = 2 * (size_t)size_classes[i].n_slots + 1;
        for (size_t at = 0; at < n; at++)
            slots[at] = world_fetch(world, i);
        assert_int_equal(world_in_use_bytes(world), 3 * world_span_bytes(i));
        for (size_t at = 0; at < n; at++) {   // n is odd, so every slot comes by once
            assert_int_equal(world_in_use_bytes(world),
                             world_n_spans(world, i) * world_span_bytes(i));
            assert_int_equal(world_give_back(world, slots[(at * 2 + 1) % n]), SPAN_GIVEN);
        }
        // A small one is kept for the next object.
        assert_int_equal(world_n_spans(world, i), size_classes[i].span_pages <= 2);
        central_tidy(&world->central);
        assert_int_equal(world_in_use_bytes(world), 0);
        assert_int_equal(world_n_spans(world, i), 0);
        assert_int_equal(n_allocated(world, i), n);
        assert_int_equal(n_freed(world, i), n);
    }
    span_world_delete(world);
}

static void a_span_without_a_free_slot_is_in_no_list(void **state)
{
    struct span_world   *world = given_a_world();
    unsigned             size_class = class_with_slots(4);
    struct central_list *list = &world->central.lists[size_class];
    char                *slots[4];
    for (size_t i = 0; i < 4; i++) {
        slots[i] = world_fetch(world, size_class);
        struct span *span = world_span_at(world, slots[i]);
        assert_int_equal(span->n_free, 3 - i);
        assert_int_equal(span->listed, i < 3);
        assert_ptr_equal(list->first, i < 3 ? span : NULL);
    }
    assert_int_equal(world_give_back(world, slots[2]), SPAN_GIVEN);
    assert_ptr_equal(list->first, world_span_at(world, slots[2]));
    assert_ptr_equal(world_fetch(world, size_class), slots[2]);
    span_world_delete(world);
}

static void a_slot_freed_twice_is_found_and_not_counted(void **state)
{
    struct span_world *world = given_a_world();
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        void *slot = world_fetch(world, i);
        void *neighbour = world_fetch(world, i);
        assert_int_equal(world_give_back(world, slot), SPAN_GIVEN);
        struct span before = *world_span_at(world, slot);
        assert_int_equal(world_give_back(world, slot), SPAN_ALREADY_FREE);
        assert_memory_equal(world_span_at(world, slot), &before, sizeof before);
        assert_int_equal(n_freed(world, i), 1);
        assert_int_equal(world_give_back(world, neighbour), SPAN_GIVEN);
        assert_int_equal(n_freed(world, i), 2);
    }
    span_world_delete(world);
}

// By somebody without a cache, while the span is another's.
static void a_slot_of_another_owner_goes_to_his_inbox(void **state)
{
    struct span_world *world = given_a_world();
    unsigned           size_class = class_with_slots(73);
    struct span       *span = given_span(world, size_class, &owners[0], 1);
    assert_int_equal(world_give_back(world, world_slot(span, 70)), SPAN_GIVEN);
    assert_int_equal(n_freed(world, size_class), 1);
    assert_true(span_slot_is_free(span, 70));
    assert_int_equal(span_count_free(span), 1);   // he has not taken it in yet
    assert_ptr_equal(owners[0].first, span);
    assert_true(span_inbox_is_empty(&world->central.lists[size_class].inbox));
    assert_int_equal(world_give_back(world, world_slot(span, 70)), SPAN_ALREADY_FREE);
    assert_int_equal(world_give_back(world, world_slot(span, 72)), SPAN_ALREADY_FREE);
    assert_int_equal(n_freed(world, size_class), 1);
    assert_false(span->listed);
    span_world_delete(world);
}

// ---- spans ------------------------------------------------------------------------------------

static void a_span_is_made_for_its_owner_and_destroyed(void **state)
{
    struct span_world *world = given_a_world();
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        struct span *span = central_create_span(&world->central, i, &owners[0], false);
        assert_ptr_equal(owner_of(span), &owners[0]);
        assert_false(central_owns(&world->central, span));
        assert_true(span_is_idle(span));
        assert_false(span->listed);
        assert_null(world->central.lists[i].first);
        assert_int_equal(world_n_spans(world, i), 1);
        assert_int_equal(world_in_use_bytes(world), world_span_bytes(i));
        central_destroy_span(&world->central, span);
        assert_int_equal(world_n_spans(world, i), 0);
        assert_int_equal(world_in_use_bytes(world), 0);
    }
    span_world_delete(world);
}

static void a_discarded_span_leaves_its_slots_freed(void **state)
{
    struct span_world *world = given_a_world();
    unsigned           size_class = class_with_slots(73);
    struct span       *span = given_span(world, size_class, &owners[0], 3);
    assert_int_equal(free_elsewhere(span, 64), SPAN_GIVEN);
    central_discard_span(&world->central, span);
    assert_int_equal(n_freed(world, size_class), 73 - 3 - 1);
    assert_int_equal(world_n_spans(world, size_class), 0);
    assert_int_equal(world_in_use_bytes(world), 0);
    span_world_delete(world);
}

static void a_span_with_free_slots_is_handed_over(void **state)
{
    struct span_world *world = given_a_world();
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        assert_null(central_take_span(&world->central, i, &owners[0]));
        void        *slot = world_fetch(world, i);
        struct span *span = central_take_span(&world->central, i, &owners[0]);
        assert_ptr_equal(span, world_span_at(world, slot));
        assert_ptr_equal(owner_of(span), &owners[0]);
        assert_false(span->listed);
        assert_null(world->central.lists[i].first);
        assert_int_equal(world_n_spans(world, i), 1);
        assert_null(central_take_span(&world->central, i, &owners[1]));
        assert_ptr_not_equal(world_span_at(world, world_fetch(world, i)), span);
    }
    span_world_delete(world);
}

static void a_certain_span_is_handed_over_only_full_and_by_its_owner(void **state)
{
    struct span_world   *world = given_a_world();
    unsigned             size_class = class_with_slots(4);
    struct central_list *list = &world->central.lists[size_class];
    void                *slots[4];
    for (size_t n_used = 1; n_used <= 4; n_used++) {   // with 4, it is in no list
        slots[n_used - 1] = world_fetch(world, size_class);
        struct span *span = world_span_at(world, slots[0]);
        assert_int_equal(central_take_full_span(&world->central, span, &owners[0]), n_used == 4);
        assert_ptr_equal(owner_of(span), n_used == 4 ? &owners[0] : &list->inbox);
        assert_int_equal(span->listed, n_used < 4);
        assert_int_equal(list->first == NULL, n_used == 4);
    }
    struct span *span = world_span_at(world, slots[0]);
    assert_false(central_take_full_span(&world->central, span, &owners[1]));
    assert_ptr_equal(owner_of(span), &owners[0]);
    span_world_delete(world);
}

static void a_full_span_whose_slots_came_back_to_the_inbox_is_found(void **state)
{
    struct span_world *world = given_a_world();
    unsigned           size_class = class_with_slots(4);
    struct span       *span = given_span(world, size_class, &owners[0], 0);
    central_put_span(&world->central, span);
    // As a signal handler does that may not wait for the lock.
    assert_int_equal(free_elsewhere(span, 2), SPAN_GIVEN);
    assert_ptr_equal(central_take_span(&world->central, size_class, &owners[1]), span);
    assert_int_equal(span_count_free(span), 1);
    central_put_span(&world->central, span);
    assert_int_equal(free_elsewhere(span, 3), SPAN_GIVEN);
    assert_ptr_equal(world_fetch(world, size_class), world_slot(span, 2));
    assert_ptr_equal(world_fetch(world, size_class), world_slot(span, 3));
    span_world_delete(world);
}

static const struct put_row {
    const char *name;
    size_t      n_free, n_freed_elsewhere;   // of 4 slots
    bool        listed;
} put_rows[] = {
    {"a full one is in no list", 0, 0, false},
    {"one with a free slot is listed", 1, 0, true},
    {"what others freed waits in the inbox", 0, 1, false},
    {"a free one is kept if it is small and the only one", 4, 0, true},
    {"one that others have freed waits in the inbox", 0, 4, false},
    {"one that others have freed is listed for what the owner has", 3, 1, true},
};

static void is_put_where_it_belongs(void **state)
{
    const struct put_row *row = unit_case_of(state)->row;
    struct span_world    *world = given_a_world();
    unsigned              size_class = class_with_slots(4);
    struct central_list  *list = &world->central.lists[size_class];
    struct span          *span = given_span(world, size_class, &owners[0], row->n_free);
    for (size_t i = 0; i < row->n_freed_elsewhere; i++)
        assert_int_equal(free_elsewhere(span, i), SPAN_GIVEN);
    central_put_span(&world->central, span);
    assert_int_equal(world_n_spans(world, size_class), 1);
    assert_ptr_equal(list->first, row->listed ? span : NULL);
    assert_true(central_owns(&world->central, span));
    assert_int_equal(span->n_free, row->n_free);
    span_world_delete(world);
}

// ---- notes and changes of owner ---------------------------------------------------------------

static void a_note_follows_its_span_to_the_next_owner(void **state)
{
    struct span_world *world = given_a_world();
    unsigned           size_class = class_with_slots(64);
    struct span_inbox *central_inbox = &world->central.lists[size_class].inbox;
    struct span       *span = given_span(world, size_class, central_inbox, 0);
    span->n_free = 0;
    assert_int_equal(free_elsewhere(span, 5), SPAN_GIVEN);
    assert_ptr_equal(central_inbox->first, span);
    assert_true(central_take_full_span(&world->central, span, &owners[1]));
    assert_ptr_equal(central_inbox->first, span);
    central_tidy(&world->central);
    assert_true(span_inbox_is_empty(central_inbox));
    assert_ptr_equal(span_inbox_take_all(&owners[1]), span);
    assert_int_equal(span->notes, 1);
    assert_int_equal(span_count_free(span), 0);   // nobody but the owner has touched it
    span_take_in(span);
    assert_int_equal(span_count_free(span), 1);
    assert_int_equal(span->owed_notes, 0);
    span_world_delete(world);
}

static void an_idle_span_stays_until_the_last_note_has_come(void **state)
{
    struct span_world *world = given_a_world();
    unsigned           size_class = class_with_slots(128);
    struct span       *span = given_span(world, size_class, &owners[0], 126);
    span->owed_notes = 1;   // somebody has set a bit, it was taken in, and he has not come further
    central_put_span(&world->central, span);
    assert_int_equal(span->n_free, 126);
    assert_int_equal(world_give_back(world, world_slot(span, 1)), SPAN_GIVEN);
    assert_int_equal(world_give_back(world, world_slot(span, 0)), SPAN_GIVEN);
    assert_int_equal(span->n_free, 128);
    assert_true(span->listed);   // what is in it may be had
    assert_ptr_equal(world_fetch(world, size_class), world_slot(span, 0));
    assert_int_equal(world_give_back(world, world_slot(span, 0)), SPAN_GIVEN);
    central_tidy(&world->central);
    assert_int_equal(world_n_spans(world, size_class), 1);
    add_note_only(span, owner_of(span));
    assert_int_equal(world_n_spans(world, size_class), 1);
    central_tidy(&world->central);
    assert_int_equal(world_n_spans(world, size_class), 0);
    assert_int_equal(world_in_use_bytes(world), 0);
    span_world_delete(world);
}

// Who adds a note reads the owner after that; the span may have gone on already.
static void a_note_that_comes_to_the_owner_before_keeps_the_span_as_well(void **state)
{
    struct span_world *world = given_a_world();
    unsigned           size_class = class_with_slots(64);
    struct span_inbox *central_inbox = &world->central.lists[size_class].inbox;
    struct span       *span = given_span(world, size_class, central_inbox, 63);
    set_bit_only(span, 0);
    add_note_only(span, central_inbox);
    span->n_free = 0;
    assert_true(central_take_full_span(&world->central, span, &owners[0]));
    take_bits_only(span);
    assert_int_equal(span_count_free(span), 64);
    assert_false(span_is_idle(span));
    central_tidy(&world->central);
    assert_ptr_equal(span_inbox_take_all(&owners[0]), span);
    span_take_in(span);
    assert_true(span_is_idle(span));
    central_destroy_span(&world->central, span);
    span_world_delete(world);
}

static void all_lists_are_taken_in(void **state)
{
    struct span_world *world = given_a_world();
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        void        *slot = world_fetch(world, i);
        struct span *span = world_span_at(world, slot);
        assert_int_equal(free_elsewhere(span, world_slot_at(world, slot)), SPAN_GIVEN);
        assert_int_equal(world_n_spans(world, i), 1);
    }
    central_tidy(&world->central);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++)
        assert_int_equal(world_n_spans(world, i), 0);
    assert_int_equal(world_in_use_bytes(world), 0);
    span_world_delete(world);
}

// ---- memory runs out --------------------------------------------------------------------------

static void without_memory_a_fetch_says_so_and_changes_nothing(void **state)
{
    struct span_world   *world = given_a_world();
    unsigned             size_class = SIZE_CLASSES - 1;
    struct central_list *list = &world->central.lists[size_class];
    void                *slot = world_fetch(world, size_class);
    vm_fake_refuse(1, true);
    size_t n_fetched = 1;   // what is left of the page cache's window serves some
    while (central_fetch(&world->central, size_class) != NULL)
        n_fetched++;
    assert_true(n_fetched <= 1 + WINDOW_PAGES);
    for (int i = 0; i < 3; i++) {
        assert_null(central_fetch(&world->central, size_class));
        assert_null(central_create_span(&world->central, size_class, &owners[0], false));
        assert_int_equal(n_allocated(world, size_class), n_fetched);
        assert_int_equal(world_n_spans(world, size_class) * world_span_bytes(size_class),
                         world_in_use_bytes(world));
        assert_null(list->first);
        expect_world(world);
    }
    vm_fake_refuse(0, false);
    assert_non_null(central_fetch(&world->central, size_class));
    assert_int_equal(world_give_back(world, slot), SPAN_GIVEN);
    span_world_delete(world);
}

// ---- random traffic ---------------------------------------------------------------------------

#define HELD 3000
#define STEPS 300000

struct held {
    void    *slot;
    unsigned size_class;
};

static void expect_counts(struct span_world *world, const struct held *held)
{
    size_t n_live[SIZE_CLASSES] = {0};
    size_t span_bytes = 0;
    for (size_t i = 0; i < HELD; i++)
        n_live[held[i].size_class] += held[i].slot != NULL;
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        assert_int_equal(n_allocated(world, i) - n_freed(world, i), n_live[i]);
        assert_true(world_n_spans(world, i) * size_classes[i].n_slots >= n_live[i]);
        span_bytes += world_n_spans(world, i) * world_span_bytes(i);
    }
    assert_int_equal(span_bytes, world_in_use_bytes(world));
    expect_world(world);
}

// No slot is handed out twice: the addresses held are all different.
static void expect_not_held(const struct held *held, const void *slot)
{
    for (size_t i = 0; i < HELD; i++)
        assert_ptr_not_equal(held[i].slot, slot);
}

static void random_traffic_keeps_the_books(void **state)
{
    static struct held   held[HELD];
    struct unit_random   seed = unit_random_start();
    struct random_source random = {unit_random_next(&seed)};
    struct span_world   *world = given_a_world();
    memset(held, 0, sizeof held);
    for (int i = 0; i < STEPS; i++) {
        struct held *at = &held[random_below(&random, HELD)];
        if (at->slot != NULL) {
            assert_int_equal(world_give_back(world, at->slot), SPAN_GIVEN);
            at->slot = NULL;
        } else {
            at->size_class = (unsigned)random_between(&random, SIZE_CLASS_FIRST, SIZE_CLASSES - 1);
            void *slot = world_fetch(world, at->size_class);
            if (i % 16 == 0)
                expect_not_held(held, slot);
            at->slot = slot;
        }
        if (i % 1000 == 0)
            expect_counts(world, held);
    }
    span_world_delete(world);
}

// ---- verify and locks -------------------------------------------------------------------------

static void list_a_full_span(struct central_list *list, struct span *span)
{
    span->n_free = 0;
    for (size_t i = 0; i < SPAN_WORDS; i++)
        store_relaxed(&span->free[i], 0);
}

static void change_its_class(struct central_list *list, struct span *span)
{
    span->size_class++;
}

static void say_it_is_in_no_list(struct central_list *list, struct span *span)
{
    span->listed = false;
}

static void count_one_more(struct central_list *list, struct span *span)
{
    span->n_free++;
}

static void lose_a_bit(struct central_list *list, struct span *span)
{
    store_relaxed(&span->free[0], span->free[0] & (span->free[0] - 1));
}

static void give_it_away(struct central_list *list, struct span *span)
{
    store_relaxed(&span->owner, &owners[0]);
}

static void free_a_slot_that_is_not_there(struct central_list *list, struct span *span)
{
    store_relaxed(&span->freed_elsewhere[SPAN_WORDS - 1], 1);
}

static const struct verify_row {
    const char *name, *code;
    void (*corrupt)(struct central_list *list, struct span *span);
} verify_rows[] = {
    {"T1 a full span", "T1", list_a_full_span},
    {"T1 a span of another class", "T1", change_its_class},
    {"T1 a span that thinks it is in no list", "T1", say_it_is_in_no_list},
    {"T2 a slot counted twice", "T2", count_one_more},
    {"T2 a slot not counted", "T2", lose_a_bit},
    {"T3 a span of another owner", "T3", give_it_away},
    {"W1 a slot that is not there", "W1", free_a_slot_that_is_not_there},
};

static void is_named(void **state)
{
    const struct verify_row *row = unit_case_of(state)->row;
    struct span_world       *world = given_a_world();
    unsigned                 size_class = class_with_slots(8);
    world_fetch(world, size_class);
    struct span *span = world_span_at(world, world_fetch(world, size_class));
    struct span  whole = *span;
    assert_null(central_verify(&world->central));
    row->corrupt(&world->central.lists[size_class], span);
    expect_broken(central_verify(&world->central), row->code);
    *span = whole;
    span_world_delete(world);
}

static void all_locks_are_taken_let_go_and_made_anew(void **state)
{
    struct span_world *world = given_a_world();
    for (int anew = 0; anew < 2; anew++) {
        central_lock_all(&world->central);
        for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++)
            assert_true(lock_is_held(&world->central.lists[i].lock));
        assert_int_equal(lock_n_of_this_thread, 1 + SIZE_CLASSES - SIZE_CLASS_FIRST);
        if (anew) {
            lock_forget_all_of_this_thread();
            central_reset_locks(&world->central);
        } else {
            central_unlock_all(&world->central);
        }
        for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++)
            assert_false(lock_is_held(&world->central.lists[i].lock));
        assert_int_equal(lock_n_of_this_thread, 0);
    }
    span_world_delete(world);
}

static const struct unit_sentence sentences[] = {
    {"slots come in address order, span by span", slots_come_in_address_order_span_by_span},
    {"the last slot sends a span back to the page heap",
     the_last_slot_sends_a_span_back_to_the_page_heap},
    {"a span without a free slot is in no list", a_span_without_a_free_slot_is_in_no_list},
    {"a slot freed twice is found and not counted", a_slot_freed_twice_is_found_and_not_counted},
    {"a slot of another owner goes to his inbox", a_slot_of_another_owner_goes_to_his_inbox},
    {"a span is made for its owner, and destroyed", a_span_is_made_for_its_owner_and_destroyed},
    {"a discarded span leaves its slots freed", a_discarded_span_leaves_its_slots_freed},
    {"a span with free slots is handed over", a_span_with_free_slots_is_handed_over},
    {"a certain span is handed over only by its owner",
     a_certain_span_is_handed_over_only_full_and_by_its_owner},
    {"a full span whose slots came back to the inbox is found",
     a_full_span_whose_slots_came_back_to_the_inbox_is_found},
    {"a note follows its span to the next owner", a_note_follows_its_span_to_the_next_owner},
    {"an idle span stays until the last note has come",
     an_idle_span_stays_until_the_last_note_has_come},
    {"a note that comes to the owner before keeps the span as well",
     a_note_that_comes_to_the_owner_before_keeps_the_span_as_well},
    {"all lists are taken in", all_lists_are_taken_in},
    {"without memory a fetch says so and changes nothing",
     without_memory_a_fetch_says_so_and_changes_nothing},
    {"random traffic keeps the books", random_traffic_keeps_the_books},
    {"all locks are taken, let go, and made anew", all_locks_are_taken_let_go_and_made_anew},
};

int main(void)
{
    ADD_SENTENCES("central", sentences, 0);
    unit_add_table(UNIT_TABLE("put back", put_rows, 0, is_put_where_it_belongs));
    unit_add_table(UNIT_TABLE("verify names", verify_rows, 0, is_named));
    return cmocka_run_group_tests_name("central", unit_tests, NULL, NULL);
}
