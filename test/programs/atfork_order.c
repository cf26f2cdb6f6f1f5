// With -DLIBRARY a library whose fork handlers allocate, registered when it is loaded; without, a
// program that is linked with it and forks. neap's own handler must run after all others.
#include <pthread.h>
#include <stdlib.h>

#ifdef LIBRARY
static void allocate(void)
{
    void *volatile object = malloc(100000);
    free(object);
}

__attribute__((constructor)) static void register_handlers(void)
{
    pthread_atfork(allocate, allocate, allocate);
}

int use_library(void);
int use_library(void)
{
    return 0;
}
#else
#include <sys/wait.h>
#include <unistd.h>

int use_library(void);

int main(void)
{
    alarm(20);   // a deadlock ends the program with a signal
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(use_library());
        int status = -1;
        waitpid(child, &status, 0);
        if (status != 0)
            return 1;
    }
    return 0;
}
#endif
