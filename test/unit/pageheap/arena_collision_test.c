// A heap among foreign mappings, and at the end of its address space.
#include "unit_kit.h"
#include "vm_fake.h"

#define ARENA (64 * MIB)

static bool lies_in_foreign_mapping(const struct run *run, size_t os_page_bytes)
{
    uintptr_t start = (uintptr_t)run_start(run);
    for (uintptr_t at = start; at < start + run_bytes(run); at += os_page_bytes) {
        if (vm_fake_state_at(at) == VM_FAKE_FOREIGN)
            return true;
    }
    return false;
}

static uintptr_t place_of_hint(const struct arena_hint *hint, size_t os_page_bytes)
{
    return hint->downwards ? hint->address - os_page_bytes : hint->address;
}

// Puts foreign mappings over all hints but the last `n_kept` to be tried.
static void occupy_hints(struct page_heap *heap, size_t n_kept, size_t os_page_bytes)
{
    for (size_t i = n_kept; i < heap->arenas.n_hints; i++) {
        uintptr_t at = place_of_hint(&heap->arenas.hints[i], os_page_bytes);
        if (vm_fake_state_at(at) == VM_FAKE_NONE)
            vm_fake_occupy(at, os_page_bytes);
    }
}

// Over the next hints, down to the last three, and five times over what comes next.
static void the_heap_finds_other_space(void **state)
{
    const struct page_shape *shape = unit_case_of(state)->shape;
    struct page_heap        *heap = unit_heap_new(shape, RETAIN_PCT_NEVER);
    struct run              *runs[64];
    size_t                   n_runs = 0;
    unit_alloc(heap, 100);
    for (size_t n_kept = ARENA_HINTS_MAX; n_kept >= 3; n_kept--) {
        occupy_hints(heap, n_kept, shape->os_page_bytes);
        runs[n_runs++] = unit_alloc(heap, ARENA / PAGE_BYTES);
    }
    assert_in_range(heap->arenas.n_hints, 3, 4);
    for (int round = 0; round < 5; round++) {
        occupy_hints(heap, 0, shape->os_page_bytes);
        runs[n_runs++] = unit_alloc(heap, ARENA / PAGE_BYTES);
        runs[n_runs++] = unit_alloc(heap, 3);
        assert_in_range(heap->arenas.n_hints, 1, ARENA_HINTS_MAX);
        expect_books(heap);
    }
    for (size_t i = 0; i < n_runs; i++)
        assert_false(lies_in_foreign_mapping(runs[i], shape->os_page_bytes));
    expect_heap(heap);
    for (size_t i = 0; i < n_runs; i++)
        page_heap_free(heap, runs[i]);
    expect_heap(heap);
    unit_heap_delete(heap);
}

// ---- the end of address space -----------------------------------------------------------------

// Calls to the kernel that one failing request makes.
static size_t calls_of_failing_request(struct page_heap *heap, size_t n_pages)
{
    struct run_request request = {.n_pages = n_pages, .kind = RUN_IN_USE};
    size_t             before = vm_fake_refusable_calls();
    assert_null(page_heap_alloc(heap, &request));
    return vm_fake_refusable_calls() - before;
}

struct exhaustion_row {
    const char *name;
    size_t      n_pages;
};

static const struct exhaustion_row exhaustion_rows[] = {
    {"small requests", 3},
    {"requests past the caches", 40},
    {"requests of a leaf", 512},
    {"requests larger than an arena", 9000},
};

// A heap that has nothing left and cannot get more, however often it is asked.
static void steady_exhaustion_costs_few_calls(void **state)
{
    const struct exhaustion_row *row = unit_case_of(state)->row;
    struct page_heap            *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    struct run_request           request = {.n_pages = row->n_pages, .kind = RUN_IN_USE};
    vm_fake_limit_bytes(300 * MIB);
    while (page_heap_alloc(heap, &request) != NULL)
        continue;
    struct page_account before = unit_account(heap);
    for (int i = 0; i < 20; i++)
        assert_in_range(calls_of_failing_request(heap, row->n_pages), 0, 4);
    struct page_account after = unit_account(heap);
    expect_same_books(&before, &after);
    expect_heap(heap);
    vm_fake_limit_bytes(SIZE_MAX);
    unit_alloc(heap, row->n_pages);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static void little_address_space_is_used_up(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    size_t            limit_bytes = 24 * MIB;
    vm_fake_limit_bytes(limit_bytes);
    struct run_request request = {.n_pages = 16, .kind = RUN_IN_USE};
    size_t             n_runs = 0;
    while (page_heap_alloc(heap, &request) != NULL)
        n_runs++;
    // All but the books and one step of them: a MiB for records, 2 MiB for a table of the map.
    assert_true(n_runs * 16 * PAGE_BYTES >= limit_bytes - 6 * MIB);
    expect_heap(heap);
    unit_heap_delete(heap);
}

static const struct unit_sentence sentences[] = {
    {"the heap finds other space", the_heap_finds_other_space},
    {"little address space is used up", little_address_space_is_used_up},
};

int main(void)
{
    ADD_SENTENCES("arena_collision", sentences, HEAP_SHAPES);
    unit_add_table(UNIT_TABLE("arena_exhaustion", exhaustion_rows, HEAP_SHAPES,
                              steady_exhaustion_costs_few_calls));
    return cmocka_run_group_tests_name("arena_collision", unit_tests, NULL, NULL);
}
