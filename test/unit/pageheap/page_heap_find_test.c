// page_heap_find: inside a run, at its ends, outside, and for any value at all.
#include "unit_kit.h"

static void expect_found(struct page_heap *heap, struct run *run)
{
    uintptr_t start = (uintptr_t)run_start(run);
    uintptr_t end = start + run_bytes(run);
    assert_ptr_equal(page_heap_find(heap, start), run);
    assert_ptr_equal(page_heap_find(heap, start + 1), run);
    assert_ptr_equal(page_heap_find(heap, end - 1), run);
    for (uintptr_t at = start; at < end; at += PAGE_BYTES)
        assert_ptr_equal(page_heap_find(heap, at + 4000), run);
    assert_ptr_not_equal(page_heap_find(heap, start - 1), run);
    assert_ptr_not_equal(page_heap_find(heap, end), run);
}

static void runs_of_every_size_are_found(void **state)
{
    struct page_heap   *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    static const size_t sizes[] = {1, 2, 15, 16, 63, 64, 65, 300, 511, 512, 513, 1024, 1025, 4000};
    struct run         *runs[LENGTH_OF(sizes)];
    for (size_t i = 0; i < LENGTH_OF(sizes); i++)
        runs[i] = unit_alloc(heap, sizes[i]);
    for (size_t i = 0; i < LENGTH_OF(sizes); i++)
        expect_found(heap, runs[i]);
    for (size_t i = 0; i < LENGTH_OF(sizes); i += 2) {
        uintptr_t start = (uintptr_t)run_start(runs[i]);
        page_heap_free(heap, runs[i]);
        for (size_t page = 0; page < sizes[i]; page++)
            assert_null(page_heap_find(heap, start + pages_to_bytes(page)));
    }
    for (size_t i = 1; i < LENGTH_OF(sizes); i += 2)
        expect_found(heap, runs[i]);
    expect_heap(heap);
    unit_heap_delete(heap);
}

// A run of a gibibyte covers whole leaves; it lies over the edge of two tables.
static void a_huge_run_is_found_in_every_leaf(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    unit_alloc(heap, TABLE_PAGES - 70000);
    struct run *huge = unit_alloc(heap, GIB / PAGE_BYTES);
    uintptr_t   start = (uintptr_t)run_start(huge);
    for (uintptr_t at = start; at < start + GIB; at += 64 * KIB)
        assert_ptr_equal(page_heap_find(heap, at), huge);
    assert_ptr_equal(page_heap_find(heap, start + GIB - 1), huge);
    assert_ptr_not_equal(page_heap_find(heap, start + GIB), huge);
    page_heap_free(heap, huge);
    for (uintptr_t at = start; at < start + GIB; at += 64 * KIB)
        assert_null(page_heap_find(heap, at));
    expect_books(heap);
    unit_heap_delete(heap);
}

static void resized_runs_are_found(void **state)
{
    struct page_heap   *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    static const size_t sizes[] = {40,  512, 511,  513, 1024, 1023, 1600,
                                   472, 471, 2048, 30,  6000, 1};
    unit_alloc(heap, 40);
    struct run *run = unit_alloc(heap, 40);
    bool        zero_known;
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        assert_true(page_heap_resize(heap, run, sizes[i], &zero_known));
        expect_found(heap, run);
        for (size_t page = sizes[i]; page < 6000; page++)
            assert_null(page_heap_find(heap, page_address(page_plus(run->first, page))));
        expect_heap(heap);
    }
    unit_heap_delete(heap);
}

static void nothing_is_found_elsewhere(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    struct run       *run = unit_alloc(heap, 512);
    uintptr_t         start = (uintptr_t)run_start(run);
    uintptr_t         end = start + run_bytes(run);
    const uintptr_t   addresses[] = {
          0,
          1,
          PAGE_BYTES,
          start - 1,
          start - PAGE_BYTES,
          end,
          end + 60 * MIB,
          end + 70 * MIB,
          start + 2 * GIB,   // the next table
          (uintptr_t)1 << 40,
          ((uintptr_t)1 << ADDRESS_BITS) - 1,
          (uintptr_t)1 << ADDRESS_BITS,
          UINT64_C(0x0000800000000000),
          UINT64_C(0xFFFF7FFFFFFFFFFF),
          start | (uintptr_t)1 << 63,
          start | (uintptr_t)1 << 48,
          SIZE_MAX - PAGE_BYTES,
          SIZE_MAX,
          (uintptr_t)heap,
          (uintptr_t)run,
    };
    for (size_t i = 0; i < LENGTH_OF(addresses); i++)
        assert_null(page_heap_find(heap, addresses[i]));
    unit_heap_delete(heap);
}

static void arenas_are_told_from_foreign_memory(void **state)
{
    struct page_heap *heap = unit_heap_new(unit_case_of(state)->shape, RETAIN_PCT_NEVER);
    assert_false(page_heap_has_reserved(heap, 0));
    struct run *run = unit_alloc(heap, 512);
    uintptr_t   start = (uintptr_t)run_start(run);
    page_heap_free(heap, run);   // whatever holds it now
    assert_true(page_heap_has_reserved(heap, start));
    assert_true(page_heap_has_reserved(heap, start + 64 * MIB - 1));
    assert_false(page_heap_has_reserved(heap, start + 64 * MIB));
    assert_false(page_heap_has_reserved(heap, start - 1));
    assert_false(page_heap_has_reserved(heap, UINTPTR_MAX));
    unit_heap_delete(heap);
}

static const struct unit_sentence sentences[] = {
    {"runs of every size are found", runs_of_every_size_are_found},
    {"a huge run is found in every leaf", a_huge_run_is_found_in_every_leaf},
    {"resized runs are found", resized_runs_are_found},
    {"arenas are told from foreign memory", arenas_are_told_from_foreign_memory},
    {"nothing is found elsewhere", nothing_is_found_elsewhere},
};

int main(void)
{
    ADD_SENTENCES("page_heap_find", sentences, HEAP_SHAPES);
    return cmocka_run_group_tests_name("page_heap_find", unit_tests, NULL, NULL);
}
