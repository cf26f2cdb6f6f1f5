// pageheap/standstill.c: fork in a busy process, with all locks held across it; both sides go on.
#include "base/atomic.h"
#include "page_heap_load.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define WORKERS 4
#define WORKER_PAGES_MAX 300
#define FORKS 60
#define CHILD_SECONDS_MAX 20   // a child that hangs is killed; it needs milliseconds
#define CHILD_STEPS 300

static struct {
    struct page_heap      heap;
    struct page_heap_load workers[WORKERS];
    struct page_heap_load child;
    ATOMIC(bool)          stop;
} shared;

static bool stopped(void)
{
    return load_relaxed(&shared.stop);   // hint
}

static void *worker_main(void *context)
{
    struct page_heap_load *load = context;
    while (!stopped() && load->broken == NULL)
        load_step(load);
    return NULL;
}

static void *scavenger_main(void *context)
{
    while (!stopped()) {
        (void)page_heap_scavenge_step(&shared.heap, 64);
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    return NULL;
}

// What is wrong in the child, or NULL.
static const char *live_on_in_child(void)
{
    const char *broken = page_heap_verify(&shared.heap);
    if (broken != NULL)
        return broken;
    load_init(&shared.child, &shared.heap, 7, WORKER_PAGES_MAX);
    for (int i = 0; i < CHILD_STEPS && shared.child.broken == NULL; i++)
        load_step(&shared.child);
    load_free_all(&shared.child);
    if (shared.child.broken != NULL)
        return shared.child.broken;
    (void)page_heap_trim(&shared.heap);
    struct page_account account;
    page_heap_account_read(&shared.heap, &account);
    if (!page_account_adds_up(&account))
        return "the books do not add up";
    return page_heap_verify(&shared.heap);
}

// How to fork: before, and after in the parent and in the child.
struct way {
    void (*prepare)(struct page_heap *heap);
    void (*parent)(struct page_heap *heap);
    void (*child)(struct page_heap *heap);
    bool loses_nothing;   // no pages are on their way to the kernel at the fork
};

// Returns how the child ended: 0 if well.
static int fork_once(const struct way *way)
{
    way->prepare(&shared.heap);
    pid_t child = fork();
    if (child == 0) {
        alarm(CHILD_SECONDS_MAX);
        way->child(&shared.heap);
        const char *broken = live_on_in_child();
        if (way->loses_nothing && shared.heap.scavenging_pages != 0)
            broken = "pages on their way to the kernel were lost";
        if (broken != NULL)
            fprintf(stderr, "child: %s\n", broken);
        _exit(broken != NULL);
    }
    way->parent(&shared.heap);
    int status = -1;
    return child > 0 && waitpid(child, &status, 0) == child ? status : -1;
}

static void run_forks(const struct way *way)
{
    load_init_heap(&shared.heap, &(struct page_heap_config){.n_caches = 4, .retain_pct = 110});
    store_relaxed(&shared.stop, false);   // hint
    pthread_t threads[WORKERS + 1];
    for (size_t i = 0; i < WORKERS; i++) {
        load_init(&shared.workers[i], &shared.heap, 2000 + i, WORKER_PAGES_MAX);
        assert_int_equal(pthread_create(&threads[i], NULL, worker_main, &shared.workers[i]), 0);
    }
    assert_int_equal(pthread_create(&threads[WORKERS], NULL, scavenger_main, NULL), 0);
    int status = 0;
    for (int i = 0; i < FORKS && status == 0; i++)
        status = fork_once(way);
    store_relaxed(&shared.stop, true);   // hint
    for (size_t i = 0; i < WORKERS + 1; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < WORKERS; i++) {
        load_free_all(&shared.workers[i]);
        if (shared.workers[i].broken != NULL)
            fail_msg("worker %zu: %s", i, shared.workers[i].broken);
    }
    assert_null(page_heap_verify(&shared.heap));
    page_heap_destroy(&shared.heap);
    assert_int_equal(status, 0);
}

static void a_child_goes_on_after_a_prepared_fork(void **state)
{
    run_forks(&(struct way){page_heap_fork_prepare, page_heap_fork_parent, page_heap_fork_child,
                            .loses_nothing = true});
}

static void a_child_goes_on_after_resetting_the_locks(void **state)
{
    run_forks(
        &(struct way){page_heap_lock_all, page_heap_unlock_all, page_heap_reset_locks, false});
}

static void a_child_goes_on_after_releasing_the_locks(void **state)
{
    run_forks(&(struct way){page_heap_lock_all, page_heap_unlock_all, page_heap_unlock_all, false});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_goes_on_after_a_prepared_fork),
        cmocka_unit_test(a_child_goes_on_after_resetting_the_locks),
        cmocka_unit_test(a_child_goes_on_after_releasing_the_locks),
    };
    return cmocka_run_group_tests_name("fork with a busy page heap", tests, NULL, NULL);
}
