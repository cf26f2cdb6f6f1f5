// A program that ends in the way its argument says, for exit_stats.sh: 40 MiB are live and
// 10 000 objects of 100 bytes. With -DLIBRARY it is a library that holds 24 MiB until the end.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB 1048576u

#ifdef LIBRARY
static void *volatile until_the_end;

__attribute__((constructor)) static void at_the_beginning(void)
{
    until_the_end = malloc(24 * MIB);
}

__attribute__((destructor)) static void at_the_end(void)
{
    free(until_the_end);
}
#else
static void *live, *volatile objects[10000];

static void *exit_in_thread(void *unused)
{
    (void)unused;
    exit(6);
}

static void allocate(void)
{
    live = malloc(40 * MIB);
    memset(live, 1, 40 * MIB);
    for (size_t i = 0; i < 10000; i++)
        objects[i] = malloc(100);
}

// A child that has no exec, and ends as any program does.
static void fork_one(void)
{
    pid_t child = fork();
    if (child == 0) {
        free(live);
        exit(7);
    }
    (void)waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    allocate();
    printf("%d\n", (int)getpid());
    (void)fflush(stdout);
    if (strcmp(how, "_exit") == 0)
        _exit(3);
    if (strcmp(how, "kill") == 0)
        (void)raise(SIGKILL);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "quick_exit") == 0)
        quick_exit(4);
    if (strcmp(how, "exec") == 0)
        (void)execl("/bin/true", "true", (char *)NULL);
    if (strcmp(how, "fork") == 0)
        fork_one();
    if (strcmp(how, "clearenv") == 0)
        (void)clearenv();
    if (strcmp(how, "thread") == 0) {
        pthread_t thread;
        (void)pthread_create(&thread, NULL, exit_in_thread, NULL);
        (void)pthread_join(thread, NULL);
    }
    return 5;
}
#endif
