// The thread that gives memory back in programs that have neap otherwise than by LD_PRELOAD or as
// their malloc: opened by dlopen (argument: the library), and linked statically with everything
// else (no argument). Without the kit, which needs a dynamic program. front/background.c,
// os/host_linux.c.
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define LARGE 60
#define LIMIT_S 30

static void *(*allocate)(size_t) = malloc;
static void (*release)(void *) = free;

static int fail(const char *what)
{
    fprintf(stderr, "background_elsewhere.c: does not hold: %s\n", what);
    return 1;
}

static void rest_ms(long n)
{
    nanosleep(&(struct timespec){.tv_sec = n / 1000, .tv_nsec = n % 1000 * 1000000}, NULL);
}

static size_t n_threads(void)
{
    struct stat folder;
    return stat("/proc/self/task", &folder) == 0 ? (size_t)folder.st_nlink - 2 : 0;
}

static size_t resident_mib(void)
{
    size_t size = 0, resident = 0;
    FILE  *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%zu %zu", &size, &resident) != 2)
        abort();
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE) / MIB;
}

static void use_and_free(void)
{
    char *large[LARGE];
    for (size_t i = 0; i < LARGE; i++)
        large[i] = memset(allocate(MIB), 1, MIB);
    for (size_t i = 0; i < LARGE; i++)
        release(large[i]);
}

static void work_a_little(void)
{
    for (size_t i = 1; i < 10; i++)
        release(allocate(i * 40000));
}

static bool falls_at_work(void)
{
    for (int i = 0; i < 1000; i++) {
        work_a_little();
        if (resident_mib() < LARGE / 2)
            return true;
        rest_ms(10);
    }
    return false;
}

static bool falls_while_idle(void)
{
    for (int i = 0; i < 100; i++, rest_ms(100))
        if (resident_mib() < LARGE / 2)
            return true;
    return false;
}

static int goes_on_in_a_child(void)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(LIMIT_S);
        use_and_free();
        _exit(falls_at_work() ? 0 : 1);
    }
    int status = -1;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}

static void *use_and_free_in_thread(void *unused)
{
    use_and_free();
    return unused;
}

// libc's own calls of malloc cannot be told from the program's: with threads, none is started.
static int in_a_static_program(void)
{
    use_and_free();
    if (!falls_at_work())
        return fail("memory goes back in a static program");
    for (int i = 0; i < 20; i++) {
        pthread_t threads[4];
        for (size_t k = 0; k < 4; k++)
            if (pthread_create(&threads[k], NULL, use_and_free_in_thread, NULL) != 0)
                return fail("threads");
        for (size_t k = 0; k < 4; k++)
            pthread_join(threads[k], NULL);
    }
    if (!falls_at_work())
        return fail("and in one with threads");
    return goes_on_in_a_child() == 0 ? 0 : fail("and in the child of a fork");
}

// The thread outlives dlclose.
static int opened(const char *path)
{
    for (int i = 0; i < 3; i++) {
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (library == NULL)
            return fail(dlerror());
        allocate = (void *(*)(size_t))dlsym(library, "neap_malloc");
        release = (void (*)(void *))dlsym(library, "neap_free");
        use_and_free();
        if (n_threads() != 2)
            return fail("there is a thread");
        if (dlclose(library) != 0)
            return fail("dlclose");
        rest_ms(200);
    }
    if (!falls_while_idle())
        return fail("memory goes back after dlclose");
    return goes_on_in_a_child() == 0 ? 0 : fail("and in the child of a fork");
}

int main(int argc, char **argv)
{
    alarm(LIMIT_S);
    return argc > 1 ? opened(argv[1]) : in_a_static_program();
}
