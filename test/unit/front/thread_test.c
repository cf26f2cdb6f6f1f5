// Threads get caches, on a fake host with three CPUs whose one thread plays them all.
#include "front/thread.h"

#include "front/heap.h"
#include "host_fake.h"
#include "unit_kit.h"
#include "vm_fake.h"

#include <string.h>

#define AT_ONCE (2 * HOST_FAKE_CPUS)   // as in thread.c
#define WORTH_A_CACHE 4096

static struct caches *caches(void)
{
    return &heap_get()->caches;
}

// The thread so far goes on elsewhere; another begins.
static void given_a_new_thread(void)
{
    memset(&this_thread, 0, sizeof this_thread);
    host_thread_end_argument(NULL);
}

static struct cache *earn(void)
{
    struct cache *cache = thread_earn_cache(caches());
    if (cache != NULL)
        cache_leave(cache);
    assert_true(cache == NULL || cache == this_thread.cache);
    return cache;
}

static void before_libc_is_ready_no_thread_gets_one(void **state)
{
    given_a_new_thread();
    assert_null(thread_enter_cache());
    for (size_t i = 0; i < 2 * WORTH_A_CACHE; i++)
        assert_null(earn());
    assert_int_equal(caches()->n_caches, 0);
}

static void the_first_threads_get_one_at_once(void **state)
{
    thread_caches_enable();
    for (size_t i = 1; i <= AT_ONCE; i++) {
        given_a_new_thread();
        struct cache *cache = earn();
        assert_non_null(cache);
        assert_int_equal(caches()->n_caches, i);
        assert_ptr_equal(earn(), cache);   // and keep it
        assert_ptr_equal(thread_enter_cache(), cache);
        assert_null(thread_enter_cache());   // in a signal handler
        assert_null(earn());
        cache_leave(cache);
    }
}

static void further_ones_when_they_have_shown_that_it_is_worth_one(void **state)
{
    for (size_t n_threads = 1; n_threads <= 3; n_threads++) {
        given_a_new_thread();
        for (size_t i = 1; i < WORTH_A_CACHE; i++)
            assert_null(earn());
        assert_int_equal(caches()->n_caches, AT_ONCE + n_threads - 1);
        assert_non_null(earn());
        assert_int_equal(caches()->n_caches, AT_ONCE + n_threads);
    }
}

static void the_cache_of_a_thread_that_ends_goes_to_the_next(void **state)
{
    size_t n_caches = caches()->n_caches;
    for (int i = 0; i < 1000; i++) {
        struct cache *cache = this_thread.cache;
        assert_non_null(cache);
        host_fake_end_thread();
        assert_null(this_thread.cache);
        assert_ptr_equal(caches()->idle, cache);
        for (size_t k = 0; k < 2 * WORTH_A_CACHE && i == 0; k++)
            assert_null(earn());   // it allocates still, in other destructors
        given_a_new_thread();
        assert_ptr_equal(earn(), cache);
    }
    assert_int_equal(caches()->n_caches, n_caches);
    assert_null(caches()->idle);
}

static void nobody_gets_two(void **state)
{
    size_t n_caches = caches()->n_caches;
    host_fake_end_thread();   // so that there is one to be had
    given_a_new_thread();
    this_thread.changing = true;   // a signal handler while the thread is being given one
    assert_null(earn());
    this_thread.changing = false;
    lock_n_of_this_thread++;   // or while it holds a lock
    assert_null(earn());
    lock_n_of_this_thread--;
    assert_non_null(caches()->idle);
    assert_non_null(earn());
    assert_false(this_thread.changing);
    assert_null(caches()->idle);
    assert_int_equal(caches()->n_caches, n_caches);
}

static void without_memory_for_one_a_thread_does_without(void **state)
{
    given_a_new_thread();
    this_thread.n_without = WORTH_A_CACHE;
    vm_fake_refuse(1, true);
    while (caches_adopt(caches(), SIZE_MAX) != NULL)   // what metadata there is
        continue;
    for (int i = 0; i < 10; i++)
        assert_null(earn());
    assert_false(this_thread.changing);
    vm_fake_refuse(0, false);
    assert_non_null(earn());
}

static const struct unit_sentence sentences[] = {
    {"before libc is ready no thread gets one", before_libc_is_ready_no_thread_gets_one},
    {"the first threads get one at once", the_first_threads_get_one_at_once},
    {"further ones when they have shown that it is worth one",
     further_ones_when_they_have_shown_that_it_is_worth_one},
    {"the cache of a thread that ends goes to the next",
     the_cache_of_a_thread_that_ends_goes_to_the_next},
    {"nobody gets two", nobody_gets_two},
    {"without memory for one a thread does without", without_memory_for_one_a_thread_does_without},
};

// One after the other: each goes on with the threads of those before.
int main(void)
{
    vm_fake_reset(4 * KIB);
    ADD_SENTENCES("caches:", sentences, 0);
    return cmocka_run_group_tests_name("thread", unit_tests, NULL, NULL);
}
