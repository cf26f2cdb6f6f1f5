// neap opened by dlopen in a process whose libraries have used up almost all room for thread-local
// storage that is set aside for them, and that has many threads: there is room for neap's, and all
// threads, old and new, may use it. base/compiler.h, front/thread.h.
//
// With -DLIBRARY a library of thread-local data; with -DSTATIC_TLS of the kind that takes room.
//
// usage: dlopen_tls NEAP STATIC_LIBRARY... -- DYNAMIC_LIBRARY...
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef LIBRARY

#ifdef STATIC_TLS
static _Thread_local char memory[64] __attribute__((tls_model("initial-exec")));
#else
static _Thread_local char memory[65536];
#endif

char *thread_memory(void);
char *thread_memory(void)
{
    return memory;
}

#else

#define THREADS 8

static struct {
    void *(*malloc)(size_t n_bytes);
    void (*free)(void *object);
    void *(*realloc)(void *object, size_t n_bytes);
    size_t (*usable_size)(void *object);
} neap;

static atomic_int n_ready, neap_is_there, n_wrong;

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "dlopen_tls: %s: %s\n", what, why != NULL ? why : "");
    return 1;
}

static void use_neap(void)
{
    void *objects[200];
    for (size_t round = 0; round < 50; round++) {
        for (size_t i = 0; i < 200; i++) {
            size_t n_bytes = i % 50 == 0 ? 100000 : i * 7;
            objects[i] = memset(neap.malloc(n_bytes), (int)i, n_bytes);
            objects[i] = neap.realloc(objects[i], n_bytes + 100);
            n_wrong += neap.usable_size(objects[i]) < n_bytes + 100;
        }
        for (size_t i = 0; i < 200; i++) {
            n_wrong += i > 0 && i % 50 != 0 && ((unsigned char *)objects[i])[i * 7 - 1] != i;
            neap.free(objects[i]);
        }
    }
}

static void *thread_main(void *unused)
{
    n_ready++;
    while (!neap_is_there)
        usleep(1000);
    use_neap();
    return unused;
}

static int start_threads(pthread_t threads[THREADS])
{
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, thread_main, NULL) != 0)
            return fail("pthread_create", NULL);
    return 0;
}

static void end_threads(const pthread_t threads[THREADS])
{
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static int open_neap(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return fail(path, dlerror());
    *(void **)&neap.malloc = dlsym(library, "neap_malloc");
    *(void **)&neap.free = dlsym(library, "neap_free");
    *(void **)&neap.realloc = dlsym(library, "neap_realloc");
    *(void **)&neap.usable_size = dlsym(library, "neap_malloc_usable_size");
    return 0;
}

// Returns how many of them could be opened before there was no room for one.
static int open_while_there_is_room(char **paths, int n)
{
    for (int i = 0; i < n; i++) {
        if (dlopen(paths[i], RTLD_NOW | RTLD_LOCAL) != NULL)
            continue;
        const char *why = dlerror();
        if (strstr(why, "static TLS") != NULL)
            return i;
        fail(paths[i], why);
        _exit(1);
    }
    return n;
}

// The same, tried in a child.
static int room_for(char **paths, int n)
{
    pid_t child = fork();
    if (child == 0)
        _exit(100 + open_while_there_is_room(paths, n));
    int status = 0;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status) - 100;
}

int main(int argc, char **argv)
{
    pthread_t before[THREADS], after[THREADS];
    char    **statics = argv + 2;
    int       n_statics = 0;
    while (2 + n_statics < argc && strcmp(statics[n_statics], "--") != 0)
        n_statics++;
    int room = room_for(statics, n_statics);
    if (room <= 0 || start_threads(before) != 0)
        return 2;
    while (n_ready < THREADS)
        usleep(1000);
    // One fewer than there is room for: neap needs less than it would.
    open_while_there_is_room(statics, room - 1);
    for (int i = 3 + n_statics; i < argc; i++)
        if (dlopen(argv[i], RTLD_NOW | RTLD_LOCAL) == NULL)
            return fail(argv[i], dlerror());
    if (open_neap(argv[1]) != 0)
        return 1;
    neap_is_there = 1;
    if (start_threads(after) != 0)
        return 2;
    use_neap();
    end_threads(before);
    end_threads(after);
    if (n_wrong != 0)
        return fail("contents", NULL);
    printf("there is room for %d libraries of 64 bytes, and for neap beside one fewer%s\n", room,
           room == n_statics ? " (at least)" : "");
    return room == n_statics;   // then nothing was tested
}

#endif
