// What one thread allocates and another frees: it is found again, by whom it belongs to or by
// others, and nobody gathers it. cache/caches.c, cache/cache.c, span/span.c, span/central.c.
#include "kit.h"

// ---- a producer whose consumer keeps up -------------------------------------------------------

#define MESSAGES 150000   // more than twice what a count of 16 bits holds
#define MESSAGE_BYTES 32000
#define HANDING_OVER_S 3   // at most; where threads wait long for a CPU, this is not all messages

static _Atomic(void *) box;

static void put_into_box(void *message)
{
    box = message;
    while (box != NULL)
        sched_yield();
}

static void receive_until(const void *last, void (*receive)(void *message))
{
    for (void *message = NULL; message != last;) {
        while ((message = box) == NULL)
            sched_yield();
        if (message != last)
            receive(message);
        box = NULL;
    }
}

static void *free_what_is_in_the_box(void *last)
{
    receive_until(last, free);
    return NULL;
}

// Uses all slots of a fresh span but one.
static void leave_one_slot(void *(*allocate)(size_t n_bytes))
{
    struct neap_block found = look_at(opaque(allocate(MESSAGE_BYTES)));
    for (size_t n = found.span_size / found.size; n > 2; n--)
        opaque(allocate(MESSAGE_BYTES));
}

// Two messages are never in use at once, so that all lie in one slot, and each of them is the first
// that somebody else frees in its span.
static void notes_of_a_span_in_steady_use_are_received(void)
{
    static char last;
    pthread_t   consumer = start_thread(free_what_is_in_the_box, &last);
    time_t      end = time(NULL) + HANDING_OVER_S;
    if (describe != NULL)
        leave_one_slot(malloc);
    for (int i = 0; i < MESSAGES && time(NULL) < end; i++) {
        char *message = opaque(malloc(MESSAGE_BYTES));
        message[0] = 1;
        put_into_box(message);
    }
    put_into_box(&last);
    pthread_join(consumer, NULL);
    malloc_trim(0);
}

// The same without a second thread: whoever frees in a first-class heap is not the span's owner.
static neap_heap *(*create_heap)(const char *name);
static void *(*allocate_in_heap)(neap_heap *heap, size_t n_bytes);
static neap_heap *heap;

static void *allocate_message(size_t n_bytes)
{
    return opaque(allocate_in_heap(heap, n_bytes));
}

static void notes_of_a_span_of_a_heap_are_received(void)
{
    create_heap = (neap_heap * (*)(const char *)) dlsym(RTLD_DEFAULT, "neap_heap_create");
    allocate_in_heap = (void *(*)(neap_heap *, size_t))dlsym(RTLD_DEFAULT, "neap_heap_malloc");
    heap = create_heap("messages");
    leave_one_slot(allocate_message);
    for (int i = 0; i < MESSAGES; i++)
        free(allocate_message(MESSAGE_BYTES));
    malloc_trim(0);
}

// ---- much that others have freed --------------------------------------------------------------

#define OBJECTS 100000
#define OBJECT_BYTES 1000

static char      *objects[OBJECTS];
static atomic_int n_built;

static void build(void)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        objects[i] = opaque(malloc(OBJECT_BYTES));
        memset(objects[i], 1, OBJECT_BYTES);
    }
}

static void *build_and_end(void *unused)
{
    build();
    n_built = 1;
    return unused;
}

static void *build_and_rest(void *unused)
{
    build_and_end(unused);
    for (;;)
        pause();
    return unused;
}

// It is seldom inside its cache: where it waits for a CPU there, nobody can do anything.
static void *build_and_go_on_with_one_class(void *unused)
{
    build_and_end(unused);
    for (;;) {
        free(opaque(malloc(64)));
        for (int i = 0; i < 1000; i++)
            opaque(NULL);
    }
    return unused;
}

static void what_others_freed_is_used_again(void *(*owner)(void *), bool ends)
{
    pthread_t thread = start_thread(owner, NULL);
    if (ends)
        pthread_join(thread, NULL);
    wait_for(&n_built, 1);
    size_t once_bytes = resident_bytes();
    EXPECT(once_bytes > (size_t)OBJECTS * OBJECT_BYTES);
    for (size_t i = 0; i < OBJECTS; i++)
        free(objects[i]);
    build();
    EXPECT(resident_bytes() < once_bytes + once_bytes / 10 * 3);
}

static void what_others_freed_of_an_ended_thread_is_used_again(void)
{
    what_others_freed_is_used_again(build_and_end, true);
}

static void what_others_freed_of_a_resting_thread_is_used_again(void)
{
    what_others_freed_is_used_again(build_and_rest, false);
}

static void what_others_freed_of_a_busy_thread_is_used_again(void)
{
    what_others_freed_is_used_again(build_and_go_on_with_one_class, false);
}

// ---- threads without caches -------------------------------------------------------------------

#define PRODUCERS 4
#define BATCHES 250
#define KEPT_OF_BATCH 8   // and as many not kept: in all below what earns a cache
#define KEPT_BYTES 64

static const char *kept_in_span[PRODUCERS * BATCHES * KEPT_OF_BATCH];   // where it begins
static size_t      n_kept;

static void *keep_every_other(void *unused)
{
    void *not_kept[KEPT_OF_BATCH];
    for (int i = 0; i < BATCHES; i++) {
        for (int k = 0; k < KEPT_OF_BATCH; k++) {
            kept_in_span[n_kept++] = look_at(opaque(malloc(KEPT_BYTES))).span_start;
            not_kept[k] = opaque(malloc(KEPT_BYTES));
        }
        put_into_box(not_kept);
    }
    return unused;
}

static void free_batch(void *message)
{
    void **not_kept = message;
    for (int k = 0; k < KEPT_OF_BATCH; k++)
        free(not_kept[k]);
}

static void *keep_in_all_threads(void *last)
{
    for (int i = 0; i < PRODUCERS; i++)
        run_in_thread(keep_every_other, NULL);
    put_into_box(last);
    return NULL;
}

static int by_address(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return *left < *right ? -1 : *left > *right;
}

// Whoever frees the others has a cache; were the span to become his, each batch kept would cost a
// span.
static void a_span_in_use_is_not_taken_away_by_who_frees_in_it(void)
{
    static char last;
    char       *object = opaque(malloc(KEPT_BYTES));
    size_t      span_bytes = look_at(object).span_size;
    free(object);
    give_all_caches_away();
    pthread_t producers = start_thread(keep_in_all_threads, &last);
    receive_until(&last, free_batch);
    pthread_join(producers, NULL);
    qsort(kept_in_span, n_kept, sizeof kept_in_span[0], by_address);
    size_t n_spans = 1;
    for (size_t i = 1; i < n_kept; i++)
        n_spans += kept_in_span[i] != kept_in_span[i - 1];
    EXPECT(n_spans * span_bytes < 3 * n_kept * KEPT_BYTES);
}

static const void *span_without_cache[2];

static void *note_span(void *which)
{
    void *object = opaque(malloc(KEPT_BYTES));   // stays
    *(const void **)which = look_at(object).span_start;
    return NULL;
}

static atomic_int forking, n_allocated, stop;

static void fork_begins(void)
{
    forking = 1;
}

static void fork_is_over(void)
{
    forking = 2;
}

static void *allocate_now_and_then(void *unused)
{
    while (!stop) {
        free(opaque(malloc(KEPT_BYTES)));
        n_allocated++;
        rest_ms(1);
    }
    return unused;
}

static void *fork_once(void *unused)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT(status == 0);
    return unused;
}

// A fork waits for a thread that is inside its cache. Threads without one need not wait with it.
static void threads_without_caches_wait_for_no_cache(void)
{
    hold_a_thread_inside();
    give_all_caches_away();
    run_in_thread(note_span, &span_without_cache[0]);
    run_in_thread(note_span, &span_without_cache[1]);
    EXPECT(span_without_cache[0] == span_without_cache[1]);   // else they have caches
    pthread_t allocating = start_thread(allocate_now_and_then, NULL);
    wait_for(&n_allocated, 1);
    pthread_atfork(fork_begins, fork_is_over, NULL);
    pthread_t forks = start_thread(fork_once, NULL);
    wait_for(&forking, 1);
    rest_ms(20);   // now it waits
    int before = n_allocated;
    while (n_allocated < before + 5 && forking == 1)
        rest_ms(1);
    EXPECT(n_allocated >= before + 5);
    let_the_thread_go();
    pthread_join(forks, NULL);
    stop = 1;
    pthread_join(allocating, NULL);
}

// ---- a request that cannot be granted ---------------------------------------------------------

static char *freed_object;

static void *free_one_and_rest(void *unused)
{
    freed_object = opaque(malloc(KEPT_BYTES));
    free(freed_object);
    n_built = 1;
    for (;;)
        pause();
    return unused;
}

// A thread that has freed all of a span keeps the span, for what comes next. malloc_trim() takes it
// away from a thread that rests; a request larger than the heap is no reason to.
static void a_request_larger_than_the_heap_leaves_caches_as_they_are(void)
{
    start_thread(free_one_and_rest, NULL);
    wait_for(&n_built, 1);
    EXPECT(look_at(freed_object).start == freed_object);
    for (int i = 0; i < 100; i++)
        EXPECT(opaque(malloc((size_t)1 << 62)) == NULL);
    EXPECT(look_at(freed_object).start == freed_object);
    malloc_trim(0);
    EXPECT(look_at(freed_object).start == NULL);   // as it would have been
}

static const struct program_case cases[] = {
    CASE_OF_ANY_MALLOC(notes_of_a_span_in_steady_use_are_received),
    CASE_OF_NEAP(notes_of_a_span_of_a_heap_are_received),
    CASE_OF_NEAP(what_others_freed_of_an_ended_thread_is_used_again),
    CASE_OF_NEAP(what_others_freed_of_a_resting_thread_is_used_again),
    CASE_OF_NEAP(what_others_freed_of_a_busy_thread_is_used_again),
    CASE_OF_NEAP(a_span_in_use_is_not_taken_away_by_who_frees_in_it),
    CASE_OF_NEAP(threads_without_caches_wait_for_no_cache),
    CASE_OF_NEAP(a_request_larger_than_the_heap_leaves_caches_as_they_are),
};

int main(int argc, char **argv)
{
    return run_cases(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
