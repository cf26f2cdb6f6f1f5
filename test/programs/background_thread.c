// The thread that gives memory back, and all that a process does while it works: fork, vfork, exec,
// exit, signals, changes of user, filters of system calls, the end of main. front/background.c,
// os/host_linux.c.
//
// usage: background_thread libc|neap [CASE]
#include "idle_kit.h"

#include <dirent.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define MUCH_MIB 40            // idle, it is worth a thread
#define ENDS_WITHIN_MS 12000   // takes five to six seconds

extern char **environ;

static int status_of(pid_t child)
{
    int status = -1;
    return child > 0 && waitpid(child, &status, 0) == child ? status : -1;
}

static void given_a_thread_at_work(void)
{
    use_and_free(MUCH_MIB);
    EXPECT(n_threads() == 2);
}

// ---- when there is one ------------------------------------------------------------------------

static void a_small_program_has_none(void)
{
    for (size_t i = 0; i < 50; i++) {
        use_and_free(12);
        work_a_little();
        EXPECT(n_threads() == 1);
        rest_ms(10);
    }
}

static void name_of_thread(const char *id, char *out_name, size_t n_bytes)
{
    char path[300];
    snprintf(path, sizeof path, "/proc/self/task/%s/comm", id);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(out_name, (int)n_bytes, file) == NULL)
        out_name[0] = '\0';
    if (file != NULL)
        fclose(file);
}

// How many threads have the name.
static size_t n_threads_named(const char *name)
{
    size_t         n = 0;
    DIR           *folder = opendir("/proc/self/task");
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        char found[32];
        name_of_thread(entry->d_name, found, sizeof found);
        n += strcmp(found, name) == 0;
    }
    closedir(folder);
    return n;
}

static void it_comes_with_much_idle_memory_and_goes_and_comes(void)
{
    EXPECT(n_threads() == 1);
    use_and_free(MUCH_MIB);
    EXPECT(n_threads() == 2);
    rest_ms(100);
    EXPECT(n_threads_named("neap\n") == 1);
    EXPECT(resident_falls_below(20 * MIB, ENDS_WITHIN_MS));
    EXPECT(threads_become(1, ENDS_WITHIN_MS));
    use_and_free(MUCH_MIB);
    EXPECT(n_threads() == 2);
}

static void refuse_system_call(unsigned number, int error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        puts("     no filters of system calls here: nothing is tested");
        exit(0);
    }
}

static void where_none_may_be_started_memory_goes_back_by_calls(void)
{
    refuse_system_call(SYS_clone, EPERM);
#ifdef SYS_clone3
    refuse_system_call(SYS_clone3, EPERM);
#endif
    errno = 4242;
    use_and_free(MUCH_MIB);
    EXPECT(errno == 4242);
    EXPECT(n_threads() == 1);
    EXPECT(resident_falls_at_work(20 * MIB, ENDS_WITHIN_MS));
    use_and_free(MUCH_MIB);
    EXPECT(n_threads() == 1);
    EXPECT(resident_falls_at_work(20 * MIB, ENDS_WITHIN_MS));
}

static void with_all_memory_locked_it_ends_too(void)
{
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
        puts("     memory cannot be locked here: nothing is tested");
        return;
    }
    use_and_free(MUCH_MIB);
    EXPECT(n_threads() == 2);
    EXPECT(threads_become(1, ENDS_WITHIN_MS));
}

// ---- signals ----------------------------------------------------------------------------------

static atomic_int handled_by;

static void note_thread(int signal_number)
{
    (void)signal_number;
    handled_by = gettid();
}

static bool is_for_tests(int signal_number)
{
    return signal_number != SIGKILL && signal_number != SIGSTOP && signal_number != SIGALRM &&
           (signal_number < 32 || signal_number >= SIGRTMIN);
}

// While all threads of the program block a signal, it waits for them.
static void signals_are_for_threads_of_the_program(void)
{
    sigset_t all, waiting;
    sigfillset(&all);
    given_a_thread_at_work();
    for (int i = 1; i <= SIGRTMAX; i++) {
        if (!is_for_tests(i))
            continue;
        handled_by = 0;
        signal(i, note_thread);
        pthread_sigmask(SIG_BLOCK, &all, NULL);
        EXPECT(kill(getpid(), i) == 0);
        rest_ms(5);
        sigpending(&waiting);
        EXPECT(handled_by == 0);
        EXPECT(sigismember(&waiting, i));
        pthread_sigmask(SIG_UNBLOCK, &all, NULL);
        EXPECT(handled_by == gettid());
        signal(i, SIG_DFL);
    }
    EXPECT(n_threads() == 2);   // was there all the time
}

// libc does that by a signal to every thread, and waits for all of them.
static void user_and_group_change_in_all_threads(void)
{
    for (int i = 0; i < 3; i++) {
        use_and_free(MUCH_MIB);
        for (int k = 0; k < 200; k++) {
            EXPECT(setgid(getgid()) == 0);
            EXPECT(setuid(getuid()) == 0);
            use_and_free(k % 20);
        }
        EXPECT(n_threads() == 2);
    }
}

// ---- processes --------------------------------------------------------------------------------

#define FORKING_THREADS 4
#define FORKS 5      // of each
#define KEPT_MIB 2   // by each

static atomic_int n_children_failed;

#define OF_PARENTS_MIB (FORKING_THREADS * (KEPT_MIB + 4))   // at most in use when one of them forks

// Goes on, and has a thread of its own.
static int go_on_as_child(char *const *of_parent, bool patiently)
{
    alarm(20);
    if (n_threads() != 1)
        return 2;
    for (size_t i = 0; i < KEPT_MIB; i++)
        free(of_parent[i]);
    use_and_free(60);
    if (n_threads() != 2)
        return 3;
    work_a_little();
    bool falls = !patiently || resident_falls_below((OF_PARENTS_MIB + 20) * MIB, ENDS_WITHIN_MS);
    return falls ? 0 : 4;
}

static void *fork_often(void *unused)
{
    for (size_t i = 0; i < FORKS; i++) {
        char *mine[KEPT_MIB];
        for (size_t k = 0; k < KEPT_MIB; k++)
            mine[k] = use_mib();
        use_and_free(4);
        pid_t child = fork();
        if (child == 0)
            _exit(go_on_as_child(mine, i == 0));
        int status = status_of(child);
        if (status != 0) {
            printf("     a child ended with %#x\n", (unsigned)status);
            n_children_failed++;
        }
        for (size_t k = 0; k < KEPT_MIB; k++)
            free(mine[k]);
    }
    return unused;
}

static void children_of_forks_have_their_own(void)
{
    pthread_t threads[FORKING_THREADS];
    given_a_thread_at_work();
    for (size_t i = 0; i < FORKING_THREADS; i++)
        threads[i] = start_thread(fork_often, NULL);
    for (size_t i = 0; i < FORKING_THREADS; i++)
        pthread_join(threads[i], NULL);
    EXPECT(n_children_failed == 0);
}

static char *const no_arguments[] = {"true", NULL};

static char *large[MUCH_MIB];

// The child of a vfork borrows its parent's memory, and goes without having ended its threads.
static void vfork_and_free(void)
{
    pid_t child = vfork();
    if (child == 0) {
        for (size_t i = 0; i < MUCH_MIB; i++)
            free(large[i]);   // the alarm is raised here
        execv("/bin/true", no_arguments);
        _exit(127);
    }
    EXPECT(status_of(child) == 0);
}

static void the_child_of_a_vfork_starts_none(void)
{
    for (int i = 0; i < 5; i++) {
        for (size_t k = 0; k < MUCH_MIB; k++)
            large[k] = use_mib();
        vfork_and_free();
        if (i == 0)
            EXPECT(n_threads() == 1);
    }
    use_and_free(1);
    EXPECT(n_threads() == 2);
    EXPECT(resident_falls_below(20 * MIB, ENDS_WITHIN_MS));
}

#define SHORT "short"

// A small program as there are many: it starts, needs a little for a moment, ends.
static int be_short(void)
{
    use_and_free(8);
    work_a_little();
    return n_threads() == 1 ? 0 : 1;
}

static void short_processes_have_none(void)
{
    char *const arguments[] = {"program", SHORT, NULL};
    for (int i = 0; i < 60; i++) {
        pid_t child;
        EXPECT(posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ) == 0);
        EXPECT(status_of(child) == 0);
    }
}

static void programs_are_started_while_it_works(void)
{
    for (int i = 0; i < 20; i++) {
        pid_t child;
        use_and_free(MUCH_MIB);
        EXPECT(posix_spawn(&child, "/bin/true", NULL, NULL, no_arguments, environ) == 0);
        EXPECT(status_of(child) == 0);
    }
    EXPECT(n_threads() == 2);
}

// ---- ends -------------------------------------------------------------------------------------

static void free_much_at_exit(void)
{
    use_and_free(MUCH_MIB);
}

static void a_process_exits_while_it_works(void)
{
    for (int i = 0; i < 20; i++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            alarm(10);
            if (i % 3 == 0)
                atexit(free_much_at_exit);
            use_and_free(MUCH_MIB);
            rest_ms(i % 4);
            exit(0);
        }
        EXPECT(status_of(child) == 0);
    }
}

static atomic_long *ended_ms;   // shared with the child

static void *free_much_and_end(void *unused)
{
    rest_ms(700);   // the thread finds meanwhile that main has ended
    use_and_free(MUCH_MIB);
    work_a_little();
    bool gives_back = resident_falls_at_work(20 * MIB, ENDS_WITHIN_MS);
    if (!gives_back || n_threads() != 2)   // of them main, which is not waited for
        _exit(1);
    *ended_ms = now_ms();
    return unused;
}

static void a_process_ends_with_the_last_thread_of_the_program(void)
{
    ended_ms =
        mmap(NULL, sizeof *ended_ms, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int with_other_thread = 0; with_other_thread < 2; with_other_thread++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(20);
            use_and_free(MUCH_MIB);
            *ended_ms = now_ms();
            if (with_other_thread)
                start_thread(free_much_and_end, NULL);
            pthread_exit(NULL);
        }
        EXPECT(status_of(child) == 0);
        EXPECT(now_ms() - *ended_ms < 1000);
    }
}

// ---- cases ------------------------------------------------------------------------------------

static const struct program_case cases[] = {
    CASE_OF_ANY_MALLOC(a_small_program_has_none),
    CASE_OF_ANY_MALLOC(short_processes_have_none),
    CASE_OF_NEAP(it_comes_with_much_idle_memory_and_goes_and_comes),
    CASE_OF_NEAP(where_none_may_be_started_memory_goes_back_by_calls),
    CASE_OF_NEAP(with_all_memory_locked_it_ends_too),
    CASE_OF_NEAP(signals_are_for_threads_of_the_program),
    CASE_OF_NEAP(user_and_group_change_in_all_threads),
    CASE_OF_NEAP(children_of_forks_have_their_own),
    CASE_OF_NEAP(the_child_of_a_vfork_starts_none),
    CASE_OF_NEAP(programs_are_started_while_it_works),
    CASE_OF_ANY_MALLOC(a_process_exits_while_it_works),
    CASE_OF_NEAP(a_process_ends_with_the_last_thread_of_the_program),
};

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], SHORT) == 0)
        return be_short();
    return run_cases(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
