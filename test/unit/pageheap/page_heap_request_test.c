// Requests at the limits, requests that fail, and runs that change their length in place.
#include "unit_kit.h"
#include "vm_fake.h"

// ---- limits -----------------------------------------------------------------------------------

struct limit_row {
    const char *name;
    size_t      n_pages, align_pages;
    bool        in_range;   // it reaches the kernel, which has no space
};

static const struct limit_row limit_rows[] = {
    {"nothing", 0, 0, false},
    {"one page", 1, 0, true},
    {"one page less than the most", RUN_PAGES_MAX - 1, 0, true},
    {"the most", RUN_PAGES_MAX, 0, true},
    {"the most, any alignment", RUN_PAGES_MAX, 1, true},
    {"one page more than the most", RUN_PAGES_MAX + 1, 0, false},
    {"all pages there are", SIZE_MAX, 0, false},
    {"all pages there are, aligned", SIZE_MAX, 2, false},
    {"bytes would overflow", SIZE_MAX / PAGE_BYTES + 2, 0, false},
    {"a large alignment", 1, RUN_PAGES_MAX / 2, true},
    {"alignment past the most", 1, 2 * RUN_PAGES_MAX, false},
    {"alignment of half the address space", 1, (size_t)1 << 63, false},
    {"size and alignment past the most", RUN_PAGES_MAX / 2 + 2, RUN_PAGES_MAX / 2, false},
};

static void requests_out_of_range_are_told(void **state)
{
    const struct limit_row *row = unit_case_of(state)->row;
    struct page_heap       *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    unit_alloc(heap, 1);   // so that records are at hand, and the first page is not
    struct page_account before = unit_account(heap);
    struct run_request  request = {
         .n_pages = row->n_pages, .align_pages = row->align_pages, .kind = RUN_IN_USE};
    struct vm_counts counts_before, counts_after;
    if (row->n_pages > 1 || row->align_pages > 1) {
        vm_fake_limit_bytes(0);
        vm_counts_read(&counts_before);
        assert_null(page_heap_alloc(heap, &request));
        vm_counts_read(&counts_after);
        assert_int_equal(counts_after.reserve > counts_before.reserve, row->in_range);
    } else {
        assert_int_equal(page_heap_alloc(heap, &request) != NULL, row->in_range);
    }
    struct page_account after = unit_account(heap);
    if (row->n_pages != 1 || row->align_pages > 1)
        expect_same_books(&before, &after);
    expect_heap(heap);
    vm_fake_limit_bytes(SIZE_MAX);
    unit_heap_delete(heap);
}

// ---- failing ----------------------------------------------------------------------------------

// A heap whose first arena is begun; what follows it may belong to somebody else.
static struct page_heap *given_a_started_heap(const struct page_shape *shape, bool next_is_foreign)
{
    struct page_heap *heap = unit_heap_new(shape, RETAIN_PCT_NEVER);
    unit_alloc(heap, 20);
    if (next_is_foreign)
        vm_fake_occupy(heap->current.end, shape->os_page_bytes);
    return heap;
}

// Refuses the n-th call to the kernel that the request makes, and all after it if
// `from_there_on`. Returns false when the request makes no n calls.
static bool failure_is_harmless(struct page_heap *heap, size_t n_pages, size_t nth,
                                bool from_there_on)
{
    struct page_account before = unit_account(heap);
    struct run_request  request = {.n_pages = n_pages, .kind = RUN_IN_USE};
    vm_fake_refuse(nth, from_there_on);
    struct run *run = page_heap_alloc(heap, &request);
    bool        was_refused = vm_fake_refusable_calls() >= nth;
    vm_fake_refuse(0, false);
    expect_heap(heap);
    if (run == NULL) {
        struct page_account after = unit_account(heap);
        expect_same_books(&before, &after);
        assert_int_equal(heap->records.n_handed_out, 1);   // of the run there was
        unit_alloc(heap, n_pages);                         // now it succeeds
        expect_heap(heap);
    }
    return was_refused;
}

static void expect_failures_are_harmless(const struct page_shape *shape, size_t n_pages,
                                         bool next_is_foreign)
{
    bool was_refused = true;
    for (size_t nth = 1; was_refused; nth++) {
        for (int from_there_on = 0; from_there_on < 2; from_there_on++) {
            struct page_heap *heap = given_a_started_heap(shape, next_is_foreign);
            was_refused = failure_is_harmless(heap, n_pages, nth, from_there_on != 0);
            // Not unit_heap_delete: a reservation whose release was refused stays for good.
            page_heap_destroy(heap);
            unit_unmap(heap, sizeof *heap);
        }
    }
}

static void a_small_request_may_fail_anywhere(void **state)
{
    expect_failures_are_harmless(unit_case_of(state)->shape, 3, false);
}

static void a_large_request_may_fail_anywhere(void **state)
{
    expect_failures_are_harmless(unit_case_of(state)->shape, 3000, false);
}

static void a_request_for_another_arena_may_fail_anywhere(void **state)
{
    expect_failures_are_harmless(unit_case_of(state)->shape, 9000, false);
}

// The rest of the old arena is given up only for a growth that succeeds.
static void a_switch_of_arenas_may_fail_anywhere(void **state)
{
    expect_failures_are_harmless(unit_case_of(state)->shape, 9000, true);
}

// ---- in place ---------------------------------------------------------------------------------

static void shorter_runs_give_their_tail_back(void **state)
{
    struct page_heap   *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    struct run         *run = unit_alloc(heap, 1100);
    bool                zero_known;
    size_t              n_before = 1100;
    static const size_t sizes[] = {1099, 1024, 1000, 513, 512, 511, 17, 16, 1};
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        assert_true(page_heap_resize(heap, run, sizes[i], &zero_known));
        assert_int_equal(run->n_pages, sizes[i]);
        assert_int_equal(unit_account(heap).in_use_bytes, pages_to_bytes(sizes[i]));
        for (size_t page = 0; page < n_before; page++) {
            struct run *found = page_heap_find(heap, page_address(page_plus(run->first, page)));
            assert_ptr_equal(found, page < sizes[i] ? run : NULL);
        }
        n_before = sizes[i];
        expect_heap(heap);
    }
    // The tail is one run again.
    assert_int_equal(unit_alloc(heap, 1099)->first.number, UNIT_BASE_PAGE + 1);
    unit_heap_delete(heap);
}

static void longer_runs_take_what_is_free_behind(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    struct run       *run = unit_alloc(heap, 600), *behind = unit_alloc(heap, 600);
    struct run       *wall = unit_alloc(heap, 20);
    bool              zero_known = true;
    assert_false(page_heap_resize(heap, run, 601, &zero_known));
    assert_int_equal(run->n_pages, 600);
    page_heap_free(heap, behind);
    assert_false(page_heap_resize(heap, run, 1201, &zero_known));
    expect_heap(heap);
    assert_true(page_heap_resize(heap, run, 601, &zero_known));
    assert_false(zero_known);   // used before
    expect_heap(heap);
    assert_true(page_heap_resize(heap, run, 1200, &zero_known));
    assert_int_equal(run->n_pages, 1200);
    assert_int_equal(unit_account(heap).in_use_bytes, pages_to_bytes(1220));
    assert_false(page_heap_resize(heap, run, 1201, &zero_known));
    for (size_t page = 0; page < 1220; page++)
        assert_ptr_equal(page_heap_find(heap, page_address(page_plus(run->first, page))),
                         page < 1200 ? run : wall);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void the_last_run_grows_with_the_heap(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    struct run       *run = unit_alloc(heap, 64);
    bool              zero_known = false;
    assert_true(page_heap_resize(heap, run, 128, &zero_known));
    assert_true(zero_known);
    assert_int_equal(unit_account(heap).mapped_bytes, pages_to_bytes(128));
    expect_heap(heap);
    // Past the end of the arena, where the next one continues it.
    size_t n_arena = 64 * MIB / PAGE_BYTES;
    assert_true(page_heap_resize(heap, run, n_arena + 64, &zero_known));
    assert_true(zero_known);
    assert_int_equal(unit_account(heap).mapped_bytes, pages_to_bytes(n_arena + 64));
    expect_heap(heap);
    // To the end of the last arena, but not over what is somebody else's.
    vm_fake_occupy(heap->current.end, unit_case_of(state)->shape->os_page_bytes);
    struct page_account before = unit_account(heap);
    assert_false(page_heap_resize(heap, run, 2 * n_arena + 1, &zero_known));
    struct page_account after = unit_account(heap);
    expect_same_books(&before, &after);
    assert_int_equal(run->n_pages, n_arena + 64);
    expect_heap(heap);
    assert_true(page_heap_resize(heap, run, 2 * n_arena, &zero_known));
    assert_false(page_heap_resize(heap, run, 2 * n_arena + 1, &zero_known));
    expect_heap(heap);
    // The arena reserved elsewhere for the attempt serves the next request.
    assert_true(unit_alloc(heap, 600)->first.number > UNIT_BASE_PAGE + 2 * n_arena);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void part_released_growth_is_not_known_zero(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    struct run       *run = unit_alloc(heap, 64), *behind = unit_alloc(heap, 64);
    bool              zero_known = true;
    page_heap_free(heap, behind);
    assert_true(page_heap_resize(heap, run, 256, &zero_known));   // 64 used, 128 fresh
    assert_false(zero_known);
    // Released meanwhile: known zero again.
    assert_true(page_heap_resize(heap, run, 64, &zero_known));
    page_heap_trim(heap);
    assert_true(page_heap_resize(heap, run, 128, &zero_known));
    assert_true(zero_known);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void growing_in_place_may_be_refused(void **state)
{
    struct page_heap   *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    struct run         *run = unit_alloc(heap, 64);
    bool                zero_known;
    struct page_account before = unit_account(heap);
    vm_fake_refuse(1, true);
    assert_false(page_heap_resize(heap, run, 128, &zero_known));
    vm_fake_refuse(0, false);
    struct page_account after = unit_account(heap);
    expect_same_books(&before, &after);
    assert_int_equal(run->n_pages, 64);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void impossible_lengths_are_refused(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    struct run       *run = unit_alloc(heap, 64);
    bool              zero_known;
    vm_fake_limit_bytes(100 * MIB);
    assert_false(page_heap_resize(heap, run, 0, &zero_known));
    assert_false(page_heap_resize(heap, run, RUN_PAGES_MAX + 1, &zero_known));
    assert_false(page_heap_resize(heap, run, RUN_PAGES_MAX, &zero_known));
    assert_false(page_heap_resize(heap, run, SIZE_MAX, &zero_known));
    assert_true(page_heap_resize(heap, run, 64, &zero_known));
    assert_int_equal(run->n_pages, 64);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void cached_runs_can_be_resized(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    struct run       *run = unit_alloc(heap, 15);
    bool              zero_known;
    assert_true(page_heap_resize(heap, run, 2, &zero_known));
    expect_heap(heap);
    assert_true(page_heap_resize(heap, run, 15, &zero_known));
    expect_heap(heap);
    page_heap_free(heap, run);
    assert_int_equal(unit_account(heap).in_use_bytes, 0);
    expect_heap(heap);
    unit_heap_delete(heap);
}

// Room for the request but not for a whole window.
static void the_last_pages_are_used(void **state)
{
    struct page_heap_config config = {.arena_bytes = MIB, .n_caches = 1};
    struct page_heap       *heap = unit_heap_with(unit_case_of(state)->shape, &config);
    for (size_t i = 0; i < 2 * WINDOW_PAGES; i++)   // the whole arena
        unit_alloc(heap, 1);
    struct vm_fake_bytes bytes = vm_fake_heap_bytes();
    assert_int_equal(bytes.ready, MIB);
    vm_fake_limit_bytes(bytes.ready + vm_fake_metadata_bytes() + heap->unit_bytes);
    unit_alloc(heap, 1);
    assert_int_equal(unit_account(heap).mapped_bytes, MIB + heap->unit_bytes);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static const struct unit_sentence failures[] = {
    {"the last pages are used", the_last_pages_are_used},
    {"a small request may fail anywhere", a_small_request_may_fail_anywhere},
    {"a large request may fail anywhere", a_large_request_may_fail_anywhere},
    {"a request for another arena may fail anywhere",
     a_request_for_another_arena_may_fail_anywhere},
    {"a switch of arenas may fail anywhere", a_switch_of_arenas_may_fail_anywhere},
};

static const struct unit_sentence resizes[] = {
    {"shorter runs give their tail back", shorter_runs_give_their_tail_back},
    {"longer runs take what is free behind", longer_runs_take_what_is_free_behind},
    {"the last run grows with the heap", the_last_run_grows_with_the_heap},
    {"part released growth is not known zero", part_released_growth_is_not_known_zero},
    {"growing in place may be refused", growing_in_place_may_be_refused},
    {"impossible lengths are refused", impossible_lengths_are_refused},
    {"cached runs can be resized", cached_runs_can_be_resized},
};

int main(void)
{
    unit_add_table(
        UNIT_TABLE("page_heap limits", limit_rows, HEAP_SHAPES, requests_out_of_range_are_told));
    ADD_SENTENCES("page_heap fails", failures, HEAP_SHAPES);
    ADD_SENTENCES("page_heap resize", resizes, HEAP_SHAPES);
    return cmocka_run_group_tests_name("page_heap_request", unit_tests, NULL, NULL);
}
