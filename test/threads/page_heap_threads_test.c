// Many threads on one page heap: contents stay, the books add up at every instant.
//
// Workers use the heap and hand runs to one another; others give memory back at the same time;
// one reads the books and recounts the whole heap while all that goes on.
#include "base/atomic.h"
#include "page_heap_load.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define WORKERS 4
#define WORKER_PAGES_MAX 1500   // 12 MiB each: all four in 128 MiB also with fragmentation
#define MAILBOX_SLOTS 32
#define RUN_NS (3 * INT64_C(1000000000))
#define PAUSE_NS 200000
#define TRIM_PAUSES 10   // more often, and the workers do nothing but fault

static struct {
    struct page_heap      heap;
    struct page_heap_load workers[WORKERS];
    ATOMIC(bool)          stop;
    pthread_mutex_t       mailbox_mutex;
    struct load_slot      mailbox[MAILBOX_SLOTS];   // runs on their way to another thread

    // Each written by one thread, read when it has ended.
    size_t      steps, stepped_pages, trims, reads, recounts;
    int64_t     longest_trim_ns;
    const char *reader_broken;
} shared = {.mailbox_mutex = PTHREAD_MUTEX_INITIALIZER};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void pause_briefly(void)
{
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

static bool stopped(void)
{
    return load_relaxed(&shared.stop);   // hint
}

// Leaves a run (or nothing) for somebody and takes what somebody left.
static void swap_with_mailbox(struct page_heap_load *load)
{
    struct load_slot *mine = &load->slots[random_below(&load->random, LOAD_SLOTS)];
    pthread_mutex_lock(&shared.mailbox_mutex);
    struct load_slot *theirs = &shared.mailbox[random_below(&load->random, MAILBOX_SLOTS)];
    struct load_slot  swapped = *theirs;
    *theirs = *mine;
    *mine = swapped;
    load->live_pages -= theirs->run != NULL ? theirs->run->n_pages : 0;
    load->live_pages += mine->run != NULL ? mine->run->n_pages : 0;
    pthread_mutex_unlock(&shared.mailbox_mutex);
    if (mine->run != NULL)
        load_check_contents(load, mine);
}

static void *worker_main(void *context)
{
    struct page_heap_load *load = context;
    while (!stopped() && load->broken == NULL) {
        for (int i = 0; i < 16; i++)
            load_step(load);
        swap_with_mailbox(load);
    }
    return NULL;
}

static void *scavenger_main(void *context)
{
    struct random_source random = {42};
    while (!stopped()) {
        size_t n_pages = random_between(&random, 1, 300);
        shared.stepped_pages += page_heap_scavenge_step(&shared.heap, n_pages);
        if (random_one_in(&random, 16))
            (void)page_heap_scavenge(&shared.heap, random_below(&random, 4 * MIB));
        shared.steps++;
        pause_briefly();
    }
    return NULL;
}

static void *trimmer_main(void *context)
{
    while (!stopped()) {
        int64_t start = now_ns();
        (void)page_heap_trim(&shared.heap);
        int64_t took = now_ns() - start;
        if (took > shared.longest_trim_ns)
            shared.longest_trim_ns = took;
        shared.trims++;
        for (int i = 0; i < TRIM_PAUSES && !stopped(); i++) {
            page_heap_flush_caches(&shared.heap);
            pause_briefly();
        }
    }
    return NULL;
}

static void count_range(void *context, page_id first, size_t n_pages)
{
    *(size_t *)context += n_pages;
}

static void *reader_main(void *context)
{
    while (!stopped() && shared.reader_broken == NULL) {
        struct page_account account;
        page_heap_account_read(&shared.heap, &account);
        if (!page_account_adds_up(&account))
            shared.reader_broken = "the books do not add up";
        if (account.mapped_bytes > account.reserved_bytes)
            shared.reader_broken = "more is mapped than reserved";
        shared.reads++;
        if (shared.reads % 16 == 0) {
            const char *broken = page_heap_verify(&shared.heap);
            if (broken != NULL)
                shared.reader_broken = broken;
            size_t n_pages = 0;
            page_heap_each_range(&shared.heap, count_range, &n_pages);
            if (pages_to_bytes(n_pages) < account.mapped_bytes)
                shared.reader_broken = "the ranges are smaller than what was mapped before";
            shared.recounts++;
        }
        pause_briefly();
    }
    return NULL;
}

static void run_all_threads(void)
{
    static void *(*const others[])(void *) = {scavenger_main, trimmer_main, reader_main};
    enum { OTHERS = sizeof others / sizeof others[0] };
    pthread_t threads[WORKERS + OTHERS];
    for (size_t i = 0; i < WORKERS; i++) {
        load_init(&shared.workers[i], &shared.heap, 1000 + i, WORKER_PAGES_MAX);
        assert_int_equal(pthread_create(&threads[i], NULL, worker_main, &shared.workers[i]), 0);
    }
    for (size_t i = 0; i < OTHERS; i++)
        assert_int_equal(pthread_create(&threads[WORKERS + i], NULL, others[i], NULL), 0);
    nanosleep(&(struct timespec){.tv_sec = RUN_NS / 1000000000}, NULL);
    store_relaxed(&shared.stop, true);   // hint
    for (size_t i = 0; i < WORKERS + OTHERS; i++)
        pthread_join(threads[i], NULL);
}

static void assert_books_say(size_t live_pages)
{
    struct page_account account;
    page_heap_account_read(&shared.heap, &account);
    assert_true(page_account_adds_up(&account));
    assert_int_equal(account.in_use_bytes + account.manual_bytes, pages_to_bytes(live_pages));
    assert_string_equal(page_heap_verify(&shared.heap) != NULL ? page_heap_verify(&shared.heap)
                                                               : "nothing broken",
                        "nothing broken");
}

static size_t all_live_pages(void)
{
    size_t live_pages = 0;
    for (size_t i = 0; i < WORKERS; i++) {
        if (shared.workers[i].broken != NULL)
            fail_msg("worker %zu: %s", i, shared.workers[i].broken);
        live_pages += shared.workers[i].live_pages;
        print_message("worker %zu: %zu operations, %zu pages seen to be zero\n", i,
                      shared.workers[i].operations, shared.workers[i].zero_known_pages);
        assert_true(shared.workers[i].operations > 1000);
    }
    for (size_t i = 0; i < MAILBOX_SLOTS; i++) {
        const struct load_slot *slot = &shared.mailbox[i];
        live_pages += slot->run != NULL ? slot->run->n_pages : 0;
    }
    return live_pages;
}

static void run_busy_heap(const struct page_heap_config *config)
{
    shared.steps = shared.stepped_pages = shared.trims = shared.reads = shared.recounts = 0;
    shared.longest_trim_ns = 0;
    load_init_heap(&shared.heap, config);
    store_relaxed(&shared.stop, false);   // hint
    run_all_threads();

    if (shared.reader_broken != NULL)
        fail_msg("reader: %s", shared.reader_broken);
    assert_books_say(all_live_pages());
    print_message("%zu steps giving back %zu pages, %zu trims (longest %.1f ms), %zu reads, "
                  "%zu recounts\n",
                  shared.steps, shared.stepped_pages, shared.trims,
                  (double)shared.longest_trim_ns / 1e6, shared.reads, shared.recounts);
    assert_true(shared.stepped_pages > 0 && shared.trims > 0 && shared.recounts > 0);

    for (size_t i = 0; i < MAILBOX_SLOTS; i++) {
        if (shared.mailbox[i].run != NULL)
            page_heap_free(&shared.heap, shared.mailbox[i].run);
        shared.mailbox[i].run = NULL;
    }
    for (size_t i = 0; i < WORKERS; i++) {
        load_free_all(&shared.workers[i]);
        assert_null(shared.workers[i].broken);
    }
    assert_books_say(0);
    (void)page_heap_trim(&shared.heap);
    assert_books_say(0);
    page_heap_destroy(&shared.heap);
}

static void contents_and_books_hold_with_a_cache_per_cpu(void **state)
{
    run_busy_heap(&(struct page_heap_config){.retain_pct = 110});
}

static void contents_and_books_hold_with_one_cache_and_small_arenas(void **state)
{
    run_busy_heap(&(struct page_heap_config){.n_caches = 1, .arena_bytes = MIB});
}

static void contents_and_books_hold_with_many_caches(void **state)
{
    run_busy_heap(&(struct page_heap_config){.n_caches = PAGE_CACHES_MAX, .retain_pct = 100});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contents_and_books_hold_with_a_cache_per_cpu),
        cmocka_unit_test(contents_and_books_hold_with_one_cache_and_small_arenas),
        cmocka_unit_test(contents_and_books_hold_with_many_caches),
    };
    return cmocka_run_group_tests_name("threads on a page heap", tests, NULL, NULL);
}
