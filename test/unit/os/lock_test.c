// The lock: mutual exclusion, try, and the order in which locks may be taken.
#include "base/check.h"
#include "os/lock.h"
#include "unit_kit.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS 20000
#define COLLIDING_ROUNDS 300000

struct counted {
    struct lock       lock;
    size_t            count;         // guarded by lock
    bool              somebody_in;   // guarded by lock
    bool              two_inside;
    pthread_barrier_t start;
};

// Locks are passed through pointers here, so that the compiler's analysis has nothing to follow.
NO_LOCK_ANALYSIS static void enter_and_leave(struct counted *counted, unsigned round)
{
    lock_acquire(&counted->lock);
    counted->two_inside |= counted->somebody_in;
    counted->somebody_in = true;
    counted->count++;
    if (round % 512 == 0)
        usleep(50);   // long enough for the others to go to sleep
    counted->somebody_in = false;
    lock_release(&counted->lock);
}

// Half of the threads try and try again, so that many stand at the door when the lock comes free.
NO_LOCK_ANALYSIS static void enter_anyhow(struct counted *counted, bool trying)
{
    if (!trying) {
        lock_acquire(&counted->lock);
        return;
    }
    while (!lock_try_acquire(&counted->lock))
        continue;
}

NO_LOCK_ANALYSIS static void collide(struct counted *counted, bool trying)
{
    pthread_barrier_wait(&counted->start);
    for (unsigned round = 0; round < COLLIDING_ROUNDS; round++) {
        enter_anyhow(counted, trying);
        counted->two_inside |= counted->somebody_in;
        counted->somebody_in = true;
        for (int i = 0; i < 20; i++)   // long enough for a second one to come in
            *(volatile size_t *)&counted->count += 1;
        counted->somebody_in = false;
        lock_release(&counted->lock);
    }
}

static void *trying_thread(void *argument)
{
    collide(argument, true);
    return NULL;
}

static void *waiting_thread(void *argument)
{
    collide(argument, false);
    return NULL;
}

static void nothing_is_lost_in_collisions(void **state)
{
    struct counted counted = {.lock = LOCK_INITIALIZER(LEAF)};
    pthread_t      threads[THREADS];
    assert_int_equal(pthread_barrier_init(&counted.start, NULL, THREADS), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL,
                                        i % 2 == 0 ? trying_thread : waiting_thread, &counted),
                         0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_false(counted.two_inside);
    assert_int_equal(counted.count, (size_t)THREADS * COLLIDING_ROUNDS * 20);
    pthread_barrier_destroy(&counted.start);
}

static void *count_thread(void *argument)
{
    for (unsigned round = 0; round < ROUNDS; round++)
        enter_and_leave(argument, round);
    return NULL;
}

static void only_one_thread_is_inside(void **state)
{
    struct counted counted = {.lock = LOCK_INITIALIZER(LEAF)};
    pthread_t      threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_thread, &counted), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_false(counted.two_inside);
    assert_int_equal(counted.count, THREADS * ROUNDS);
    assert_false(lock_is_held(&counted.lock));
}

NO_LOCK_ANALYSIS static void *try_thread(void *argument)
{
    struct counted *counted = argument;
    for (unsigned round = 0; round < ROUNDS;) {
        if (!lock_try_acquire(&counted->lock)) {
            sched_yield();
            continue;
        }
        counted->two_inside |= counted->somebody_in;
        counted->somebody_in = true;
        counted->count++;
        counted->somebody_in = false;
        lock_release(&counted->lock);
        round++;
    }
    return NULL;
}

static void trying_excludes_too(void **state)
{
    struct counted counted = {.lock = LOCK_INITIALIZER(LEAF)};
    pthread_t      threads[2];
    assert_int_equal(pthread_create(&threads[0], NULL, try_thread, &counted), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, count_thread, &counted), 0);
    assert_int_equal(pthread_join(threads[0], NULL), 0);
    assert_int_equal(pthread_join(threads[1], NULL), 0);
    assert_false(counted.two_inside);
    assert_int_equal(counted.count, 2 * ROUNDS);
}

NO_LOCK_ANALYSIS static void try_succeeds_exactly_if_free(void **state)
{
    struct lock lock;
    lock_init(&lock, LOCK_RANK_LEAF);
    assert_false(lock_is_held(&lock));
    assert_true(lock_try_acquire(&lock));
    assert_true(lock_is_held(&lock));
    assert_false(lock_try_acquire(&lock));
    lock_release(&lock);
    assert_false(lock_is_held(&lock));
    lock_acquire(&lock);
    assert_true(lock_is_held(&lock));
    assert_false(lock_try_acquire(&lock));
    lock_release(&lock);
    assert_true(lock_try_acquire(&lock));
    lock_release(&lock);
}

// As in the child of a fork whose parent held the lock.
NO_LOCK_ANALYSIS static void use_after_init(void *argument)
{
    struct lock lock;
    lock_init(&lock, LOCK_RANK_LEAF);
    lock.state = 2;   // held by a thread that is not here any more
    lock_init(&lock, LOCK_RANK_LEAF);
    lock_acquire(&lock);
    lock_init(&lock, LOCK_RANK_LEAF);   // held by this one
    lock_acquire(&lock);
    lock_release(&lock);
}

static void init_makes_a_held_lock_usable(void **state)
{
    expect_survives(use_after_init, NULL);
}

// ---- the order --------------------------------------------------------------------------------

struct order_row {
    const char    *name;
    enum lock_rank first, second;
    bool           second_lies_above;   // its address
    bool           allowed;
};

static const struct order_row order_rows[] = {
    {"downwards", LOCK_RANK_HEAP_INIT, LOCK_RANK_LEAF, false, true},
    {"to the next", LOCK_RANK_PAGE_CACHE, LOCK_RANK_PAGE_HEAP, false, true},
    {"upwards", LOCK_RANK_PAGE_HEAP, LOCK_RANK_PAGE_CACHE, true, false},
    {"to the outermost", LOCK_RANK_LEAF, LOCK_RANK_HEAP_INIT, true, false},
    {"same rank by address", LOCK_RANK_PAGE_CACHE, LOCK_RANK_PAGE_CACHE, true, true},
    {"same rank against addresses", LOCK_RANK_PAGE_CACHE, LOCK_RANK_PAGE_CACHE, false, false},
};

NO_LOCK_ANALYSIS static void take_two(void *argument)
{
    const struct order_row *row = argument;
    struct lock             locks[2];
    struct lock            *first = &locks[row->second_lies_above ? 0 : 1];
    struct lock            *second = &locks[row->second_lies_above ? 1 : 0];
    lock_init(first, row->first);
    lock_init(second, row->second);
    lock_acquire(first);
    lock_acquire(second);
    lock_release(first);   // not in the order of a stack
    lock_release(second);
    lock_acquire(first);
    lock_release(first);
}

NO_LOCK_ANALYSIS static void try_two(void *argument)
{
    const struct order_row *row = argument;
    struct lock             locks[2];
    struct lock            *first = &locks[row->second_lies_above ? 0 : 1];
    struct lock            *second = &locks[row->second_lies_above ? 1 : 0];
    lock_init(first, row->first);
    lock_init(second, row->second);
    lock_acquire(first);
    if (lock_try_acquire(second))
        lock_release(second);
    lock_release(first);
}

static void order_is_checked_in_debug_builds_only(void **state)
{
    const struct order_row *row = unit_case_of(state)->row;
    struct order_row        copy = *row;
    if (row->allowed || !NEAP_DEBUG) {
        expect_survives(take_two, &copy);
        expect_survives(try_two, &copy);
    } else {
        expect_dies(take_two, &copy, "check failed: ");
        expect_dies(try_two, &copy, "check failed: ");
    }
}

NO_LOCK_ANALYSIS static void release_what_is_not_held(void *argument)
{
    struct lock lock;
    lock_init(&lock, LOCK_RANK_LEAF);
    lock_release(&lock);
}

static void releasing_what_is_not_held_ends_debug_builds(void **state)
{
    if (NEAP_DEBUG)
        expect_dies(release_what_is_not_held, NULL, "check failed: ");
    else
        expect_survives(release_what_is_not_held, NULL);
}

static const struct unit_sentence sentences[] = {
    {"only one thread is inside", only_one_thread_is_inside},
    {"nothing is lost in collisions", nothing_is_lost_in_collisions},
    {"trying excludes too", trying_excludes_too},
    {"try succeeds exactly if the lock is free", try_succeeds_exactly_if_free},
    {"init makes a held lock usable", init_makes_a_held_lock_usable},
    {"releasing what is not held ends debug builds", releasing_what_is_not_held_ends_debug_builds},
};

int main(void)
{
    ADD_SENTENCES("lock", sentences, 0);
    unit_add_table(UNIT_TABLE("lock order", order_rows, 0, order_is_checked_in_debug_builds_only));
    return cmocka_run_group_tests_name("lock", unit_tests, NULL, NULL);
}
