// What the programs about threads, handlers and forks share: cases that each run in a process of
// their own, what neap says about an address, how much memory is resident.
#ifndef NEAP_TEST_PROGRAMS_KIT_H
#define NEAP_TEST_PROGRAMS_KIT_H

#include "neap/neap.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CASE_LIMIT_S 60   // takes a second; this ends one that hangs

static atomic_int n_wrong;

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            n_wrong++;                                                                             \
        }                                                                                          \
    } while (0)

// Of a process that was stopped, an emulator has a line of its own to say.
static inline void without_emulators_line(char *text)
{
    char *line = strstr(text, "qemu: uncaught target signal");
    if (line != NULL)
        *line = '\0';
}

// ---- threads and time -------------------------------------------------------------------------

static inline void rest_ms(long n)
{
    struct timespec time = {.tv_sec = n / 1000, .tv_nsec = n % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static inline pthread_t start_thread(void *(*run)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, argument) != 0)
        abort();
    return thread;
}

static inline void run_in_thread(void *(*run)(void *), void *argument)
{
    pthread_join(start_thread(run, argument), NULL);
}

static inline void wait_for(atomic_int *value, int at_least)
{
    while (*value < at_least)
        rest_ms(1);
}

// Hides a value from the compiler, which knows malloc too well.
static inline void *opaque(void *pointer)
{
    __asm__ volatile("" : "+r"(pointer));
    return pointer;
}

// ---- memory -----------------------------------------------------------------------------------

static inline size_t resident_bytes(void)
{
    size_t size, resident = 0;
    FILE  *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%zu %zu", &size, &resident) != 2)
        abort();
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void (*describe)(const void *address, struct neap_block *out_block);

// What neap says about an address. May be called by signal handlers.
static inline struct neap_block look_at(const void *address)
{
    struct neap_block found;
    describe(address, &found);
    return found;
}

static inline bool neap_is_in_use(void)
{
    describe =
        (void (*)(const void *, struct neap_block *))dlsym(RTLD_DEFAULT, "neap_block_describe");
    if (describe == NULL)
        return false;
    char *object = opaque(malloc(100));
    bool  described = look_at(object + 99).start == object;
    free(object);
    return described;
}

// ---- threads without a cache ------------------------------------------------------------------

static atomic_int n_with_caches;

static inline void *have_a_cache(void *unused)
{
    for (size_t n_bytes = 16; n_bytes < 32768; n_bytes *= 2)
        free(opaque(malloc(n_bytes)));
    n_with_caches++;
    for (;;)
        pause();
    return unused;
}

// So many threads are given a cache at once that whoever comes later goes without.
static inline void give_all_caches_away(void)
{
    int n = 2 * (int)sysconf(_SC_NPROCESSORS_CONF) + 2;
    for (int i = 0; i < n; i++)
        start_thread(have_a_cache, NULL);
    wait_for(&n_with_caches, n);
}

// ---- a thread that stays inside its cache -----------------------------------------------------

// It allocates and frees one object again and again, until a signal handler finds that it has
// interrupted this inside the thread's cache, and stays there until it is let go.
static struct {
    pthread_t   thread;
    const void *own_span;
    atomic_int  ready, is_inside, let_go;
} held;

// What is allocated here comes from the thread's own span, but not if that is at work on its cache.
static inline void stay_if_inside(int signal_number)
{
    (void)signal_number;
    int               saved_errno = errno;
    void             *object = opaque(malloc(64));
    struct neap_block found = look_at(object);
    free(object);
    if (found.state != NEAP_BLOCK_FOREIGN && found.span_start != held.own_span) {
        held.is_inside = 1;
        wait_for(&held.let_go, 1);
    }
    errno = saved_errno;
}

static inline void *allocate_until_held(void *unused)
{
    void *object = opaque(malloc(64));
    held.own_span = look_at(object).span_start;
    held.ready = 1;
    while (!held.let_go)
        free(opaque(malloc(64)));
    free(object);
    return unused;
}

static inline void hold_a_thread_inside(void)
{
    signal(SIGUSR1, stay_if_inside);
    held.thread = start_thread(allocate_until_held, NULL);
    wait_for(&held.ready, 1);
    while (!held.is_inside) {
        pthread_kill(held.thread, SIGUSR1);
        rest_ms(1);
    }
}

static inline void let_the_thread_go(void)
{
    held.let_go = 1;
    pthread_join(held.thread, NULL);
}

// ---- cases ------------------------------------------------------------------------------------

struct program_case {
    const char *name;
    void (*run)(void);
    bool libc_too;   // what it expects is true of libc's malloc as well
};

#define CASE_OF_NEAP(function)                                                                     \
    {                                                                                              \
        .name = #function, .run = function                                                         \
    }
#define CASE_OF_ANY_MALLOC(function)                                                               \
    {                                                                                              \
        .name = #function, .run = function, .libc_too = true                                       \
    }

static inline int run_case(const struct program_case *one, bool under_neap)
{
    alarm(CASE_LIMIT_S);
    EXPECT(neap_is_in_use() == under_neap);
    if (n_wrong == 0)
        one->run();
    return n_wrong != 0;
}

// In a process of its own, so that none finds what another has left.
static inline bool case_holds(const struct program_case *one, const char *malloc_name)
{
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "program", malloc_name, one->name, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    waitpid(child, &status, 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds =
        (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
    printf("%-4s %5.2f s  %s\n", status == 0 ? "ok" : "FAIL", seconds, one->name);
    if (WIFSIGNALED(status))
        printf("     ended by signal %d%s\n", WTERMSIG(status),
               WTERMSIG(status) == SIGALRM ? ": it hung" : "");
    fflush(stdout);
    return status == 0;
}

// usage: program libc|neap [CASE]
static inline int run_cases(int argc, char **argv, const struct program_case *cases, size_t n_cases)
{
    bool under_neap = argc > 1 && strcmp(argv[1], "neap") == 0;
    int  n_failed = 0;
    for (size_t i = 0; i < n_cases; i++) {
        if (argc > 2 && strcmp(argv[2], cases[i].name) == 0)
            return run_case(&cases[i], under_neap);
        if (argc == 2 && (under_neap || cases[i].libc_too))
            n_failed += !case_holds(&cases[i], argv[1]);
    }
    return argc == 2 && n_failed == 0 ? 0 : 1;
}

#endif
