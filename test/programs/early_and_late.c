// Memory at every moment of a process and of a thread at which user code runs: resolvers of
// indirect functions, .preinit_array, constructors, main, destructors of thread-specific data,
// handlers of exit, destructors, in the program and in a library (with -DLIBRARY). What was
// allocated at one moment is checked, resized and freed at another. api/lifecycle.c.
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SMALL_BYTES 100
#define LARGE_BYTES 100000

// The objects of one moment.
struct moment {
    const char    *name;
    unsigned char *small, *large, *aligned;
};

// Not in the heap, and no reference to it: the earliest moments come before relocation.
static void say(const char *text)
{
    size_t n = 0;
    while (text[n] != '\0')
        n++;
    if (write(STDERR_FILENO, text, n) < 0)
        _exit(3);
}

static void fail(const char *moment)
{
    say("early_and_late: goes wrong: ");
    say(moment);
    say("\n");
    _exit(2);
}

static bool all_bytes_are(const unsigned char *object, unsigned char value, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++)
        if (object[i] != value)
            return false;
    return true;
}

static void allocate_at(struct moment *moment, const char *name)
{
    moment->name = name;
    moment->small = malloc(SMALL_BYTES);
    moment->large = calloc(1, LARGE_BYTES);
    moment->aligned = aligned_alloc(4096, SMALL_BYTES);
    if (moment->small == NULL || moment->large == NULL || (uintptr_t)moment->aligned % 4096 != 0 ||
        moment->aligned == NULL || !all_bytes_are(moment->large, 0, LARGE_BYTES))
        fail(name);
    for (size_t i = 0; i < SMALL_BYTES; i++)
        moment->small[i] = moment->aligned[i] = 7;
    for (size_t i = 0; i < LARGE_BYTES; i++)
        moment->large[i] = 8;
}

static void resize_at(struct moment *moment)
{
    moment->small = realloc(moment->small, 3 * SMALL_BYTES);
    moment->large = realloc(moment->large, 2 * LARGE_BYTES);
    if (moment->small == NULL || moment->large == NULL)
        fail(moment->name);
}

static void release_at(struct moment *moment)
{
    if (moment->name == NULL)
        return;
    if (!all_bytes_are(moment->small, 7, SMALL_BYTES) ||
        !all_bytes_are(moment->large, 8, LARGE_BYTES) ||
        !all_bytes_are(moment->aligned, 7, SMALL_BYTES) ||
        malloc_usable_size(moment->small) < SMALL_BYTES)
        fail(moment->name);
    free(moment->small);
    free(moment->large);
    free(moment->aligned);
    moment->name = NULL;
}

// Allocates and frees at a moment after which nobody comes to look.
static void pass(const char *name)
{
    struct moment moment;
    allocate_at(&moment, name);
    resize_at(&moment);
    release_at(&moment);
}

#ifdef LIBRARY

static struct moment at_construction;
int                  library_says(void);

__attribute__((constructor)) static void library_begins(void)
{
    allocate_at(&at_construction, "a library's constructor");
}

__attribute__((destructor)) static void library_ends(void)
{
    release_at(&at_construction);
    pass("a library's destructor");
}

int library_says(void)
{
    resize_at(&at_construction);
    return at_construction.name != NULL;
}

#else

int library_says(void);

static struct moment at_resolution, at_preinit, at_first_constructor, at_constructor, at_main;
static struct moment of_thread;

// ---- before main ------------------------------------------------------------------------------

static int really_chosen(void)
{
    return 42;
}

static int (*choose(void))(void)
{
    allocate_at(&at_resolution, "the resolver of an indirect function");
    return really_chosen;
}

int chosen(void) __attribute__((ifunc("choose")));

static void before_constructors(void)
{
    allocate_at(&at_preinit, ".preinit_array");
}
__attribute__((section(".preinit_array"), used)) static void (*preinit)(void) = before_constructors;

__attribute__((constructor(101))) static void construct_first(void)
{
    resize_at(&at_resolution);
    allocate_at(&at_first_constructor, "the first constructor");
}

__attribute__((constructor)) static void construct(void)
{
    resize_at(&at_preinit);
    allocate_at(&at_constructor, "a constructor");
}

// ---- the end of a thread ----------------------------------------------------------------------

#define KEYS 40   // more than a thread has room for at first

static pthread_key_t keys[KEYS];
static int           n_destructions;

static void destroy(void *round)
{
    n_destructions++;
    pass("a destructor of thread-specific data");
    release_at(&of_thread);
    if ((intptr_t)round < _POSIX_THREAD_DESTRUCTOR_ITERATIONS)   // as often as there are rounds
        pthread_setspecific(keys[KEYS - 1], (void *)((intptr_t)round + 1));
}

extern int   __cxa_thread_atexit_impl(void (*function)(void *), void *argument, void *library);
extern void *__dso_handle;

static void destroy_cxx(void *unused)
{
    (void)unused;
    n_destructions++;
    pass("the destructor of a thread_local object");
}

static void *thread_main(void *unused)
{
    allocate_at(&of_thread, "a thread");
    __cxa_thread_atexit_impl(destroy_cxx, NULL, &__dso_handle);
    for (size_t i = 0; i < KEYS; i++)
        pthread_setspecific(keys[i], (void *)(intptr_t)1);
    return unused;
}

static void run_threads(void)
{
    for (size_t i = 0; i < KEYS; i++)
        if (pthread_key_create(&keys[i], destroy) != 0)
            fail("pthread_key_create");
    for (int i = 0; i < 10; i++) {
        pthread_t thread;
        n_destructions = 0;
        if (pthread_create(&thread, NULL, thread_main, NULL) != 0)
            fail("pthread_create");
        pthread_join(thread, NULL);
        if (n_destructions < KEYS + 1)
            fail("destructors of a thread");
    }
}

// ---- after main -------------------------------------------------------------------------------

static void at_exit_first(void)
{
    release_at(&at_main);
    pass("a handler of exit");
}

static void at_exit_with_argument(int status, void *object)
{
    free(object);
    pass(status == 0 ? "a handler of exit with an argument" : "exit");
}

static void at_quick_exit_only(void)
{
    pass("a handler of quick_exit");
    say("reached the end\n");
}

__attribute__((destructor)) static void destruct(void)
{
    release_at(&at_constructor);
    pass("a destructor");
}

__attribute__((destructor(101))) static void destruct_last(void)
{
    release_at(&at_resolution);
    release_at(&at_preinit);
    release_at(&at_first_constructor);
    pass("the last destructor");
    malloc_trim(0);
    say("reached the end\n");
}

static void *exit_from_thread(void *unused)
{
    (void)unused;
    exit(0);
}

int main(int argc, char **argv)
{
    allocate_at(&at_main, "main");
    if (chosen() != 42 || !library_says() || at_preinit.name == NULL)
        fail("what comes before main");
    atexit(at_exit_first);
    on_exit(at_exit_with_argument, malloc(SMALL_BYTES));
    at_quick_exit(at_quick_exit_only);
    run_threads();
    const char *way = argc > 1 ? argv[1] : "return";
    if (strcmp(way, "quick_exit") == 0)
        quick_exit(0);
    if (strcmp(way, "thread") == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, exit_from_thread, NULL);
        for (;;)
            pass("another thread while one exits");
    }
    if (strcmp(way, "pthread_exit") == 0)
        pthread_exit(NULL);
    return 0;
}

#endif
