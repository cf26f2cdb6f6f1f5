// Two threads free one object at the same instant. Each race is run in a process of its own, which
// must end with one line from neap: when the second free comes, or when the owner takes in what
// the other freed. span/span.c, front/release.c.
//
// usage: race_to_free [RACES]   of each kind
#include "kit.h"

#include <sched.h>
#include <sys/resource.h>

static int n_races = 150;   // of each kind

#define LARGE_BYTES ((size_t)300000)
#define SMALL_BYTES ((size_t)1000)

#define START_NS 20000   // after both have come: time to be on a CPU

static char           *object;
static atomic_int      n_ready;
static _Atomic int64_t start_ns;
static int             lead_ns;   // of the first over the second

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

// Waits for the other one, then to the same instant but for what it is late.
static void meet(intptr_t late_ns)
{
    if (++n_ready == 2)
        start_ns = now_ns() + START_NS;
    while (start_ns == 0)
        sched_yield();
    while (now_ns() < start_ns + late_ns)
        ;
}

// With a cache of its own, or without.
static void *free_with_cache(void *late_ns)
{
    free(opaque(malloc(10)));
    meet((intptr_t)late_ns);
    free(opaque(object));
    return NULL;
}

static void *free_without_cache(void *late_ns)
{
    meet((intptr_t)late_ns);
    free(opaque(object));
    return NULL;
}

static void race(void *(*first)(void *), void *(*second)(void *))
{
    intptr_t  late_ns[2] = {lead_ns < 0 ? -lead_ns : 0, lead_ns > 0 ? lead_ns : 0};
    pthread_t thread = start_thread(second, (void *)late_ns[1]);
    if (first == NULL) {   // the thread that allocated it
        meet(late_ns[0]);
        free(opaque(object));
    } else {
        run_in_thread(first, (void *)late_ns[0]);
    }
    pthread_join(thread, NULL);
}

// ---- kinds ------------------------------------------------------------------------------------

static void owner_and_another(void)
{
    object = opaque(malloc(SMALL_BYTES));
    race(NULL, free_with_cache);
}

static void owner_and_one_without_cache(void)
{
    object = opaque(malloc(SMALL_BYTES));
    race(NULL, free_without_cache);
}

static void two_others(void)
{
    object = opaque(malloc(SMALL_BYTES));
    race(free_with_cache, free_with_cache);
}

static void *allocate_and_end(void *unused)
{
    object = opaque(malloc(SMALL_BYTES));
    return unused;
}

static void two_when_its_thread_has_ended(void)
{
    run_in_thread(allocate_and_end, NULL);
    race(free_with_cache, free_with_cache);
}

static void owner_and_another_of_a_large_one(void)
{
    object = opaque(malloc(LARGE_BYTES));
    race(NULL, free_with_cache);
}

static void two_others_of_a_large_one(void)
{
    object = opaque(malloc(LARGE_BYTES));
    race(free_with_cache, free_with_cache);
}

// The last one in a span that its owner does not allocate from: freed, it goes to the page heap.
static void owner_and_another_of_the_last_in_its_span(void)
{
    enum { OBJECTS = 100 };
    char *objects[OBJECTS];
    for (size_t i = 0; i < OBJECTS; i++)
        objects[i] = opaque(malloc(SMALL_BYTES));
    object = objects[OBJECTS / 2];
    for (size_t i = 0; i < OBJECTS; i++)
        if (i != OBJECTS / 2)
            free(objects[i]);
    race(NULL, free_with_cache);
}

static const struct kind {
    const char *name;
    void (*run)(void);
} kinds[] = {
    {"its owner and another thread", owner_and_another},
    {"its owner and one without a cache", owner_and_one_without_cache},
    {"two other threads", two_others},
    {"two threads when its own has ended", two_when_its_thread_has_ended},
    {"the last in its span", owner_and_another_of_the_last_in_its_span},
    {"a large one, by its owner and another", owner_and_another_of_a_large_one},
    {"a large one, by two others", two_others_of_a_large_one},
};

// ---- races ------------------------------------------------------------------------------------

enum outcome { SEEN_AT_ONCE, SEEN_LATER, NOT_SEEN, ODD, OUTCOMES };

// What the child wrote, and how it ended.
static enum outcome outcome_of(int status, char *text)
{
    without_emulators_line(text);
    const char *end = strchr(text, '\n');
    bool        is_line = strncmp(text, "neap: ", 6) == 0 && end != NULL && end[1] == '\0';
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && text[0] == '\0')
        return NOT_SEEN;
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || !is_line)
        return ODD;
    return strstr(text, "by two threads at once") != NULL ? SEEN_LATER : SEEN_AT_ONCE;
}

static enum outcome run_race(const struct kind *kind)
{
    char text[2000];
    int  pipe_ends[2];
    if (pipe(pipe_ends) != 0)
        abort();
    pid_t child = fork();
    if (child == 0) {
        alarm(CASE_LIMIT_S);
        dup2(pipe_ends[1], STDERR_FILENO);
        close(pipe_ends[0]);
        close(pipe_ends[1]);
        kind->run();
        malloc_trim(0);   // takes everything in
        _exit(0);
    }
    close(pipe_ends[1]);
    size_t  length = 0;
    ssize_t n;
    while ((n = read(pipe_ends[0], text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)n;
    text[length] = '\0';
    close(pipe_ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    enum outcome outcome = outcome_of(status, text);
    if (outcome == ODD)
        fprintf(stderr, "%s: status 0x%x: %s\n", kind->name, (unsigned)status, text);
    return outcome;
}

int main(int argc, char **argv)
{
    struct rlimit no_core = {0, 0};
    int           n_bad = 0;
    setrlimit(RLIMIT_CORE, &no_core);
    if (argc > 1)
        n_races = atoi(argv[1]);
    if (!neap_is_in_use())
        return 2;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        int n[OUTCOMES] = {0};
        for (int k = 0; k < n_races; k++) {
            lead_ns = k % 41 * 10 - 200;
            n[run_race(&kinds[i])]++;
        }
        printf("%-38s %5d races: %5d seen at once, %4d later, %3d not, %d odd\n", kinds[i].name,
               n_races, n[SEEN_AT_ONCE], n[SEEN_LATER], n[NOT_SEEN], n[ODD]);
        n_bad += n[NOT_SEEN] + n[ODD];
    }
    return n_bad != 0;
}
