// Handing out runs and taking them back, and what the books and the kernel say after each step.
#include "unit_kit.h"
#include "vm_fake.h"

#include <string.h>
#include <unistd.h>

static size_t page_of(const struct run *run)
{
    return run->first.number;
}

static struct run *alloc_kind(struct page_heap *heap, size_t n_pages, size_t align_pages,
                              enum run_kind kind)
{
    struct run_request request = {.n_pages = n_pages, .align_pages = align_pages, .kind = kind};
    return page_heap_alloc(heap, &request);
}

static void a_fresh_heap_has_nothing(void **state)
{
    struct page_heap   *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    struct page_account account = unit_account(heap);
    assert_int_equal(account.reserved_bytes, 0);
    assert_int_equal(account.mapped_bytes, 0);
    assert_int_equal(account.in_use_bytes + account.manual_bytes, 0);
    assert_int_equal(account.metadata_bytes, sizeof *heap);
    assert_null(page_heap_find(heap, 0));
    assert_int_equal(page_heap_trim(heap), 0);
    assert_int_equal(page_heap_scavenge_step(heap, 1), 0);
    expect_heap(heap);
    unit_heap_delete(heap);
}

// 1 to 15 pages go through a cache, more do not.
static void books_follow_each_alloc_and_free(void **state)
{
    struct page_heap   *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    static const size_t sizes[] = {1, 2, 7, 8, 15, 16, 17, 63, 64, 65, 511, 512, 513, 2000};
    struct run         *runs[LENGTH_OF(sizes)];
    size_t              n_in_use = 0;
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        runs[i] = unit_alloc(heap, sizes[i]);
        n_in_use += sizes[i];
        assert_int_equal(runs[i]->kind, RUN_IN_USE);
        assert_int_equal(unit_account(heap).in_use_bytes, pages_to_bytes(n_in_use));
        assert_int_equal(vm_fake_state_at((uintptr_t)run_start(runs[i])), VM_FAKE_READY);
        assert_int_equal(vm_fake_state_at((uintptr_t)run_start(runs[i]) + run_bytes(runs[i]) - 1),
                         VM_FAKE_READY);
        expect_heap(heap);
    }
    for (size_t i = LENGTH_OF(sizes); i > 0; i--) {
        page_heap_free(heap, runs[i - 1]);
        n_in_use -= sizes[i - 1];
        assert_int_equal(unit_account(heap).in_use_bytes, pages_to_bytes(n_in_use));
        expect_heap(heap);
    }
    unit_heap_delete(heap);
}

static void the_lowest_run_is_taken(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    struct run       *runs[20];
    for (size_t i = 0; i < 20; i++) {
        runs[i] = unit_alloc(heap, 20);
        assert_int_equal(page_of(runs[i]),
                         UNIT_BASE_PAGE +
                             (i == 0 ? 0 : page_of(runs[i - 1]) + 20 - UNIT_BASE_PAGE));
    }
    size_t low = page_of(runs[3]), high = page_of(runs[11]);
    page_heap_free(heap, runs[11]);
    page_heap_free(heap, runs[3]);
    assert_int_equal(page_of(unit_alloc(heap, 20)), low);
    assert_int_equal(page_of(unit_alloc(heap, 18)), high);
    // Neighbours, freed in any order, are one run.
    low = page_of(runs[5]);
    page_heap_free(heap, runs[6]);
    page_heap_free(heap, runs[5]);
    page_heap_free(heap, runs[7]);
    assert_int_equal(page_of(unit_alloc(heap, 60)), low);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void cached_runs_follow_one_another(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    struct run       *runs[64];
    for (size_t i = 0; i < 64; i++) {
        runs[i] = unit_alloc(heap, 1);
        assert_int_equal(page_of(runs[i]), UNIT_BASE_PAGE + i);
        expect_books(heap);
    }
    struct page_account account = unit_account(heap);
    assert_int_equal(account.mapped_bytes, pages_to_bytes(64));   // one window, no more
    assert_int_equal(account.grown_times, 1);
    // Back into the window they came from: the lowest is next.
    page_heap_free(heap, runs[9]);
    page_heap_free(heap, runs[4]);
    assert_int_equal(page_of(unit_alloc(heap, 1)), UNIT_BASE_PAGE + 4);
    assert_int_equal(page_of(unit_alloc(heap, 1)), UNIT_BASE_PAGE + 9);
    expect_heap(heap);
    unit_heap_delete(heap);
}

// ---- zero -------------------------------------------------------------------------------------

static void fresh_and_released_runs_are_known_zero(void **state)
{
    struct page_heap   *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    static const size_t sizes[] = {8, 16, 512, 1000};   // whole OS pages at every size
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        struct run *run = unit_alloc(heap, sizes[i]);
        size_t      first = page_of(run);
        assert_true(run->zero_known);
        page_heap_free(heap, run);
        run = unit_alloc(heap, sizes[i]);
        assert_int_equal(page_of(run), first);
        assert_false(run->zero_known);   // used before
        page_heap_free(heap, run);
        page_heap_trim(heap);
        run = unit_alloc(heap, sizes[i]);
        assert_int_equal(page_of(run), first);
        assert_true(run->zero_known);
        expect_heap(heap);
        page_heap_free(heap, run);
        page_heap_trim(heap);
    }
    unit_heap_delete(heap);
}

static void what_is_left_of_a_cut_os_page_is_not_known_zero(void **state)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    struct page_heap        *heap = unit_heap_new(shape, RETAIN_PCT_NEVER);
    assert_true(unit_alloc(heap, 1)->zero_known);
    // Its neighbour shares the OS page, unless that is no larger than a page.
    assert_int_equal(unit_alloc(heap, 1)->zero_known, shape->os_page_pages == 1);
    // The same past the caches: 17 pages cut an OS page, and so does what follows.
    struct run *cut = unit_alloc(heap, 17);
    assert_true(cut->zero_known);
    assert_int_equal(unit_alloc(heap, 17)->zero_known, shape->os_page_pages == 1);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void partly_used_runs_are_not_known_zero(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    struct run       *run = unit_alloc(heap, 64);
    page_heap_free(heap, run);
    run = unit_alloc(heap, 128);   // 64 used, 64 fresh
    assert_false(run->zero_known);
    expect_heap(heap);
    unit_heap_delete(heap);
}

// ---- alignment --------------------------------------------------------------------------------

static void aligned_runs_are_aligned(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    unit_alloc(heap, 1);
    for (size_t align_pages = 1; align_pages <= 4096; align_pages *= 2) {
        struct run *one = alloc_kind(heap, 1, align_pages, RUN_IN_USE);
        struct run *odd = alloc_kind(heap, 19, align_pages, RUN_IN_USE);
        assert_non_null(one);
        assert_non_null(odd);
        assert_int_equal(page_of(one) % align_pages, 0);
        assert_int_equal(page_of(odd) % align_pages, 0);
        assert_int_equal(odd->n_pages, 19);
        expect_heap(heap);
    }
    unit_heap_delete(heap);
}

static void what_alignment_skips_stays_free(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    unit_alloc(heap, 20);
    struct run *aligned = alloc_kind(heap, 32, 64, RUN_IN_USE);
    assert_int_equal(page_of(aligned), UNIT_BASE_PAGE + 64);
    assert_int_equal(page_of(unit_alloc(heap, 44)), UNIT_BASE_PAGE + 20);
    expect_heap(heap);
    unit_heap_delete(heap);
}

// Free pages at the end of the heap are used, and the heap grows by what is missing.
static void aligned_runs_begin_in_what_is_free(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    unit_alloc(heap, 64);
    page_heap_free(heap, unit_alloc(heap, 16));
    struct run *aligned = alloc_kind(heap, 24, 64, RUN_IN_USE);
    assert_int_equal(page_of(aligned), UNIT_BASE_PAGE + 64);
    expect_heap(heap);
    unit_heap_delete(heap);
}

// ---- manual -----------------------------------------------------------------------------------

static void manual_runs_have_a_book_of_their_own(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    struct run       *small = alloc_kind(heap, 3, 0, RUN_MANUAL);
    struct run       *large = alloc_kind(heap, 100, 0, RUN_MANUAL);
    struct run       *in_use = unit_alloc(heap, 40);
    assert_int_equal(small->kind, RUN_MANUAL);
    assert_int_equal(unit_account(heap).manual_bytes, pages_to_bytes(103));
    assert_int_equal(unit_account(heap).in_use_bytes, pages_to_bytes(40));
    expect_heap(heap);
    bool zero_known;
    assert_true(page_heap_resize(heap, large, 90, &zero_known));
    assert_int_equal(unit_account(heap).manual_bytes, pages_to_bytes(93));
    assert_true(page_heap_resize(heap, large, 95, &zero_known));
    assert_int_equal(unit_account(heap).manual_bytes, pages_to_bytes(98));
    expect_heap(heap);
    page_heap_free(heap, small);
    page_heap_free(heap, large);
    assert_int_equal(unit_account(heap).manual_bytes, 0);
    assert_int_equal(unit_account(heap).in_use_bytes, pages_to_bytes(40));
    page_heap_free(heap, in_use);
    expect_heap(heap);
    unit_heap_delete(heap);
}

// ---- caches -----------------------------------------------------------------------------------

static void flushed_caches_hold_nothing(void **state)
{
    struct page_heap   *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    struct run         *run = unit_alloc(heap, 1);
    struct page_account account = unit_account(heap);
    assert_int_equal(account.cached_ready_bytes + account.cached_released_bytes,
                     pages_to_bytes(63));
    page_heap_flush_caches(heap);
    account = unit_account(heap);
    assert_int_equal(account.cached_ready_bytes + account.cached_released_bytes, 0);
    assert_int_equal(account.in_use_bytes, PAGE_BYTES);
    expect_heap(heap);
    page_heap_free(heap, run);
    // Nothing handed out, nothing cached: only what is free holds records.
    assert_int_equal(heap->records.n_handed_out, 0);
    unit_heap_delete(heap);
}

static void trim_gives_all_idle_memory_back(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    struct run       *small[100], *large = unit_alloc(heap, 3000);
    for (size_t i = 0; i < 100; i++)
        small[i] = unit_alloc(heap, 1 + i % 15);
    for (size_t i = 0; i < 100; i++)
        page_heap_free(heap, small[i]);
    page_heap_free(heap, large);
    size_t ready_bytes = vm_fake_heap_bytes().ready;
    assert_true(ready_bytes >= pages_to_bytes(3000));
    assert_int_equal(page_heap_trim(heap), ready_bytes);
    assert_int_equal(vm_fake_heap_bytes().ready, 0);
    assert_int_equal(unit_account(heap).scavenged_bytes, ready_bytes);
    assert_int_equal(page_heap_trim(heap), 0);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void the_last_reserve_is_what_caches_hold(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    unit_alloc(heap, 1);   // 63 pages of the window stay in the cache
    vm_fake_refuse(1, true);
    struct run *run = unit_alloc(heap, 56);
    assert_in_range(page_of(run), UNIT_BASE_PAGE + 1, UNIT_BASE_PAGE + 8);
    expect_heap(heap);
    vm_fake_refuse(0, false);
    unit_heap_delete(heap);
}

// ---- records ----------------------------------------------------------------------------------

struct owned {
    struct run    run;
    unsigned char own[56];
};

static void the_owners_part_of_a_record_is_zero(void **state)
{
    struct page_heap_config config = {.record_bytes = sizeof(struct owned), .n_caches = 1};
    struct page_heap       *heap = unit_heap_with(unit_case_of(state)->shape, &config);
    static const size_t     sizes[] = {1, 40};
    for (int round = 0; round < 30; round++) {
        struct run   *run = unit_alloc(heap, sizes[round % 2]);
        struct owned *owned = (struct owned *)run;
        for (size_t i = 0; i < sizeof owned->own; i++)
            assert_int_equal(owned->own[i], 0);
        memset(owned->own, 0xff, sizeof owned->own);
        page_heap_free(heap, run);
    }
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void free_twice(void *argument)
{
    struct page_heap *heap = argument;
    struct run       *run = unit_alloc(heap, 30);
    page_heap_free(heap, run);
    page_heap_free(heap, run);
}

static void freeing_twice_ends_the_process(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    expect_dies(free_twice, heap, "check failed: run->kind != RUN_FREE");
    unit_heap_delete(heap);
}

// ---- the whole --------------------------------------------------------------------------------

struct seen {
    struct run_literal ranges[4];
    size_t             n_ranges;
};

static void see_range(void *context, page_id first, size_t n_pages)
{
    struct seen *seen = context;
    assert_true(seen->n_ranges < LENGTH_OF(seen->ranges));
    seen->ranges[seen->n_ranges++] = (struct run_literal){first.number, n_pages};
}

static void each_range_is_visited(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    unit_alloc(heap, 100);
    vm_fake_occupy(heap->current.end, unit_case_of(state)->shape->os_page_bytes);
    unit_alloc(heap, 9000);   // does not fit in what is left of the arena
    struct seen seen = {.n_ranges = 0};
    page_heap_each_range(heap, see_range, &seen);
    assert_int_equal(seen.n_ranges, 2);
    assert_int_equal(seen.ranges[0].first, UNIT_BASE_PAGE);
    assert_int_equal(seen.ranges[0].n_pages, 64 * MIB / PAGE_BYTES);
    assert_true(seen.ranges[1].first > seen.ranges[0].first + seen.ranges[0].n_pages);
    assert_true(seen.ranges[1].n_pages >= 9000);
    assert_int_equal(pages_to_bytes(seen.ranges[0].n_pages + seen.ranges[1].n_pages),
                     unit_account(heap).mapped_bytes);
    unit_heap_delete(heap);
}

NO_LOCK_ANALYSIS static void locks_can_be_held_and_reset(void **state)
{
    struct page_heap_config config = {.n_caches = 5};
    struct page_heap       *heap = unit_heap_with(unit_case_of(state)->shape, &config);
    page_heap_lock_all(heap);
    assert_true(lock_is_held(&heap->lock));
    for (size_t i = 0; i < 5; i++)
        assert_true(lock_is_held(&heap->caches[i].lock));
    page_heap_unlock_all(heap);
    assert_false(lock_is_held(&heap->lock));
    for (size_t i = 0; i < 5; i++)
        assert_false(lock_is_held(&heap->caches[i].lock));
    unit_alloc(heap, 1);
    // As a child of fork finds them.
    heap->lock.state = 1;
    heap->caches[4].lock.state = 2;
    page_heap_reset_locks(heap);
    unit_alloc(heap, 1);
    expect_heap(heap);
    unit_heap_delete(heap);
}

// In a child, so that the parent's side is seen as well.
NO_LOCK_ANALYSIS static void work_as_fork_child(void *argument)
{
    struct page_heap *heap = argument;
    page_heap_fork_child(heap);
    page_heap_free(heap, unit_alloc(heap, 1));
    page_heap_free(heap, unit_alloc(heap, 100));
    if (page_heap_verify(heap) != NULL || page_heap_trim(heap) == 0)
        _exit(1);
}

NO_LOCK_ANALYSIS static void both_sides_of_a_fork_work(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    unit_alloc(heap, 1);
    page_heap_fork_prepare(heap);
    assert_true(lock_is_held(&heap->lock));
    assert_true(lock_is_held(&heap->caches[0].lock));
    expect_survives(work_as_fork_child, heap);
    page_heap_fork_parent(heap);
    assert_false(lock_is_held(&heap->lock));
    page_heap_free(heap, unit_alloc(heap, 100));
    assert_true(page_heap_trim(heap) > 0);   // giving back goes on
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void settings_have_defaults(void **state)
{
    struct page_heap_config config = {.n_caches = 0};
    struct page_heap       *heap = unit_heap_with(unit_case_of(state)->shape, &config);
    assert_in_range(heap->n_caches, 1, PAGE_CACHES_MAX);
    unit_alloc(heap, 1);
    assert_int_equal(unit_account(heap).reserved_bytes, 64 * MIB);
    expect_heap(heap);
    unit_heap_delete(heap);
    config = (struct page_heap_config){.n_caches = 1000, .arena_bytes = 4 * MIB};
    heap = unit_heap_with(unit_case_of(state)->shape, &config);
    assert_int_equal(heap->n_caches, PAGE_CACHES_MAX);
    unit_alloc(heap, 1);
    assert_int_equal(unit_account(heap).reserved_bytes, 4 * MIB);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static const struct unit_sentence sentences[] = {
    {"a fresh heap has nothing", a_fresh_heap_has_nothing},
    {"books follow each alloc and free", books_follow_each_alloc_and_free},
    {"the lowest run is taken", the_lowest_run_is_taken},
    {"cached runs follow one another", cached_runs_follow_one_another},
    {"fresh and released runs are known zero", fresh_and_released_runs_are_known_zero},
    {"what is left of a cut OS page is not known zero",
     what_is_left_of_a_cut_os_page_is_not_known_zero},
    {"partly used runs are not known zero", partly_used_runs_are_not_known_zero},
    {"aligned runs are aligned", aligned_runs_are_aligned},
    {"what alignment skips stays free", what_alignment_skips_stays_free},
    {"aligned runs begin in what is free", aligned_runs_begin_in_what_is_free},
    {"manual runs have a book of their own", manual_runs_have_a_book_of_their_own},
    {"flushed caches hold nothing", flushed_caches_hold_nothing},
    {"trim gives all idle memory back", trim_gives_all_idle_memory_back},
    {"the last reserve is what caches hold", the_last_reserve_is_what_caches_hold},
    {"the owner's part of a record is zero", the_owners_part_of_a_record_is_zero},
    {"freeing twice ends the process", freeing_twice_ends_the_process},
    {"each range is visited", each_range_is_visited},
    {"locks can be held and reset", locks_can_be_held_and_reset},
    {"both sides of a fork work", both_sides_of_a_fork_work},
    {"settings have defaults", settings_have_defaults},
};

int main(void)
{
    ADD_SENTENCES("page_heap", sentences, HEAP_SHAPES);
    return cmocka_run_group_tests_name("page_heap", unit_tests, NULL, NULL);
}
