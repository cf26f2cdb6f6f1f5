// Real threads come, allocate a little or much, sleep and end: how many caches there are then, and
// what they cost. front/thread.c.
#include "front/thread.h"

#include "front/heap.h"
#include "os/host.h"
#include "sanitizer.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AT_ONCE (2 * host_cpus())   // as in thread.c
#define WORTH_A_CACHE 4096

#define SHORT_THREADS 3000
#define SHORT_AT_ONCE 12
#define SLEEPERS 1000
#define SLEEPERS_OBJECTS 100
#define STACK_BYTES (64 * KIB)
#define CHURN 20000

static pthread_attr_t attributes;

static void start(pthread_t *thread, void *(*run)(void *), void *argument)
{
    assert_int_equal(pthread_create(thread, &attributes, run, argument), 0);
}

static void join(pthread_t thread)
{
    void *wrong = NULL;
    assert_int_equal(pthread_join(thread, &wrong), 0);
    assert_null(wrong);
}

// Names of what did not hold, for pthread_join: assertions are for the main thread.
static void *wrong_unless(bool holds, const char *what)
{
    return holds ? NULL : (void *)(uintptr_t)what;
}

static size_t n_idle(void)
{
    size_t n = 0;
    lock_acquire(&process_heap.caches.lock);
    for (struct cache *cache = process_heap.caches.idle; cache != NULL; cache = cache->next_idle)
        n++;
    lock_release(&process_heap.caches.lock);
    return n;
}

static void *churn(void *unused)
{
    void  *objects[64] = {NULL};
    size_t n_wrong = 0;
    for (size_t i = 0; i < CHURN; i++) {
        void **object = &objects[i * 37 % 64];
        if (*object != NULL)
            n_wrong += front_release(*object) != POINTER_TO_OBJECT;
        *object = front_allocate(1 + i % 500);
        n_wrong += *object == NULL;
    }
    for (size_t i = 0; i < 64; i++)
        if (objects[i] != NULL)
            n_wrong += front_release(objects[i]) != POINTER_TO_OBJECT;
    return wrong_unless(n_wrong == 0, "allocating and freeing");
}

// ---- number of caches -------------------------------------------------------------------------

static void short_threads_share_few_caches(void **state)
{
    for (size_t i = 0; i < SHORT_THREADS / SHORT_AT_ONCE; i++) {
        pthread_t threads[SHORT_AT_ONCE];
        for (size_t k = 0; k < SHORT_AT_ONCE; k++)
            start(&threads[k], churn, NULL);
        for (size_t k = 0; k < SHORT_AT_ONCE; k++)
            join(threads[k]);
        size_t n_caches = process_heap.caches.n_caches;
        assert_true(n_caches <= SHORT_AT_ONCE + 1);   // each was worth one; and the main thread's
        assert_int_equal(n_idle(), n_caches - (this_thread.cache != NULL));
    }
    assert_null(front_verify());
}

static void *note_cache(void *argument)
{
    struct cache **out_cache = argument;
    void          *wrong = churn(NULL);
    *out_cache = this_thread.cache;
    return wrong;
}

static void a_thread_goes_on_with_the_cache_of_one_that_ended(void **state)
{
    struct cache *first = NULL;
    for (int i = 0; i < 100; i++) {
        struct cache *cache = NULL;
        pthread_t     thread;
        start(&thread, note_cache, &cache);
        join(thread);
        assert_non_null(cache);
        assert_true(first == NULL || cache == first);
        first = cache;
    }
}

// ---- threads that sleep -----------------------------------------------------------------------

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t  changed;
    size_t          n_asleep;
    bool            wake;
    enum habit { IDLES, FREES, KEEPS } habit;
} bed = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void sleep_until_woken(void)
{
    pthread_mutex_lock(&bed.mutex);
    bed.n_asleep++;
    pthread_cond_broadcast(&bed.changed);
    while (!bed.wake)
        pthread_cond_wait(&bed.changed, &bed.mutex);
    pthread_mutex_unlock(&bed.mutex);
}

static size_t object_bytes(size_t i)
{
    return 16 + i % 10 * 48;
}

static void *sleeper(void *unused)
{
    void  *objects[SLEEPERS_OBJECTS] = {NULL};
    size_t n_wrong = 0;
    for (size_t i = 0; bed.habit != IDLES && i < SLEEPERS_OBJECTS; i++) {
        objects[i] = front_allocate(object_bytes(i));
        n_wrong += objects[i] == NULL;
        memset(objects[i], 1, object_bytes(i));
    }
    if (bed.habit == KEEPS)
        sleep_until_woken();
    for (size_t i = 0; bed.habit != IDLES && i < SLEEPERS_OBJECTS; i++)
        n_wrong += front_release(objects[i]) != POINTER_TO_OBJECT;
    if (bed.habit != KEEPS)
        sleep_until_woken();
    return wrong_unless(n_wrong == 0, "allocating a little and freeing it");
}

static size_t resident_bytes(void)
{
    char   line[256];
    size_t n_kib = 0;
    FILE  *file = fopen("/proc/self/smaps_rollup", "r");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "Rss: %zu", &n_kib) == 1)
            break;
    fclose(file);
    return n_kib * KIB;
}

struct cost {
    size_t resident_bytes, own_bytes;   // own: of neap, in use or metadata
};

static struct cost cost_now(void)
{
    struct page_account pages;
    page_heap_account_read(&process_heap.pages, &pages);
    return (struct cost){resident_bytes(), pages.in_use_bytes + pages.metadata_bytes};
}

// What each of SLEEPERS threads costs while they sleep.
static struct cost cost_of_sleepers(enum habit habit)
{
    static pthread_t threads[SLEEPERS];
    front_trim();
    struct cost before = cost_now();
    bed.habit = habit;
    bed.wake = false;
    bed.n_asleep = 0;
    for (size_t i = 0; i < SLEEPERS; i++)
        start(&threads[i], sleeper, NULL);
    pthread_mutex_lock(&bed.mutex);
    while (bed.n_asleep < SLEEPERS)
        pthread_cond_wait(&bed.changed, &bed.mutex);
    struct cost asleep = cost_now();
    bed.wake = true;
    pthread_cond_broadcast(&bed.changed);
    pthread_mutex_unlock(&bed.mutex);
    for (size_t i = 0; i < SLEEPERS; i++)
        join(threads[i]);
    return (struct cost){(asleep.resident_bytes - before.resident_bytes) / SLEEPERS,
                         (asleep.own_bytes - before.own_bytes) / SLEEPERS};
}

static void a_thousand_threads_that_allocate_a_little_have_few_caches(void **state)
{
    cost_of_sleepers(KEEPS);   // stacks, libc's books, and the caches there are to be
    size_t      n_caches = process_heap.caches.n_caches;
    struct cost idle = cost_of_sleepers(IDLES), frees = cost_of_sleepers(FREES);
    struct cost keeps = cost_of_sleepers(KEEPS);
    size_t      asked_bytes = 0;
    for (size_t i = 0; i < SLEEPERS_OBJECTS; i++)
        asked_bytes += object_bytes(i);
    print_message("resident bytes per thread: %zu; %zu having allocated and freed %d objects, of "
                  "them neap's %zu; %zu keeping their %zu bytes, of them neap's %zu\n",
                  idle.resident_bytes, frees.resident_bytes, SLEEPERS_OBJECTS, frees.own_bytes,
                  keeps.resident_bytes, asked_bytes, keeps.own_bytes);
    assert_int_equal(process_heap.caches.n_caches, n_caches);
    assert_true(n_caches <= size_max(AT_ONCE, SHORT_AT_ONCE + 1));
    // Ten size classes, of each the current span and one that is kept.
    size_t caches_bytes = n_caches * 10 * 2 * pages_to_bytes(2);
    assert_true(frees.own_bytes <= caches_bytes / SLEEPERS + 100);
    assert_true(keeps.own_bytes <= caches_bytes / SLEEPERS + asked_bytes + 2000);
}

// ---- the end of a thread ----------------------------------------------------------------------

#define ROUNDS 4   // of destructors, says POSIX

static pthread_key_t keys[3];   // made after ours: their destructors come later in each round

struct end {
    size_t        n_rounds, n_wrong;
    void         *object;
    struct cache *cache;   // the one the thread had
};

static void allocate_at_the_end(void *argument)
{
    struct end *end = argument;
    end->n_rounds++;
    end->n_wrong += this_thread.cache != NULL;
    void *again = front_allocate(40000), *small = front_allocate(100);
    end->n_wrong += again == NULL || small == NULL;
    memset(small, 1, 100);
    end->n_wrong += front_release(end->object) != POINTER_TO_OBJECT;   // of the cache it had
    end->n_wrong += front_release(again) != POINTER_TO_OBJECT;
    end->object = small;
    pthread_setspecific(keys[end->n_rounds % 3], end);   // once more, under another key
}

static void *end_with_destructors(void *argument)
{
    struct end *end = argument;
    void       *wrong = churn(NULL);
    end->object = front_allocate(100);
    end->cache = this_thread.cache;
    pthread_setspecific(keys[0], end);
    return wrong;
}

static void destructors_of_others_allocate_after_ours(void **state)
{
#if SANITIZES_THREAD   // for whose runtime the thread has ended by the last round
    skip();
#endif
    for (int i = 0; i < 20; i++) {
        struct end end = {.n_rounds = 0};
        pthread_t  thread;
        start(&thread, end_with_destructors, &end);
        join(thread);
        assert_true(end.n_rounds >= ROUNDS);
        assert_int_equal(end.n_wrong, 0);
        assert_non_null(end.cache);
        assert_ptr_equal(process_heap.caches.idle, end.cache);
        assert_int_equal(front_release(end.object), POINTER_TO_OBJECT);
    }
    assert_null(front_verify());
}

static void all_is_given_back(void **state)
{
    struct front_account account;
    front_trim();
    front_account_read(&account);
    assert_int_equal(account.slots.used_slots, 0);
    assert_int_equal(account.pages.in_use_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_threads_share_few_caches),
        cmocka_unit_test(a_thread_goes_on_with_the_cache_of_one_that_ended),
        cmocka_unit_test(a_thousand_threads_that_allocate_a_little_have_few_caches),
        cmocka_unit_test(destructors_of_others_allocate_after_ours),
        cmocka_unit_test(all_is_given_back),
    };
    front_enable_caches();
#if SANITIZES_THREAD   // whose mmap does not take hints well
    process_heap.pages.arenas.n_hints = 0;
#endif
    for (size_t i = 0; i < 3; i++)
        pthread_key_create(&keys[i], allocate_at_the_end);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    return cmocka_run_group_tests_name("thread caches", tests, NULL, NULL);
}
