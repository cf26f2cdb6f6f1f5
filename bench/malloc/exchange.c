// Objects that change hands: threads that die and leave theirs to their successors, messages that
// whoever comes by takes, producers and consumers.
#include "workload.h"

#include <sched.h>

#define THREADS_MAX 16
#define RELAY_OBJECTS 2000
#define MESSAGES 4096
#define RING 1024   // a power of two

struct object {
    uint32_t      n_bytes;
    unsigned char rest[];
};

static struct sizes sizes;
static uint64_t     sums[THREADS_MAX];

static struct object *object_new(uint64_t random)
{
    size_t         n_bytes = sizes_pick(&sizes, random);
    struct object *object = take(n_bytes);
    object->n_bytes = (uint32_t)n_bytes;
    object_write(object->rest, n_bytes - sizeof *object, n_bytes);
    return object;
}

static uint32_t object_delete(struct object *object)
{
    uint32_t n_bytes = object->n_bytes;
    object_check(object->rest, n_bytes - sizeof *object, n_bytes);
    free(object);
    return n_bytes;
}

static void run_with_threads(size_t n_threads, void (*work)(size_t number))
{
    uint64_t sum = 0;
    if (n_threads == 0 || n_threads > THREADS_MAX)
        bench_fail("1 to 16 threads");
    in_threads(n_threads, work);
    for (size_t i = 0; i < n_threads; i++)
        sum += sums[i];
    checksum(sum);
}

// ---- relay: each thread replaces objects that its predecessor left, ends, and has a successor -

struct line {
    struct object *objects[RELAY_OBJECTS];
    uint64_t       random, sum;
};

static void *relay_run(void *argument)
{
    struct line *line = argument;
    uint64_t     lifespan = option("lifespan");
    for (uint64_t i = 0; i < lifespan; i++) {
        struct object **object = &line->objects[bench_random(&line->random) % RELAY_OBJECTS];
        if (*object != NULL)
            line->sum += object_delete(*object);
        *object = object_new(bench_random(&line->random));
    }
    return NULL;
}

static void relay_line(size_t number)
{
    struct line *line = own_memory(sizeof *line);
    line->random = 0x9e3779b97f4a7c15u + number;
    for (uint64_t i = 0; i < option("times"); i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, relay_run, line) != 0)
            bench_fail("cannot start a thread");
        pthread_join(thread, NULL);
    }
    for (size_t i = 0; i < RELAY_OBJECTS; i++) {
        if (line->objects[i] != NULL)
            line->sum += object_delete(line->objects[i]);
    }
    sums[number] = line->sum;
}

void run_relay(void)
{
    sizes_fill(&sizes, 16, option("max"));
    run_with_threads(option("threads"), relay_line);
}

// ---- messages: left in one of many places, whoever puts one there frees what was there --------

static _Atomic(struct object *) messages[MESSAGES];

static void leave_messages(size_t number)
{
    uint64_t random = 0x9e3779b97f4a7c15u + number, sum = 0, times = option("times");
    for (uint64_t i = 0; i < times; i++) {
        struct object *made = object_new(bench_random(&random));
        sum += made->n_bytes;
        struct object *old = atomic_exchange(&messages[bench_random(&random) % MESSAGES], made);
        if (old != NULL)
            (void)object_delete(old);
    }
    sums[number] = sum;
}

void run_messages(void)
{
    sizes_fill(&sizes, 16, option("max"));
    run_with_threads(option("threads"), leave_messages);
    for (size_t i = 0; i < MESSAGES; i++) {
        if (messages[i] != NULL)
            (void)object_delete(messages[i]);
    }
}

// ---- pairs of a producer and a consumer, with a ring between them -----------------------------

static struct ring {
    _Alignas(128) atomic_size_t written;
    _Alignas(128) atomic_size_t read;
    _Alignas(128) struct object *objects[RING];
} rings[THREADS_MAX / 2];

static void produce(struct ring *ring, uint64_t random)
{
    size_t times = option("times");
    for (size_t i = 0; i < times; i++) {
        struct object *object = object_new(bench_random(&random));
        while (i - atomic_load_explicit(&ring->read, memory_order_acquire) == RING)
            sched_yield();
        ring->objects[i % RING] = object;
        atomic_store_explicit(&ring->written, i + 1, memory_order_release);
    }
}

static uint64_t consume(struct ring *ring)
{
    uint64_t sum = 0;
    size_t   times = option("times");
    for (size_t i = 0; i < times; i++) {
        while (atomic_load_explicit(&ring->written, memory_order_acquire) == i)
            sched_yield();
        sum += object_delete(ring->objects[i % RING]);
        atomic_store_explicit(&ring->read, i + 1, memory_order_release);
    }
    return sum;
}

static void produce_or_consume(size_t number)
{
    struct ring *ring = &rings[number / 2];
    if (number % 2 == 0)
        produce(ring, 0x9e3779b97f4a7c15u + number);
    else
        sums[number] = consume(ring);
}

void run_queue(void)
{
    sizes_fill(&sizes, 16, option("max"));
    run_with_threads(2 * option("pairs"), produce_or_consume);
}
