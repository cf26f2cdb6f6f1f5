// api/pageheap_api.c on the fake kernel: what comes in is checked, errno says why, and the books
// and runs come out in bytes.
#include "neap/pageheap.h"

#include "base/units.h"
#include "vm_fake.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int given_a_kernel(void **state)
{
    (void)state;
    vm_fake_reset(4 * KIB);
    errno = 0;
    return 0;
}

static void a_config_out_of_range_is_refused(void **state)
{
    (void)state;
    static const struct neap_pageheap_config configs[] = {
        {.arena_bytes = 100000}, {.arena_bytes = (size_t)1 << 62}, {.caches = 65},
        {.retain_percent = 99},  {.retain_percent = 1001},         {.retain_percent = 4000000000u},
    };
    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
        errno = 0;
        assert_null(neap_pageheap_create(&configs[i]));
        assert_int_equal(errno, EINVAL);
    }
    vm_fake_refuse(1, true);
    assert_null(neap_pageheap_create(NULL));
    assert_int_equal(errno, ENOMEM);
}

static void a_request_out_of_range_is_refused(void **state)
{
    (void)state;
    neap_pageheap *heap = neap_pageheap_create(NULL);
    static const struct {
        struct neap_run_request request;
        int                     error;
    } rows[] = {
        {{.bytes = 0}, EINVAL},
        {{.bytes = 1, .align_bytes = 3}, EINVAL},
        {{.bytes = 1, .kind = (enum neap_run_kind)9}, EINVAL},
        {{.bytes = SIZE_MAX}, ENOMEM},
        {{.bytes = 1, .align_bytes = (size_t)1 << 63}, ENOMEM},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        errno = 0;
        assert_null(neap_pageheap_alloc(heap, &rows[i].request, NULL));
        assert_int_equal(errno, rows[i].error);
    }
    neap_pageheap_destroy(heap);
}

static void a_run_is_described_and_found(void **state)
{
    (void)state;
    neap_pageheap          *heap = neap_pageheap_create(NULL);
    int                     owner;
    struct neap_run_request request = {
        .bytes = 100000, .align_bytes = 64 * KIB, .kind = NEAP_RUN_MANUAL, .owner = &owner};
    struct neap_run run, found;
    char           *start = neap_pageheap_alloc(heap, &request, &run);
    assert_ptr_equal(run.start, start);
    assert_int_equal((uintptr_t)start % (64 * KIB), 0);
    assert_int_equal(run.bytes, 13 * NEAP_PAGE_BYTES);
    assert_int_equal(run.kind, NEAP_RUN_MANUAL);
    assert_true(run.zero_known);
    assert_true(neap_pageheap_find(heap, start + run.bytes - 1, &found));
    assert_ptr_equal(found.start, start);
    assert_ptr_equal(found.owner, &owner);
    assert_true(neap_pageheap_find(heap, start, NULL));
    assert_false(neap_pageheap_find(heap, start + run.bytes, &found));
    neap_pageheap_destroy(heap);
}

static void only_the_start_of_a_run_may_be_freed_or_resized(void **state)
{
    (void)state;
    neap_pageheap          *heap = neap_pageheap_create(NULL);
    struct neap_run_request request = {.bytes = MIB};
    char                   *start = neap_pageheap_alloc(heap, &request, NULL);
    bool                    zero_known = true;
    assert_false(neap_pageheap_free(heap, start + NEAP_PAGE_BYTES));
    assert_int_equal(errno, EINVAL);
    assert_false(neap_pageheap_free(heap, &request));
    assert_false(neap_pageheap_resize(heap, start + 1, MIB, NULL));
    assert_false(neap_pageheap_resize(heap, start, 0, NULL));
    assert_true(neap_pageheap_resize(heap, start, 2 * MIB, &zero_known));
    assert_true(zero_known);
    errno = 0;
    assert_false(neap_pageheap_resize(heap, start, SIZE_MAX, NULL));
    assert_int_equal(errno, ENOMEM);
    assert_true(neap_pageheap_free(heap, start));
    assert_false(neap_pageheap_free(heap, start));
    assert_int_equal(errno, EINVAL);
    neap_pageheap_destroy(heap);
    neap_pageheap_destroy(NULL);
}

static void the_statistics_add_up_and_memory_goes_back(void **state)
{
    (void)state;
    neap_pageheap             *heap = neap_pageheap_create(NULL);
    struct neap_run_request    request = {.bytes = MIB};
    struct neap_pageheap_stats stats;
    void                      *runs[8];
    for (size_t i = 0; i < 8; i++)
        runs[i] = neap_pageheap_alloc(heap, &request, NULL);
    for (size_t i = 0; i < 8; i += 2)
        assert_true(neap_pageheap_free(heap, runs[i]));
    neap_pageheap_stats_read(heap, &stats);
    assert_int_equal(stats.in_use, 4 * MIB);
    assert_int_equal(stats.in_use + stats.manual + stats.cached_ready + stats.cached_released +
                         stats.free_ready + stats.free_released,
                     stats.mapped);
    assert_int_equal(neap_pageheap_scavenge_step(heap, 64 * KIB), 64 * KIB);
    assert_int_equal(neap_pageheap_scavenge(heap, 64 * KIB), 64 * KIB);
    assert_int_equal(neap_pageheap_trim(heap), 4 * MIB - 128 * KIB);
    neap_pageheap_stats_read(heap, &stats);
    assert_int_equal(stats.scavenged, 4 * MIB);
    assert_int_equal(stats.scavenged_steps, 2 + 4);
    assert_int_equal(vm_fake_heap_bytes().ready, 4 * MIB);
    assert_null(neap_pageheap_verify(heap));
    neap_pageheap_destroy(heap);
    assert_int_equal(vm_fake_metadata_bytes(), 0);
}

#define TEST(function) cmocka_unit_test_setup(function, given_a_kernel)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_config_out_of_range_is_refused),
        TEST(a_request_out_of_range_is_refused),
        TEST(a_run_is_described_and_found),
        TEST(only_the_start_of_a_run_may_be_freed_or_resized),
        TEST(the_statistics_add_up_and_memory_goes_back),
    };
    return cmocka_run_group_tests_name("pageheap_api", tests, NULL, NULL);
}
