// observe/statistics.c, observe/stats_page.c and observe/stats_text.c on a heap that stands still:
// the statistics are those of the books, which the recount agrees with.
#include "observe/statistics.h"
#include "observe/stats_text.h"

#include "front/heap.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OBJECTS 3000

static void *objects[OBJECTS];

static size_t random_size(struct random_source *random)
{
    return random_below(random, 50) == 0 ? random_below(random, 2 * MIB)
                                         : random_below(random, 4 * KIB);
}

static void free_one(size_t i)
{
    if (objects[i] != NULL)
        assert_int_equal(front_release(objects[i]), POINTER_TO_OBJECT);
    objects[i] = NULL;
}

static uint64_t held_by_objects(void)
{
    uint64_t n_bytes = 0;
    for (size_t i = 0; i < OBJECTS; i++) {
        size_t usable = 0;
        if (objects[i] != NULL)
            assert_int_equal(front_usable_bytes(objects[i], &usable), POINTER_TO_OBJECT);
        n_bytes += usable;
    }
    return n_bytes;
}

static void expect_as_booked(void)
{
    uint64_t             values[STATISTICS];
    struct front_account account;
    front_account_read(&account);
    statistics_read(values);
    const struct page_account *pages = &account.pages;
    assert_int_equal(values[STATISTIC_mapped_bytes], pages->mapped_bytes);
    assert_int_equal(values[STATISTIC_reserved_bytes], pages->reserved_bytes);
    assert_int_equal(values[STATISTIC_cached_bytes], pages->cached_ready_bytes);
    assert_int_equal(values[STATISTIC_free_ready_bytes], pages->free_ready_bytes);
    assert_int_equal(values[STATISTIC_released_bytes], page_account_released_bytes(pages));
    assert_int_equal(values[STATISTIC_counted_bytes], page_account_counted_bytes(pages));
    assert_int_equal(values[STATISTIC_free_slots_bytes], account.slots.free_bytes);
    assert_int_equal(values[STATISTIC_object_bytes],
                     account.slots.used_bytes + account.large_bytes);
    assert_int_equal(values[STATISTIC_large_object_bytes], account.large_bytes);
    assert_int_equal(values[STATISTIC_large_objects], account.large_objects);
    assert_int_equal(values[STATISTIC_objects], account.slots.used_slots + account.large_objects);
    assert_int_equal(values[STATISTIC_allocations],
                     account.slots.n_allocated + account.n_large_allocated);
    assert_int_equal(values[STATISTIC_allocations] - values[STATISTIC_frees],
                     values[STATISTIC_objects]);
    assert_int_equal(values[STATISTIC_returned_bytes],
                     pages->scavenged_bytes + account.slots.scavenged_bytes);
    assert_int_equal(values[STATISTIC_growths], pages->grown_times);
    assert_true(values[STATISTIC_peak_counted_bytes] >= values[STATISTIC_counted_bytes]);
}

static void expect_to_add_up(void)
{
    uint64_t values[STATISTICS];
    statistics_read(values);
    assert_int_equal(values[STATISTIC_unbalanced_bytes], 0);
    assert_int_equal(values[STATISTIC_object_bytes] + values[STATISTIC_free_slots_bytes] +
                         values[STATISTIC_cached_bytes] + values[STATISTIC_free_ready_bytes] +
                         values[STATISTIC_metadata_bytes],
                     values[STATISTIC_resident_bytes]);
    assert_int_equal(
        values[STATISTIC_returned_idle_bytes] + values[STATISTIC_returned_growth_bytes] +
            values[STATISTIC_returned_limit_bytes] + values[STATISTIC_returned_pressure_bytes] +
            values[STATISTIC_returned_request_bytes],
        values[STATISTIC_returned_bytes]);
}

static void what_is_told_is_what_a_recount_finds(void **state)
{
    (void)state;
    struct random_source random = {17};
    uint64_t             before[STATISTICS];
    statistics_read(before);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned n = 0; n < 2000; n++) {
            size_t i = random_below(&random, OBJECTS);
            free_one(i);
            if (random_below(&random, 3) > 0)
                objects[i] = front_allocate(random_size(&random));
        }
        if (round % 5 == 4)
            assert_true(front_trim() > 0);
        assert_null(front_verify());
        expect_as_booked();
        expect_to_add_up();
        uint64_t values[STATISTICS];
        statistics_read(values);
        assert_int_equal(values[STATISTIC_object_bytes] - before[STATISTIC_object_bytes],
                         held_by_objects());
    }
}

static void objects_of_a_heap_count_too(void **state)
{
    (void)state;
    uint64_t          before[STATISTICS], values[STATISTICS];
    struct neap_heap *heap = heap_create("counted");
    bool              zero_known;
    statistics_read(before);
    for (int i = 0; i < 100; i++)
        assert_non_null(heap_allocate(heap, 16, 1000, &zero_known));
    statistics_read(values);
    assert_int_equal(values[STATISTIC_objects] - before[STATISTIC_objects], 100);
    expect_as_booked();
    heap_destroy(heap);
    statistics_read(values);
    assert_int_equal(values[STATISTIC_objects], before[STATISTIC_objects]);
    expect_to_add_up();
}

static void what_is_refused_or_foreign_counts(void **state)
{
    (void)state;
    uint64_t before[STATISTICS], values[STATISTICS];
    int      on_the_stack;
    statistics_read(before);
    assert_null(front_allocate((size_t)1 << 60));
    assert_int_equal(front_release(&on_the_stack), POINTER_FOREIGN);
    statistics_read(values);
    assert_int_equal(values[STATISTIC_refused_requests] - before[STATISTIC_refused_requests], 1);
    assert_int_equal(values[STATISTIC_foreign_frees] - before[STATISTIC_foreign_frees], 1);
}

static void a_limit_is_told_when_there_is_one(void **state)
{
    (void)state;
    uint64_t values[STATISTICS];
    statistics_read(values);
    assert_true(values[STATISTIC_hard_limit_bytes] == STATISTICS_NO_LIMIT);
    limit_set(LIMIT_HARD, GIB);
    statistics_read(values);
    assert_int_equal(values[STATISTIC_hard_limit_bytes], GIB);
    limit_set(LIMIT_HARD, LIMIT_NONE);
    statistics_read(values);
    assert_true(values[STATISTIC_hard_limit_bytes] == STATISTICS_NO_LIMIT);
}

// ---- as text ----------------------------------------------------------------------------------

static char text[64 * KIB];

static void print(enum stats_format format)
{
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    assert_int_equal(stats_text_print(pipe_ends[1], format), 0);
    assert_int_equal(close(pipe_ends[1]), 0);
    size_t  n_bytes = 0;
    ssize_t n;
    while ((n = read(pipe_ends[0], text + n_bytes, sizeof text - 1 - n_bytes)) > 0)
        n_bytes += (size_t)n;
    text[n_bytes] = '\0';
    assert_int_equal(close(pipe_ends[0]), 0);
}

static void expect_text(const char *format, const char *name, uint64_t value)
{
    char part[128];
    (void)snprintf(part, sizeof part, format, name, (unsigned long long)value);
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, text);
}

static void every_format_has_every_number(void **state)
{
    (void)state;
    uint64_t values[STATISTICS];
    statistics_read(values);
    print(STATS_TEXT);
    for (enum statistic i = 0; i < STATISTICS; i++) {
        if (statistic_row(i)->kind == NEAP_PAGE_GAUGE ||
            statistic_row(i)->kind == NEAP_PAGE_COUNTER)
            assert_non_null(strstr(text, statistic_row(i)->name));
    }
    assert_null(strstr(text, "unbalanced"));
    assert_null(strstr(text, "hard_limit"));   // there is none
    print(STATS_JSON);
    expect_text("\"%s\": %llu", "object_bytes", values[STATISTIC_object_bytes]);
    expect_text(", \"%s\": %llu}\n", "idle_thread_caches",
                values[STATISTIC_idle_thread_caches]);   // the last one
    print(STATS_OPENMETRICS);
    expect_text("\n%s{state=\"objects\"} %llu\n", "neap_resident_bytes",
                values[STATISTIC_object_bytes]);
    expect_text("\n%s %llu\n# ", "neap_allocations_total", values[STATISTIC_allocations]);
    expect_text("\n%s %llu.", "neap_return_cpu_seconds_total",
                values[STATISTIC_return_cpu_ns] / 1000000000);
    assert_string_equal(text + strlen(text) - 6, "# EOF\n");
}

static void a_write_that_fails_is_told(void **state)
{
    (void)state;
    assert_int_not_equal(stats_text_print(-1, STATS_TEXT), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told_is_what_a_recount_finds),
        cmocka_unit_test(objects_of_a_heap_count_too),
        cmocka_unit_test(what_is_refused_or_foreign_counts),
        cmocka_unit_test(a_limit_is_told_when_there_is_one),
        cmocka_unit_test(every_format_has_every_number),
        cmocka_unit_test(a_write_that_fails_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
