// The page heap's alarm: raised as soon as more than so much is free and ready, by whatever way it
// became so. pageheap/page_heap.c.
#include "unit_kit.h"
#include "vm_fake.h"

#define ALARM_PAGES 100

static struct page_heap *given_a_heap(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    page_heap_set_alarm(heap, pages_to_bytes(ALARM_PAGES));
    return heap;
}

static bool is_raised(struct page_heap *heap)
{
    return load_relaxed(&heap->alarm);
}

static void at_first_there_is_none(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    page_heap_free(heap, unit_alloc(heap, 100000));
    assert_false(is_raised(heap));
    unit_heap_delete(heap);
}

static void by_a_free_but_not_of_just_so_much(void **state)
{
    struct page_heap *heap = given_a_heap(state);
    size_t            unit = unit_case_of(state)->shape->os_page_pages;
    struct run       *run = unit_alloc(heap, align_down(ALARM_PAGES, unit));
    struct run       *more = unit_alloc(heap, align_up(UNCACHED_RUN_PAGES_MIN, unit));
    page_heap_free(heap, run);
    assert_false(is_raised(heap));
    page_heap_free(heap, more);
    assert_true(is_raised(heap));
    unit_heap_delete(heap);
}

static void by_what_leaves_a_page_cache(void **state)
{
    struct page_heap *heap = given_a_heap(state);
    struct run       *runs[6];
    page_heap_set_alarm(heap, pages_to_bytes(24));
    for (size_t i = 0; i < LENGTH_OF(runs); i++)
        runs[i] = unit_alloc(heap, 8);
    for (size_t i = 0; i < LENGTH_OF(runs); i++)
        page_heap_free(heap, runs[i]);
    assert_false(is_raised(heap));
    page_heap_flush_caches(heap);
    assert_true(is_raised(heap));
    unit_heap_delete(heap);
}

static void by_a_run_made_shorter(void **state)
{
    struct page_heap *heap = given_a_heap(state);
    struct run       *run = unit_alloc(heap, 10 * ALARM_PAGES);
    bool              zero_known;
    assert_true(page_heap_resize(heap, run, 9 * ALARM_PAGES, &zero_known));
    assert_false(is_raised(heap));
    assert_true(page_heap_resize(heap, run, 5 * ALARM_PAGES, &zero_known));
    assert_true(is_raised(heap));
    page_heap_free(heap, run);
    unit_heap_delete(heap);
}

static void when_it_is_set_with_so_much_free_already(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    page_heap_free(heap, unit_alloc(heap, 2 * ALARM_PAGES));
    page_heap_set_alarm(heap, pages_to_bytes(2 * ALARM_PAGES));
    assert_false(is_raised(heap));
    page_heap_set_alarm(heap, pages_to_bytes(ALARM_PAGES));
    assert_true(is_raised(heap));
    page_heap_set_alarm(heap, SIZE_MAX);
    assert_false(is_raised(heap));
    unit_heap_delete(heap);
}

static void not_by_memory_that_was_given_back(void **state)
{
    struct page_heap *heap = given_a_heap(state);
    page_heap_free(heap, unit_alloc(heap, 10 * ALARM_PAGES));
    assert_true(is_raised(heap));
    page_heap_trim(heap);
    page_heap_set_alarm(heap, pages_to_bytes(ALARM_PAGES));
    assert_false(is_raised(heap));
    struct run *run = unit_alloc(heap, align_up(ALARM_PAGES / 2, 8));
    page_heap_free(heap, run);
    assert_false(is_raised(heap));
    unit_heap_delete(heap);
}

static const struct unit_sentence sentences[] = {
    {"at first there is none", at_first_there_is_none},
    {"by a free, but not of just so much", by_a_free_but_not_of_just_so_much},
    {"by what leaves a page cache", by_what_leaves_a_page_cache},
    {"by a run made shorter", by_a_run_made_shorter},
    {"when it is set with so much free already", when_it_is_set_with_so_much_free_already},
    {"not by memory that was given back", not_by_memory_that_was_given_back},
};

int main(void)
{
    ADD_SENTENCES("the alarm is raised", sentences, HEAP_SHAPES);
    return cmocka_run_group_tests_name("alarm", unit_tests, NULL, NULL);
}
