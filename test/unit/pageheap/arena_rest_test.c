// The rest of an arena left behind, when the kernel will not prepare it at once: it waits.
#include "unit_kit.h"
#include "vm_fake.h"

#define ARENA_PAGES (64 * MIB / PAGE_BYTES)
#define REST_PAGES (ARENA_PAGES - LEAF_PAGES)   // of the first arena
#define ROOM_PAGES ((size_t)128)                // left in the second
#define SWITCH_PAGES (ARENA_PAGES - ROOM_PAGES)

static size_t grow(struct page_heap *heap, size_t n_pages)
{
    lock_acquire(&heap->lock);
    size_t n_grown = page_heap_grow_locked(heap, n_pages);
    lock_release(&heap->lock);
    return n_grown;
}

// What a growth says it added is what was mapped for it.
static size_t grow_exactly(struct page_heap *heap, size_t n_pages)
{
    size_t before = unit_account(heap).mapped_bytes;
    size_t n_grown = grow(heap, n_pages);
    assert_int_equal(unit_account(heap).mapped_bytes - before, pages_to_bytes(n_grown));
    expect_heap(heap);
    return n_grown;
}

// Pages of arenas that are neither grown nor in the current arena.
static size_t waiting_pages(const struct page_heap *heap)
{
    return heap->reserved.total_pages - heap->grown.total_pages -
           bytes_to_pages_down(heap->current.end - heap->current.base);
}

// Reserves the next arena a little above the present one, in the same table: growing into it
// then takes no books and no address space, only one call for its first piece.
static void reserve_behind_a_gap(struct page_heap *heap, size_t n_pages)
{
    if (vm_fake_state_at(heap->current.end) == VM_FAKE_NONE)
        vm_fake_occupy(heap->current.end, heap->unit_bytes);
    lock_acquire(&heap->lock);
    heap->arenas.hints[heap->arenas.n_hints - 1] =
        (struct arena_hint){.address = heap->current.end + heap->unit_bytes};
    assert_true(arena_source_fill_spare(&heap->arenas, pages_to_bytes(n_pages)));
    lock_release(&heap->lock);
}

// Grows by `n_pages` into another arena, and refuses what is asked of the kernel past the first
// piece of that: whatever then is left of the present arena must wait.
static void switch_arenas_with_rest_refused(struct page_heap *heap, size_t n_pages)
{
    size_t n_before = waiting_pages(heap);
    size_t n_left = bytes_to_pages_down(heap->current.end - heap->current.base);
    size_t n_grown = 0;
    reserve_behind_a_gap(heap, n_pages);
    // More than once, because a list of ranges may need room first.
    for (int i = 0; i < 3 && n_grown == 0; i++) {
        vm_fake_refuse(2, true);
        n_grown = grow(heap, n_pages);
        vm_fake_refuse(0, false);
    }
    assert_int_equal(n_grown, n_pages);
    assert_int_equal(waiting_pages(heap), n_before + n_left);
    expect_heap(heap);
}

static struct page_heap *given_a_waiting_rest(const struct page_shape *shape)
{
    struct page_heap *heap = unit_heap_new(shape, RETAIN_PCT_NEVER);
    assert_int_equal(grow(heap, LEAF_PAGES), LEAF_PAGES);
    switch_arenas_with_rest_refused(heap, SWITCH_PAGES);
    assert_int_equal(waiting_pages(heap), REST_PAGES);
    assert_int_equal(unit_account(heap).mapped_bytes, pages_to_bytes(LEAF_PAGES + SWITCH_PAGES));
    return heap;
}

static void the_next_growth_frees_it(void **state)
{
    struct page_heap *heap = given_a_waiting_rest(unit_case_of(state)->shape);
    assert_int_equal(grow_exactly(heap, 64), 64 + REST_PAGES);
    assert_int_equal(waiting_pages(heap), 0);
    assert_int_equal(unit_alloc(heap, ARENA_PAGES)->first.number, UNIT_BASE_PAGE);
    expect_heap(heap);
    unit_heap_delete(heap);
}

// Preparing the rest is the last that a growth asks for: refused, it waits on.
static void it_may_be_refused_again(void **state)
{
    struct page_heap *heap = given_a_waiting_rest(unit_case_of(state)->shape);
    vm_fake_refuse(2, true);
    assert_int_equal(grow_exactly(heap, 64), 64);
    vm_fake_refuse(0, false);
    assert_int_equal(waiting_pages(heap), REST_PAGES);
    assert_int_equal(grow_exactly(heap, 64), 64 + REST_PAGES);
    unit_heap_delete(heap);
}

static void another_switch_frees_both_rests(void **state)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    struct page_heap        *heap = given_a_waiting_rest(shape);
    vm_fake_occupy(heap->current.end, shape->os_page_bytes);
    assert_int_equal(grow_exactly(heap, ARENA_PAGES), ARENA_PAGES + REST_PAGES + ROOM_PAGES);
    assert_int_equal(waiting_pages(heap), 0);
    unit_heap_delete(heap);
}

// "0: the OS has no more memory, every book is as before", also with a rest that waits.
static void growth_with_a_waiting_rest_may_fail_at_any_call(void **state, size_t n_pages)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    bool                     was_refused = true;
    for (size_t nth = 1; was_refused; nth++) {
        struct page_heap *heap = given_a_waiting_rest(shape);
        vm_fake_occupy(heap->current.end, shape->os_page_bytes);
        struct page_account before = unit_account(heap);
        vm_fake_refuse(nth, false);
        size_t n_grown = grow_exactly(heap, n_pages);
        was_refused = vm_fake_refusable_calls() >= nth;
        vm_fake_refuse(0, false);
        struct page_account after = unit_account(heap);
        if (n_grown == 0)
            expect_same_books(&before, &after);
        assert_true(grow_exactly(heap, n_pages) >= n_pages);
        unit_heap_delete(heap);
    }
}

static void another_switch_may_fail_at_any_call(void **state)
{
    growth_with_a_waiting_rest_may_fail_at_any_call(state, ARENA_PAGES);
}

static void a_small_growth_may_fail_at_any_call(void **state)
{
    growth_with_a_waiting_rest_may_fail_at_any_call(state, 64);
}

static void a_waiting_rest_is_given_back_at_the_end(void **state)
{
    struct page_heap *heap = given_a_waiting_rest(unit_case_of(state)->shape);
    unit_heap_delete(heap);   // all address space is none again
}

// ---- many -------------------------------------------------------------------------------------

#define SMALL_ARENA_PAGES (MIB / PAGE_BYTES)

// As many as may wait, and eight pages left in the current arena.
static struct page_heap *given_all_rests_waiting(const struct page_shape *shape)
{
    struct page_heap_config config = {.arena_bytes = MIB, .n_caches = 1};
    struct page_heap       *heap = unit_heap_with(shape, &config);
    assert_int_equal(grow(heap, SMALL_ARENA_PAGES - 8), SMALL_ARENA_PAGES - 8);
    for (size_t i = 0; i < RESTS_MAX; i++)
        switch_arenas_with_rest_refused(heap, SMALL_ARENA_PAGES - 8);
    assert_int_equal(waiting_pages(heap), RESTS_MAX * 8);
    return heap;
}

static void no_more_than_so_many_wait(void **state)
{
    struct page_heap   *heap = given_all_rests_waiting(unit_case_of(state)->shape);
    struct page_account before = unit_account(heap);
    reserve_behind_a_gap(heap, SMALL_ARENA_PAGES);
    vm_fake_refuse(2, true);
    size_t n_grown = grow_exactly(heap, SMALL_ARENA_PAGES);
    vm_fake_refuse(0, false);
    struct page_account after = unit_account(heap);
    if (n_grown == 0)
        expect_same_books(&before, &after);
    assert_true(heap->n_rests <= RESTS_MAX);
    expect_heap(heap);
    unit_heap_delete(heap);
}

// The kernel agrees again: then there is memory to be had.
static void the_heap_grows_again_after_any_number_of_refusals(void **state)
{
    struct page_heap *heap = given_all_rests_waiting(unit_case_of(state)->shape);
    vm_fake_refuse(2, true);
    assert_int_equal(grow(heap, 8), 8);   // not a page is left of the current arena
    vm_fake_refuse(0, false);
    assert_int_equal(heap->current.end - heap->current.base, 0);
    struct run *run = unit_alloc(heap, 200);   // more than is free in one piece
    expect_heap(heap);
    page_heap_free(heap, run);
    // Later growths free what waits.
    for (size_t i = 0; i < 2 * RESTS_MAX; i++)
        assert_true(grow_exactly(heap, 100) > 0);
    assert_int_equal(waiting_pages(heap), 0);
    unit_heap_delete(heap);
}

static const struct unit_sentence sentences[] = {
    {"the next growth frees it", the_next_growth_frees_it},
    {"it may be refused again", it_may_be_refused_again},
    {"another switch frees both rests", another_switch_frees_both_rests},
    {"another switch may fail at any call", another_switch_may_fail_at_any_call},
    {"a small growth may fail at any call", a_small_growth_may_fail_at_any_call},
    {"a waiting rest is given back at the end", a_waiting_rest_is_given_back_at_the_end},
    {"no more than so many wait", no_more_than_so_many_wait},
    {"the heap grows again after any number of refusals",
     the_heap_grows_again_after_any_number_of_refusals},
};

int main(void)
{
    ADD_SENTENCES("arena_rest", sentences, HEAP_SHAPES);
    return cmocka_run_group_tests_name("arena_rest", unit_tests, NULL, NULL);
}
