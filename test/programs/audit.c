// The audit on a program's heap: nothing is wrong with it after mixed work of several threads.
// It prints how long that takes for a GiB. front/audit.c.
#include "kit.h"

#define OBJECTS 300000   // of 3.5 KiB on average: a GiB
#define THREADS 4

static const char *(*check)(void);
static void *objects[OBJECTS];

static size_t size_of(size_t i)
{
    return i % 100 == 0 ? 200000 : 16 + i * 37 % 3000;
}

static void *work(void *argument)
{
    for (size_t i = (size_t)argument; i < OBJECTS; i += THREADS)
        objects[i] = malloc(size_of(i));
    for (size_t i = (size_t)argument; i < OBJECTS; i += 8 * THREADS)
        objects[i] = realloc(objects[i], size_of(i) / 2 + 1);
    return NULL;
}

static void *free_those_of_others(void *argument)
{
    for (size_t i = (size_t)argument + 1; i < OBJECTS; i += 2 * THREADS) {
        free(objects[i]);
        objects[i] = NULL;
    }
    return NULL;
}

static void by_threads(void *(*act)(void *))
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        threads[i] = start_thread(act, (void *)i);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void expect_sound(const char *when)
{
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    const char *broken = check();
    clock_gettime(CLOCK_MONOTONIC, &end);
    double ms =
        (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
    printf("%-30s %7.2f ms, %s\n", when, ms, broken != NULL ? broken : "nothing is wrong");
    EXPECT(broken == NULL);
}

static void *check_in_another_thread(void *unused)
{
    (void)unused;
    expect_sound("by a thread that is new");
    return NULL;
}

int main(void)
{
    *(void **)&check = dlsym(RTLD_DEFAULT, "neap_check");
    if (!neap_is_in_use() || check == NULL)
        return 2;
    expect_sound("at the start");
    by_threads(work);
    expect_sound("with 1 GiB in use");
    by_threads(free_those_of_others);
    expect_sound("with half of it freed");
    run_in_thread(check_in_another_thread, NULL);
    malloc_trim(0);
    expect_sound("after a trim");
    for (size_t i = 0; i < OBJECTS; i++)
        free(objects[i]);
    expect_sound("with all freed");
    return n_wrong != 0;
}
