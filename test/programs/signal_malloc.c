// Timers interrupt every thread thousands of times a second while it allocates, and the handlers
// allocate, resize and free as well, also what their thread and others have allocated. Contents,
// errno and alignment are checked; nothing hangs. front/reserve.c, front/release.c, cache/cache.h.
#include "kit.h"

#include <sys/syscall.h>

#define THREADS 4
#define TIMER_NS 200000   // of each thread: together 20 000 signals a second
#define SLOTS 48          // objects of a thread, and of its handler
#define SHARED 32         // on their way from one to another
#define LARGE_BYTES_MAX 200000
#define ERRNO_OF_THREAD 4711
#define ERRNO_OF_HANDLER 1147

static int n_seconds = 1;   // SECONDS_TO_RUN

struct object {
    size_t        n_bytes;   // these two stand in the object's first bytes
    unsigned char mark;
    unsigned char bytes[];
};

struct worker {
    timer_t               timer;
    struct object        *own[SLOTS], *handlers[SLOTS];
    uint64_t              random, handlers_random;
    atomic_size_t         n_handled, n_asked_in_handler, n_refused_in_handler;
    atomic_size_t         n_operations;
    volatile sig_atomic_t in_handler;
};

static struct worker              workers[THREADS];
static _Thread_local volatile int this_worker;
static struct object *_Atomic     shared[SHARED];
static atomic_int                 stop, n_spoilt, n_wrong_errno;

// ---- objects ----------------------------------------------------------------------------------

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static size_t some_size(uint64_t random)
{
    size_t head = sizeof(struct object);
    switch (random % 64) {
    case 0:
        return head + random / 64 % LARGE_BYTES_MAX;
    case 1 ... 4:
        return head + random / 64 % 20000;
    default:
        return head + random / 64 % 500;
    }
}

static void fill(struct object *object, size_t n_bytes, uint64_t random)
{
    object->n_bytes = n_bytes;
    object->mark = (unsigned char)random;
    memset(object->bytes, object->mark, n_bytes - sizeof *object);
}

static void check(const struct object *object, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes - sizeof *object; i++) {
        if (object->bytes[i] != object->mark) {
            n_spoilt++;
            return;
        }
    }
}

static void expect_zero(const struct object *object, size_t n_bytes)
{
    const unsigned char *bytes = (const unsigned char *)object;
    for (size_t i = 0; i < n_bytes; i++) {
        if (bytes[i] != 0) {
            n_spoilt++;
            return;
        }
    }
}

static struct object *new_object(uint64_t random)
{
    size_t         n_bytes = some_size(random);
    struct object *object = NULL;
    switch (random >> 56) {
    case 0 ... 63:
        object = calloc(1, n_bytes);
        if (object != NULL)
            expect_zero(object, n_bytes);
        break;
    case 64 ... 79:
        object = aligned_alloc(512, n_bytes);
        n_spoilt += (uintptr_t)object % 512 != 0;
        break;
    default:
        object = malloc(n_bytes);
    }
    if (object != NULL)
        fill(object, n_bytes, random);
    return object;
}

static struct object *resized(struct object *object, uint64_t random)
{
    size_t         before = object->n_bytes, n_bytes = some_size(random);
    struct object *moved = realloc(object, n_bytes);
    if (moved == NULL)
        return object;
    check(moved, before < n_bytes ? before : n_bytes);
    fill(moved, n_bytes, random);
    return moved;
}

static void release(struct object *object)
{
    if (object != NULL)
        check(object, object->n_bytes);
    free(object);
}

// ---- what threads and their handlers do -------------------------------------------------------

// Some success may not change errno, a refusal says ENOMEM, and free changes it never.
static void operate(struct object **objects, uint64_t *state, int own_errno, bool in_handler)
{
    struct worker  *worker = &workers[this_worker];
    uint64_t        random = next_random(state);
    struct object **slot = &objects[random % SLOTS];
    bool            refused = false;
    errno = own_errno;
    if (random >> 32 & 1) {   // what goes this way is freed by another, or in another place
        *slot = atomic_exchange(&shared[(random >> 40) % SHARED], *slot);
    } else if (*slot == NULL) {
        *slot = new_object(random);
        refused = *slot == NULL;
        worker->n_asked_in_handler += in_handler;
        worker->n_refused_in_handler += in_handler && refused;
        n_spoilt += refused && !in_handler;
    } else if (random >> 33 & 1) {
        struct object *before = *slot;
        *slot = resized(*slot, random);
        refused = *slot == before && errno == ENOMEM;
    } else {
        release(*slot);
        *slot = NULL;
    }
    if (errno != own_errno && !(refused && errno == ENOMEM))
        n_wrong_errno++;
}

static void handle(int signal_number)
{
    (void)signal_number;
    struct worker *worker = &workers[this_worker];
    int            saved_errno = errno;
    for (int i = 0; i < 3; i++)
        operate(worker->handlers, &worker->handlers_random, ERRNO_OF_HANDLER, true);
    worker->n_handled++;
    errno = saved_errno;
}

static void start_timer(struct worker *worker)
{
    struct sigevent   event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
    struct itimerspec when = {{0, TIMER_NS}, {0, TIMER_NS}};
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif
    event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    if (timer_create(CLOCK_MONOTONIC, &event, &worker->timer) != 0 ||
        timer_settime(worker->timer, 0, &when, NULL) != 0)
        abort();
}

static void *work(void *number)
{
    this_worker = (int)(intptr_t)number;
    struct worker *worker = &workers[this_worker];
    worker->random = UINT64_C(0x9E3779B97F4A7C15) * (uint64_t)(this_worker + 1);
    worker->handlers_random = ~worker->random;
    start_timer(worker);
    while (!stop) {
        operate(worker->own, &worker->random, ERRNO_OF_THREAD, false);
        worker->n_operations++;
        if (worker->random % 1024 == 0)
            malloc_trim(0);
    }
    timer_delete(worker->timer);
    return NULL;
}

static void release_all(void)
{
    for (size_t i = 0; i < THREADS; i++) {
        for (size_t k = 0; k < SLOTS; k++) {
            release(workers[i].own[k]);
            release(workers[i].handlers[k]);
        }
    }
    for (size_t i = 0; i < SHARED; i++)
        release(shared[i]);
}

static void handlers_allocate_like_their_threads(void)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    pthread_t        threads[THREADS];
    size_t           n_handled = 0, n_asked = 0, n_refused = 0, n_operations = 0;
    sigaction(SIGUSR1, &action, NULL);
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = start_thread(work, (void *)i);
    rest_ms(n_seconds * 1000);
    stop = 1;
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < THREADS; i++) {
        n_handled += workers[i].n_handled;
        n_asked += workers[i].n_asked_in_handler;
        n_refused += workers[i].n_refused_in_handler;
        n_operations += workers[i].n_operations;
    }
    printf(
        "     %zu signals, %zu operations interrupted; of %zu requests in handlers %zu refused\n",
        n_handled, n_operations, n_asked, n_refused);
    fflush(stdout);
    release_all();
    EXPECT(n_spoilt == 0);
    EXPECT(n_wrong_errno == 0);
    EXPECT(n_handled > 100);           // on a busy machine; else some thousands a second
    EXPECT(n_refused < n_asked / 2);   // where a lock was held and the reserve used up
    size_t resident = resident_bytes();
    malloc_trim(0);
    EXPECT(resident_bytes() <= resident);
    EXPECT(mallinfo2().hblks == 0);
}

static const struct program_case cases[] = {
    CASE_OF_NEAP(handlers_allocate_like_their_threads),
};

int main(int argc, char **argv)
{
    const char *seconds = getenv("SECONDS_TO_RUN");
    if (seconds != NULL)
        n_seconds = atoi(seconds);
    return run_cases(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
