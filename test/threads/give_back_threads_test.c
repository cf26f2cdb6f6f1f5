// Threads allocate, hand objects to one another and free, while memory goes back beside them: by
// the thread of our own, which they start, and by one that makes rounds without a rest. Contents
// stay, the books are right, and at the end (nearly) all has gone back.
//
// front/background.c, front/give_back.c under load.
#include "front/background.h"

#include "effort.h"
#include "front/fast.h"
#include "os/host.h"
#include "random.h"
#include "sanitizer.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORKERS 3
#define OBJECTS 400   // of each worker
#define STEPS EFFORT(300000, 60000)
#define WAVE 4096   // steps; then a worker frees all that it has

struct object {
    unsigned char *start;
    size_t         n_bytes;
};

static struct {
    pthread_mutex_t mutex;
    struct object   handed_over[OBJECTS];
    ATOMIC(size_t)  wrong;
    ATOMIC(bool)    stop;
} shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void expect(bool holds)
{
    if (!holds)
        add_relaxed(&shared.wrong, 1);   // counter
}

// As api does on its slower ways, by a caller that is the program's.
static void come_by(void)
{
    if (fast_alarm_is_set())
        front_answer_alarm((const void *)(uintptr_t)come_by);
}

// ---- workers ----------------------------------------------------------------------------------

static void release(struct object *object)
{
    if (object->start == NULL)
        return;
    // Its ends are enough: pages go back from the kernel's hands full of zeros.
    unsigned char mark = (unsigned char)(object->n_bytes | 1);
    for (size_t i = 0; i < object->n_bytes; i += 512)
        expect(object->start[i] == mark);
    expect(object->start[object->n_bytes - 1] == mark);
    expect(front_release(object->start) == POINTER_TO_OBJECT);
    object->start = NULL;
    come_by();
}

static size_t some_size(struct random_source *random)
{
    size_t kind = random_below(random, 100);
    if (kind == 0)
        return 1 + random_below(random, 2 * MIB);
    return 1 + random_below(random, kind < 30 ? 32 * KIB : 1000);
}

static void obtain(struct object *object, struct random_source *random)
{
    object->n_bytes = some_size(random);
    object->start = front_allocate(object->n_bytes);
    expect(object->start != NULL);
    memset(object->start, (unsigned char)(object->n_bytes | 1), object->n_bytes);
    come_by();
}

static void hand_over(struct object *mine, struct random_source *random)
{
    pthread_mutex_lock(&shared.mutex);
    struct object *theirs = &shared.handed_over[random_below(random, OBJECTS)];
    struct object  swapped = *theirs;
    *theirs = *mine;
    *mine = swapped;
    pthread_mutex_unlock(&shared.mutex);
}

static void *worker_main(void *seed)
{
    static THREAD_LOCAL struct object objects[OBJECTS];
    struct random_source              random = {.state = (uintptr_t)seed};
    for (size_t i = 0; i < STEPS; i++) {
        struct object *object = &objects[random_below(&random, OBJECTS)];
        if (object->start == NULL)
            obtain(object, &random);
        else
            release(object);
        if (random_one_in(&random, 4))
            hand_over(object, &random);
        for (size_t k = 0; i % WAVE == 0 && k < OBJECTS; k++)
            release(&objects[k]);
    }
    for (size_t k = 0; k < OBJECTS; k++)
        release(&objects[k]);
    return NULL;
}

static void let_them_work(void)
{
    pthread_t workers[WORKERS];
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&workers[i], NULL, worker_main, (void *)(i + 1)), 0);
    for (size_t i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
    for (size_t i = 0; i < OBJECTS; i++)
        release(&shared.handed_over[i]);
    assert_int_equal(load_relaxed(&shared.wrong), 0);   // the workers have been joined
}

// ---- sentences --------------------------------------------------------------------------------

static bool round_is_made(void)
{
    struct background *background = &process_heap.background;
    if (exchange_acquire(&background->is_busy, true))
        return false;
    give_back_round(&background->give_back, &process_heap, ROUND_CPU_NS_MAX);
    store_release(&background->is_busy, false);
    return true;
}

static void *make_rounds(void *n_rounds)
{
    while (!load_relaxed(&shared.stop)) {   // hint
        *(size_t *)n_rounds += round_is_made();
        host_sleep_ns(100000);
    }
    return NULL;
}

static size_t n_pages_gone(void)
{
    lock_acquire(&process_heap.pages.lock);
    size_t n = process_heap.pages.scavenged_pages;
    lock_release(&process_heap.pages.lock);
    return n;
}

static void rounds_without_rest_take_nothing_that_is_in_use(void **state)
{
    pthread_t thread;
    size_t    n_rounds = 0, n_gone = n_pages_gone();
    store_relaxed(&shared.stop, false);   // owner: before there is another thread
    assert_int_equal(pthread_create(&thread, NULL, make_rounds, &n_rounds), 0);
    let_them_work();
    store_relaxed(&shared.stop, true);   // hint
    pthread_join(thread, NULL);
    print_message("%zu rounds, %zu MiB went back\n", n_rounds,
                  pages_to_bytes(n_pages_gone() - n_gone) / MIB);
    assert_true(n_rounds > 100);
    assert_true(n_pages_gone() > n_gone);
    assert_null(front_verify());
}

static bool there_is_a_thread(void)
{
    return load_relaxed(&process_heap.background.state) == BACKGROUND_RUNNING;   // hint
}

static void idle_for_seconds(unsigned n)
{
    for (unsigned i = 0; i < 10 * n && there_is_a_thread(); i++)
        host_sleep_ns(100000000);
}

static void the_thread_takes_nothing_that_is_in_use_and_then_all(void **state)
{
    struct page_account account;
    let_them_work();
    void *large = front_allocate(64 * MIB);
    memset(large, 1, 64 * MIB);
    assert_int_equal(front_release(large), POINTER_TO_OBJECT);
    come_by();
    assert_true(there_is_a_thread());
    let_them_work();
    idle_for_seconds(12);
    assert_false(there_is_a_thread());
    page_heap_account_read(&process_heap.pages, &account);
    assert_true(account.free_ready_bytes + account.cached_ready_bytes < 8 * MIB);
    assert_null(front_verify());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_without_rest_take_nothing_that_is_in_use),
        cmocka_unit_test(the_thread_takes_nothing_that_is_in_use_and_then_all),
    };
    setenv("NEAP_RETURN_DELAY", "10ms", 1);   // so that much goes back that is soon needed again
    setenv("NEAP_RETURN_CPU", "100%", 1);
    front_enable_caches();
#if SANITIZES_THREAD   // whose mmap does not take hints well
    process_heap.pages.arenas.n_hints = 0;
#endif
    return cmocka_run_group_tests_name("give back threads", tests, NULL, NULL);
}
