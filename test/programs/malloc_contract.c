// What C, POSIX and glibc promise of malloc's family, checked from the outside: run under the
// malloc to be tested. With the argument "neap" also what only neap promises. What is meant are
// api/libc.c, api/malloc_control.c, api/misuse.c and api/lifecycle.c.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int failures;

static void expect(bool holds, const char *text, int line)
{
    if (!holds) {
        fprintf(stderr, "malloc_contract.c:%d: does not hold: %s\n", line, text);
        failures++;
    }
}
#define EXPECT(condition) expect(condition, #condition, __LINE__)

// Hides a value from the compiler, which knows malloc too well.
static size_t opaque(size_t value)
{
    __asm__ volatile("" : "+r"(value));
    return value;
}

static void *opaque_pointer(void *pointer)
{
    __asm__ volatile("" : "+r"(pointer));
    return pointer;
}

static void sizes_and_alignment(void)
{
    for (size_t n = 0; n <= 300000; n = n < 5000 ? n + 1 : n * 9 / 8) {
        unsigned char *object = malloc(opaque(n));
        EXPECT(object != NULL);
        EXPECT((uintptr_t)object % 16 == 0);
        EXPECT(malloc_usable_size(object) >= n);
        memset(object, 0xA5, malloc_usable_size(object));
        free(object);
    }
}

static void zero_sizes_are_unique(void)
{
    void *a = malloc(opaque(0));
    void *b = malloc(opaque(0));
    EXPECT(a != NULL && b != NULL && a != b);
    free(a);
    free(b);
    EXPECT(realloc(malloc(10), opaque(0)) == NULL);
}

#define EXPECT_ENOMEM(call)                                                                        \
    do {                                                                                           \
        errno = 0;                                                                                 \
        EXPECT((call) == NULL);                                                                    \
        EXPECT(errno == ENOMEM);                                                                   \
    } while (0)

static void too_large_is_enomem(void)
{
    static const size_t below_max[] = {0, 1, 15, 16, 4095, 4096, 8191, 8192, 65536};
    for (size_t i = 0; i < sizeof below_max / sizeof below_max[0]; i++) {
        size_t huge = opaque(SIZE_MAX - below_max[i]);
        size_t half = opaque((size_t)PTRDIFF_MAX - below_max[i]);
        void  *object = malloc(10);
        EXPECT_ENOMEM(malloc(huge));
        EXPECT_ENOMEM(malloc(half));
        EXPECT_ENOMEM(calloc(1, huge));
        EXPECT_ENOMEM(calloc(half, 3));
        EXPECT_ENOMEM(realloc(opaque_pointer(object), huge));
        EXPECT_ENOMEM(realloc(opaque_pointer(object), half));
        EXPECT_ENOMEM(reallocarray(opaque_pointer(object), huge, 2));
        EXPECT_ENOMEM(memalign(64, huge));
        EXPECT_ENOMEM(aligned_alloc(4096, half / 4096 * 4096));
        EXPECT_ENOMEM(valloc(huge));
        EXPECT_ENOMEM(pvalloc(huge));
        void *untouched = &untouched;
        EXPECT(posix_memalign(&untouched, 64, huge) == ENOMEM);
        EXPECT(untouched == &untouched);
        free(object);
    }
}

static void alignments(void)
{
    for (size_t alignment = sizeof(void *); alignment <= (size_t)64 << 20; alignment *= 2) {
        for (size_t n = 1; n < 200000; n *= 7) {
            void *object = NULL;
            EXPECT(posix_memalign(&object, alignment, n) == 0);
            EXPECT((uintptr_t)object % alignment == 0);
            EXPECT(malloc_usable_size(object) >= n);
            memset(object, 1, n);
            object = realloc(object, n + 100);
            EXPECT(object != NULL && ((char *)object)[n - 1] == 1);
            free(object);
        }
    }
    // What is no power of two is rounded up to one.
    static const size_t rounded[][2] = {{0, 1},   {3, 4},     {24, 32},
                                        {33, 64}, {100, 128}, {4097, 8192}};
    void               *object;
    for (size_t i = 0; i < sizeof rounded / sizeof rounded[0]; i++) {
        object = memalign(opaque(rounded[i][0]), 100);
        EXPECT(object != NULL && (uintptr_t)object % rounded[i][1] == 0);
        free(object);
    }
    errno = 0;
    EXPECT(memalign(opaque(SIZE_MAX / 2 + 2), 1) == NULL && errno == EINVAL);
    object = &object;
    EXPECT(posix_memalign(&object, opaque(24), 100) == EINVAL);
    EXPECT(posix_memalign(&object, opaque(4), 100) == EINVAL);
    EXPECT(posix_memalign(&object, opaque(0), 100) == EINVAL);
    EXPECT(object == &object);
    object = valloc(1);
    EXPECT((uintptr_t)object % (size_t)sysconf(_SC_PAGESIZE) == 0);
    free(object);
    object = pvalloc(1);
    EXPECT(malloc_usable_size(object) >= (size_t)sysconf(_SC_PAGESIZE));
    free(object);
}

static void calloc_clears(void)
{
    for (size_t n = 1; n < 3000000; n = n * 3 + 1) {
        for (int round = 0; round < 4; round++) {
            unsigned char *object = calloc(1, n);
            size_t         dirty = 0;
            for (size_t i = 0; i < n; i++)
                dirty += object[i] != 0;
            EXPECT(dirty == 0);
            memset(object, 0xFF, n);
            free(object);
        }
    }
}

static void realloc_keeps_contents(void)
{
    unsigned char *object = NULL;
    size_t         length = 0;
    for (unsigned step = 0; step < 400; step++) {
        size_t next = (step * 2654435761u) % (step % 7 == 0 ? 3000000 : 3000) + 1;
        object = realloc(object, next);
        EXPECT(object != NULL);
        for (size_t i = 0; i < length && i < next; i++) {
            if (object[i] != (unsigned char)(i * 31)) {
                EXPECT(!"contents kept");
                break;
            }
        }
        for (size_t i = 0; i < next; i++)
            object[i] = (unsigned char)(i * 31);
        length = next;
    }
    free(object);
}

static void free_keeps_errno(void)
{
    static const size_t sizes[] = {10, 5000, 40000, 1000000, 40000000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        void *object = malloc(sizes[i]);
        errno = 4242;
        free(object);
        EXPECT(errno == 4242);
    }
    errno = 4242;
    free(NULL);
    EXPECT(errno == 4242);
}

#define THREADS 6
#define SHARED 2048
static void           *shared_objects[SHARED];
static pthread_mutex_t shared_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *churn(void *argument)
{
    unsigned state = (unsigned)(uintptr_t)argument;
    for (int i = 0; i < 60000; i++) {
        state = state * 1664525 + 1013904223;
        size_t  at = (state >> 8) % SHARED;
        size_t  n = (state >> 20) % 512 == 0 ? 100000 : (state >> 20) % 700 + 16;
        size_t *object = malloc(n);
        object[0] = n;
        ((unsigned char *)object)[n - 1] = (unsigned char)n;
        pthread_mutex_lock(&shared_mutex);
        size_t *old = shared_objects[at];
        shared_objects[at] = object;
        pthread_mutex_unlock(&shared_mutex);
        if (old != NULL) {   // mostly another thread's
            EXPECT(((unsigned char *)old)[old[0] - 1] == (unsigned char)old[0]);
            free(old);
        }
    }
    return NULL;
}

static void threads_free_for_each_other(void)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, churn, (void *)(i * 7919 + 1));
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < SHARED; i++) {
        free(shared_objects[i]);
        shared_objects[i] = NULL;
    }
}

static volatile bool stop_churning;

static void *churn_with_stdio(void *argument)
{
    (void)argument;
    FILE *sink = fopen("/dev/null", "w");
    while (!stop_churning) {
        char *line = malloc(3000);
        setvbuf(sink, NULL, _IOFBF, 512);
        fprintf(sink, "%p %d\n", (void *)line, 42);
        fflush(NULL);
        free(line);
    }
    fclose(sink);
    return NULL;
}

// A child of a process whose other threads are in malloc and in stdio can go on with both.
static void fork_from_busy_threads(void)
{
    pthread_t threads[4];
    stop_churning = false;
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, i % 2 ? churn_with_stdio : churn, (void *)(i + 1));
    for (int round = 0; round < 60; round++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(20);   // a deadlock ends the child with a signal
            for (size_t n = 1; n < 3000000; n = n * 2 + 1) {
                char *object = malloc(n);
                object[n - 1] = 1;
                free(object);
            }
            FILE *sink = fopen("/dev/null", "w");
            fprintf(sink, "%d\n", round);
            fclose(sink);
            _exit(0);
        }
        int status = -1;
        waitpid(child, &status, 0);
        EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    stop_churning = true;
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < SHARED; i++) {
        free(shared_objects[i]);
        shared_objects[i] = NULL;
    }
}

static void *use_stdio(void *argument)
{
    FILE *sink = fopen("/dev/null", "w");
    fprintf(sink, "%p\n", argument);
    fclose(sink);
    return NULL;
}

// The child of a process with one thread may start threads of its own, and those may use stdio.
static void threads_after_a_fork(void)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        pthread_t thread;
        pthread_create(&thread, NULL, use_stdio, NULL);
        pthread_join(thread, NULL);
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

// ---- what only neap promises ------------------------------------------------------------------

static void free_twice_alone(void)
{
    void *object = opaque_pointer(malloc(100));   // the only one of its span
    free(object);
    free(opaque_pointer(object));
}

static void free_twice_large(void)
{
    // What lies before the second object looks to glibc like a length of its own.
    size_t *before = malloc(1 << 20);
    void   *object = opaque_pointer(malloc(1 << 20));
    before[(1 << 20) / sizeof *before - 1] = 0x21;
    free(object);
    free(opaque_pointer(object));
}

static void realloc_freed_large(void)
{
    void *object = opaque_pointer(malloc(1 << 20));
    free(object);
    EXPECT(realloc(opaque_pointer(object), 200) == NULL);
}

static void free_twice(void)
{
    void *object = opaque_pointer(malloc(100));
    void *neighbour = malloc(100);   // so that the span stays
    free(object);
    free(opaque_pointer(object));
    free(neighbour);
}

static void free_twice_across_threads(void)
{
    char *object = opaque_pointer(malloc(3000));
    void *neighbour = malloc(3000);
    free(object);
    pthread_t thread;
    pthread_create(&thread, NULL, (void *(*)(void *))(void *)free, opaque_pointer(object));
    pthread_join(thread, NULL);
    free(neighbour);
}

static void free_inside(void)
{
    char *object = opaque_pointer(malloc(100));
    free(opaque_pointer(object + 16));
}

static void free_inside_large(void)
{
    char *object = opaque_pointer(malloc(1000000));
    free(opaque_pointer(object + 8192));
}

static void realloc_freed(void)
{
    void *object = opaque_pointer(malloc(100));
    void *neighbour = malloc(100);
    free(object);
    EXPECT(realloc(opaque_pointer(object), 200) == NULL);
    free(neighbour);
}

static void expect_stopped(void (*misuse)(void), const char *message)
{
    int pipe_ends[2];
    EXPECT(pipe(pipe_ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipe_ends[1], STDERR_FILENO);
        misuse();
        _exit(0);
    }
    close(pipe_ends[1]);
    char    text[600] = "";
    ssize_t length = read(pipe_ends[0], text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    close(pipe_ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    if (strstr(text, message) == NULL || strncmp(text, "neap: ", 6) != 0) {
        fprintf(stderr, "expected \"%s\", got \"%s\"\n", message, text);
        failures++;
    }
}

static void misuse_is_stopped(void)
{
    expect_stopped(free_twice, "double free");
    expect_stopped(free_twice_alone, "double free");
    expect_stopped(free_twice_large, "double free");
    expect_stopped(realloc_freed_large, "double free");
    expect_stopped(free_twice_across_threads, "double free");
    expect_stopped(free_inside, "invalid pointer");
    expect_stopped(free_inside_large, "invalid pointer");
    expect_stopped(realloc_freed, "double free");
}

static size_t resident_bytes(void)
{
    char  line[200];
    FILE *file = fopen("/proc/self/statm", "r");
    char *got = fgets(line, sizeof line, file);
    fclose(file);
    return strtoul(strchr(got, ' '), NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static void statistics_and_trim_are_about_this_heap(void)
{
    enum { OBJECTS = 20000 };
    static void     *objects[OBJECTS];
    struct mallinfo2 before = mallinfo2();
    for (size_t i = 0; i < OBJECTS; i++)
        objects[i] = memset(malloc(2000), 1, 2000);
    struct mallinfo2 full = mallinfo2();
    EXPECT(full.uordblks >= before.uordblks + OBJECTS * (size_t)2000);
    EXPECT(full.uordblks + full.fordblks == full.arena);
    size_t resident_full = resident_bytes();
    for (size_t i = 0; i < OBJECTS; i++)
        free(objects[i]);
    EXPECT(mallinfo2().uordblks <= before.uordblks + 4096);
    EXPECT(malloc_trim(0) == 1);
    EXPECT(resident_bytes() + 36000000 < resident_full);
    malloc_trim(0);   // what resident_bytes() left
    EXPECT(malloc_trim(0) == 0);
}

static void own_names_are_the_same_functions(void)
{
    void *(*own_malloc)(size_t) = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "neap_malloc");
    void (*own_free)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "neap_free");
    size_t (*own_trim)(void) = (size_t(*)(void))dlsym(RTLD_DEFAULT, "neap_trim");
    EXPECT(own_malloc != NULL && own_free != NULL && own_trim != NULL);
    if (own_malloc == NULL || own_free == NULL || own_trim == NULL)
        return;
    free(own_malloc(100));
    own_free(malloc(100));
    own_free(memset(own_malloc(1000000), 1, 1000000));
    EXPECT(own_trim() >= 1000000);
}

// One locked page keeps itself resident and nothing else.
static void a_locked_page_is_passed_by(void)
{
    enum { OBJECTS = 64, OBJECT_BYTES = 1 << 20 };
    static char *objects[OBJECTS];
    for (size_t i = 0; i < OBJECTS; i++)
        objects[i] = memset(malloc(OBJECT_BYTES), 1, OBJECT_BYTES);
    char *locked = objects[OBJECTS - 1] + OBJECT_BYTES / 2;
    if (mlock(locked, 1) != 0) {
        puts("(may not lock memory: left out)");
        locked = NULL;
    }
    size_t resident_full = resident_bytes();
    for (size_t i = 0; i < OBJECTS; i++)
        free(objects[i]);
    EXPECT(malloc_trim(0) == 1);
    EXPECT(resident_bytes() + (OBJECTS - 1) * (size_t)OBJECT_BYTES < resident_full);
    if (locked != NULL)
        munlock(locked, 1);
}

// What the kernel would never back is refused, and costs nothing.
static void the_impossible_is_refused_cheaply(void)
{
    FILE *file = fopen("/proc/sys/vm/overcommit_memory", "r");
    int   mode = file != NULL ? fgetc(file) : '0';
    if (file != NULL)
        fclose(file);
    if (mode == '1')
        return;
    size_t resident_before = resident_bytes();
    EXPECT_ENOMEM(malloc(opaque((size_t)1 << 42)));
    EXPECT_ENOMEM(malloc(opaque((size_t)1 << 44)));
    EXPECT(resident_bytes() < resident_before + (1 << 20));
}

static void an_aligned_hole_is_used_again(void)
{
    for (size_t alignment = 8192; alignment <= 4 << 20; alignment *= 4) {
        void *object = aligned_alloc(alignment, alignment);
        void *above = aligned_alloc(alignment, alignment);
        free(object);
        void *again = aligned_alloc(alignment, alignment);
        EXPECT(again == object || (uintptr_t)again < (uintptr_t)object);
        free(again);
        free(above);
    }
}

int main(int argc, char **argv)
{
    threads_after_a_fork();   // first: while there is one thread
    sizes_and_alignment();
    zero_sizes_are_unique();
    too_large_is_enomem();
    alignments();
    calloc_clears();
    realloc_keeps_contents();
    free_keeps_errno();
    threads_free_for_each_other();
    fork_from_busy_threads();
    if (argc > 1 && strcmp(argv[1], "neap") == 0) {
        own_names_are_the_same_functions();
        misuse_is_stopped();
        statistics_and_trim_are_about_this_heap();
        a_locked_page_is_passed_by();
        the_impossible_is_refused_cheaply();
        an_aligned_hole_is_used_again();
    }
    if (failures == 0)
        puts("everything holds");
    return failures != 0;
}
