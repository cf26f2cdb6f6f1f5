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

// ---- false sharing ----------------------------------------------------------------------------
// Small objects that different threads write to all the time. passive=1: their first ones come from
// one thread, side by side; where each is freed, its place should not serve another thread.

#define WRITES 200

static volatile unsigned char *given[THREADS_MAX];

static void write_often(size_t number)
{
    static const uint8_t n_bytes_of[] = {8, 16, 24, 32, 48, 64};
    free((void *)given[number]);
    for (uint64_t i = 0; i < option("times"); i++) {
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
