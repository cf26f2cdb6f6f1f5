// observe/statistics.c while several threads allocate, free, hand over and give back: at every
// reading the parts make up the whole, and no number is one that cannot be.
#include "observe/statistics.h"

#include "base/atomic.h"
#include "effort.h"
#include "front/heap.h"
#include "random.h"
#include "sanitizer.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define WORKERS 4
#define OBJECTS 400   // of each worker
#define READINGS EFFORT(100000, 10000)
#define HELD_BYTES_MAX ((size_t)WORKERS * OBJECTS * 600 * KIB)

static struct {
    ATOMIC(bool)   stop;
    ATOMIC(void *) handed_over;
} shared;

static size_t some_size(struct random_source *random)
{
    size_t kind = random_below(random, 100);
    if (kind == 0)
        return random_below(random, 512 * KIB);
    return kind < 20 ? random_below(random, 16 * KIB) : random_below(random, 600);
}

static void release(void *object)
{
    if (object != NULL && front_release(object) != POINTER_TO_OBJECT)
        fail_msg("an object is none");
}

static void *work(void *argument)
{
    struct random_source random = {(uintptr_t)argument};
    static void         *objects[WORKERS][OBJECTS];
    void               **own = objects[random.state - 1];
    while (!load_relaxed(&shared.stop)) {   // hint
        size_t i = random_below(&random, OBJECTS);
        release(own[i]);
        own[i] = front_allocate(some_size(&random));
        if (random_below(&random, 20) == 0)   // to be freed by somebody else
            own[i] = exchange_acq_rel(&shared.handed_over, own[i]);   // pairs with: itself
        if (random_below(&random, 100000) == 0)
            (void)front_trim();
    }
    for (size_t i = 0; i < OBJECTS; i++)
        release(own[i]);
    return NULL;
}

static void expect_sense(const uint64_t values[STATISTICS])
{
    assert_int_equal(values[STATISTIC_unbalanced_bytes], 0);
    assert_int_equal(values[STATISTIC_object_bytes] + values[STATISTIC_free_slots_bytes] +
                         values[STATISTIC_cached_bytes] + values[STATISTIC_free_ready_bytes] +
                         values[STATISTIC_metadata_bytes],
                     values[STATISTIC_resident_bytes]);
    assert_true(values[STATISTIC_object_bytes] <= HELD_BYTES_MAX);
    assert_true(values[STATISTIC_resident_bytes] - values[STATISTIC_metadata_bytes] <=
                values[STATISTIC_mapped_bytes]);
    assert_true(values[STATISTIC_objects] <= (uint64_t)(WORKERS + 1) * OBJECTS);
}

static void every_reading_adds_up(void **state)
{
    (void)state;
    pthread_t threads[WORKERS];
    for (uintptr_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)(i + 1)), 0);
    uint64_t values[STATISTICS], last[STATISTICS];
    statistics_read(last);
    for (size_t n = 0; n < READINGS; n++) {
        statistics_read(values);
        expect_sense(values);
        for (enum statistic i = 0; i < STATISTICS; i++) {
            if (statistic_row(i)->kind == NEAP_PAGE_COUNTER)
                assert_true(values[i] >= last[i]);
        }
        memcpy(last, values, sizeof last);
    }
    store_relaxed(&shared.stop, true);   // hint
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    release(load_relaxed(&shared.handed_over));   // owner
    assert_null(front_verify());
    statistics_read(values);
    assert_int_equal(values[STATISTIC_object_bytes], 0);
    assert_int_equal(values[STATISTIC_objects], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_reading_adds_up)};
    front_enable_caches();
#if SANITIZES_THREAD   // whose mmap does not take hints well
    process_heap.pages.arenas.n_hints = 0;
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
