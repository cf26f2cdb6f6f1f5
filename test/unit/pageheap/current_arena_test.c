// pageheap/grow.c: what growing the current arena does to it, to the books and to the kernel's
// view.
#include "unit_kit.h"
#include "vm_fake.h"

#define ARENA_PAGES (64 * MIB / PAGE_BYTES)

static size_t grow(struct page_heap *heap, size_t n_pages)
{
    lock_acquire(&heap->lock);
    size_t n_grown = page_heap_grow_locked(heap, n_pages);
    lock_release(&heap->lock);
    return n_grown;
}

static size_t grow_in_place(struct page_heap *heap, size_t n_pages)
{
    lock_acquire(&heap->lock);
    size_t n_grown = page_heap_grow_in_place_locked(heap, n_pages);
    lock_release(&heap->lock);
    return n_grown;
}

// A heap that has grown by a leaf into its first arena.
static struct page_heap *given_a_started_heap(const struct page_shape *shape)
{
    struct page_heap *heap = unit_heap_new(shape, RETAIN_PCT_NEVER);
    assert_int_equal(grow(heap, LEAF_PAGES), LEAF_PAGES);
    expect_heap(heap);
    return heap;
}

static void expect_current(const struct page_heap *heap, size_t base_page, size_t end_page)
{
    assert_int_equal(heap->current.base, page_address(PAGE(base_page)));
    assert_int_equal(heap->current.end, page_address(PAGE(end_page)));
}

static void enough_room_means_a_bump(void **state)
{
    struct page_heap *heap = given_a_started_heap(unit_case_of(state)->shape);
    struct vm_counts  before, after;
    expect_current(heap, LEAF_PAGES, ARENA_PAGES);
    vm_counts_read(&before);
    assert_int_equal(grow(heap, 512), 512);
    assert_int_equal(grow(heap, ARENA_PAGES - 1024), ARENA_PAGES - 1024);
    vm_counts_read(&after);
    assert_int_equal(after.reserve, before.reserve);
    assert_int_equal(after.prepare, before.prepare + 2);
    expect_current(heap, ARENA_PAGES, ARENA_PAGES);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void contiguous_extension_makes_no_leftover(void **state)
{
    struct page_heap *heap = given_a_started_heap(unit_case_of(state)->shape);
    assert_int_equal(grow(heap, ARENA_PAGES), ARENA_PAGES);   // more than the room left
    expect_current(heap, LEAF_PAGES + ARENA_PAGES, 2 * ARENA_PAGES);
    struct page_account account = unit_account(heap);
    assert_int_equal(account.mapped_bytes, pages_to_bytes(LEAF_PAGES + ARENA_PAGES));
    assert_int_equal(account.reserved_bytes, pages_to_bytes(2 * ARENA_PAGES));
    assert_int_equal(heap->grown.n_ranges, 1);
    assert_int_equal(heap->reserved.n_ranges, 1);
    // One free run over the edge of the arenas.
    page_id first;
    assert_true(page_set_find(&heap->free, LEAF_PAGES + ARENA_PAGES, &first));
    assert_int_equal(first.number, UNIT_BASE_PAGE);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void discontiguous_growth_frees_exactly_the_leftover(void **state)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    struct page_heap        *heap = given_a_started_heap(shape);
    vm_fake_occupy(heap->current.end, shape->os_page_bytes);
    size_t n_rest = ARENA_PAGES - LEAF_PAGES;
    assert_int_equal(grow(heap, n_rest + 8), n_rest + n_rest + 8);
    struct page_account account = unit_account(heap);
    assert_int_equal(account.mapped_bytes, pages_to_bytes(ARENA_PAGES + n_rest + 8));
    assert_int_equal(account.free_released_bytes, account.mapped_bytes);
    assert_int_equal(vm_fake_heap_bytes().prepared, account.mapped_bytes);
    assert_int_equal(heap->grown.n_ranges, 2);
    assert_int_equal(heap->grown.ranges[0].first.number, UNIT_BASE_PAGE);
    assert_int_equal(heap->grown.ranges[0].n_pages, ARENA_PAGES);
    assert_int_equal(heap->grown.ranges[1].n_pages, n_rest + 8);
    // The current arena is the new one, and it lies elsewhere.
    uintptr_t start = page_address(heap->grown.ranges[1].first);
    assert_true(start > page_address(PAGE(ARENA_PAGES)));
    assert_int_equal(heap->current.base, start + pages_to_bytes(n_rest + 8));
    assert_int_equal(heap->current.end, start + pages_to_bytes(ARENA_PAGES));
    expect_heap(heap);
    // The leftover serves what fits, as one run with what was free before it.
    page_id first;
    assert_true(page_set_find(&heap->free, ARENA_PAGES, &first));
    assert_int_equal(first.number, UNIT_BASE_PAGE);
    assert_int_equal(unit_alloc(heap, 600)->first.number, UNIT_BASE_PAGE);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void a_used_up_arena_leaves_nothing_over(void **state)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    struct page_heap        *heap = given_a_started_heap(shape);
    assert_int_equal(grow(heap, ARENA_PAGES - LEAF_PAGES), ARENA_PAGES - LEAF_PAGES);
    vm_fake_occupy(heap->current.end, shape->os_page_bytes);
    assert_int_equal(grow(heap, 64), 64);
    assert_int_equal(unit_account(heap).mapped_bytes, pages_to_bytes(ARENA_PAGES + 64));
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void growth_maps_the_ask_rounded_up(void **state)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    static const size_t      asks[] = {1, 7, 8, 9, 16, 17, 31, 64, 100, 513, 1000, 9000};
    struct page_heap        *heap = unit_heap_new(shape, RETAIN_PCT_NEVER);
    for (size_t i = 0; i < LENGTH_OF(asks); i++) {
        size_t before = unit_account(heap).mapped_bytes;
        size_t rounded = align_up(asks[i], shape->os_page_pages);
        assert_int_equal(grow(heap, asks[i]), rounded);
        assert_int_equal(unit_account(heap).mapped_bytes - before, pages_to_bytes(rounded));
        assert_int_equal(vm_fake_heap_bytes().prepared, unit_account(heap).mapped_bytes);
        expect_heap(heap);
    }
    unit_heap_delete(heap);
}

// Past the caches a request grows the heap by itself and no more; through one, by a window.
static void requests_map_what_they_ask_for(void **state)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    static const size_t      asks[] = {16, 17, 24, 63, 64, 65, 511, 512, 513, 9000};
    for (size_t i = 0; i < LENGTH_OF(asks); i++) {
        struct page_heap *heap = unit_heap_new(shape, RETAIN_PCT_NEVER);
        for (size_t n = 1; n <= 3; n++) {
            struct page_account before = unit_account(heap);
            unit_alloc(heap, asks[i]);
            struct page_account after = unit_account(heap);
            size_t              rounded = align_up(asks[i], shape->os_page_pages);
            assert_true(after.mapped_bytes - before.mapped_bytes <= pages_to_bytes(rounded));
            assert_true(after.mapped_bytes >= pages_to_bytes(n * asks[i]));
        }
        unit_heap_delete(heap);
    }
    struct page_heap *heap = unit_heap_new(shape, RETAIN_PCT_NEVER);
    for (size_t n_windows = 1; n_windows <= 5; n_windows++) {
        for (size_t i = 0; i < WINDOW_PAGES; i++) {
            unit_alloc(heap, 1);
            assert_int_equal(unit_account(heap).mapped_bytes,
                             pages_to_bytes(n_windows * WINDOW_PAGES));
        }
    }
    unit_heap_delete(heap);
}

static void growth_alone_makes_nothing_resident(void **state)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    struct page_heap        *heap = unit_heap_new(shape, RETAIN_PCT_NEVER);
    struct run              *run = unit_alloc(heap, 100);
    page_heap_free(heap, unit_alloc(heap, 77));
    static const size_t asks[] = {1, 50, 512, 3000, 9000, 20000};
    struct page_account before = unit_account(heap);
    size_t              ready_bytes = vm_fake_heap_bytes().ready;
    for (size_t i = 0; i < LENGTH_OF(asks); i++) {
        if (vm_fake_state_at(heap->current.end) == VM_FAKE_NONE && i % 2 == 0)
            vm_fake_occupy(heap->current.end, shape->os_page_bytes);
        assert_true(grow(heap, asks[i]) >= asks[i]);
        struct page_account after = unit_account(heap);
        assert_int_equal(after.mapped_bytes - unit_released_bytes(&after),
                         before.mapped_bytes - unit_released_bytes(&before));
        assert_int_equal(vm_fake_heap_bytes().ready, ready_bytes);
        assert_int_equal(after.in_use_bytes, before.in_use_bytes);
        expect_heap(heap);
    }
    page_heap_free(heap, run);
    expect_heap(heap);
    unit_heap_delete(heap);
}

// ---- failing ----------------------------------------------------------------------------------

static void a_failed_reservation_changes_nothing(void **state)
{
    struct page_heap   *heap = given_a_started_heap(unit_case_of(state)->shape);
    struct page_account before = unit_account(heap);
    struct arena        current = heap->current;
    vm_fake_refuse(1, true);
    assert_int_equal(grow(heap, ARENA_PAGES), 0);
    vm_fake_refuse(0, false);
    vm_fake_limit_bytes(70 * MIB);
    assert_int_equal(grow(heap, ARENA_PAGES), 0);
    struct page_account after = unit_account(heap);
    expect_same_books(&before, &after);
    assert_int_equal(after.metadata_bytes, before.metadata_bytes);
    assert_memory_equal(&heap->current, &current, sizeof current);
    expect_heap(heap);
    vm_fake_limit_bytes(SIZE_MAX);
    assert_int_equal(grow(heap, ARENA_PAGES), ARENA_PAGES);
    expect_heap(heap);
    unit_heap_delete(heap);
}

// page_heap_grow_locked returns 0: "every book is as before".
static void a_growth_may_fail_at_any_call(void **state, bool next_is_foreign)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    bool                     was_refused = true;
    for (size_t nth = 1; was_refused; nth++) {
        struct page_heap *heap = given_a_started_heap(shape);
        if (next_is_foreign)
            vm_fake_occupy(heap->current.end, shape->os_page_bytes);
        struct page_account before = unit_account(heap);
        vm_fake_refuse(nth, false);
        size_t n_grown = grow(heap, ARENA_PAGES);
        was_refused = vm_fake_refusable_calls() >= nth;
        vm_fake_refuse(0, false);
        expect_heap(heap);
        struct page_account after = unit_account(heap);
        if (n_grown == 0)
            expect_same_books(&before, &after);
        else
            assert_int_equal(after.mapped_bytes - before.mapped_bytes, pages_to_bytes(n_grown));
        unit_heap_delete(heap);
    }
}

static void a_contiguous_growth_may_fail_at_any_call(void **state)
{
    a_growth_may_fail_at_any_call(state, false);
}

static void a_discontiguous_growth_may_fail_at_any_call(void **state)
{
    a_growth_may_fail_at_any_call(state, true);
}

// ---- in place ---------------------------------------------------------------------------------

static void growth_in_place_continues_or_fails(void **state)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    struct page_heap        *heap = given_a_started_heap(shape);
    assert_int_equal(grow_in_place(heap, 64), 64);
    expect_current(heap, LEAF_PAGES + 64, ARENA_PAGES);
    assert_int_equal(grow_in_place(heap, ARENA_PAGES), ARENA_PAGES);
    expect_current(heap, LEAF_PAGES + 64 + ARENA_PAGES, 2 * ARENA_PAGES);
    assert_int_equal(heap->grown.n_ranges, 1);
    expect_heap(heap);
    vm_fake_occupy(heap->current.end, shape->os_page_bytes);
    struct page_account before = unit_account(heap);
    assert_int_equal(grow_in_place(heap, ARENA_PAGES), 0);
    struct page_account after = unit_account(heap);
    expect_same_books(&before, &after);
    expect_current(heap, LEAF_PAGES + 64 + ARENA_PAGES, 2 * ARENA_PAGES);
    expect_heap(heap);
    // What is left of the arena can still be taken, exactly.
    size_t n_rest = ARENA_PAGES - LEAF_PAGES - 64;
    assert_int_equal(grow_in_place(heap, n_rest), n_rest);
    assert_int_equal(grow_in_place(heap, 1), 0);
    expect_heap(heap);
    unit_heap_delete(heap);
}

// ---- many arenas ------------------------------------------------------------------------------

#define MANY_ARENAS 33   // the lists of ranges begin with room for 16

static void occupy_next_hints(struct page_heap *heap, size_t os_page_bytes)
{
    for (size_t i = 0; i < heap->arenas.n_hints; i++) {
        const struct arena_hint *hint = &heap->arenas.hints[i];
        uintptr_t at = hint->downwards ? hint->address - os_page_bytes : hint->address;
        if (vm_fake_state_at(at) == VM_FAKE_NONE)
            vm_fake_occupy(at, os_page_bytes);
    }
}

static void many_arenas_apart_are_all_in_the_books(void **state)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    struct page_heap_config  config = {.arena_bytes = MIB, .n_caches = 1};
    struct page_heap        *heap = unit_heap_with(shape, &config);
    for (size_t i = 0; i < MANY_ARENAS; i++) {
        occupy_next_hints(heap, shape->os_page_bytes);
        // All of the arena but 8 pages, which the next switch frees.
        assert_int_equal(grow(heap, MIB / PAGE_BYTES - 8), MIB / PAGE_BYTES - (i == 0 ? 8 : 0));
        expect_heap(heap);
    }
    assert_int_equal(heap->reserved.n_ranges, MANY_ARENAS);
    assert_int_equal(heap->grown.n_ranges, MANY_ARENAS);
    assert_int_equal(heap->reserved.capacity, 64);
    struct page_account account = unit_account(heap);
    assert_int_equal(account.reserved_bytes, MANY_ARENAS * MIB);
    assert_int_equal(account.mapped_bytes, MANY_ARENAS * MIB - pages_to_bytes(8));
    assert_int_equal(account.grown_times, MANY_ARENAS);
    unit_heap_delete(heap);
}

static const struct unit_sentence sentences[] = {
    {"enough room means a bump", enough_room_means_a_bump},
    {"contiguous extension makes no leftover", contiguous_extension_makes_no_leftover},
    {"discontiguous growth frees exactly the leftover",
     discontiguous_growth_frees_exactly_the_leftover},
    {"a used up arena leaves nothing over", a_used_up_arena_leaves_nothing_over},
    {"growth maps the ask rounded up", growth_maps_the_ask_rounded_up},
    {"requests map what they ask for", requests_map_what_they_ask_for},
    {"growth alone makes nothing resident", growth_alone_makes_nothing_resident},
    {"a failed reservation changes nothing", a_failed_reservation_changes_nothing},
    {"a contiguous growth may fail at any call", a_contiguous_growth_may_fail_at_any_call},
    {"a discontiguous growth may fail at any call", a_discontiguous_growth_may_fail_at_any_call},
    {"growth in place continues or fails", growth_in_place_continues_or_fails},
    {"many arenas apart are all in the books", many_arenas_apart_are_all_in_the_books},
};

int main(void)
{
    ADD_SENTENCES("current_arena", sentences, HEAP_SHAPES);
    return cmocka_run_group_tests_name("current_arena", unit_tests, NULL, NULL);
}
