// A program whose memory others look at: takes so much, says so, and waits for a signal; or works
// on with several threads until it is killed.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OBJECTS 20000
#define MIB ((size_t)1 << 20)

static void take(void)
{
    static char *small[OBJECTS];
    for (size_t i = 0; i < OBJECTS; i++) {
        small[i] = malloc(1000);
        memset(small[i], 1, 1000);
    }
    for (size_t i = 0; i < OBJECTS; i++) {
        if (i % 10 != 0)
            free(small[i]);
    }
    memset(malloc(40 * MIB), 1, 40 * MIB);
}

static void *work(void *argument)
{
    unsigned long random = (unsigned long)argument;
    static char  *objects[4][500];
    char        **own = objects[random];
    for (;;) {
        random = random * 6364136223846793005UL + 1442695040888963407UL;
        size_t i = (random >> 33) % 500, kind = (random >> 50) % 100;
        free(own[i]);
        own[i] = malloc((random >> 20) % (kind == 0 ? MIB : kind < 20 ? 16384 : 500));
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "work") == 0) {
        pthread_t thread;
        for (unsigned long i = 1; i < 4; i++) {
            if (pthread_create(&thread, NULL, work, (void *)i) != 0)
                return 1;
        }
        puts("ready");
        (void)fflush(stdout);
        work(NULL);
    }
    take();
    puts("ready");
    (void)fflush(stdout);
    pause();
    return 0;
}
