// Processes made in all ways by programs whose threads allocate all the time: the children find a
// heap that works, with everything that was in it. cache/caches.c, front/heap.c, api/lifecycle.c.
//
// usage: fork_storm libc|neap [CASE]; FORKS in the environment: how many, of each case
#include "kit.h"

#include <sched.h>
#include <spawn.h>

#define BUSY 4
#define OBJECTS 300
#define CHILD_LIMIT_S 30

extern char **environ;

static int n_forks = 300;

// ---- busy threads -----------------------------------------------------------------------------

struct object {
    size_t        n_bytes;
    unsigned char bytes[];
};

static struct object *_Atomic shared[OBJECTS];   // of all threads; each is whole at any instant
static atomic_int             stop, n_spoilt;
static atomic_size_t          n_turns;

static struct object *new_object(size_t i)
{
    size_t         n_bytes = sizeof(struct object) + (i % 50 == 0 ? i * 97 % 200000 : i * 31 % 700);
    struct object *object = malloc(n_bytes);
    object->n_bytes = n_bytes;
    memset(object->bytes, (unsigned char)n_bytes, n_bytes - sizeof *object);
    return object;
}

static void release(struct object *object)
{
    if (object == NULL)
        return;
    for (size_t i = 0; i < object->n_bytes - sizeof *object; i++) {
        if (object->bytes[i] != (unsigned char)object->n_bytes) {
            n_spoilt++;
            break;
        }
    }
    free(object);
}

static void turn(size_t i)
{
    release(atomic_exchange(&shared[i * 7919 % OBJECTS], i % 3 == 0 ? NULL : new_object(i)));
}

static void *be_busy(void *number)
{
    for (size_t i = (size_t)(intptr_t)number * 1000003; !stop; i++) {
        turn(i);
        n_turns++;
        if (i % 4096 == 0)
            malloc_trim(0);
    }
    return NULL;
}

static pthread_t busy[BUSY];

static void begin_to_be_busy(void)
{
    for (intptr_t i = 0; i < BUSY; i++)
        busy[i] = start_thread(be_busy, (void *)i);
    while (n_turns < 1000)
        rest_ms(1);
}

static void end_to_be_busy(void)
{
    stop = 1;
    for (size_t i = 0; i < BUSY; i++)
        pthread_join(busy[i], NULL);
    for (size_t i = 0; i < OBJECTS; i++)
        release(shared[i]);
    EXPECT(n_spoilt == 0);
}

// ---- children ---------------------------------------------------------------------------------

static void *allocate_in_thread(void *unused)
{
    void  *objects[100];
    size_t n_missing = 0;
    for (size_t i = 0; i < 100; i++) {
        objects[i] = opaque(malloc(1 + i * 13));
        n_missing += objects[i] == NULL;
    }
    for (size_t i = 0; i < 100; i++)
        free(objects[i]);
    return n_missing == 0 ? NULL : unused;
}

// Goes on with what its parent had: frees that, allocates, starts threads.
static int child_main(void)
{
    void *failed = NULL;
    alarm(CHILD_LIMIT_S);
    for (size_t i = 0; i < 500; i++)
        turn(i);
    for (int i = 0; i < 2; i++) {
        pthread_t thread = start_thread(allocate_in_thread, &failed);
        for (size_t k = 0; k < 200; k++)
            turn(k);
        void *missing = NULL;
        pthread_join(thread, &missing);
        if (missing != NULL)
            return 2;
    }
    for (size_t i = 0; i < OBJECTS; i++)
        release(atomic_exchange(&shared[i], NULL));
    malloc_trim(0);
    void *object = opaque(malloc(1000000));
    free(object);
    return n_spoilt == 0 && object != NULL ? 0 : 1;
}

static atomic_int n_children, n_children_failed;

static void expect_child(pid_t child)
{
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        n_children_failed++;
    n_children++;
}

static void expect_children(int n)
{
    EXPECT(n_children == n);
    EXPECT(n_children_failed == 0);
}

// ---- cases ------------------------------------------------------------------------------------

static void children_of_busy_threads_go_on(void)
{
    begin_to_be_busy();
    for (int i = 0; i < n_forks; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(child_main());
        expect_child(child);
    }
    end_to_be_busy();
    expect_children(n_forks);
}

static void *fork_often(void *unused)
{
    for (int i = 0; i < n_forks / BUSY; i++) {
        turn((size_t)i);
        pid_t child = fork();
        if (child == 0)
            _exit(child_main());
        expect_child(child);
    }
    return unused;
}

static void threads_fork_at_the_same_time(void)
{
    pthread_t threads[BUSY];
    begin_to_be_busy();
    for (size_t i = 0; i < BUSY; i++)
        threads[i] = start_thread(fork_often, NULL);
    for (size_t i = 0; i < BUSY; i++)
        pthread_join(threads[i], NULL);
    end_to_be_busy();
    expect_children(n_forks / BUSY * BUSY);
}

// Generation after generation, each from a thread that is not the first.
static void *fork_from_a_thread(void *depth)
{
    int generation = (int)(intptr_t)depth;
    if (generation == 0)
        return NULL;
    pid_t child = fork();
    if (child == 0) {
        int failed = child_main();
        run_in_thread(fork_from_a_thread, (void *)(intptr_t)(generation - 1));
        _exit(failed || n_children_failed > 0);
    }
    expect_child(child);
    return NULL;
}

static void children_of_children_go_on(void)
{
    enum { GENERATIONS = 10 };
    begin_to_be_busy();
    for (int i = 0; i < n_forks / GENERATIONS; i++)
        run_in_thread(fork_from_a_thread, (void *)(intptr_t)GENERATIONS);
    end_to_be_busy();
    expect_children(n_forks / GENERATIONS);
}

static void programs_are_started_in_every_way(void)
{
    static char *const arguments[] = {"true", NULL};
    begin_to_be_busy();
    for (int i = 0; i < n_forks / 4; i++) {
        pid_t child = vfork();
        if (child == 0) {
            execv("/bin/true", arguments);
            _exit(127);
        }
        expect_child(child);
        EXPECT(posix_spawn(&child, "/bin/true", NULL, NULL, arguments, environ) == 0);
        expect_child(child);
        EXPECT(system("exit 0") == 0);
        FILE *pipe_of = popen("echo said", "r");
        char  said[10] = "";
        EXPECT(pipe_of != NULL && fgets(said, sizeof said, pipe_of) != NULL);
        EXPECT(strcmp(said, "said\n") == 0);
        EXPECT(pipe_of != NULL && pclose(pipe_of) == 0);
    }
    end_to_be_busy();
    expect_children(n_forks / 4 * 2);
}

// ---- in handlers ------------------------------------------------------------------------------

static pid_t      parent;
static atomic_int n_handled;

// The children of every other one only end, which is all that POSIX allows where the parent has
// other threads.
static void fork_in_handler(int signal_number)
{
    int saved_errno = errno;
    if (getpid() == parent) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        expect_child(child);
        n_handled++;
    }
    (void)signal_number;
    errno = saved_errno;
}

static void handlers_that_interrupt_busy_threads_fork(void)
{
    parent = getpid();
    signal(SIGUSR1, fork_in_handler);
    begin_to_be_busy();
    for (int i = 0; i < n_forks; i++) {
        pthread_kill(busy[i % BUSY], SIGUSR1);
        while (n_handled <= i)
            sched_yield();
    }
    end_to_be_busy();
    expect_children(n_forks);
}

static const struct program_case cases[] = {
    CASE_OF_ANY_MALLOC(children_of_busy_threads_go_on),
    CASE_OF_ANY_MALLOC(threads_fork_at_the_same_time),
    CASE_OF_ANY_MALLOC(children_of_children_go_on),
    CASE_OF_ANY_MALLOC(programs_are_started_in_every_way),
    CASE_OF_NEAP(handlers_that_interrupt_busy_threads_fork),
};

int main(int argc, char **argv)
{
    const char *forks = getenv("FORKS");
    if (forks != NULL)
        n_forks = atoi(forks);
    return run_cases(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
