// pageheap/move.c: moving pages from run to run, and what happens to the places they were at.
#include "unit_kit.h"
#include "vm_fake.h"

#define ALIGN_PAGES 8   // the largest OS page
#define OLD_PAGES 100
#define NEW_PAGES 170

struct moved_run {
    struct page_heap *heap;
    struct run       *from, *blocker, *to;
    size_t            moved_bytes, expected_bytes;
    bool              usable;
};

static struct run *alloc_aligned(struct page_heap *heap, size_t n_pages)
{
    struct run *run = page_heap_alloc(
        heap,
        &(struct run_request){.n_pages = n_pages, .align_pages = ALIGN_PAGES, .kind = RUN_IN_USE});
    assert_non_null(run);
    return run;
}

static uintptr_t start_of(const struct run *run)
{
    return (uintptr_t)run_start(run);
}

// One byte per OS page says where it was written.
static void write_pages(const struct run *run, size_t n_bytes)
{
    for (size_t at = 0; at < n_bytes; at += vm_page_bytes())
        vm_fake_write(start_of(run) + at, (unsigned char)(1 + at / vm_page_bytes() % 250));
}

static void expect_pages(const struct run *run, size_t n_bytes)
{
    for (size_t at = 0; at < n_bytes; at += vm_page_bytes())
        assert_int_equal(vm_fake_read(start_of(run) + at), 1 + at / vm_page_bytes() % 250);
}

static struct moved_run try_to_move(const struct page_shape *shape, enum vm_fake_loss loss,
                                    bool refuse)
{
    struct moved_run m = {.heap = unit_heap_new(shape, RETAIN_PCT_NEVER)};
    m.from = alloc_aligned(m.heap, OLD_PAGES);
    m.blocker = unit_alloc(m.heap, 20);
    m.to = alloc_aligned(m.heap, NEW_PAGES);
    m.expected_bytes = align_down(run_bytes(m.from), pages_to_bytes(shape->os_page_pages));
    write_pages(m.from, m.expected_bytes);
    assert_int_equal(page_heap_movable_bytes(m.heap, m.from), m.expected_bytes);
    vm_fake_lose(loss);
    if (refuse)
        vm_fake_refuse(1, false);
    m.usable = page_heap_move(m.heap, m.from, m.to, &m.moved_bytes);
    return m;
}

static struct moved_run move(void **state)
{
    struct moved_run m = try_to_move(unit_case_of(state)->shape, VM_FAKE_LOSE_NOTHING, false);
    assert_true(m.usable);
    assert_int_equal(m.moved_bytes, m.expected_bytes);
    return m;
}

static size_t n_renewed(void)
{
    struct vm_counts counts;
    vm_counts_read(&counts);
    return counts.renew;
}

static void pages_move_and_their_old_place_is_released(void **state)
{
    struct moved_run m = move(state);
    expect_pages(m.to, m.moved_bytes);
    assert_int_equal(vm_fake_read(start_of(m.to) + m.moved_bytes), 0);
    uintptr_t old_place = start_of(m.from);
    size_t    released_bytes = unit_account(m.heap).free_released_bytes;
    page_heap_free(m.heap, m.from);
    assert_int_equal(n_renewed(), 0);   // the move left it so
    assert_int_equal(unit_account(m.heap).free_released_bytes, released_bytes + m.moved_bytes);
    expect_heap(m.heap);
    struct run *again = unit_alloc(m.heap, bytes_to_pages_down(m.moved_bytes));
    assert_int_equal(start_of(again), old_place);
    assert_true(again->zero_known);
    expect_heap(m.heap);
    unit_heap_delete(m.heap);
}

static void a_moved_run_is_released_when_it_is_freed(void **state)
{
    struct moved_run m = move(state);
    page_heap_free(m.heap, m.from);
    uintptr_t place = start_of(m.to);
    page_heap_free(m.heap, m.to);
    assert_int_equal(n_renewed(), 1);
    assert_int_equal(vm_fake_state_at(place), VM_FAKE_PREPARED);
    expect_heap(m.heap);
    unit_heap_delete(m.heap);
}

static void a_refused_renewal_leaves_it_resident(void **state)
{
    struct moved_run m = move(state);
    page_heap_free(m.heap, m.from);
    uintptr_t place = start_of(m.to);
    vm_fake_refuse(1, false);
    page_heap_free(m.heap, m.to);
    assert_int_equal(vm_fake_state_at(place), VM_FAKE_READY);
    expect_heap(m.heap);
    assert_true(page_heap_trim(m.heap) > 0);
    expect_heap(m.heap);
    unit_heap_delete(m.heap);
}

static void what_is_cut_off_a_moved_run_is_released(void **state)
{
    static const size_t lengths[] = {169, 168, 104, 96, 17, 3};
    struct moved_run    m = move(state);
    bool                zero_known;
    page_heap_free(m.heap, m.from);
    for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
        assert_true(page_heap_resize(m.heap, m.to, lengths[i], &zero_known));
        expect_heap(m.heap);
        size_t kept_bytes = align_up(run_bytes(m.to), vm_page_bytes());
        assert_int_equal(vm_fake_state_at(start_of(m.to) + kept_bytes - 1), VM_FAKE_READY);
        if (lengths[i] < 168)   // else the OS page has a part behind the run that is not its own
            assert_int_equal(vm_fake_state_at(start_of(m.to) + kept_bytes), VM_FAKE_PREPARED);
    }
    page_heap_free(m.heap, m.to);
    expect_heap(m.heap);
    unit_heap_delete(m.heap);
}

// The mapping ends where it was lengthened in place; the rest is for the owner to copy.
static void what_was_moved_before_moves_again(void **state)
{
    struct moved_run m = move(state);
    bool             zero_known;
    size_t           own_bytes = page_heap_movable_bytes(m.heap, m.to);
    assert_int_equal(own_bytes, align_down(run_bytes(m.to), vm_page_bytes()));
    page_heap_free(m.heap, m.from);
    assert_true(page_heap_resize(m.heap, m.to, NEW_PAGES + 40, &zero_known));
    assert_int_equal(page_heap_movable_bytes(m.heap, m.to), own_bytes);
    struct run *next = alloc_aligned(m.heap, 400);
    size_t      moved_bytes;
    assert_true(page_heap_move(m.heap, m.to, next, &moved_bytes));
    assert_int_equal(moved_bytes, own_bytes);
    expect_pages(next, m.moved_bytes);
    assert_int_equal(vm_fake_state_at(start_of(m.to) + own_bytes), VM_FAKE_READY);
    page_heap_free(m.heap, m.to);
    expect_heap(m.heap);
    page_heap_free(m.heap, next);
    expect_heap(m.heap);
    unit_heap_delete(m.heap);
}

static void a_refused_move_changes_nothing(void **state)
{
    struct moved_run m = try_to_move(unit_case_of(state)->shape, VM_FAKE_LOSE_NOTHING, true);
    assert_true(m.usable);
    assert_int_equal(m.moved_bytes, 0);
    expect_pages(m.from, m.expected_bytes);
    expect_heap(m.heap);
    page_heap_free(m.heap, m.to);
    page_heap_free(m.heap, m.from);
    assert_int_equal(n_renewed(), 0);
    expect_heap(m.heap);
    unit_heap_delete(m.heap);
}

static void expect_never_used_again(struct page_heap *heap, struct run *run)
{
    size_t n_bytes = run_bytes(run);
    page_heap_free(heap, run);
    assert_string_equal(page_heap_verify(heap) == NULL ? "" : page_heap_verify(heap), "");
    assert_int_equal(unit_account(heap).manual_bytes, n_bytes);
    assert_ptr_equal(page_heap_find(heap, start_of(run)), run);
    assert_int_equal(vm_fake_state_at(start_of(run)), VM_FAKE_FOREIGN);
    // The fake ends the test if the heap does anything there.
    page_heap_free(heap, unit_alloc(heap, NEW_PAGES));
    page_heap_trim(heap);
}

static void a_lost_target_is_never_used_again(void **state)
{
    struct moved_run m = try_to_move(unit_case_of(state)->shape, VM_FAKE_LOSE_TO, false);
    assert_false(m.usable);
    assert_int_equal(m.moved_bytes, 0);
    expect_never_used_again(m.heap, m.to);
    expect_pages(m.from, m.expected_bytes);
    page_heap_free(m.heap, m.from);
    assert_null(page_heap_verify(m.heap));
}

static void a_lost_place_is_never_used_again(void **state)
{
    struct moved_run m = try_to_move(unit_case_of(state)->shape, VM_FAKE_LOSE_FROM, false);
    assert_true(m.usable);
    expect_pages(m.to, m.moved_bytes);
    expect_never_used_again(m.heap, m.from);
    page_heap_free(m.heap, m.to);
    assert_null(page_heap_verify(m.heap));
}

static void a_run_that_starts_within_an_os_page_stays(void **state)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    struct page_heap        *heap = unit_heap_new(shape, RETAIN_PCT_NEVER);
    unit_alloc(heap, 17);
    struct run *from = unit_alloc(heap, 33);
    assert_int_equal(from->first.number % 2, 1);
    size_t expected_bytes = shape->os_page_pages == 1 ? run_bytes(from) : 0;
    assert_int_equal(page_heap_movable_bytes(heap, from), expected_bytes);
    struct run *to = alloc_aligned(heap, 64);
    size_t      moved_bytes;
    assert_true(page_heap_move(heap, from, to, &moved_bytes));
    assert_int_equal(moved_bytes, expected_bytes);
    page_heap_free(heap, from);
    page_heap_free(heap, to);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static const struct unit_sentence sentences[] = {
    {"pages move and their old place is released", pages_move_and_their_old_place_is_released},
    {"a moved run is released when it is freed", a_moved_run_is_released_when_it_is_freed},
    {"a refused renewal leaves it resident", a_refused_renewal_leaves_it_resident},
    {"what is cut off a moved run is released", what_is_cut_off_a_moved_run_is_released},
    {"what was moved before moves again", what_was_moved_before_moves_again},
    {"a refused move changes nothing", a_refused_move_changes_nothing},
    {"a lost target is never used again", a_lost_target_is_never_used_again},
    {"a lost place is never used again", a_lost_place_is_never_used_again},
    {"a run that starts within an OS page stays", a_run_that_starts_within_an_os_page_stays},
};

int main(void)
{
    ADD_SENTENCES("move", sentences, HEAP_SHAPES);
    return cmocka_run_group_tests_name("move", unit_tests, NULL, NULL);
}
