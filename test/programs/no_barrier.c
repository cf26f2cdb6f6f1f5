// A kernel that refuses the barrier (membarrier), as filters of system calls do: from the start, or
// once the library has been told that there is one. Nobody touches another thread's cache then;
// all else goes on. cache/caches.c, os/host_linux.c.
#include "kit.h"

#include <linux/filter.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define OBJECTS 20000
#define OBJECT_BYTES 1000

static void refuse_the_barrier(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        puts("     no filters of system calls here: nothing is tested");
        exit(0);
    }
}

static bool barrier_is_refused(void)
{
    return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0;
}

// ---- another thread ---------------------------------------------------------------------------

static atomic_int task, n_done;
static char      *objects[OBJECTS];
static char      *own_freed;   // in a span of the other thread, of which nothing is in use

static void build(void)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        objects[i] = opaque(malloc(OBJECT_BYTES));
        memset(objects[i], (int)i, OBJECT_BYTES);
    }
}

static void free_all(void)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        EXPECT(objects[i][0] == (char)i && objects[i][OBJECT_BYTES - 1] == (char)i);
        free(objects[i]);
    }
}

// Builds, rests, builds again, rests, ends.
static void *other_thread(void *unused)
{
    own_freed = opaque(malloc(64));
    free(own_freed);
    build();
    n_done = 1;
    wait_for(&task, 1);
    build();
    n_done = 2;
    wait_for(&task, 2);
    return unused;
}

static bool is_in_a_span(const void *address)
{
    return look_at(address).start != NULL;
}

static void fork_and_allocate(void)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(CASE_LIMIT_S / 3);
        free_all();
        build();
        malloc_trim(0);
        _exit(n_wrong != 0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT(status == 0);
}

static void other_caches_are_left_alone(bool refused)
{
    pthread_t thread = start_thread(other_thread, NULL);
    wait_for(&n_done, 1);
    size_t once_bytes = resident_bytes();
    EXPECT(is_in_a_span(own_freed));
    malloc_trim(0);
    EXPECT(is_in_a_span(own_freed) == refused);
    fork_and_allocate();
    free_all();   // crowds its inbox
    malloc_trim(0);
    EXPECT(is_in_a_span(own_freed) == refused);
    task = 1;
    wait_for(&n_done, 2);
    EXPECT(resident_bytes() < once_bytes + once_bytes / 10 * 3);
    fork_and_allocate();
    free_all();
    task = 2;
    pthread_join(thread, NULL);
    malloc_trim(0);   // whose thread has ended may be emptied
    EXPECT(!is_in_a_span(own_freed));
    EXPECT(!is_in_a_span(objects[0]));
}

// ---- threads at work --------------------------------------------------------------------------

#define WORKERS 2
#define WORKER_OBJECTS 64
#define WORKER_OBJECT_BYTES 48
#define TRIMS 3000

static atomic_int n_trims, n_spoilt;

// Objects with marks: one handed out twice shows.
static void *work(void *number)
{
    char    *mine[WORKER_OBJECTS] = {NULL};
    unsigned random = (unsigned)(uintptr_t)number;
    while (n_trims < TRIMS) {
        random = random * 1103515245u + 12345u;
        unsigned i = (random >> 16) % WORKER_OBJECTS;
        char     mark = (char)((uintptr_t)number * WORKER_OBJECTS + i);
        if (mine[i] == NULL) {
            mine[i] = memset(malloc(WORKER_OBJECT_BYTES), mark, WORKER_OBJECT_BYTES);
        } else {
            for (size_t k = 0; k < WORKER_OBJECT_BYTES; k++)
                n_spoilt += mine[i][k] != mark;
            free(mine[i]);
            mine[i] = NULL;
        }
    }
    return NULL;
}

static void nothing_is_handed_out_twice(void)
{
    pthread_t workers[WORKERS];
    for (uintptr_t i = 0; i < WORKERS; i++)
        workers[i] = start_thread(work, (void *)(i + 1));
    while (++n_trims < TRIMS)
        malloc_trim(0);
    for (size_t i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
    EXPECT(n_spoilt == 0);
}

// ---- cases ------------------------------------------------------------------------------------

#define FROM_THE_START "BARRIER_IS_REFUSED"

// Begins once more, with a library that is refused its first call.
static void begin_without_barrier(const char *case_name)
{
    if (getenv(FROM_THE_START) != NULL) {
        EXPECT(barrier_is_refused());
        return;
    }
    refuse_the_barrier();
    setenv(FROM_THE_START, "1", 1);
    execl("/proc/self/exe", "program", "neap", case_name, (char *)NULL);
    abort();
}

static void with_the_barrier_they_are_not(void)
{
    if (barrier_is_refused())
        puts("     no barrier here: this is not tested");
    else
        other_caches_are_left_alone(false);   // the control
}

static void refused_from_the_start_other_caches_are_left_alone(void)
{
    begin_without_barrier(__func__);
    other_caches_are_left_alone(true);
    nothing_is_handed_out_twice();
}

static void refused_later_other_caches_are_left_alone(void)
{
    EXPECT(!barrier_is_refused());
    refuse_the_barrier();
    EXPECT(barrier_is_refused());
    other_caches_are_left_alone(true);
    nothing_is_handed_out_twice();
}

static const struct program_case cases[] = {
    CASE_OF_NEAP(with_the_barrier_they_are_not),
    CASE_OF_NEAP(refused_from_the_start_other_caches_are_left_alone),
    CASE_OF_NEAP(refused_later_other_caches_are_left_alone),
};

int main(int argc, char **argv)
{
    return run_cases(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
