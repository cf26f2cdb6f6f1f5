// Random traffic through front on the fake kernel, by one thread that plays many: with a cache and
// without, in signal handlers, ending, forking, tidying. All objects handed out are kept in a list
// that knows nothing of spans; none overlaps another, and the books and invariants agree with it.
//
// front/release.c, front/allocate.c, cache/cache.c, cache/caches.c.
#include "effort.h"
#include "front/describe.h"
#include "front/heap.h"
#include "front/release.h"
#include "front/thread.h"
#include "random.h"
#include "unit_kit.h"
#include "vm_fake.h"

#include <stdlib.h>
#include <string.h>

#define THREADS 5   // the last one has no cache
#define OBJECTS_MAX 4000
#define FREED 64
#define STEPS EFFORT(400000, 60000)
#define STEPS_PER_VERIFY 2000

struct object {
    char  *start;
    size_t n_bytes;
    int    heap;   // -1: of none
};

static struct model {
    struct random_source random;
    struct cache        *caches[THREADS];
    struct neap_heap    *heaps[2];
    struct object        live[OBJECTS_MAX];
    size_t               n_live, n_goal;
    char                *freed[FREED];   // some of those that were
    unsigned             classes[6];     // those in use at the moment: few, so that spans meet
} model;

static size_t below(size_t n)
{
    return random_below(&model.random, n);
}

static void become(size_t thread)
{
    this_thread.cache = model.caches[thread];
    this_thread.ended = this_thread.cache == NULL;
}

// ---- the list of objects ----------------------------------------------------------------------

static bool is_live(const char *start)
{
    for (size_t i = 0; i < model.n_live; i++)
        if (model.live[i].start == start)
            return true;
    return false;
}

static void expect_no_overlap(const char *start, size_t n_bytes)
{
    for (size_t i = 0; i < model.n_live; i++) {
        const struct object *other = &model.live[i];
        if (start < other->start + other->n_bytes && other->start < start + n_bytes)
            fail_msg("%p (%zu bytes) is handed out where %p (%zu bytes) is", (const void *)start,
                     n_bytes, (void *)other->start, other->n_bytes);
    }
}

static void note_live(void *start, size_t n_bytes, int heap)
{
    size_t usable_bytes = 0;
    assert_non_null(start);
    assert_int_equal((uintptr_t)start % OBJECT_ALIGN, 0);
    assert_int_equal(front_usable_bytes(start, &usable_bytes), POINTER_TO_OBJECT);
    assert_true(usable_bytes >= n_bytes);
    if (below(4) == 0)
        expect_no_overlap(start, usable_bytes);
    model.live[model.n_live++] = (struct object){start, usable_bytes, heap};
}

static void forget(size_t i)
{
    model.freed[below(FREED)] = model.live[i].start;
    model.live[i] = model.live[--model.n_live];
}

static int by_address(const void *a, const void *b)
{
    const struct object *left = a, *right = b;
    return left->start < right->start ? -1 : left->start > right->start;
}

struct walked {
    size_t n_small, n_large, large_bytes;
};

// The objects are sorted.
static bool expect_in_model(void *context, const struct place *place)
{
    struct walked *walked = context;
    struct object  key = {place->start, 0, 0};
    struct object *object =
        bsearch(&key, model.live, model.n_live, sizeof model.live[0], by_address);
    assert_non_null(object);
    assert_int_equal(object->n_bytes, place->n_bytes);
    assert_ptr_equal(place->heap, object->heap < 0 ? NULL : model.heaps[object->heap]);
    bool is_small = place->n_bytes < place->span_bytes;   // a span has several slots
    walked->n_small += is_small;
    walked->n_large += !is_small;
    walked->large_bytes += is_small ? 0 : place->n_bytes;
    return true;
}

static void expect_as_listed(void)
{
    struct front_account account;
    struct walked        walked = {0, 0, 0};
    size_t               n_reserved = 0;
    release_late_frees(&process_heap);
    qsort(model.live, model.n_live, sizeof model.live[0], by_address);
    for (size_t i = 0; i < model.n_live; i++) {
        const struct object *object = &model.live[i];
        assert_true(i == 0 || object[-1].start + object[-1].n_bytes <= object->start);
        n_reserved += reserve_contains(object->start);
    }
    assert_true(places_walk(NULL, expect_in_model, &walked));
    assert_int_equal(walked.n_small + walked.n_large + n_reserved, model.n_live);
    const char *broken = front_verify();
    assert_string_equal(broken == NULL ? "" : broken, "");
    front_account_read(&account);
    assert_int_equal(account.slots.used_slots, walked.n_small);
    assert_int_equal(account.large_objects, walked.n_large);
    assert_int_equal(account.large_bytes, walked.large_bytes);
    assert_int_equal(account.slots.used_bytes + account.slots.free_bytes +
                         account.slots.released_bytes + account.large_bytes,
                     account.pages.in_use_bytes);
    assert_int_equal(process_heap.reserve.used != 0, n_reserved > 0);
    expect_books(&process_heap.pages);
}

// ---- what threads do --------------------------------------------------------------------------

static size_t some_size(void)
{
    size_t what = below(100);
    if (what == 0)
        return SMALL_BYTES_MAX + 1 + below(300 * KIB);
    if (what < 5)
        return below(SMALL_BYTES_MAX + 1);
    return size_classes[model.classes[below(LENGTH_OF(model.classes))]].slot_bytes - below(16);
}

static void allocate(void)
{
    if (model.n_live == OBJECTS_MAX)
        return;
    size_t n_bytes = some_size();
    size_t alignment = below(16) == 0 ? (size_t)1 << below(15) : 1;
    void  *start =
        alignment == 1 ? front_allocate(n_bytes) : front_allocate_aligned(alignment, n_bytes);
    if (start == NULL && lock_this_thread_has_any())
        return;   // the reserve is used up
    assert_int_equal((uintptr_t)start % alignment, 0);
    note_live(start, n_bytes, -1);
}

static void allocate_in_a_heap(void)
{
    if (model.n_live == OBJECTS_MAX)
        return;
    int    heap = (int)below(LENGTH_OF(model.heaps));
    size_t n_bytes = some_size();
    bool   zero_known;
    note_live(heap_allocate(model.heaps[heap], 1, n_bytes, &zero_known), n_bytes, heap);
}

static void release(void)
{
    if (model.n_live == 0)
        return;
    size_t i = below(model.n_live);
    assert_int_equal(front_release(model.live[i].start), POINTER_TO_OBJECT);
    forget(i);
}

static void release_what_is_freed(void)
{
    char *start = model.freed[below(FREED)];
    if (start != NULL && !is_live(start))
        assert_int_not_equal(front_release(start), POINTER_TO_OBJECT);
    if (model.n_live == 0)
        return;
    const struct object *object = &model.live[below(model.n_live)];
    if (reserve_contains(object->start))
        return;
    size_t inside = 1 + below(object->n_bytes - 1);
    assert_int_equal(front_release(object->start + inside), POINTER_INSIDE);
}

static void allocate_or_release(void)
{
    // Towards a goal that changes: spans fill, and empty again.
    bool more = model.n_live < model.n_goal;
    if (below(100) < (more ? 60 : 40))
        allocate();
    else
        release();
}

// A signal handler that has interrupted its thread inside its cache, or where it holds a lock.
static NO_LOCK_ANALYSIS void interrupt(size_t thread)
{
    struct lock *locks[] = {&process_heap.pages.lock, &process_heap.caches.lock,
                            &process_heap.central.lists[model.classes[0]].lock};
    struct lock *lock = below(2) == 0 ? locks[below(LENGTH_OF(locks))] : NULL;
    bool         inside = model.caches[thread] != NULL && below(2) == 0;
    if (inside)
        assert_true(cache_enter(model.caches[thread]));
    if (lock != NULL)
        lock_acquire(lock);
    for (size_t n = below(8); n > 0; n--)
        allocate_or_release();
    if (lock != NULL)
        lock_release(lock);
    if (inside)
        cache_leave(model.caches[thread]);
}

// ---- what happens now and then ----------------------------------------------------------------

static void a_thread_ends(void)
{
    size_t thread = below(THREADS - 1);
    size_t other = below(THREADS - 1);
    if (thread == other)
        return;
    caches_orphan(&process_heap.caches, model.caches[thread]);
    caches_orphan(&process_heap.caches, model.caches[other]);
    model.caches[thread] = caches_adopt(&process_heap.caches, 0);
    model.caches[other] = caches_adopt(&process_heap.caches, 0);
    assert_true(model.caches[thread] != NULL && model.caches[other] != NULL);
}

// We go on in the child, with other threads in the place of those that are not there.
static void a_thread_forks(size_t thread)
{
    front_fork_prepare();
    if (below(2) == 0) {
        front_fork_parent();
        return;
    }
    front_fork_child();
    for (size_t i = 0; i < THREADS - 1; i++) {
        if (i == thread)
            continue;
        model.caches[i] = caches_adopt(&process_heap.caches, 0);
        assert_non_null(model.caches[i]);
    }
}

static void a_heap_is_destroyed(void)
{
    int heap = (int)below(LENGTH_OF(model.heaps));
    heap_destroy(model.heaps[heap]);
    for (size_t i = model.n_live; i > 0; i--)
        if (model.live[i - 1].heap == heap)
            forget(i - 1);
    model.heaps[heap] = heap_create("again");
    assert_non_null(model.heaps[heap]);
}

// What a signal handler does that interrupts the thread that cools; it may not trim.
static void while_pages_go_back(size_t n_bytes)
{
    for (size_t n = below(4); n > 0; n--)
        allocate_or_release();
}

static void choose_classes_and_goal(void)
{
    for (size_t i = 0; i < LENGTH_OF(model.classes); i++)
        model.classes[i] =
            (unsigned)random_between(&model.random, SIZE_CLASS_FIRST, SIZE_CLASSES - 1);
    model.n_goal = below(OBJECTS_MAX);
}

static void now_and_then(size_t thread)
{
    switch (below(18)) {
    case 0:
        caches_tidy(&process_heap.caches);
        break;
    case 1:
        caches_empty(&process_heap.caches);
        break;
    case 2:
        front_trim();
        break;
    case 3:
        central_tidy(&process_heap.central);
        break;
    case 4:
        a_heap_is_destroyed();
        break;
    case 5:
        choose_classes_and_goal();
        break;
    case 6:
        a_thread_forks(thread);
        break;
    case 7:
    case 8:
        caches_rest(&process_heap.caches);
        break;
    case 9:
    case 10:
        central_cool(&process_heap.central, below(4 * MIB));
        break;
    case 11:
        cache_hand_over(model.caches[below(THREADS - 1)], below(20));
        break;
    default:
        a_thread_ends();
    }
}

static void step(void)
{
    size_t thread = below(THREADS);
    become(thread);
    size_t what = below(1000);
    if (what < 880)
        allocate_or_release();
    else if (what < 920)
        allocate_in_a_heap();
    else if (what < 970)
        release_what_is_freed();
    else if (what < 995)
        interrupt(thread);
    else
        now_and_then(thread);
}

static void begin(void)
{
    vm_fake_reset(4 * KIB);
    vm_fake_at_unuse(while_pages_go_back);
    model.random.state = unit_random_start().state;
    for (size_t i = 0; i < THREADS - 1; i++) {
        model.caches[i] = caches_adopt(&heap_get()->caches, SIZE_MAX);
        assert_non_null(model.caches[i]);
    }
    for (size_t i = 0; i < LENGTH_OF(model.heaps); i++)
        model.heaps[i] = heap_create("model");
    choose_classes_and_goal();
}

static void random_traffic_is_as_in_a_list_of_objects(void **state)
{
    begin();
    for (size_t i = 0; i < STEPS; i++) {
        step();
        if (i % STEPS_PER_VERIFY == 0)
            expect_as_listed();
    }
    expect_as_listed();
    vm_fake_at_unuse(NULL);
    while (model.n_live > 0) {
        become(below(THREADS));
        release();
    }
    expect_as_listed();
    front_trim();
    struct front_account account;
    front_account_read(&account);
    assert_int_equal(account.pages.in_use_bytes, 0);
    expect_as_listed();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_traffic_is_as_in_a_list_of_objects),
    };
    return cmocka_run_group_tests_name("caches model", tests, NULL, NULL);
}
