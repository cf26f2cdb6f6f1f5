// Threads that are cancelled while they allocate: nothing is lost, their caches go to others, and
// malloc itself is no place where a thread can be cancelled. front/thread.c, cache/caches.c,
// os/host_linux.c.
#include "kit.h"

#include <fcntl.h>
#include <sched.h>

#define ROUNDS 30
#define AT_ONCE 4
#define OBJECTS 200

struct worker {
    pthread_t  thread;
    void      *objects[OBJECTS];
    atomic_int n_turns;
    bool       cleaned_up;
};

static void *some_object(size_t i)
{
    size_t n_bytes = i % 97 == 0 ? 40000 + i % 100000 : i * 31 % 2000;
    return memset(opaque(malloc(n_bytes)), 1, n_bytes);
}

static void clean_up(void *argument)
{
    struct worker *worker = argument;
    for (size_t i = 0; i < OBJECTS; i++) {
        free(worker->objects[i]);
        free(some_object(i));   // a handler may allocate as well
    }
    worker->cleaned_up = true;
}

static void turn(struct worker *worker, size_t i)
{
    void **slot = &worker->objects[i * 7919 % OBJECTS];
    if (*slot == NULL)
        *slot = some_object(i);
    else if (i % 5 == 0)
        *slot = realloc(*slot, i * 17 % 5000 + 1);
    else {
        free(*slot);
        *slot = NULL;
    }
    worker->n_turns++;
}

static void *work_until_cancelled(void *argument)
{
    struct worker *worker = argument;
    pthread_cleanup_push(clean_up, worker);
    for (size_t i = 0;; i++) {
        turn(worker, i);
        pthread_testcancel();
    }
    pthread_cleanup_pop(1);
    return NULL;
}

static void close_file(void *file)
{
    fclose(file);
}

static void print_a_little(size_t i)
{
    FILE *file = fopen("/dev/null", "w");
    pthread_cleanup_push(close_file, file);
    fprintf(file, "%zu\n", i);
    fflush(file);
    pthread_cleanup_pop(1);
}

// Cancelled in functions of libc that have memory of their own.
static void *print_until_cancelled(void *argument)
{
    struct worker *worker = argument;
    pthread_cleanup_push(clean_up, worker);
    for (size_t i = 0;; i++) {
        turn(worker, i);
        print_a_little(i);
    }
    pthread_cleanup_pop(1);
    return NULL;
}

static void cancel_some(void *(*run)(void *), unsigned after_us)
{
    static struct worker workers[AT_ONCE];
    memset(workers, 0, sizeof workers);
    for (size_t i = 0; i < AT_ONCE; i++)
        workers[i].thread = start_thread(run, &workers[i]);
    for (size_t i = 0; i < AT_ONCE; i++)
        while (workers[i].n_turns == 0)
            sched_yield();
    usleep(after_us);
    for (size_t i = 0; i < AT_ONCE; i++)
        pthread_cancel(workers[i].thread);
    for (size_t i = 0; i < AT_ONCE; i++) {
        void *result = NULL;
        pthread_join(workers[i].thread, &result);
        EXPECT(result == PTHREAD_CANCELED);
        EXPECT(workers[i].cleaned_up);
    }
}

static void nothing_is_lost_with_cancelled_threads(void)
{
    for (unsigned round = 0; round < 6; round++)
        cancel_some(work_until_cancelled, round * 100);
    malloc_trim(0);
    size_t used_bytes = mallinfo2().uordblks, resident = resident_bytes();
    for (unsigned round = 0; round < ROUNDS; round++)
        cancel_some(round % 2 == 0 ? work_until_cancelled : print_until_cancelled, round * 50);
    malloc_trim(0);
    EXPECT(mallinfo2().uordblks <= used_bytes + 100000);
    EXPECT(resident_bytes() <= resident + (4 << 20));
}

// What neap keeps for itself, caches among it.
static size_t metadata_bytes(void)
{
    static const char book[] = "<book name=\"metadata\" bytes=\"";
    char             *text = NULL;
    size_t            n_bytes = 0;
    FILE             *memory = open_memstream(&text, &n_bytes);
    malloc_info(0, memory);
    fclose(memory);
    const char *found = strstr(text, book);
    n_bytes = found != NULL ? strtoul(found + sizeof book - 1, NULL, 10) : 0;
    free(text);
    return n_bytes;
}

static void the_caches_of_cancelled_threads_are_used_again(void)
{
    for (unsigned round = 0; round < 6; round++)
        cancel_some(work_until_cancelled, 3000);
    size_t before = metadata_bytes();
    EXPECT(before > 0);
    for (unsigned round = 0; round < ROUNDS; round++)
        cancel_some(work_until_cancelled, 1000);
    EXPECT(metadata_bytes() <= before + 65536);
}

// ---- no cancellation point --------------------------------------------------------------------

static atomic_int is_through;

static void *use_everything_when_cancelled(void *unused)
{
    pthread_cancel(pthread_self());
    for (size_t i = 0; i < 20000; i++) {
        void *object = opaque(malloc(i % 50000));
        object = realloc(object, i * 7 % 60000 + 1);
        free(object);
        free(opaque(calloc(3, i % 1000)));
        free(opaque(aligned_alloc(4096, 100)));
        if (i % 1000 == 0)
            malloc_trim(0);
    }
    (void)mallinfo2();
    is_through = 1;
    pthread_testcancel();
    return unused;
}

static void malloc_is_no_cancellation_point(void)
{
    void *result = NULL;
    pthread_join(start_thread(use_everything_when_cancelled, NULL), &result);
    EXPECT(result == PTHREAD_CANCELED);
    EXPECT(is_through);
}

// Even where it waits for another thread.
static void waiting_for_a_thread_is_no_cancellation_point(void)
{
    hold_a_thread_inside();
    malloc_is_no_cancellation_point();
    let_the_thread_go();
}

static const struct program_case cases[] = {
    CASE_OF_ANY_MALLOC(nothing_is_lost_with_cancelled_threads),
    CASE_OF_ANY_MALLOC(malloc_is_no_cancellation_point),
    CASE_OF_NEAP(the_caches_of_cancelled_threads_are_used_again),
    CASE_OF_NEAP(waiting_for_a_thread_is_no_cancellation_point),
};

int main(int argc, char **argv)
{
    return run_cases(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
