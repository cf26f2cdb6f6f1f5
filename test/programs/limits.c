// The soft and the hard limit and callbacks through neap/neap.h (api/limits_api.c, front/limit.c,
// front/callbacks.c), with threads, contents and the real kernel.
#include "kit.h"

#define MIB ((size_t)1 << 20)
#define LIMIT (64 * MIB)
#define THREADS 4
#define OBJECTS 4000   // of each thread

static atomic_int    at_work;
static atomic_size_t most_bytes, n_refused, n_granted;

static void *watch(void *unused)
{
    while (at_work) {
        size_t n_bytes = neap_limit_counted();
        if (n_bytes > most_bytes)
            most_bytes = n_bytes;
        rest_ms(1);
    }
    return unused;
}

struct object {
    unsigned char *start;
    size_t         n_bytes;
    unsigned char  pattern;
};

static void drop(struct object *object)
{
    for (size_t i = 0; i < object->n_bytes; i++)
        if (object->start[i] != object->pattern) {
            EXPECT(!"contents changed");
            break;
        }
    free(object->start);
    *object = (struct object){.n_bytes = 0};
}

static size_t random_size(unsigned *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    unsigned kind = *seed >> 29, number = *seed >> 4;
    return kind == 0  ? 40000 + number % 400000
           : kind < 4 ? 3000 + number % 30000
                      : 1 + number % 2000;
}

// Takes, checks and drops objects of all sizes. `argument`: so many bytes may be live.
static void *churn(void *argument)
{
    size_t         live_bytes = 0, live_bytes_max = *(size_t *)argument;
    unsigned       seed = 1 + (unsigned)(uintptr_t)&seed;
    struct object *objects = calloc(OBJECTS, sizeof *objects);
    for (size_t n = 0; n < 60000; n++) {
        struct object *object = &objects[n * 7919 % OBJECTS];
        live_bytes -= object->n_bytes;
        if (object->start != NULL)
            drop(object);
        size_t n_bytes = random_size(&seed);
        if (live_bytes + n_bytes > live_bytes_max)
            continue;
        errno = 0;
        unsigned char *start = malloc(n_bytes);
        if (start == NULL) {
            EXPECT(errno == ENOMEM);
            n_refused++;
            continue;
        }
        n_granted++;
        *object = (struct object){start, n_bytes, (unsigned char)n};
        memset(start, object->pattern, n_bytes);
        live_bytes += n_bytes;
    }
    for (size_t i = 0; i < OBJECTS; i++)
        if (objects[i].start != NULL)
            drop(&objects[i]);
    free(objects);
    return NULL;
}

static void churn_in_threads(size_t live_bytes_max)
{
    pthread_t threads[THREADS], watcher;
    at_work = 1;
    watcher = start_thread(watch, NULL);
    for (int i = 0; i < THREADS; i++)
        threads[i] = start_thread(churn, &live_bytes_max);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    at_work = 0;
    pthread_join(watcher, NULL);
    fprintf(stderr, "     most %zu KiB of %zu, %zu granted, %zu refused\n", most_bytes >> 10,
            LIMIT >> 10, (size_t)n_granted, (size_t)n_refused);
}

// More than all together may have; whoever is refused goes on with what he has.
static void beyond_the_hard_limit_threads_are_refused_and_nothing_is_lost(void)
{
    EXPECT(neap_limit_set(NEAP_HARD_LIMIT, LIMIT) == 0);
    churn_in_threads(LIMIT / 2);
    EXPECT(most_bytes <= LIMIT);
    EXPECT(n_refused > 0);
    void *large = opaque(malloc(LIMIT * 3 / 4));   // all that was freed serves
    EXPECT(large != NULL);
    free(large);
}

static void what_fits_well_is_never_refused(void)
{
    EXPECT(neap_limit_set(NEAP_HARD_LIMIT, LIMIT) == 0);
    churn_in_threads(LIMIT / THREADS / 5 * 2);
    EXPECT(most_bytes <= LIMIT);
    EXPECT(n_refused == 0);
}

static void threads_keep_to_the_soft_limit(void)
{
    EXPECT(neap_limit_set(NEAP_SOFT_LIMIT, LIMIT) == 0);
    churn_in_threads(LIMIT / THREADS / 2);
    EXPECT(most_bytes <= LIMIT + 16 * MIB);
    EXPECT(n_refused == 0);
}

static void an_object_that_cannot_grow_is_as_before(void)
{
    EXPECT(neap_limit_set(NEAP_HARD_LIMIT, LIMIT) == 0);
    unsigned char *object = malloc(20 * MIB);
    memset(object, 7, 20 * MIB);
    errno = 0;
    EXPECT(realloc(opaque(object), 80 * MIB) == NULL && errno == ENOMEM);
    EXPECT(object[0] == 7 && object[20 * MIB - 1] == 7);
    EXPECT(opaque(calloc(1, LIMIT)) == NULL);
    EXPECT(opaque(aligned_alloc(4096, LIMIT)) == NULL);
    void *aligned = object;
    EXPECT(posix_memalign(&aligned, 64, LIMIT) == ENOMEM && aligned == object);
    neap_heap *heap = neap_heap_create("limited");
    EXPECT(heap != NULL && neap_heap_malloc(heap, LIMIT) == NULL);
    size_t n = 0;
    while (n < LIMIT / 1000 && neap_heap_malloc(heap, 1000) != NULL)
        n++;
    EXPECT(n > 30000 && n < LIMIT / 1000);
    EXPECT(neap_limit_counted() <= LIMIT);
    neap_heap_destroy(heap);
    free(object);
    free(opaque(malloc(50 * MIB)));
    EXPECT(neap_limit_counted() <= LIMIT);
}

static void limits_are_set_and_read(void)
{
    errno = 99;
    EXPECT(neap_limit_set(NEAP_SOFT_LIMIT, 0) == EINVAL);
    EXPECT(neap_limit_set(NEAP_SOFT_LIMIT, (size_t)1 << 63) == EINVAL);
    EXPECT(neap_limit_set(NEAP_SOFT_LIMIT, ((size_t)1 << 63) + 50) == EINVAL);
    EXPECT(neap_limit_set(NEAP_HARD_LIMIT, NEAP_LIMIT_AUTO) == EINVAL);
    EXPECT(neap_limit_set((enum neap_limit_kind)7, MIB) == EINVAL);
    EXPECT(neap_limit_get((enum neap_limit_kind)7) == NEAP_LIMIT_OFF);
    EXPECT(neap_limit_get(NEAP_HARD_LIMIT) == NEAP_LIMIT_OFF);
    EXPECT(neap_limit_set(NEAP_SOFT_LIMIT, LIMIT) == 0);
    EXPECT(neap_limit_get(NEAP_SOFT_LIMIT) == LIMIT);
    EXPECT(neap_limit_set(NEAP_SOFT_LIMIT, NEAP_LIMIT_OFF) == 0);
    EXPECT(neap_limit_get(NEAP_SOFT_LIMIT) == NEAP_LIMIT_OFF);
    EXPECT(neap_limit_set(NEAP_SOFT_LIMIT, NEAP_LIMIT_AUTO) == 0);
    EXPECT(neap_limit_get(NEAP_SOFT_LIMIT) != NEAP_LIMIT_AUTO);
    EXPECT(errno == 99);
    size_t before_bytes = neap_limit_counted();
    char  *object = opaque(malloc(20 * MIB));
    EXPECT(neap_limit_counted() >= before_bytes + 20 * MIB);
    free(object);
}

// ---- callbacks --------------------------------------------------------------------------------

static atomic_uint level, n_calls;
static atomic_int  in_callback;

static void note_pressure(const struct neap_pressure *pressure, void *context)
{
    EXPECT(atomic_fetch_add(&in_callback, 1) == 0);
    EXPECT(context == (void *)&level);
    EXPECT(pressure->limit_bytes == LIMIT);
    EXPECT(pressure->counted_bytes > LIMIT / 100 * 75);
    void *object = opaque(malloc(100000));   // it may
    EXPECT(object != NULL || pressure->level == 100);
    free(object);
    errno = EPIPE;
    level = pressure->level;
    n_calls++;
    atomic_fetch_sub(&in_callback, 1);
}

// Goes on with a little work until the level is told.
static bool is_told(unsigned wanted)
{
    for (int i = 0; i < 5000 && level != wanted; i++) {
        errno = 99;
        free(opaque(malloc(50000)));
        EXPECT(errno == 99);
        rest_ms(1);
    }
    return level == wanted;
}

static void *kept[4];

static void levels_are_told_as_they_are_passed(void)
{
    EXPECT(neap_pressure_register(NULL, NULL) == EINVAL);
    EXPECT(neap_pressure_unregister(note_pressure, NULL) == ENOENT);
    EXPECT(neap_limit_set(NEAP_HARD_LIMIT, LIMIT) == 0);
    EXPECT(neap_pressure_register(note_pressure, &level) == 0);
    kept[0] = opaque(malloc(LIMIT / 100 * 76));
    EXPECT(is_told(75));
    kept[1] = opaque(malloc(LIMIT / 100 * 15));
    EXPECT(is_told(90));
    kept[2] = opaque(malloc(LIMIT / 100 * 15));
    EXPECT(kept[2] == NULL && is_told(100));
    EXPECT(n_calls == 3);
    free(kept[1]);
    free(kept[0]);
    neap_trim();
    kept[0] = opaque(malloc(LIMIT / 100 * 76));
    EXPECT(is_told(75));
    EXPECT(neap_pressure_unregister(note_pressure, &level) == 0);
    EXPECT(neap_pressure_unregister(note_pressure, &level) == ENOENT);
    kept[1] = opaque(malloc(LIMIT / 100 * 15));
    rest_ms(200);
    free(opaque(malloc(50000)));
    EXPECT(n_calls == 4);
    free(kept[0]);
    free(kept[1]);
}

static void slow_callback(const struct neap_pressure *pressure, void *context)
{
    (void)pressure;
    (void)context;
    atomic_fetch_add(&in_callback, 1);
    n_calls++;
    rest_ms(100);
    atomic_fetch_sub(&in_callback, 1);
}

static void who_unregisters_waits_for_the_callback(void)
{
    EXPECT(neap_limit_set(NEAP_SOFT_LIMIT, LIMIT) == 0);
    EXPECT(neap_pressure_register(slow_callback, NULL) == 0);
    kept[0] = opaque(malloc(LIMIT));
    for (int i = 0; i < 5000 && n_calls == 0; i++) {
        free(opaque(malloc(50000)));
        rest_ms(1);
    }
    EXPECT(n_calls == 1);
    EXPECT(neap_pressure_unregister(slow_callback, NULL) == 0);
    EXPECT(in_callback == 0);
    free(kept[0]);
}

static const struct program_case cases[] = {
    CASE_OF_NEAP(limits_are_set_and_read),
    CASE_OF_NEAP(an_object_that_cannot_grow_is_as_before),
    CASE_OF_NEAP(beyond_the_hard_limit_threads_are_refused_and_nothing_is_lost),
    CASE_OF_NEAP(what_fits_well_is_never_refused),
    CASE_OF_NEAP(threads_keep_to_the_soft_limit),
    CASE_OF_NEAP(levels_are_told_as_they_are_passed),
    CASE_OF_NEAP(who_unregisters_waits_for_the_callback),
};

int main(int argc, char **argv)
{
    return run_cases(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
