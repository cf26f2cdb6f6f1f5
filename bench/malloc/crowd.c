// Many threads: a thousand at once, short-lived ones in a row, and false sharing between a few.
#include "workload.h"

#define OWN_OBJECTS 20
#define THREADS_MAX 4096

static struct sizes      sizes;
static pthread_barrier_t barrier;

// Allocates a little and keeps some of it.
static void some_work(uint64_t random, void **kept)
{
    for (size_t i = 0; i < OWN_OBJECTS * 20; i++) {
        void **object = &kept[bench_random(&random) % OWN_OBJECTS];
        free(*object);
        size_t n_bytes = sizes_pick(&sizes, bench_random(&random));
        *object = take(n_bytes);
        object_write(*object, n_bytes, i);
    }
}

static void drop_all(void **kept)
{
    for (size_t i = 0; i < OWN_OBJECTS; i++)
        free(kept[i]);
}

static void stand_in_crowd(size_t number)
{
    void *kept[OWN_OBJECTS] = {NULL};
    some_work(0x9e3779b97f4a7c15u + number, kept);
    pthread_barrier_wait(&barrier);   // all of them are there now
    some_work(0x2545f4914f6cdd1du + number, kept);
    pthread_barrier_wait(&barrier);
    drop_all(kept);
}

void run_crowd(void)
{
    sizes_fill(&sizes, 16, 2 * KIB);
    pthread_barrier_init(&barrier, NULL, (unsigned)option("threads"));
    for (uint64_t i = 0; i < option("times"); i++)
        in_threads(option("threads"), stand_in_crowd);
}

static void come_and_go(size_t number)
{
    void *kept[OWN_OBJECTS] = {NULL};
    some_work(0x9e3779b97f4a7c15u + number, kept);
    drop_all(kept);
}

// As many threads at once as asked for, again and again.
void run_come_and_go(void)
{
    sizes_fill(&sizes, 16, 2 * KIB);
    for (uint64_t i = 0; i < option("times"); i++)
        in_threads(option("threads"), come_and_go);
}

// ---- a thousand that did a little and sleep ---------------------------------------------------
// What is resident for each of them, beyond what a thread without malloc needs, and what is left
// when they have ended. The first of them measures.

#define STACK_TOUCHED 16384   // more than allocating needs, so that no stack grows by it

static bool   is_dry;   // nobody calls malloc
static size_t resident_bytes[3];

static __attribute__((noinline)) void stack_touch(void)
{
    volatile unsigned char bytes[STACK_TOUCHED];
    for (size_t i = 0; i < sizeof bytes; i += 512)
        bytes[i] = 1;
}

static void resident_note(size_t number, size_t at)
{
    pthread_barrier_wait(&barrier);
    if (number == 0)
        resident_bytes[at] = resident_exact_bytes();
    pthread_barrier_wait(&barrier);
}

static void sleep_in_crowd(size_t number)
{
    void *kept[OWN_OBJECTS] = {NULL};
    stack_touch();
    resident_note(number, 0);
    if (!is_dry) {
        some_work(0x9e3779b97f4a7c15u + number, kept);
        drop_all(kept);
    }
    resident_note(number, 1);
}

void run_sleepers(void)
{
    size_t n_threads = option("threads");
    sizes_fill(&sizes, 16, 2 * KIB);
    pthread_barrier_init(&barrier, NULL, (unsigned)n_threads);
    is_dry = true;
    in_threads(n_threads, sleep_in_crowd);
    resident_bytes[2] = resident_exact_bytes();
    is_dry = false;
    in_threads(n_threads, sleep_in_crowd);
    double grown_bytes = (double)resident_bytes[1] - (double)resident_bytes[0];
    double left_bytes = (double)resident_exact_bytes() - (double)resident_bytes[2];
    figure("resident_per_sleeping_thread", "KiB", grown_bytes / (double)n_threads / KIB);
    figure("resident_left_after_their_end", "KiB", left_bytes / KIB);
}

// ---- false sharing ----------------------------------------------------------------------------
// Small objects that different threads write to all the time. passive=1: their first ones come from
// one thread, side by side; where each is freed, its place should not serve another thread.

#define WRITES 200

static volatile unsigned char *given[THREADS_MAX];

static void write_often(size_t number)
{
    static const uint8_t n_bytes_of[] = {8, 16, 24, 32, 48, 64};
    uint64_t             times = option("times");
    free((void *)given[number]);
    for (uint64_t i = 0; i < times; i++) {
        size_t                  n_bytes = n_bytes_of[i % sizeof n_bytes_of];
        volatile unsigned char *object = take(n_bytes);
        for (size_t j = 0; j < WRITES; j++)
            object[j % n_bytes] = (unsigned char)(object[j % n_bytes] + j);
        free((void *)object);
    }
}

void run_sharing(void)
{
    size_t n_threads = option("threads");
    if (n_threads > THREADS_MAX)
        bench_fail("sharing: too many threads");
    for (size_t i = 0; i < n_threads && option("passive") != 0; i++)
        given[i] = take(8);
    in_threads(n_threads, write_often);
}
