// The hard limit of a page heap and the bell of its watch, at every size of OS page.
#include "pageheap/page_heap.h"

#include "unit_kit.h"

#include <string.h>

#define LIMIT (64 * MIB)
#define RUNS_MAX (LIMIT / PAGE_BYTES)

static struct run *runs[RUNS_MAX];

static size_t counted(struct page_heap *heap)
{
    struct page_account account = unit_account(heap);
    return page_account_counted_bytes(&account);
}

static struct run *try_alloc(struct page_heap *heap, size_t n_pages)
{
    struct run_request request = {.n_pages = n_pages, .kind = RUN_IN_USE};
    return page_heap_alloc(heap, &request);
}

// As many runs as there are to be had; what is counted stays within the limit.
static size_t fill(struct page_heap *heap, size_t n_pages)
{
    size_t n_runs = 0;
    while ((runs[n_runs] = try_alloc(heap, n_pages)) != NULL) {
        n_runs++;
        assert_true(counted(heap) <= LIMIT);
        assert_true(n_runs < RUNS_MAX);
    }
    return n_runs;
}

static struct page_heap *given_limited_heap(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    page_heap_set_hard_limit(heap, LIMIT);
    return heap;
}

struct size_row {
    const char *name;
    size_t      n_pages;
};

static const struct size_row size_rows[] = {{"one page", 1}, {"seven pages", 7}, {"2 MiB", 256}};

static void all_below_the_limit_is_handed_out_and_nothing_beyond(void **state)
{
    const struct size_row *row = unit_case_of(state)->row;
    struct page_heap      *heap = given_limited_heap(state);
    size_t                 run_bytes = pages_to_bytes(row->n_pages);
    size_t                 n_runs = fill(heap, row->n_pages);
    // Nothing but less than another run is missing, and what its OS pages and books take.
    assert_true(counted(heap) + run_bytes + 2 * heap->unit_bytes + 256 * KIB > LIMIT);
    expect_heap(heap);
    page_heap_free(heap, runs[--n_runs]);
    runs[n_runs] = unit_alloc(heap, row->n_pages);   // ready memory counts already
    assert_non_null(runs[n_runs]);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void what_has_gone_back_may_be_handed_out_again_up_to_the_limit(void **state)
{
    const struct size_row *row = unit_case_of(state)->row;
    struct page_heap      *heap = given_limited_heap(state);
    size_t                 n_runs = fill(heap, row->n_pages), n_before = n_runs;
    while (n_runs > 0)
        page_heap_free(heap, runs[--n_runs]);
    page_heap_trim(heap);
    assert_true(counted(heap) < 8 * MIB);
    assert_in_range(fill(heap, row->n_pages), n_before - 1, n_before + 1);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void a_limit_below_what_is_in_use_takes_nothing_away(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    struct run       *run = unit_alloc(heap, 2048);
    struct run       *idle = unit_alloc(heap, 512);
    page_heap_free(heap, idle);
    page_heap_set_hard_limit(heap, MIB);
    assert_null(try_alloc(heap, 1024));
    assert_null(page_heap_metadata_take(heap, 4096));
    assert_non_null(unit_alloc(heap, 512));   // is ready
    page_heap_set_hard_limit(heap, SIZE_MAX);
    assert_non_null(unit_alloc(heap, 1024));
    page_heap_free(heap, run);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void a_run_is_lengthened_up_to_the_limit(void **state)
{
    struct page_heap *heap = given_limited_heap(state);
    struct run       *run = unit_alloc(heap, 256);
    bool              zero_known;
    size_t            n_pages = 256;
    while (page_heap_resize(heap, run, n_pages + 64, &zero_known)) {
        n_pages += 64;
        assert_true(counted(heap) <= LIMIT);
    }
    assert_int_equal(run->n_pages, n_pages);
    assert_true(counted(heap) + pages_to_bytes(64) + 2 * heap->unit_bytes + 128 * KIB > LIMIT);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void aligned_runs_keep_to_the_limit(void **state)
{
    struct page_heap  *heap = given_limited_heap(state);
    struct run_request request = {.n_pages = 65, .align_pages = 128, .kind = RUN_IN_USE};
    size_t             n_runs = 0;
    while (page_heap_alloc(heap, &request) != NULL) {
        n_runs++;
        assert_true(counted(heap) <= LIMIT);
    }
    assert_true(n_runs > LIMIT / pages_to_bytes(128));
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void inside_of_runs_it_is_asked_for(void **state)
{
    struct page_heap *heap = given_limited_heap(state);
    size_t            n_runs = fill(heap, 1);
    assert_true(n_runs > 0);
    page_heap_flush_caches(heap);
    assert_in_range(page_heap_counted(heap), counted(heap), counted(heap) + PAGE_BYTES);
    assert_false(page_heap_try_use_inside(heap, MIB));
    page_heap_note_released_inside(heap, 2 * MIB);
    size_t before_bytes = counted(heap);
    assert_true(page_heap_try_use_inside(heap, MIB));
    assert_int_equal(counted(heap), before_bytes + MIB);
    page_heap_note_used_inside(heap, MIB);
    assert_false(page_heap_try_use_inside(heap, MIB));
    assert_int_equal(counted(heap), before_bytes + 2 * MIB);
    unit_heap_delete(heap);
}

static bool bell(struct page_heap *heap)
{
    return load_relaxed(&heap->has_passed_watch);   // hint
}

static void the_bell_rings_when_the_watch_is_passed(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    assert_non_null(unit_alloc(heap, 1024));
    assert_false(bell(heap));
    page_heap_set_watch(heap, counted(heap) + 2 * MIB);
    struct run *run = unit_alloc(heap, 128);
    assert_false(bell(heap));
    struct run *second = unit_alloc(heap, 256);
    assert_true(bell(heap));
    page_heap_set_watch(heap, page_heap_counted(heap));
    assert_false(bell(heap));
    page_heap_free(heap, second);
    second = unit_alloc(heap, 256);   // was ready
    assert_false(bell(heap));
    bool zero_known;
    assert_true(page_heap_resize(heap, second, 512, &zero_known));
    assert_true(bell(heap));
    page_heap_free(heap, second);
    page_heap_free(heap, run);
    page_heap_set_watch(heap, MIB);   // passed already
    assert_true(bell(heap));
    unit_heap_delete(heap);
}

static const struct unit_sentence sentences[] = {
    {"a limit below what is in use takes nothing away",
     a_limit_below_what_is_in_use_takes_nothing_away},
    {"a run is lengthened up to the limit", a_run_is_lengthened_up_to_the_limit},
    {"aligned runs keep to the limit", aligned_runs_keep_to_the_limit},
    {"inside of runs it is asked for", inside_of_runs_it_is_asked_for},
    {"the bell rings when the watch is passed", the_bell_rings_when_the_watch_is_passed},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("all below the limit is handed out and nothing beyond:", size_rows,
                              HEAP_SHAPES, all_below_the_limit_is_handed_out_and_nothing_beyond));
    unit_add_table(
        UNIT_TABLE("what has gone back may be handed out again up to the limit:", size_rows,
                   HEAP_SHAPES, what_has_gone_back_may_be_handed_out_again_up_to_the_limit));
    ADD_SENTENCES("page_limit", sentences, HEAP_SHAPES);
    return cmocka_run_group_tests_name("page_limit", unit_tests, NULL, NULL);
}
