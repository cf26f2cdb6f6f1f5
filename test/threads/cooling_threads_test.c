// Threads allocate, free for one another and end, signal handlers interrupt them, others fork,
// while pages inside of spans go back all the time: no byte of a live object changes.
//
// span/central.c, span/span_cold.c, front/give_back.c under load.
#include "front/heap.h"
#include "front/thread.h"

#include "base/atomic.h"
#include "base/units.h"
#include "effort.h"
#include "random.h"
#include "sanitizer.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define WORKERS 3
#define OBJECTS 400   // of each worker
#define STEPS EFFORT(300000, 60000)
#define SHARED 64          // objects that any thread and handler takes and leaves
#define STAMP_EVERY 1024   // bytes: less than any OS page
#define SMALLEST 256       // bytes of a slot in a span that may cool

struct object {
    unsigned char *start;
    size_t         n_bytes;
};

static struct {
    ATOMIC(unsigned char *) objects[SHARED];   // the first word: how long it is
    ATOMIC(bool)            stop;
    ATOMIC(size_t)          wrong, n_handled, n_cooled;
    pthread_t               threads[WORKERS + 1];
} shared;

static void expect(bool holds)
{
    if (!holds)
        add_relaxed(&shared.wrong, 1);   // counter
}

// ---- contents ---------------------------------------------------------------------------------

static uint64_t stamp_of(const unsigned char *at)
{
    return (uint64_t)(uintptr_t)at * UINT64_C(0x9E3779B97F4A7C15) | 1;
}

static void each_stamp(const struct object *object, bool write)
{
    for (size_t at = 0; at + sizeof(uint64_t) <= object->n_bytes; at += STAMP_EVERY) {
        uint64_t stamp = stamp_of(object->start + at), found = stamp;
        if (write)
            memcpy(object->start + at, &stamp, sizeof stamp);
        else
            memcpy(&found, object->start + at, sizeof found);
        expect(found == stamp);
    }
    size_t last = object->n_bytes - 1;
    if (write)
        object->start[last] = 0xA5;
    expect(object->start[last] == 0xA5);
}

static size_t some_size(struct random_source *random)
{
    size_t limit = (size_t)1 << random_between(random, 9, 15);
    return align_up(SMALLEST + random_below(random, limit - SMALLEST + 1), 16);
}

static void allocate(struct object *object, struct random_source *random)
{
    object->n_bytes = some_size(random);
    object->start = front_allocate(object->n_bytes);
    if (object->start != NULL)   // in a handler the reserve may be used up
        each_stamp(object, true);
}

static void release(struct object *object)
{
    each_stamp(object, false);
    expect(front_release(object->start) == POINTER_TO_OBJECT);
    object->start = NULL;
}

// ---- what any thread or handler frees ---------------------------------------------------------

// Puts a zeroed object there, and frees the one it finds.
static void leave_and_take(struct random_source *random)
{
    size_t         n_bytes = some_size(random);
    unsigned char *start = front_allocate_zeroed(n_bytes);
    if (start != NULL) {
        for (size_t at = 0; at < n_bytes; at++)
            expect(start[at] == 0);
        memcpy(start, &n_bytes, sizeof n_bytes);
        start[n_bytes - 1] = 0xA5;
    }
    size_t i = random_below(random, SHARED);
    // pairs with: itself, in another thread
    unsigned char *found = exchange_acq_rel(&shared.objects[i], start);
    if (found == NULL)
        return;
    memcpy(&n_bytes, found, sizeof n_bytes);
    expect(n_bytes >= SMALLEST && n_bytes <= 32 * KIB && found[n_bytes - 1] == 0xA5);
    expect(front_release(found) == POINTER_TO_OBJECT);
}

static void handle(int signal_number)
{
    static _Thread_local struct random_source random = {7};
    leave_and_take(&random);
    add_relaxed(&shared.n_handled, 1);   // counter
}

// Nobody can make a handler stand still that frees something in a thread that waits for a lock:
// what it has not counted yet is not amiss.
static void verify(void)
{
    const char *broken = front_verify();
    expect(broken == NULL || strncmp(broken, "F1 ", 3) == 0 || strncmp(broken, "W3 ", 3) == 0);
}

// ---- threads ----------------------------------------------------------------------------------

static void *worker_main(void *argument)
{
    struct random_source random = {(uintptr_t)argument};
    static struct object all[WORKERS][OBJECTS];
    struct object       *objects = all[(uintptr_t)argument];
    for (size_t i = 0; i < STEPS; i++) {
        struct object *object = &objects[random_below(&random, OBJECTS)];
        if (object->start != NULL)
            release(object);
        else
            allocate(object, &random);
        if (random_below(&random, 8) == 0)
            leave_and_take(&random);
    }
    for (size_t i = 0; i < OBJECTS; i++)
        if (objects[i].start != NULL)
            release(&objects[i]);
    return NULL;
}

static void *cooler_main(void *argument)
{
    struct heap *heap = heap_get();
    for (size_t i = 0; !load_relaxed(&shared.stop); i++) {   // hint
        caches_rest(&heap->caches);
        add_relaxed(&shared.n_cooled, central_cool(&heap->central, 256 * KIB));   // counter
        if (i % 8 == 0)
            front_trim();
        if (i % 32 == 0)
            verify();
    }
    return NULL;
}

// In the child all is as it was, and can be freed.
static void fork_and_look(void)
{
    front_fork_prepare();
    pid_t child = fork();
    if (child == 0) {
        front_fork_child();
        struct random_source random = {11};
        for (size_t i = 0; i < 4 * SHARED; i++)
            leave_and_take(&random);
        front_trim();
        verify();
        _exit(load_relaxed(&shared.wrong) == 0 ? 0 : 1);   // counter
    }
    front_fork_parent();
    int status = 0;
    expect(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

static void *interrupter_main(void *argument)
{
    struct timespec a_moment = {.tv_nsec = 200000};
    for (size_t i = 0; !load_relaxed(&shared.stop); i++) {   // hint
        pthread_kill(shared.threads[i % (WORKERS + 1)], SIGUSR1);
        if (!SANITIZES_THREAD && i % 64 == 0)
            fork_and_look();
        nanosleep(&a_moment, NULL);
    }
    return NULL;
}

static void live_objects_stay_as_they_are(void **state)
{
    pthread_t        interrupter;
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    pthread_t *cooler = &shared.threads[WORKERS];
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&shared.threads[i], NULL, worker_main, (void *)i), 0);
    assert_int_equal(pthread_create(cooler, NULL, cooler_main, NULL), 0);
    assert_int_equal(pthread_create(&interrupter, NULL, interrupter_main, NULL), 0);
    struct timespec a_while = {.tv_sec = 2};
    nanosleep(&a_while, NULL);
    store_relaxed(&shared.stop, true);   // hint
    assert_int_equal(pthread_join(interrupter, NULL), 0);
    assert_int_equal(pthread_join(*cooler, NULL), 0);
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_join(shared.threads[i], NULL), 0);
    for (size_t i = 0; i < SHARED; i++)
        if (shared.objects[i] != NULL)
            assert_int_equal(front_release(shared.objects[i]), POINTER_TO_OBJECT);
    assert_int_equal(load_relaxed(&shared.wrong), 0);   // counter
    assert_true(load_relaxed(&shared.n_cooled) > 0);    // counter
    assert_true(load_relaxed(&shared.n_handled) > 0);   // counter
    front_trim();
    struct front_account account;
    front_account_read(&account);
    assert_int_equal(account.slots.used_slots, 0);
    assert_int_equal(account.pages.in_use_bytes, 0);
    assert_int_equal(account.slots.released_bytes, 0);
    assert_null(front_verify());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_objects_stay_as_they_are),
    };
    front_enable_caches();
#if SANITIZES_THREAD   // whose mmap does not take hints well
    process_heap.pages.arenas.n_hints = 0;
#endif
    return cmocka_run_group_tests_name("cooling threads", tests, NULL, NULL);
}
