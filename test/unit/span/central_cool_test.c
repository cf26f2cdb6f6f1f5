// Central lists give OS pages inside of spans back, on the fake kernel: which and how many, what
// happens to the span meanwhile, and what becomes of it afterwards.
#include "span/central.h"

#include "span_world.h"
#include "vm_fake.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define AT_ONCE 32           // spans, as COOLED_AT_ONCE
#define LOOKS_AT_LEAST 256   // as LOOKED_AT_ONCE
#define REFUSALS_MAX 64

static struct span_inbox an_owner;

// What the hook of the kernel does, in the middle of cooling.
static struct {
    struct span_world *world;
    struct span       *span;
    size_t             n_calls;
} meanwhile;

static struct span_world *given_a_world(void)
{
    memset(&meanwhile, 0, sizeof meanwhile);
    store_relaxed(&an_owner.first, NULL);
    meanwhile.world = span_world_new();
    return meanwhile.world;
}

static struct central_list *list_of(struct span_world *world, unsigned size_class)
{
    return &world->central.lists[size_class];
}

// A span of the central list in which only the slots of `used` are in use.
static struct span *given_span(struct span_world *world, unsigned size_class, uint64_t used)
{
    struct span *span =
        central_create_span(&world->central, size_class, &list_of(world, size_class)->inbox, false);
    assert_non_null(span);
    add_relaxed(&list_of(world, size_class)->n_allocated, bits_count(used));   // counter
    store_relaxed(&span->free[0], span_class(span)->last_word & ~used);
    central_put_span(&world->central, span);
    return span;
}

// Slots are two OS pages long.
static unsigned class_of_8k(void)
{
    return size_class_for(8 * KIB);
}

static size_t n_ready_bytes(const struct span *span)
{
    size_t n_bytes = 0;
    for (size_t at = 0; at < run_bytes(&span->run); at += vm_page_bytes())
        n_bytes += vm_fake_state_at((uintptr_t)run_start(&span->run) + at) == VM_FAKE_READY
                       ? vm_page_bytes()
                       : 0;
    return n_bytes;
}

static size_t n_in(const struct span *first)
{
    size_t n = 0;
    for (; first != NULL; first = first->next)
        n++;
    return n;
}

static size_t n_unuse(void)
{
    struct vm_counts counts;
    vm_counts_read(&counts);
    return counts.unuse;
}

// ---- what and how much ------------------------------------------------------------------------

static void what_no_live_object_touches_goes_back(void **state)
{
    struct span_world *world = given_a_world();
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        if (!size_class_may_cool(i))
            continue;
        struct span *span = given_span(world, i, 1);   // the first slot is in use
        size_t       kept = align_up(size_classes[i].slot_bytes, vm_page_bytes());
        size_t       n_bytes = run_bytes(&span->run) - kept;
        assert_int_equal(central_cool_all(&world->central), n_bytes);
        assert_int_equal(n_ready_bytes(span), kept);
        assert_true(world_slot_is_ready(span, 0));
        assert_int_equal(list_of(world, i)->released_bytes, n_bytes);
        assert_int_equal(world->pages.released_inside, n_bytes);
        assert_int_equal(central_cool_all(&world->central), 0);
        expect_world(world);
        assert_int_equal(world_give_back(world, world_slot(span, 0)), SPAN_GIVEN);
        central_tidy(&world->central);
        assert_int_equal(list_of(world, i)->released_bytes, 0);
    }
    assert_int_equal(world->pages.released_inside, 0);
    span_world_delete(world);
}

static void other_classes_do_not_cool(void **state)
{
    struct span_world *world = given_a_world();
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++)
        if (!size_class_may_cool(i))
            given_span(world, i, 1);
    assert_int_equal(central_cool_all(&world->central), 0);
    assert_int_equal(n_unuse(), 0);
    span_world_delete(world);
}

static void about_as_much_as_asked_for_goes_back_the_highest_class_first(void **state)
{
    struct span_world *world = given_a_world();
    unsigned           low = class_of_8k(), high = size_class_for(32 * KIB);
    struct span       *span = given_span(world, low, 1);
    for (size_t i = 0; i < 3; i++)
        given_span(world, high, 1);
    size_t per_span = world_span_bytes(high) - 32 * KIB;
    assert_int_equal(central_cool(&world->central, 1), per_span);
    assert_int_equal(list_of(world, high)->released_bytes, per_span);
    assert_int_equal(central_cool(&world->central, per_span + 1), 2 * per_span);
    assert_int_equal(n_ready_bytes(span), run_bytes(&span->run));
    assert_int_equal(central_cool(&world->central, 1), world_span_bytes(low) - 8 * KIB);
    assert_int_equal(central_cool(&world->central, 1), 0);
    assert_int_equal(world->central.cooled_bytes, 3 * per_span + world_span_bytes(low) - 8 * KIB);
    span_world_delete(world);
}

static void a_span_that_cooled_and_is_idle_goes_back_as_released(void **state)
{
    struct span_world *world = given_a_world();
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        if (!size_class_may_cool(i))
            continue;
        size_t       last = size_classes[i].n_slots - 1u;
        struct span *span = given_span(world, i, UINT64_C(1) << last);
        size_t       n_before = unit_account(&world->pages).free_released_bytes;
        size_t       n_cooled = central_cool_all(&world->central);
        assert_int_equal(world_give_back(world, world_slot(span, last)), SPAN_GIVEN);
        central_tidy(&world->central);
        assert_int_equal(world_in_use_bytes(world), 0);
        // Pages of ours of which only half is released are ready once more.
        assert_true(unit_account(&world->pages).free_released_bytes >=
                    n_before + align_down(n_cooled, PAGE_BYTES) - PAGE_BYTES);
        expect_world(world);
        page_heap_trim(&world->pages);
    }
    span_world_delete(world);
}

// Slots of three OS pages: with the first in use, of the second page of ours one half is released.
static struct span *given_half_a_page(struct span_world *world)
{
    struct span *span = given_span(world, size_class_for(12 * KIB), 1);
    assert_true(span_class(span)->slot_bytes == 12 * KIB);
    assert_true(central_cool_all(&world->central) > 0);
    return span;
}

// That half would be ready once more, if the limit did not keep it from that.
static void at_the_hard_limit_half_a_page_does_not_become_ready(void **state)
{
    struct span_world *world = given_a_world();
    for (size_t limit_is_far = 0; limit_is_far < 2; limit_is_far++) {
        struct span *span = given_half_a_page(world);
        page_heap_trim(&world->pages);
        size_t n_before = page_heap_counted(&world->pages);
        assert_int_equal(n_ready_bytes(span), 12 * KIB);
        page_heap_set_hard_limit(&world->pages, n_before + (limit_is_far > 0 ? GIB : 128 * KIB));
        assert_int_equal(world_give_back(world, world_slot(span, 0)), SPAN_GIVEN);
        assert_int_equal(world_in_use_bytes(world), 0);
        assert_int_equal(unit_account(&world->pages).free_ready_bytes,
                         limit_is_far > 0 ? 16 * KIB : 8 * KIB);
        assert_int_equal(list_of(world, size_class_for(12 * KIB))->released_bytes, 0);
        assert_int_equal(world->pages.released_inside, 0);
        expect_world(world);
        if (limit_is_far == 0)
            assert_true(page_heap_counted(&world->pages) <= n_before);
        page_heap_set_hard_limit(&world->pages, SIZE_MAX);
        page_heap_trim(&world->pages);
    }
    span_world_delete(world);
}

static void unless_the_kernel_refuses(void **state)
{
    struct span_world *world = given_a_world();
    struct span       *span = given_half_a_page(world);
    page_heap_set_hard_limit(&world->pages, page_heap_counted(&world->pages));
    vm_fake_refuse_unuse(true);
    assert_int_equal(world_give_back(world, world_slot(span, 0)), SPAN_GIVEN);
    assert_int_equal(unit_account(&world->pages).free_ready_bytes, 16 * KIB);
    assert_int_equal(world->pages.released_inside, 0);
    expect_world(world);
    vm_fake_refuse_unuse(false);
    span_world_delete(world);
}

static const struct os_page_row {
    const char *name;
    size_t      os_page_bytes;
} os_page_rows[] = {
    {"of 4 KiB", 4 * KIB},
    {"of 64 KiB, more than the span has", 64 * KIB},
};

static void an_idle_span_that_was_kept_goes_back_whole(void **state)
{
    const struct os_page_row *row = unit_case_of(state)->row;
    struct span_world        *world = span_world_new_on(row->os_page_bytes);
    unsigned                  size_class = class_with_slots(56);
    void                     *slot = world_fetch(world, size_class);
    assert_int_equal(world_give_back(world, slot), SPAN_GIVEN);
    assert_int_equal(world_n_spans(world, size_class), 1);
    central_cool(&world->central, 1);
    assert_int_equal(world_n_spans(world, size_class), 0);
    assert_int_equal(world_in_use_bytes(world), 0);
    span_world_delete(world);
}

// ---- lists ------------------------------------------------------------------------------------

static void a_span_is_looked_at_again_when_something_is_freed_in_it(void **state)
{
    struct span_world   *world = given_a_world();
    struct central_list *list = list_of(world, class_of_8k());
    struct span         *span = given_span(world, class_of_8k(), 0x3);
    assert_ptr_equal(list->first, span);
    central_cool_all(&world->central);
    assert_null(list->first);
    assert_ptr_equal(list->cooled, span);
    assert_true(span->is_cooled);
    assert_int_equal(world_give_back(world, world_slot(span, 1)), SPAN_GIVEN);
    assert_ptr_equal(list->first, span);
    assert_null(list->cooled);
    assert_int_equal(central_cool_all(&world->central), 8 * KIB);
    assert_ptr_equal(list->cooled, span);
    span_world_delete(world);
}

static void a_long_list_is_gone_through_little_by_little(void **state)
{
    struct span_world   *world = given_a_world();
    unsigned             size_class = size_class_for(2 * KIB);
    struct central_list *list = list_of(world, size_class);
    // One free slot is half an OS page.
    uint64_t used = size_classes[size_class].last_word & ~UINT64_C(1);
    for (size_t i = 0; i < 3 * LOOKS_AT_LEAST; i++)
        given_span(world, size_class, used);
    struct span *span = given_span(world, size_class, used);
    assert_int_equal(world_give_back(world, world_slot(span, 1)), SPAN_GIVEN);
    while (list->first != NULL) {
        size_t n_before = n_in(list->first);
        central_cool(&world->central, 1);
        size_t n_after = n_in(list->first);
        assert_true(n_after < n_before && n_before - n_after <= LOOKS_AT_LEAST + 16);
    }
    span_world_delete(world);
}

// ---- refused, or somebody else ----------------------------------------------------------------

static void what_the_kernel_refuses_stays_as_it_is(void **state)
{
    struct span_world   *world = given_a_world();
    struct central_list *list = list_of(world, class_of_8k());
    struct span         *span = given_span(world, class_of_8k(), 0x3);
    uint64_t             free = span->free[0];
    vm_fake_refuse_unuse(true);
    assert_int_equal(central_cool_all(&world->central), 0);
    assert_int_equal(span->free[0], free);
    assert_int_equal(span_cold(span), 0);
    assert_false(span->is_cooling);
    assert_int_equal(list->released_bytes, 0);
    expect_world(world);
    size_t n_before = n_unuse();
    assert_int_equal(central_cool_all(&world->central), 0);   // and is not tried again
    assert_int_equal(n_unuse(), n_before);
    vm_fake_refuse_unuse(false);
    assert_int_equal(world_give_back(world, world_slot(span, 1)), SPAN_GIVEN);
    assert_int_equal(central_cool_all(&world->central), run_bytes(&span->run) - 8 * KIB);
    span_world_delete(world);
}

static void one_range_that_is_refused_does_not_keep_the_others(void **state)
{
    struct span_world *world = given_a_world();
    struct span       *span = given_span(world, class_of_8k(), 0xA);   // 0 and 2 are free, 4...
    vm_fake_refuse(1, false);
    assert_int_equal(central_cool_all(&world->central), run_bytes(&span->run) - 3 * 8 * KIB);
    assert_int_equal(span_cold(span), span_class(span)->last_word & ~UINT64_C(0xB));
    assert_ptr_equal(world_fetch(world, class_of_8k()), world_slot(span, 0));
    expect_world(world);
    span_world_delete(world);
}

static void after_many_refusals_it_ends(void **state)
{
    struct span_world *world = given_a_world();
    for (size_t i = 0; i < 4 * REFUSALS_MAX; i++)
        given_span(world, class_of_8k(), 1);
    vm_fake_refuse_unuse(true);
    assert_int_equal(central_cool_all(&world->central), 0);
    assert_true(n_unuse() >= REFUSALS_MAX && n_unuse() < REFUSALS_MAX + AT_ONCE);
    span_world_delete(world);
}

static void while_somebody_else_is_at_it_nothing_happens(void **state)
{
    struct span_world *world = given_a_world();
    given_span(world, class_of_8k(), 1);
    lock_acquire(&world->central.cooling);
    assert_int_equal(central_cool(&world->central, SIZE_MAX), 0);
    lock_release(&world->central.cooling);
    assert_true(central_cool(&world->central, SIZE_MAX) > 0);
    span_world_delete(world);
}

static pthread_t     other_thread;
static atomic_size_t other_cooled_bytes = SIZE_MAX;

static void *cool_all(void *argument)
{
    struct span_world *world = argument;
    atomic_store(&other_cooled_bytes, central_cool_all(&world->central));
    return NULL;
}

static void begin_to_cool_all_elsewhere(size_t n_bytes)
{
    if (meanwhile.n_calls++ > 0)
        return;
    assert_int_equal(pthread_create(&other_thread, NULL, cool_all, meanwhile.world), 0);
    struct timespec a_moment = {.tv_nsec = 20000000};
    nanosleep(&a_moment, NULL);
    assert_int_equal(atomic_load(&other_cooled_bytes), SIZE_MAX);
}

static void who_wants_all_waits_for_whoever_is_at_it(void **state)
{
    struct span_world *world = given_a_world();
    given_span(world, class_of_8k(), 1);
    given_span(world, size_class_for(32 * KIB), 1);
    vm_fake_at_unuse(begin_to_cool_all_elsewhere);
    assert_true(central_cool(&world->central, 1) > 0);
    pthread_join(other_thread, NULL);
    assert_int_equal(atomic_load(&other_cooled_bytes), world_span_bytes(class_of_8k()) - 8 * KIB);
    span_world_delete(world);
}

static void begin_to_wait(size_t n_bytes)
{
    store_relaxed(&meanwhile.world->central.n_waiting, 1);   // as a fork does
}

static void a_fork_waits_for_one_batch_only(void **state)
{
    struct span_world *world = given_a_world();
    for (size_t i = 0; i < 2 * AT_ONCE; i++)
        given_span(world, class_of_8k(), 1);
    vm_fake_at_unuse(begin_to_wait);
    size_t per_span = world_span_bytes(class_of_8k()) - 8 * KIB;
    assert_int_equal(central_cool_all(&world->central), AT_ONCE * per_span);
    assert_int_equal(central_cool_all(&world->central), 0);
    central_reset_locks(&world->central);   // as in the child
    central_lock_all(&world->central);
    central_unlock_all(&world->central);
    central_wait_for_cooling(&world->central);
    assert_int_equal(central_cool_all(&world->central), AT_ONCE * per_span);
    span_world_delete(world);
}

// ---- meanwhile --------------------------------------------------------------------------------

static void free_the_second_slot(size_t n_bytes)
{
    if (meanwhile.n_calls++ == 0)
        assert_int_equal(world_give_back(meanwhile.world, world_slot(meanwhile.span, 1)),
                         SPAN_GIVEN);
}

static void what_is_freed_meanwhile_is_free_and_looked_at(void **state)
{
    struct span_world   *world = given_a_world();
    struct central_list *list = list_of(world, class_of_8k());
    meanwhile.span = given_span(world, class_of_8k(), 0x3);
    vm_fake_at_unuse(free_the_second_slot);
    size_t n_bytes = run_bytes(&meanwhile.span->run);
    assert_int_equal(central_cool(&world->central, 1), n_bytes - 2 * 8 * KIB);
    assert_ptr_equal(list->first, meanwhile.span);
    assert_int_equal(meanwhile.span->n_free, span_class(meanwhile.span)->n_slots - 1);
    assert_int_equal(meanwhile.span->free[0], 0x2);
    expect_world(world);
    assert_int_equal(central_cool(&world->central, 1), 8 * KIB);
    span_world_delete(world);
}

static void free_in_a_handler(size_t n_bytes)
{
    if (meanwhile.n_calls++ == 0)
        assert_int_equal(free_elsewhere(meanwhile.span, 1), SPAN_GIVEN);
}

static void so_is_what_a_signal_handler_frees_that_interrupts_it(void **state)
{
    struct span_world *world = given_a_world();
    meanwhile.span = given_span(world, class_of_8k(), 0x3);
    vm_fake_at_unuse(free_in_a_handler);
    central_cool(&world->central, 1);
    assert_int_equal(free_elsewhere(meanwhile.span, 1), SPAN_ALREADY_FREE);
    add_relaxed(&list_of(world, class_of_8k())->n_freed, 1);   // as front does
    central_tidy(&world->central);
    assert_int_equal(meanwhile.span->free[0], 0x2);
    assert_int_equal(central_cool_all(&world->central), 8 * KIB);
    span_world_delete(world);
}

static void free_the_first_slot(size_t n_bytes)
{
    if (meanwhile.n_calls++ == 0)
        assert_int_equal(world_give_back(meanwhile.world, world_slot(meanwhile.span, 0)),
                         SPAN_GIVEN);
}

static void a_span_that_becomes_idle_meanwhile_goes_back_afterwards(void **state)
{
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        if (!size_class_may_cool(i))
            continue;
        struct span_world *world = given_a_world();
        meanwhile.span = given_span(world, i, 1);
        vm_fake_at_unuse(free_the_first_slot);
        central_cool(&world->central, 1);
        assert_int_equal(world_n_spans(world, i), 0);
        assert_int_equal(world_in_use_bytes(world), 0);
        assert_int_equal(world->pages.released_inside, 0);
        span_world_delete(world);
    }
}

static void but_not_before_the_last_note_has_come(void **state)
{
    struct span_world *world = given_a_world();
    meanwhile.span = given_span(world, class_of_8k(), 1);
    meanwhile.span->owed_notes = 1;
    vm_fake_at_unuse(free_the_first_slot);
    central_cool(&world->central, 1);
    central_cool_all(&world->central);
    central_tidy(&world->central);
    assert_int_equal(world_n_spans(world, class_of_8k()), 1);
    add_relaxed(&meanwhile.span->notes, 1);
    span_inbox_put(&list_of(world, class_of_8k())->inbox, meanwhile.span);
    central_tidy(&world->central);
    assert_int_equal(world_n_spans(world, class_of_8k()), 0);
    assert_int_equal(world_in_use_bytes(world), 0);
    span_world_delete(world);
}

static void try_to_have_what_is_on_its_way(size_t n_bytes)
{
    struct span_world *world = meanwhile.world;
    struct span       *span = meanwhile.span;
    if (meanwhile.n_calls++ > 0)
        return;
    assert_ptr_not_equal(world_span_at(world, world_fetch(world, class_of_8k())), span);
    assert_false(central_take_full_span(&world->central, span, &an_owner));
    struct span *taken = central_take_span(&world->central, class_of_8k(), &an_owner);
    assert_ptr_not_equal(taken, span);
    central_put_span(&world->central, taken);
    for (size_t i = 1; i < span_class(span)->n_slots; i++) {
        assert_true(span_slot_is_free(span, i));
        assert_int_equal(world_give_back(world, world_slot(span, i)), SPAN_ALREADY_FREE);
        assert_int_equal(free_elsewhere(span, i), SPAN_ALREADY_FREE);
    }
    assert_null(central_verify(&world->central));
}

static void nobody_gets_what_is_on_its_way(void **state)
{
    struct span_world *world = given_a_world();
    meanwhile.span = given_span(world, class_of_8k(), 1);
    vm_fake_at_unuse(try_to_have_what_is_on_its_way);
    central_cool(&world->central, 1);
    assert_int_equal(meanwhile.n_calls, 1);
    expect_world(world);
    span_world_delete(world);
}

// ---- afterwards -------------------------------------------------------------------------------

static void a_cold_slot_freed_once_more_is_found(void **state)
{
    struct span_world *world = given_a_world();
    struct cache      *cache = world_cache(world);
    struct span       *span = given_span(world, class_of_8k(), 1);
    central_cool_all(&world->central);
    for (size_t i = 1; i < span_class(span)->n_slots; i++) {
        assert_true(span_slot_is_free(span, i));
        assert_int_equal(world_give_back(world, world_slot(span, i)), SPAN_ALREADY_FREE);
        assert_int_equal(world_free(world, cache, world_slot(span, i)), SPAN_ALREADY_FREE);
        assert_int_equal(free_elsewhere(span, i), SPAN_ALREADY_FREE);
    }
    assert_int_equal(span_count_used(span), 1);
    span_world_delete(world);
}

static void free_a_cold_slot_by_two_at_once(void *argument)
{
    struct span_world *world = given_a_world();
    struct span       *span = given_span(world, class_of_8k(), 1);
    central_cool_all(&world->central);
    // As who has looked before the slot was freed the first time.
    or_acq_rel(&span->freed_elsewhere[0], 0x4);
    add_acq_rel(&span->notes, 1);
    span_inbox_put(&list_of(world, class_of_8k())->inbox, span);
    central_tidy(&world->central);
}

static void even_if_two_do_so_at_once(void **state)
{
    expect_stops(free_a_cold_slot_by_two_at_once, NULL, "neap: double free of 0x");
}

static void ready_slots_are_handed_out_first_and_cold_ones_warm(void **state)
{
    struct span_world *world = given_a_world();
    unsigned           size_class = size_class_for(3 * KIB);   // slots share OS pages
    struct span       *span = given_span(world, size_class, 1);
    size_t             n_slots = span_class(span)->n_slots;
    central_cool_all(&world->central);
    assert_true(span->free[0] == 0);
    for (size_t i = 1; i < n_slots; i++) {
        assert_false(span->run.n_pages == 0);
        char *slot = world_fetch(world, size_class);
        assert_ptr_equal(slot, world_slot(span, i));
        assert_true(world_slot_is_ready(span, i));
    }
    assert_int_equal(world->pages.released_inside, 0);
    expect_world(world);
    span_world_delete(world);
}

static void a_span_with_ready_slots_comes_before_a_cold_one(void **state)
{
    struct span_world *world = given_a_world();
    struct span       *cold = given_span(world, class_of_8k(), 1);
    central_cool_all(&world->central);
    struct span *ready = given_span(world, class_of_8k(), 1);
    assert_ptr_equal(world_fetch(world, class_of_8k()), world_slot(ready, 1));
    assert_int_equal(n_ready_bytes(cold), 8 * KIB);
    span_world_delete(world);
}

static void a_span_that_is_taken_over_is_warm(void **state)
{
    struct span_world *world = given_a_world();
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        if (!size_class_may_cool(i))
            continue;
        struct span *span = given_span(world, i, 1);
        central_cool_all(&world->central);
        assert_ptr_equal(central_take_span(&world->central, i, &an_owner), span);
        assert_int_equal(span_cold(span), 0);
        assert_int_equal(span_released_os_pages(span), 0);
        assert_int_equal(span->free[0], span_class(span)->last_word & ~UINT64_C(1));
        assert_int_equal(n_ready_bytes(span), run_bytes(&span->run));
        assert_int_equal(list_of(world, i)->released_bytes, 0);
        expect_world(world);
    }
    span_world_delete(world);
}

// ---- verify -----------------------------------------------------------------------------------

static void forget_a_cold_slot(struct span *span)
{
    store_relaxed(&span->free[COLD_WORD], span_cold(span) & (span_cold(span) - 1));
    span->n_free--;
}

static void have_a_cold_slot_twice(struct span *span)
{
    store_relaxed(&span->free[0], 0x4);
    span->n_free++;
}

static void have_a_cold_slot_too_many(struct span *span)
{
    store_relaxed(&span->free[COLD_WORD], span_cold(span) | 1);
    span->n_free++;
}

static void release_a_page_in_use(struct span *span)
{
    store_relaxed(&span->free[RELEASED_WORD], span_released_os_pages(span) | 1);
}

static void release_a_page_that_is_not_there(struct span *span)
{
    store_relaxed(&span->free[RELEASED_WORD], span_released_os_pages(span) | UINT64_C(1) << 63);
}

static void forget_a_released_page(struct span *span)
{
    store_relaxed(&span->free[RELEASED_WORD], 0);
}

static void say_it_is_in_the_other_list(struct span *span)
{
    span->is_cooled = false;
}

static void say_it_is_idle(struct span *span)
{
    span->n_free = (uint16_t)span_class(span)->n_slots;
}

static void say_it_is_on_its_way(struct span *span)
{
    span->is_cooling = true;
}

static const struct verify_row {
    const char *name, *code;
    void (*corrupt)(struct span *span);
} verify_rows[] = {
    {"W4 a cold slot forgotten", "W4", forget_a_cold_slot},
    {"W4 a slot that is cold and to be had", "W4", have_a_cold_slot_twice},
    {"W4 a cold slot that touches nothing released", "W4", have_a_cold_slot_too_many},
    {"W4 a page released under a live object", "W4", release_a_page_in_use},
    {"W4 a page released that the span does not have", "W4", release_a_page_that_is_not_there},
    {"W4 a page released and forgotten", "W4", forget_a_released_page},
    {"T1 a span in the other list", "T1", say_it_is_in_the_other_list},
    {"T1 an idle span among the cooled ones", "T1", say_it_is_idle},
    {"T1 a span in a list and on its way", "T1", say_it_is_on_its_way},
};

static void is_named(void **state)
{
    const struct verify_row *row = unit_case_of(state)->row;
    struct span_world       *world = given_a_world();
    struct span             *span = given_span(world, class_of_8k(), 0x3);
    central_cool_all(&world->central);
    struct span whole = *span;
    assert_null(central_verify(&world->central));
    row->corrupt(span);
    expect_broken(central_verify(&world->central), row->code);
    *span = whole;
    span_world_delete(world);
}

static const struct unit_sentence sentences[] = {
    {"what no live object touches goes back", what_no_live_object_touches_goes_back},
    {"other classes do not cool", other_classes_do_not_cool},
    {"about as much as asked for goes back the highest class first",
     about_as_much_as_asked_for_goes_back_the_highest_class_first},
    {"a span that cooled and is idle goes back as released",
     a_span_that_cooled_and_is_idle_goes_back_as_released},
    {"at the hard limit half a page does not become ready",
     at_the_hard_limit_half_a_page_does_not_become_ready},
    {"unless the kernel refuses", unless_the_kernel_refuses},
    {"a span is looked at again when something is freed in it",
     a_span_is_looked_at_again_when_something_is_freed_in_it},
    {"a long list is gone through little by little", a_long_list_is_gone_through_little_by_little},
    {"what the kernel refuses stays as it is", what_the_kernel_refuses_stays_as_it_is},
    {"one range that is refused does not keep the others",
     one_range_that_is_refused_does_not_keep_the_others},
    {"after many refusals it ends", after_many_refusals_it_ends},
    {"while somebody else is at it nothing happens", while_somebody_else_is_at_it_nothing_happens},
    {"who wants all waits for whoever is at it", who_wants_all_waits_for_whoever_is_at_it},
    {"a fork waits for one batch only", a_fork_waits_for_one_batch_only},
    {"what is freed meanwhile is free and looked at",
     what_is_freed_meanwhile_is_free_and_looked_at},
    {"so is what a signal handler frees that interrupts it",
     so_is_what_a_signal_handler_frees_that_interrupts_it},
    {"a span that becomes idle meanwhile goes back afterwards",
     a_span_that_becomes_idle_meanwhile_goes_back_afterwards},
    {"but not before the last note has come", but_not_before_the_last_note_has_come},
    {"nobody gets what is on its way", nobody_gets_what_is_on_its_way},
    {"a cold slot freed once more is found", a_cold_slot_freed_once_more_is_found},
    {"even if two do so at once", even_if_two_do_so_at_once},
    {"ready slots are handed out first and cold ones warm",
     ready_slots_are_handed_out_first_and_cold_ones_warm},
    {"a span with ready slots comes before a cold one",
     a_span_with_ready_slots_comes_before_a_cold_one},
    {"a span that is taken over is warm", a_span_that_is_taken_over_is_warm},
};

int main(void)
{
    ADD_SENTENCES("central_cool", sentences, 0);
    unit_add_table(UNIT_TABLE("an idle span that was kept goes back whole, OS pages", os_page_rows,
                              0, an_idle_span_that_was_kept_goes_back_whole));
    unit_add_table(UNIT_TABLE("verify names", verify_rows, 0, is_named));
    return cmocka_run_group_tests_name("central cool", unit_tests, NULL, NULL);
}
