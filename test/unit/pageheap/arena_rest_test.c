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

// A heap that has left its first arena behind with all but a leaf of it not prepared yet: the
// first growth for which the n-th call is refused and which succeeds all the same.
static struct page_heap *given_a_waiting_rest(const struct page_shape *shape)
{
    for (size_t nth = 1;; nth++) {
        struct page_heap *heap = unit_heap_new(shape, RETAIN_PCT_NEVER);
        assert_int_equal(grow(heap, LEAF_PAGES), LEAF_PAGES);
        vm_fake_occupy(heap->current.end, shape->os_page_bytes);
        vm_fake_refuse(nth, false);
        size_t n_grown = grow(heap, SWITCH_PAGES);
        assert_true(vm_fake_refusable_calls() >= nth);
        vm_fake_refuse(0, false);
        expect_heap(heap);
        if (n_grown == SWITCH_PAGES && heap->rest.end > heap->rest.base) {
            assert_int_equal(heap->rest.base, page_address(PAGE(LEAF_PAGES)));
            assert_int_equal(heap->rest.end, page_address(PAGE(ARENA_PAGES)));
            return heap;
        }
        unit_heap_delete(heap);
    }
}

static void the_next_growth_frees_it(void **state)
{
    struct page_heap *heap = given_a_waiting_rest(unit_case_of(state)->shape);
    assert_int_equal(unit_account(heap).mapped_bytes, pages_to_bytes(LEAF_PAGES + SWITCH_PAGES));
    assert_int_equal(grow_exactly(heap, 64), 64 + REST_PAGES);
    assert_int_equal(heap->rest.end - heap->rest.base, 0);
    assert_int_equal(unit_alloc(heap, ARENA_PAGES)->first.number, UNIT_BASE_PAGE);
    expect_heap(heap);
    unit_heap_delete(heap);
}

// The call that prepares the rest is the last one of a growth: refused, it waits on.
static void it_may_be_refused_again(void **state)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    struct page_heap        *heap = given_a_waiting_rest(shape);
    assert_true(grow_exactly(heap, 64) > 64);
    size_t n_calls = vm_fake_refusable_calls();
    unit_heap_delete(heap);
    struct page_heap *other = given_a_waiting_rest(shape);
    vm_fake_refuse(n_calls, false);
    assert_int_equal(grow_exactly(other, 64), 64);
    vm_fake_refuse(0, false);
    assert_int_equal(other->rest.end - other->rest.base, pages_to_bytes(REST_PAGES));
    assert_int_equal(grow_exactly(other, 64), 64 + REST_PAGES);
    unit_heap_delete(other);
}

static void another_switch_frees_both_rests(void **state)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    struct page_heap        *heap = given_a_waiting_rest(shape);
    vm_fake_occupy(heap->current.end, shape->os_page_bytes);
    assert_int_equal(grow_exactly(heap, ARENA_PAGES), ARENA_PAGES + REST_PAGES + ROOM_PAGES);
    assert_int_equal(heap->rest.end - heap->rest.base, 0);
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
        assert_int_equal(heap->rest.end - heap->rest.base, 0);
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

static const struct unit_sentence sentences[] = {
    {"the next growth frees it", the_next_growth_frees_it},
    {"it may be refused again", it_may_be_refused_again},
    {"another switch frees both rests", another_switch_frees_both_rests},
    {"another switch may fail at any call", another_switch_may_fail_at_any_call},
    {"a small growth may fail at any call", a_small_growth_may_fail_at_any_call},
    {"a waiting rest is given back at the end", a_waiting_rest_is_given_back_at_the_end},
};

int main(void)
{
    ADD_SENTENCES("arena_rest", sentences, HEAP_SHAPES);
    return cmocka_run_group_tests_name("arena_rest", unit_tests, NULL, NULL);
}
