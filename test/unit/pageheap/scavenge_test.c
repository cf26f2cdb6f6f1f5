// pageheap/scavenger.c, through a heap whose page set holds literal bitmaps: how much, and which
// pages.
#include "os/vm.h"
#include "unit_kit.h"
#include "vm_fake.h"

#define ALL SIZE_MAX

struct kit {
    struct page_heap *heap;
    struct unit_set  *u;
    size_t            unit;   // our pages in an OS page
};

// The kernel's view of the leaf: all ready; what is released goes back below.
static void given_leaf(size_t leaf)
{
    uintptr_t start = page_address(PAGE(LEAF(leaf)));
    assert_int_equal(vm_reserve_at(start, LEAF_PAGES * PAGE_BYTES, VM_HEAP), VM_RESERVED);
    assert_true(vm_prepare(start, LEAF_PAGES * PAGE_BYTES));
    vm_use(start, LEAF_PAGES * PAGE_BYTES);
}

static struct kit given(const struct page_shape *shape, struct run_list leaves,
                        struct run_list free, struct run_list released)
{
    struct kit kit = {unit_heap_new(shape, RETAIN_PCT_NEVER), NULL, shape->os_page_pages};
    kit.u = unit_set_over(&kit.heap->free);
    for (size_t i = 0; i < leaves.n_runs; i++) {
        for (size_t n = 0; n < leaves.runs[i].n_pages; n++)
            given_leaf(leaves.runs[i].first + n);
    }
    for (size_t i = 0; i < released.n_runs; i++)
        assert_true(vm_unuse(page_address(PAGE(released.runs[i].first)),
                             pages_to_bytes(released.runs[i].n_pages)));
    given_runs(kit.u, free, released);
    return kit;
}

static void no_more(struct kit *kit)
{
    unit_set_delete(kit->u);
    unit_unmap(kit->heap, sizeof *kit->heap);
}

// One call gives back exactly so many pages, and the kernel sees them go.
static void expect_scavenge(struct kit *kit, size_t n_bytes, size_t n_pages)
{
    size_t ready_bytes = vm_fake_heap_bytes().ready;
    size_t n_before = kit->heap->scavenged_pages;
    assert_int_equal(page_heap_scavenge(kit->heap, n_bytes), pages_to_bytes(n_pages));
    assert_int_equal(ready_bytes - vm_fake_heap_bytes().ready, pages_to_bytes(n_pages));
    assert_int_equal(kit->heap->scavenged_pages - n_before, n_pages);
    assert_int_equal(kit->heap->scavenging_pages, 0);
    assert_null(page_set_verify(&kit->heap->free));
}

#define LIST(...) (struct run_list) RUNS(__VA_ARGS__)
#define NONE                                                                                       \
    (struct run_list)                                                                              \
    {                                                                                              \
        0, NULL                                                                                    \
    }

static void all_free_is_exhausted(void **state)
{
    struct kit kit = given(unit_case_of(state)->shape, LIST({0, 3}), LIST({0, LEAF(3)}), NONE);
    expect_scavenge(&kit, ALL, LEAF(3));
    expect_released_runs(kit.u, LIST({0, LEAF(3)}));
    expect_scavenge(&kit, ALL, 0);
    no_more(&kit);
}

static void none_free_gives_nothing(void **state)
{
    struct kit kit = given(unit_case_of(state)->shape, LIST({0, 3}), LIST({LEAF(1), LEAF(1)}),
                           LIST({LEAF(1), LEAF(1)}));
    expect_scavenge(&kit, ALL, 0);
    expect_free_runs(kit.u, LIST({LEAF(1), LEAF(1)}));
    expect_released_runs(kit.u, LIST({LEAF(1), LEAF(1)}));
    no_more(&kit);
}

static void the_highest_page_goes_first(void **state)
{
    size_t     u = unit_case_of(state)->shape->os_page_pages;
    struct kit kit =
        given(unit_case_of(state)->shape, LIST({0, 1}), LIST({0, 512}), LIST({2 * u, 512 - 3 * u}));
    expect_scavenge(&kit, 1, u);
    expect_released_runs(kit.u, LIST({2 * u, 512 - 2 * u}));
    no_more(&kit);
}

static void several_calls_go_on(void **state)
{
    size_t     u = unit_case_of(state)->shape->os_page_pages;
    struct kit kit =
        given(unit_case_of(state)->shape, LIST({0, 1}), LIST({0, 512}), LIST({u, 512 - 2 * u}));
    expect_scavenge(&kit, pages_to_bytes(u), u);
    expect_released_runs(kit.u, LIST({u, 512 - u}));
    expect_scavenge(&kit, pages_to_bytes(u), u);
    expect_released_runs(kit.u, LIST({0, 512}));
    expect_scavenge(&kit, pages_to_bytes(u), 0);
    no_more(&kit);
}

static void several_calls_go_on_over_leaves(void **state)
{
    size_t     u = unit_case_of(state)->shape->os_page_pages;
    struct kit kit = given(unit_case_of(state)->shape, LIST({0, 2}), LIST({0, LEAF(2)}),
                           LIST({u, 512 - 2 * u}, {LEAF(1), 512 - 3 * u}));
    expect_scavenge(&kit, pages_to_bytes(2 * u), 2 * u);
    expect_released_runs(kit.u,
                         LIST({u, 512 - 2 * u}, {LEAF(1), 512 - 3 * u}, {LEAF(2) - 2 * u, 2 * u}));
    expect_scavenge(&kit, pages_to_bytes(2 * u), 2 * u);   // the rest there, then the leaf below
    expect_released_runs(kit.u, LIST({u, LEAF(2) - u}));
    expect_scavenge(&kit, pages_to_bytes(u), u);
    expect_released_runs(kit.u, LIST({0, LEAF(2)}));
    no_more(&kit);
}

static void gaps_are_passed_over(void **state)
{
    size_t     u = unit_case_of(state)->shape->os_page_pages;
    struct kit kit =
        given(unit_case_of(state)->shape, LIST({0, 1}, {0xb, 1}), LIST({0, 512}, {LEAF(0xb), 512}),
              LIST({u, 512 - 2 * u}, {LEAF(0xb) + 2 * u, 512 - 2 * u}));
    expect_scavenge(&kit, pages_to_bytes(2 * u), 2 * u);
    expect_released_runs(kit.u, LIST({u, 512 - 2 * u}, {LEAF(0xb), 512}));
    expect_scavenge(&kit, ALL, 2 * u);
    expect_scavenge(&kit, ALL, 0);
    expect_released_runs(kit.u, LIST({0, 512}, {LEAF(0xb), 512}));
    no_more(&kit);
}

static void wide_gaps_are_passed_over(void **state)
{
    struct kit kit = given(unit_case_of(state)->shape, LIST({0, 1}, {0x1000, 1}),
                           LIST({0, 512}, {LEAF(0x1000), 512}), NONE);
    expect_scavenge(&kit, ALL, LEAF(2));
    expect_scavenge(&kit, ALL, 0);
    expect_released_runs(kit.u, LIST({0, 512}, {LEAF(0x1000), 512}));
    no_more(&kit);
}

static void no_more_than_wanted_goes_back(void **state)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    size_t                   u = shape->os_page_pages;
    // Pages 0 and up are in use, so that no huge page is whole.
    struct kit kit = given(shape, LIST({0, 1}), LIST({8, 240}, {264, 240}), NONE);
    expect_scavenge(&kit, 0, 0);
    expect_scavenge(&kit, 1, u);
    expect_scavenge(&kit, pages_to_bytes(8), 8);
    expect_scavenge(&kit, pages_to_bytes(9), align_up(9, u));
    expect_scavenge(&kit, pages_to_bytes(240), 240);   // over the pages between
    no_more(&kit);
}

static void a_step_is_at_most_what_was_said_or_a_huge_page(void **state)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    struct kit               kit = given(shape, LIST({0, 2}), LIST({0, LEAF(2)}), NONE);
    size_t                   least = shape->huge_page_pages != 0 ? 256 : shape->os_page_pages;
    assert_int_equal(page_heap_scavenge_step(kit.heap, 1), least);
    assert_int_equal(page_heap_scavenge_step(kit.heap, SIZE_MAX), LEAF(1) - least);
    assert_int_equal(page_heap_scavenge_step(kit.heap, SIZE_MAX), LEAF(1));
    assert_int_equal(page_heap_scavenge_step(kit.heap, SIZE_MAX), 0);
    assert_int_equal(kit.heap->scavenged_steps, 3);
    no_more(&kit);
}

static void refused_memory_stays_free_and_ready(void **state)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    struct kit               kit = given(shape, LIST({0, 1}), LIST({0, 512}), LIST({0, 256}));
    vm_fake_refuse_unuse(true);
    expect_scavenge(&kit, ALL, 0);
    expect_free_runs(kit.u, LIST({0, 512}));
    expect_released_runs(kit.u, LIST({0, 256}));
    assert_in_range(kit.heap->scavenge_refused_times, 1, 256);
    assert_int_equal(kit.heap->scavenged_steps, 0);
    assert_int_equal(page_heap_scavenge_step(kit.heap, 8), 0);
    expect_released_runs(kit.u, LIST({0, 256}));
    vm_fake_refuse_unuse(false);
    size_t n_refused = kit.heap->scavenge_refused_times;
    expect_scavenge(&kit, ALL, 256);
    assert_int_equal(kit.heap->scavenge_refused_times, n_refused);
    no_more(&kit);
}

// A refusal now and then does not keep the rest from going.
static void one_refusal_is_made_up_for(void **state)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    for (size_t nth = 1; nth <= 3; nth++) {
        struct kit kit =
            given(shape, LIST({0, 3}), LIST({0, 500}, {LEAF(1), 500}, {LEAF(2), 504}), NONE);
        vm_fake_refuse(nth, false);
        size_t n_pages = page_heap_scavenge(kit.heap, ALL) / PAGE_BYTES;
        vm_fake_refuse(0, false);
        assert_int_equal(kit.heap->scavenge_refused_times, 1);
        n_pages += page_heap_scavenge(kit.heap, ALL) / PAGE_BYTES;   // a page may be passed by
        assert_int_equal(n_pages, 2 * align_down(500, kit.unit) + 504);
        assert_int_equal(kit.heap->free.released_pages, n_pages);
        no_more(&kit);
    }
}

// The rest of an OS page in use stays.
static void part_of_an_os_page_cannot_go(void **state)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    size_t                   u = shape->os_page_pages;
    struct kit               kit = given(shape, LIST({0, 1}), LIST({1, 6}, {9, 15}), NONE);
    size_t                   n_whole = u == 1 ? 21 : u == 2 ? 6 - 2 + 14 : 8;
    expect_scavenge(&kit, ALL, n_whole);
    assert_int_equal(kit.heap->free.released_pages, n_whole);
    no_more(&kit);
}

static const struct unit_sentence sentences[] = {
    {"AllFreeUnscavExhaust", all_free_is_exhausted},
    {"NoneFreeUnscavExhaust", none_free_gives_nothing},
    {"ScavHighestPageFirst", the_highest_page_goes_first},
    {"ScavMultiple", several_calls_go_on},
    {"ScavMultiple2", several_calls_go_on_over_leaves},
    {"ScavDiscontiguous", gaps_are_passed_over},
    {"ScavAllVeryDiscontiguous", wide_gaps_are_passed_over},
    {"no more than wanted goes back", no_more_than_wanted_goes_back},
    {"a step is at most what was said or a huge page",
     a_step_is_at_most_what_was_said_or_a_huge_page},
    {"refused memory stays free and ready", refused_memory_stays_free_and_ready},
    {"one refusal is made up for", one_refusal_is_made_up_for},
    {"part of an OS page cannot go", part_of_an_os_page_cannot_go},
};

int main(void)
{
    ADD_SENTENCES("scav_alloc", sentences, HEAP_SHAPES);
    return cmocka_run_group_tests_name("scavenge", unit_tests, NULL, NULL);
}
