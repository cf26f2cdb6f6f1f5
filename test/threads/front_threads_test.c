// Many threads on front: they allocate, hand objects to one another, end and are replaced, while
// others trim, read the books and fork. Contents stay, and when all is freed, all is gone.
//
// cache/caches.c, cache/cache.c, front/thread.c under load.
#include "front/heap.h"

#include "base/atomic.h"
#include "base/units.h"
#include "effort.h"
#include "random.h"
#include "sanitizer.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define WORKERS 6
#define OBJECTS 600   // of each worker
#define MAILBOX 64
#define STEPS EFFORT(200000, 60000)   // of a worker's life
#define LIVES 6

struct object {
    unsigned char *start;
    size_t         n_bytes;
    unsigned char  mark;
};

static struct {
    pthread_mutex_t mutex;
    struct object   mailbox[MAILBOX];
    ATOMIC(bool)    stop;
    ATOMIC(size_t)  wrong;
    size_t          trims, forks, children_failed;
} shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void expect(bool holds)
{
    if (!holds)
        add_relaxed(&shared.wrong, 1);   // counter
}

static void object_mark(struct object *object, unsigned char mark)
{
    object->mark = mark;
    memset(object->start, mark, object->n_bytes);
}

static void object_check(const struct object *object)
{
    for (size_t i = 0; i < object->n_bytes; i++) {
        if (object->start[i] != object->mark) {
            expect(false);
            return;
        }
    }
}

static size_t some_size(struct random_source *random)
{
    size_t kind = random_below(random, 1000);
    if (kind == 0)
        return random_below(random, 256 * KIB);
    if (kind < 30)
        return random_below(random, 32 * KIB);
    return random_below(random, kind < 500 ? 64 : 600);
}

static void step(struct object *object, struct random_source *random)
{
    if (object->start == NULL) {
        object->n_bytes = some_size(random);
        bool zeroed = random_one_in(random, 4);
        object->start =
            zeroed ? front_allocate_zeroed(object->n_bytes) : front_allocate(object->n_bytes);
        expect(object->start != NULL);
        for (size_t i = 0; zeroed && i < object->n_bytes; i++)
            expect(object->start[i] == 0);
        object_mark(object, (unsigned char)random_next(random));
        return;
    }
    object_check(object);
    if (random_one_in(random, 8)) {
        size_t n_bytes = some_size(random);
        void  *moved = NULL;
        expect(front_resize(object->start, n_bytes, &moved) == POINTER_TO_OBJECT && moved != NULL);
        object->start = moved;
        object->n_bytes = size_min(object->n_bytes, n_bytes);
        object_check(object);
        return;
    }
    expect(front_release(object->start) == POINTER_TO_OBJECT);
    object->start = NULL;
}

static void swap_with_mailbox(struct object *mine, struct random_source *random)
{
    pthread_mutex_lock(&shared.mutex);
    struct object *theirs = &shared.mailbox[random_below(random, MAILBOX)];
    struct object  swapped = *theirs;
    *theirs = *mine;
    *mine = swapped;
    pthread_mutex_unlock(&shared.mutex);
}

static void *worker_main(void *seed)
{
    struct random_source random = {.state = (uintptr_t)seed};
    struct object        objects[OBJECTS];
    memset(objects, 0, sizeof objects);
    for (int i = 0; i < STEPS; i++) {
        struct object *object = &objects[random_below(&random, OBJECTS)];
        step(object, &random);
        if (random_one_in(&random, 4))
            swap_with_mailbox(object, &random);
    }
    for (size_t i = 0; i < OBJECTS; i++)
        if (objects[i].start != NULL)
            expect(front_release(objects[i].start) == POINTER_TO_OBJECT);
    return NULL;
}

// Lives one worker after the other, each in a thread of its own.
static void *place_main(void *seed)
{
    for (uintptr_t life = 0; life < LIVES; life++) {
        pthread_t worker;
        expect(pthread_create(&worker, NULL, worker_main, (void *)((uintptr_t)seed + life)) == 0);
        expect(pthread_join(worker, NULL) == 0);
    }
    return NULL;
}

static void pause_ns(long n)
{
    nanosleep(&(struct timespec){.tv_nsec = n}, NULL);
}

static void *trimmer_main(void *unused)
{
    while (!load_relaxed(&shared.stop)) {   // hint
        front_trim();
        struct front_account account;
        front_account_read(&account);
        expect(page_account_adds_up(&account.pages));
        shared.trims++;
        pause_ns(3000000);
    }
    return NULL;
}

#if !SANITIZES_THREAD   // whose runtime does not follow a fork of many threads
// What a child does that goes on: allocate more than a cache holds, free what the parent had.
static int child_main(void)
{
    struct random_source random = {.state = 77};
    struct object        objects[OBJECTS];
    memset(objects, 0, sizeof objects);
    for (int i = 0; i < 20000; i++)
        step(&objects[random_below(&random, OBJECTS)], &random);
    for (size_t i = 0; i < MAILBOX; i++) {
        if (shared.mailbox[i].start == NULL)
            continue;
        object_check(&shared.mailbox[i]);
        expect(front_release(shared.mailbox[i].start) == POINTER_TO_OBJECT);
    }
    front_trim();
    const char *broken = front_verify();
    if (broken != NULL) {
        fprintf(stderr, "in a child: %s\n", broken);
        return 2;
    }
    return load_relaxed(&shared.wrong) == 0 ? 0 : 1;   // counter
}

static void *forker_main(void *unused)
{
    while (!load_relaxed(&shared.stop)) {    // hint
        pthread_mutex_lock(&shared.mutex);   // so that the mailbox is whole in the child
        front_fork_prepare();
        pid_t child = fork();
        if (child == 0) {
            front_fork_child();
            alarm(20);
            _exit(child_main());
        }
        front_fork_parent();
        pthread_mutex_unlock(&shared.mutex);
        int status = -1;
        waitpid(child, &status, 0);
        shared.children_failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
        shared.forks++;
        pause_ns(20000000);
    }
    return NULL;
}
#endif

static void threads_come_and_go_and_nothing_is_lost(void **state)
{
    pthread_t places[WORKERS], trimmer;
    for (uintptr_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&places[i], NULL, place_main, (void *)(i * 1000)), 0);
    assert_int_equal(pthread_create(&trimmer, NULL, trimmer_main, NULL), 0);
#if !SANITIZES_THREAD
    pthread_t forker;
    assert_int_equal(pthread_create(&forker, NULL, forker_main, NULL), 0);
#endif
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_join(places[i], NULL), 0);
    store_relaxed(&shared.stop, true);   // hint
    assert_int_equal(pthread_join(trimmer, NULL), 0);
#if !SANITIZES_THREAD
    assert_int_equal(pthread_join(forker, NULL), 0);
    assert_true(shared.forks > 0);
    assert_int_equal(shared.children_failed, 0);
#endif
    assert_true(shared.trims > 0);
    assert_int_equal(load_relaxed(&shared.wrong), 0);   // counter
    assert_null(front_verify());
    for (size_t i = 0; i < MAILBOX; i++)
        if (shared.mailbox[i].start != NULL)
            assert_int_equal(front_release(shared.mailbox[i].start), POINTER_TO_OBJECT);
    front_trim();
    struct front_account account;
    front_account_read(&account);
    assert_int_equal(account.slots.used_slots, 0);
    assert_int_equal(account.pages.in_use_bytes, 0);
    assert_null(front_verify());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_come_and_go_and_nothing_is_lost),
    };
    front_enable_caches();
#if SANITIZES_THREAD   // whose mmap does not take hints well
    process_heap.pages.arenas.n_hints = 0;
#endif
    return cmocka_run_group_tests_name("front threads", tests, NULL, NULL);
}
