// Work for every part of malloc's family, in threads and in a child; prints sums. Linked statically
// with neap, and run under valgrind, sanitizers, gdb and strace. Argument: rounds.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define KEPT 512
#define BYTES_MAX 20000

struct worker {
    pthread_t thread;
    uint64_t  state, sum;
    int       rounds;
    struct {
        unsigned char *bytes;
        size_t         n;
    } kept[KEPT];
};

static uint64_t next(struct worker *worker)   // xorshift
{
    worker->state ^= worker->state << 13;
    worker->state ^= worker->state >> 7;
    worker->state ^= worker->state << 17;
    return worker->state;
}

static void fail(const char *what)
{
    fprintf(stderr, "work: %s\n", what);
    exit(1);
}

// Every byte of an object says where it is: its place modulo 251, from a start of its own.
static void fill(unsigned char *bytes, size_t from, size_t n, unsigned start)
{
    for (size_t i = from; i < n; i++)
        bytes[i] = (unsigned char)((i + start) % 251);
}

static void check(struct worker *worker, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != (i + bytes[0]) % 251)
            fail("an object has changed");
    worker->sum = worker->sum * 31 + n + (n > 0 ? bytes[0] : 0);
}

static unsigned char *get(struct worker *worker, size_t n)
{
    void *bytes = NULL;
    switch (next(worker) % 4) {
    case 0:
        bytes = malloc(n);
        break;
    case 1:
        bytes = calloc(n, 1);
        for (size_t i = 0; i < n; i++)
            if (((unsigned char *)bytes)[i] != 0)
                fail("calloc's memory is not zero");
        break;
    case 2:
        bytes = aligned_alloc(64, (n + 63) / 64 * 64);
        break;
    default:
        if (posix_memalign(&bytes, 256, n) != 0)
            fail("posix_memalign");
        break;
    }
    if (bytes == NULL)
        fail("no memory");
    return bytes;
}

static void *run(void *argument)
{
    struct worker *worker = argument;
    for (int round = 0; round < worker->rounds; round++) {
        size_t         place = next(worker) % KEPT, most = (size_t)1 << next(worker) % 15;
        size_t         n = next(worker) % BYTES_MAX % most + 1;
        unsigned char *bytes = worker->kept[place].bytes;
        if (bytes == NULL) {
            bytes = get(worker, n);
            fill(bytes, 0, n, (unsigned)(next(worker) % 251));
        } else if (next(worker) % 2 == 0) {
            size_t old = worker->kept[place].n;
            check(worker, bytes, old);
            bytes = realloc(bytes, n);
            check(worker, bytes, n < old ? n : old);
            fill(bytes, old, n, bytes[0]);
        } else {
            check(worker, bytes, worker->kept[place].n);
            free(bytes);
            bytes = NULL;
            n = 0;
        }
        worker->kept[place].bytes = bytes;
        worker->kept[place].n = n;
    }
    for (int place = 0; place < KEPT; place++) {
        check(worker, worker->kept[place].bytes, worker->kept[place].n);
        free(worker->kept[place].bytes);
    }
    return NULL;
}

static void run_all(const char *who, int rounds, unsigned seed)
{
    struct worker *workers = calloc(THREADS, sizeof *workers);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].state = seed + i * 0x9e3779b97f4a7c15;
        workers[i].rounds = rounds;
        if (pthread_create(&workers[i].thread, NULL, run, &workers[i]) != 0)
            fail("pthread_create");
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        printf("%s %d %016llx\n", who, i, (unsigned long long)workers[i].sum);
    }
    fflush(stdout);
    free(workers);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1000;
    run_all("parent", rounds, 20231);
    pid_t child = fork();
    if (child == 0) {
        run_all("child", rounds, 4711);
        exit(0);
    }
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        fail("the child failed");
    return 0;
}
