// Signal handlers that allocate, resize and fork while their thread is at work on the heap, and
// forks that wait for other threads. front/heap.c, front/reserve.c, front/resize.c,
// front/release.c, cache/caches.c, pageheap/scavenger.c, os/host_linux.c, api/lifecycle.c.
#include "kit.h"

#define MIB ((size_t)1024 * 1024)

// ---- signals at odd moments -------------------------------------------------------------------

static timer_t timer;

static void handle_timer_by(void (*handle)(int signal_number))
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    struct sigevent  event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    sigaction(SIGUSR2, &action, NULL);
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
        abort();
}

// Once; 0: not any more. A child of a fork has no such timer.
static void signal_after_us(long n)
{
    struct itimerspec when = {{0, 0}, {0, n * 1000}};
    timer_settime(timer, 0, &when, NULL);
}

static bool all_bytes_are(const unsigned char *object, unsigned char value, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++)
        if (object[i] != value)
            return false;
    return true;
}

// ---- resizing in handlers ---------------------------------------------------------------------

#define INTERRUPTIONS 300   // of the holder of a lock
#define LARGE_BYTES ((size_t)33000)

static atomic_int n_handled, n_interruptions, n_spoilt;
static unsigned char *volatile large;

// A handler that has interrupted the holder of a lock has its large objects from elsewhere.
static void *allocate_and_count(void)
{
    void *object = calloc(1, LARGE_BYTES);
    n_interruptions += object != NULL && look_at(object).state == NEAP_BLOCK_FOREIGN;
    return object;
}

static unsigned char *resize_and_compare(unsigned char *object, size_t before, size_t after)
{
    unsigned char *moved = realloc(object, after);
    if (moved == NULL)
        return object;   // may be refused here
    n_spoilt += !all_bytes_are(moved, 7, before < after ? before : after);
    memset(moved, 7, after);
    return moved;
}

static void resize_a_new_object(int signal_number)
{
    (void)signal_number;
    int            saved_errno = errno;
    unsigned char *object = allocate_and_count();
    if (object != NULL) {
        n_spoilt += !all_bytes_are(object, 0, LARGE_BYTES);
        n_spoilt += malloc_usable_size(object) < LARGE_BYTES;
        memset(object, 7, LARGE_BYTES);
        object = resize_and_compare(object, LARGE_BYTES, 5000);
        object = resize_and_compare(object, 5000, LARGE_BYTES);
        object = resize_and_compare(object, 5000, 10);
        free(object);
    }
    n_handled++;
    errno = saved_errno;
}

static void resize_the_large_object(int signal_number)
{
    static size_t n_bytes = 200000;
    (void)signal_number;
    int saved_errno = errno;
    free(allocate_and_count());
    size_t         after = n_bytes == 200000 ? 300000 : 200000;
    unsigned char *moved = realloc(large, after);
    if (moved != NULL) {
        n_spoilt += !all_bytes_are(moved, 7, 200000);
        memset(moved, 7, after);
        large = moved;
        n_bytes = after;
    }
    n_handled++;
    errno = saved_errno;
}

static void allocate_until_interrupted_often(void (*handle)(int signal_number))
{
    large = memset(malloc(200000), 7, 200000);
    handle_timer_by(handle);
    while (n_interruptions < INTERRUPTIONS) {
        int before = n_handled;
        signal_after_us(1 + before % 20);
        for (size_t i = 0; n_handled == before; i++)
            free(opaque(malloc(100000 + i % 7 * 50000)));
    }
    EXPECT(n_spoilt == 0);
    EXPECT(look_at(large).start == large);
}

static void an_object_allocated_in_a_handler_is_resized_there(void)
{
    allocate_until_interrupted_often(resize_a_new_object);
}

static void a_large_object_is_resized_in_a_handler(void)
{
    allocate_until_interrupted_often(resize_the_large_object);
}

// ---- freeing in handlers ----------------------------------------------------------------------

// To free the last object of a span means to give the span back, which needs locks.
#define FREED_AT_ONCE 40   // more than two spans of them
#define FREED_BYTES 1000

static void *volatile to_be_freed[FREED_AT_ONCE];

static void allocate_what_is_freed(void)
{
    for (size_t i = 0; i < FREED_AT_ONCE; i++)
        to_be_freed[i] = opaque(malloc(FREED_BYTES));
}

static void *allocate_in_thread(void *unused)
{
    allocate_what_is_freed();
    return unused;
}

static void free_all(int signal_number)
{
    (void)signal_number;
    int saved_errno = errno;
    free(allocate_and_count());
    for (size_t i = 0; i < FREED_AT_ONCE; i++)
        free(to_be_freed[i]);
    n_handled++;
    errno = saved_errno;
}

static void objects_are_freed_in_handlers(bool of_threads_without_caches)
{
    handle_timer_by(free_all);
    while (n_interruptions < INTERRUPTIONS) {
        int before = n_handled;
        if (of_threads_without_caches)
            run_in_thread(allocate_in_thread, NULL);
        else
            allocate_what_is_freed();
        signal_after_us(1 + before % 20);
        for (size_t i = 0; n_handled == before; i++)
            free(opaque(malloc(100000 + i % 7 * 50000)));
    }
    malloc_trim(0);
}

static void all_objects_of_own_spans_are_freed_in_a_handler(void)
{
    objects_are_freed_in_handlers(false);
}

static void all_objects_of_spans_of_nobody_are_freed_in_a_handler(void)
{
    free(opaque(malloc(FREED_BYTES)));
    give_all_caches_away();
    objects_are_freed_in_handlers(true);
}

// ---- forking in handlers ----------------------------------------------------------------------

static atomic_int      n_forks;
static volatile bool   is_child;
static volatile size_t child_failures;

static void *use_heap_and_files(void *unused)
{
    void *object = opaque(malloc(100000));
    free(object);
    free(opaque(malloc(100)));
    FILE *file = fopen("/dev/null", "w");
    fclose(file);
    return object == NULL ? NULL : unused;
}

static void expect_all_in_order(void)
{
    char *object = opaque(malloc(MIB));
    EXPECT(object != NULL);
    EXPECT(describe == NULL || look_at(object).start == object);
    free(object);
    EXPECT(use_heap_and_files(&n_forks) != NULL);
    void     *used = NULL;
    pthread_t thread = start_thread(use_heap_and_files, &n_forks);
    pthread_join(thread, &used);
    EXPECT(used != NULL);
    malloc_trim(0);
}

// What a child does that has gone on where the handler ended.
static void end_child(void)
{
    alarm(CASE_LIMIT_S / 3);   // its parent's alarm is not its own
    expect_all_in_order();
    _exit(n_wrong != 0);
}

static void wait_for_child(pid_t child)
{
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    child_failures += status != 0;
}

// Every other child ends at once; the others return and find all as the handler left it.
static void fork_in_handler(int signal_number)
{
    (void)signal_number;
    int   saved_errno = errno;
    pid_t child = fork();
    if (child > 0) {
        n_forks++;
        wait_for_child(child);
    } else if (child == 0) {
        if (n_forks % 2 == 0)
            _exit(0);
        is_child = true;
    }
    errno = saved_errno;
}

#define TRIMS 60
#define TRIMMED_BYTES (8 * MIB)

static void forks_in_handlers_that_interrupt_a_trim(void)
{
    handle_timer_by(fork_in_handler);
    for (int i = 0; i < TRIMS; i++) {
        char *object = malloc(TRIMMED_BYTES);
        memset(object, 1, TRIMMED_BYTES);
        free(object);
        signal_after_us(50 + i * 37 % 300);
        malloc_trim(0);
        if (is_child)
            end_child();
    }
    signal_after_us(0);
    EXPECT(n_forks > TRIMS / 2);
    EXPECT(child_failures == 0);
    expect_all_in_order();
}

#define FORKS 400

static void forks_in_handlers_that_interrupt_a_fork(void)
{
    handle_timer_by(fork_in_handler);
    for (int i = 0; i < FORKS; i++) {
        signal_after_us(1 + i % 400);
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        wait_for_child(child);
        if (is_child)
            end_child();
    }
    signal_after_us(0);
    EXPECT(n_forks > FORKS / 4);
    EXPECT(child_failures == 0);
    expect_all_in_order();
}

// ---- a fork that waits ------------------------------------------------------------------------

static atomic_int forking;

static void fork_begins(void)
{
    forking = 1;
}

static void *fork_once(void *unused)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    wait_for_child(child);
    return unused;
}

// It waits for a thread that is inside its cache, with all locks held.
static void a_thread_cancelled_while_it_forks_leaves_no_lock_behind(void)
{
    hold_a_thread_inside();
    pthread_atfork(fork_begins, NULL, NULL);
    pthread_t thread = start_thread(fork_once, NULL);
    wait_for(&forking, 1);
    rest_ms(50);   // now it waits
    pthread_cancel(thread);
    pthread_join(thread, NULL);
    let_the_thread_go();
    fork_once(NULL);
    EXPECT(child_failures == 0);
    expect_all_in_order();
}

static const struct program_case cases[] = {
    CASE_OF_NEAP(an_object_allocated_in_a_handler_is_resized_there),
    CASE_OF_NEAP(a_large_object_is_resized_in_a_handler),
    CASE_OF_NEAP(all_objects_of_own_spans_are_freed_in_a_handler),
    CASE_OF_NEAP(all_objects_of_spans_of_nobody_are_freed_in_a_handler),
    CASE_OF_ANY_MALLOC(forks_in_handlers_that_interrupt_a_trim),
    CASE_OF_ANY_MALLOC(forks_in_handlers_that_interrupt_a_fork),
    CASE_OF_NEAP(a_thread_cancelled_while_it_forks_leaves_no_lock_behind),
};

int main(int argc, char **argv)
{
    return run_cases(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
