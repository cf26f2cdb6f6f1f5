// Runs that come back with some of their pages released already.
//
// pageheap/page_heap.c.
#include "unit_kit.h"
#include "vm_fake.h"

#define RUN_PAGES 24

// Runs of a size of its own, between others, that begin at an OS page.
static struct run *given_a_run(struct page_heap *heap)
{
    struct run_request request = {
        .n_pages = RUN_PAGES, .align_pages = heap->os_page_pages, .kind = RUN_IN_USE};
    struct run *run = page_heap_alloc(heap, &request);
    assert_non_null(run);
    return run;
}

// Gives those of its OS pages back that `chosen` says, as its owner does. Returns the pages in
// them.
static uint64_t release_some(struct page_heap *heap, const struct run *run, uint64_t chosen)
{
    uint64_t pages = 0;
    for (unsigned i = 0; i < RUN_PAGES / heap->os_page_pages; i++) {
        if ((chosen >> i & 1) == 0)
            continue;
        unsigned first = i * heap->os_page_pages;
        assert_true(vm_unuse((uintptr_t)run_start(run) + pages_to_bytes(first), heap->unit_bytes));
        pages |= bits_mask(first, heap->os_page_pages);
    }
    return pages;
}

static void each_page_is_free_in_the_state_it_is_in(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    struct run       *before = given_a_run(heap), *run = given_a_run(heap);
    page_id           first = run->first;
    given_a_run(heap);
    size_t n_before = unit_account(heap).free_released_bytes;   // of the last growth
    for (uint64_t chosen = 0; chosen < 1u << 12; chosen += 1 + chosen / 16) {
        uint64_t pages = release_some(heap, run, chosen);
        size_t   n_bytes = pages_to_bytes(bits_count(pages));
        page_heap_free_partly_released(heap, run, pages, 0);
        assert_int_equal(unit_account(heap).free_released_bytes, n_before + n_bytes);
        assert_int_equal(unit_account(heap).free_ready_bytes, pages_to_bytes(RUN_PAGES) - n_bytes);
        assert_null(page_heap_find(heap, page_address(first)));
        expect_heap(heap);
        run = given_a_run(heap);
        assert_int_equal(run->first.number, first.number);
        assert_int_equal(run->zero_known, bits_count(pages) == RUN_PAGES);
        expect_heap(heap);
    }
    page_heap_free(heap, before);
    unit_heap_delete(heap);
}

static void it_may_raise_the_alarm(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    page_heap_set_alarm(heap, pages_to_bytes(RUN_PAGES) - heap->unit_bytes);
    for (uint64_t chosen = 1; chosen < 2; chosen--) {   // 1, 0
        struct run *run = given_a_run(heap);
        page_heap_free_partly_released(heap, run, release_some(heap, run, chosen), 0);
        assert_int_equal(heap->alarm, chosen == 0);   // one OS page more is ready
    }
    unit_heap_delete(heap);
}

static const struct unit_sentence sentences[] = {
    {"each page is free in the state it is in", each_page_is_free_in_the_state_it_is_in},
    {"it may raise the alarm", it_may_raise_the_alarm},
};

int main(void)
{
    ADD_SENTENCES("partly released", sentences, HEAP_SHAPES);
    return cmocka_run_group_tests_name("partly released", unit_tests, NULL, NULL);
}
