// front in a signal handler that has interrupted its thread at any place: the lock that the thread
// holds is not waited for, and nothing is lost. Also a fork between the two halves of a fork.
//
// front/allocate.c, front/release.c, front/resize.c, front/heap.c, front/reserve.c.
#include "child.h"
#include "front/heap.h"
#include "front/heaps.h"
#include "front/thread.h"
#include "unit_case.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define SMALL_BYTES 4096
#define SLOTS 4   // so many in a span
#define LARGE_BYTES (100 * KIB)
#define FILL 0x5A

enum whose { OWN, CENTRAL, ANOTHERS, OF_A_HEAP, WHOSE };

// What the handler finds: objects in spans of each owner. Of every second span only one slot is in
// use, so that it becomes free when that is freed.
static struct {
    struct cache     *own, *another;
    struct neap_heap *heap;
    char             *small[WHOSE][4 * SLOTS];
    char             *large[WHOSE];
} found;

static void become(struct cache *cache)
{
    this_thread.cache = cache;
    this_thread.ended = cache == NULL;   // gets none
}

static void *allocate_from(enum whose whose, size_t n_bytes)
{
    bool  zero_known;
    void *object;
    if (whose == OF_A_HEAP) {
        object = heap_allocate(found.heap, OBJECT_ALIGN, n_bytes, &zero_known);
    } else {
        become(whose == OWN ? found.own : whose == ANOTHERS ? found.another : NULL);
        object = front_allocate(n_bytes);
        become(found.own);
    }
    assert_non_null(object);
    return memset(object, FILL, n_bytes);
}

static void prepare(void)
{
    assert_int_equal(size_classes[size_class_for(SMALL_BYTES)].n_slots, SLOTS);
    found.own = caches_adopt(&heap_get()->caches, SIZE_MAX);
    found.another = caches_adopt(&heap_get()->caches, SIZE_MAX);
    found.heap = heap_create("found");
    assert_true(found.own != NULL && found.another != NULL && found.heap != NULL);
    for (enum whose whose = OWN; whose < WHOSE; whose++) {
        for (size_t i = 0; i < 4 * SLOTS; i++)
            found.small[whose][i] = allocate_from(whose, SMALL_BYTES);
        for (size_t i = 0; i < 4 * SLOTS; i++) {
            if (i / SLOTS % 2 == 0 || i % SLOTS == 1)
                continue;
            assert_int_equal(front_release(found.small[whose][i]), POINTER_TO_OBJECT);
            found.small[whose][i] = NULL;
        }
        found.large[whose] = allocate_from(whose, LARGE_BYTES);
    }
}

static void expect_filled(const char *object, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++)
        assert_int_equal(object[i], FILL);
}

// ---- what the handler does --------------------------------------------------------------------

// Freed already; that its page was ours cannot be told with a lock held.
static void expect_not_released(void *object)
{
    assert_int_not_equal(front_release(object), POINTER_TO_OBJECT);
}

static void release_each(void)
{
    for (enum whose whose = OWN; whose < WHOSE; whose++) {
        for (size_t i = 0; i < 3 * SLOTS; i++) {   // the rest is left to the thread
            if (found.small[whose][i] == NULL)
                continue;
            expect_filled(found.small[whose][i], SMALL_BYTES);
            assert_int_equal(front_release(found.small[whose][i]), POINTER_TO_OBJECT);
            expect_not_released(found.small[whose][i]);
            found.small[whose][i] = NULL;
        }
        expect_filled(found.large[whose], LARGE_BYTES);
        assert_int_equal(front_release(found.large[whose]), POINTER_TO_OBJECT);
        expect_not_released(found.large[whose]);
        found.large[whose] = NULL;
    }
}

static void allocate_all_kinds(void)
{
    char *small = front_allocate(100), *zeroed = front_allocate_zeroed(5000);
    char *aligned = front_allocate_aligned(4096, 1024), *large = front_allocate(40000);
    assert_true(small != NULL && zeroed != NULL && aligned != NULL && large != NULL);
    assert_int_equal((uintptr_t)aligned % 4096, 0);
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(zeroed[i], 0);
    memset(small, 1, 100);
    memset(zeroed, 2, 5000);
    memset(aligned, 3, 1024);
    memset(large, 4, 40000);
    assert_true(small[99] == 1 && zeroed[4999] == 2 && aligned[1023] == 3 && large[0] == 4);
    assert_int_equal(front_release(small), POINTER_TO_OBJECT);
    assert_int_equal(front_release(zeroed), POINTER_TO_OBJECT);
    assert_int_equal(front_release(aligned), POINTER_TO_OBJECT);
    assert_int_equal(front_release(large), POINTER_TO_OBJECT);
}

static char *resize(char *object, size_t n_bytes, size_t n_bytes_filled)
{
    void *resized = NULL;
    assert_int_equal(front_resize(object, n_bytes, &resized), POINTER_TO_OBJECT);
    assert_non_null(resized);
    expect_filled(resized, n_bytes_filled);
    return resized;
}

static void resize_all_kinds(void)
{
    size_t n_bytes = 0;
    for (enum whose whose = OWN; whose < WHOSE; whose++) {
        char **small = &found.small[whose][0], **large = &found.large[whose];
        *small = resize(*small, SMALL_BYTES - 100, SMALL_BYTES - 100);   // in place
        *small = resize(*small, 2 * SMALL_BYTES, SMALL_BYTES - 100);
        memset(*small, FILL, 2 * SMALL_BYTES);
        *small = resize(*small, SMALL_BYTES, SMALL_BYTES);
        *large = resize(*large, LARGE_BYTES - 30 * KIB, LARGE_BYTES - 30 * KIB);
        memset(*large, FILL, LARGE_BYTES - 30 * KIB);
        *large = resize(*large, 50, 50);
        *large = resize(*large, 3 * KIB, 50);
        assert_int_equal(front_release(*large), POINTER_TO_OBJECT);
        *large = NULL;
        assert_int_equal(front_usable_bytes(*small, &n_bytes), POINTER_TO_OBJECT);
        assert_true(n_bytes >= SMALL_BYTES);
    }
}

// The reserve is small: what does not fit is refused, and the object stays.
static void ask_for_too_much(void)
{
    char *large = found.large[OWN];
    void *resized = NULL;
    assert_null(front_allocate(100 * KIB));
    assert_int_equal(front_resize(large, 2 * LARGE_BYTES, &resized), POINTER_TO_OBJECT);
    assert_null(resized);
    expect_filled(large, LARGE_BYTES);
}

static void misuse_all_kinds(void)
{
    size_t n_bytes;
    char  *object = front_allocate(5000);
    assert_int_equal(front_release(object + 16), POINTER_FREED);   // of the reserve: no start
    assert_int_equal(front_release(object), POINTER_TO_OBJECT);
    assert_int_equal(front_release(object), POINTER_FREED);
    assert_int_equal(front_usable_bytes(object, &n_bytes), POINTER_FREED);
    assert_int_equal(front_resize(object, 10, &(void *){NULL}), POINTER_FREED);
    assert_int_equal(front_release(found.small[OWN][0] + 16), POINTER_INSIDE);
    assert_int_equal(front_release(found.large[OWN] + 16), POINTER_INSIDE);
}

static const struct handler_row {
    const char *name;
    void (*act)(void);
    bool only_with_a_lock;
} handler_rows[] = {
    {"frees objects of every owner", release_each, false},
    {"allocates", allocate_all_kinds, false},
    {"resizes objects of every owner", resize_all_kinds, false},
    {"asks for more than the reserve has", ask_for_too_much, true},
    {"frees what it must not", misuse_all_kinds, true},
};

// ---- where the thread was ---------------------------------------------------------------------

static struct lock *heap_lock(void)
{
    return &process_heap.lock;
}

static struct lock *heaps_lock(void)
{
    return &process_heap.heaps.lock;
}

static struct lock *lock_of_a_heap(void)
{
    return &found.heap->lock;
}

static struct lock *caches_lock(void)
{
    return &process_heap.caches.lock;
}

static struct lock *central_lock(void)
{
    return &process_heap.central.lists[size_class_for(SMALL_BYTES)].lock;
}

static struct lock *page_cache_lock(void)
{
    return &process_heap.pages.caches[0].lock;
}

static struct lock *page_heap_lock(void)
{
    return &process_heap.pages.lock;
}

static const struct place_row {
    const char *name;
    struct lock *(*lock)(void);
} place_rows[] = {
    {"in no lock", NULL},
    {"that of the process heap", heap_lock},
    {"that of first-class heaps", heaps_lock},
    {"that of a first-class heap", lock_of_a_heap},
    {"that of all caches", caches_lock},
    {"that of a central list", central_lock},
    {"that of a page cache", page_cache_lock},
    {"that of the page heap", page_heap_lock},
};

struct interruption {
    const struct handler_row *handler;
    const struct place_row   *place;
    bool                      inside;
};

static void finish(void)
{
    for (enum whose whose = OWN; whose < WHOSE; whose++) {
        for (size_t i = 0; i < 4 * SLOTS; i++)
            if (found.small[whose][i] != NULL)
                assert_int_equal(front_release(found.small[whose][i]), POINTER_TO_OBJECT);
        if (found.large[whose] != NULL)
            assert_int_equal(front_release(found.large[whose]), POINTER_TO_OBJECT);
    }
    front_trim();
    struct front_account account;
    const char          *broken = front_verify();
    assert_string_equal(broken == NULL ? "" : broken, "");
    front_account_read(&account);
    assert_int_equal(account.slots.used_slots, 0);
    assert_int_equal(account.large_objects, 0);
    assert_int_equal(account.pages.in_use_bytes, 0);
    assert_int_equal(process_heap.reserve.used, 0);
}

// In a child, since it may hang.
static NO_LOCK_ANALYSIS void interrupt(void *argument)
{
    const struct interruption *how = argument;
    alarm(10);
    prepare();
    if (how->inside)
        assert_true(cache_enter(found.own));
    if (how->place->lock != NULL)
        lock_acquire(how->place->lock());
    how->handler->act();
    if (how->place->lock != NULL)
        lock_release(how->place->lock());
    if (how->inside)
        cache_leave(found.own);
    finish();
}

static void a_handler(void **state)
{
    const struct handler_row *handler = unit_case_of(state)->row;
    for (size_t i = handler->only_with_a_lock; i < LENGTH_OF(place_rows); i++) {
        for (int inside = 0; inside < 2; inside++) {
            print_message("    interrupting %s%s\n", place_rows[i].name, inside ? ", inside" : "");
            expect_survives(interrupt, &(struct interruption){handler, &place_rows[i], inside});
        }
    }
}

static void while_all_stands_still(void *argument)
{
    const struct handler_row *handler = argument;
    alarm(10);
    prepare();
    heap_stand_still(heap_get());
    handler->act();
    heap_go_on(heap_get());
    finish();
}

static void a_handler_while_all_stands_still(void **state)
{
    const struct handler_row *handler = unit_case_of(state)->row;
    expect_survives(while_all_stands_still, (void *)(uintptr_t)handler);
}

// ---- forks ------------------------------------------------------------------------------------

// A handler runs while its thread prepares a fork, and forks too.
static void fork_in_a_fork(void *argument)
{
    alarm(10);
    prepare();
    front_fork_prepare();
    front_fork_prepare();
    front_fork_parent();
    front_fork_parent();
    assert_int_equal(lock_n_of_this_thread, 0);
    release_each();
    finish();
}

static void fork_in_a_fork_in_the_child(void *argument)
{
    alarm(10);
    prepare();
    front_fork_prepare();
    front_fork_prepare();
    front_fork_child();    // of the inner one
    front_fork_parent();   // it goes on where the handler was, and is a parent itself
    assert_int_equal(lock_n_of_this_thread, 0);
    release_each();
    finish();
}

// It has interrupted malloc.
static void fork_inside(void *argument)
{
    alarm(10);
    prepare();
    assert_true(cache_enter(found.own));
    front_fork_prepare();
    assert_int_equal(lock_n_of_this_thread, 0);
    front_fork_child();
    assert_false(found.own->closed);
    cache_leave(found.own);
    release_each();
    finish();
}

static void a_fork_in_a_fork_leaves_no_lock_held(void **state)
{
    expect_survives(fork_in_a_fork, NULL);
    expect_survives(fork_in_a_fork_in_the_child, NULL);
}

static void a_fork_in_a_handler_finds_all_as_it_left_it(void **state)
{
    expect_survives(fork_inside, NULL);
}

static const struct unit_sentence sentences[] = {
    {"a fork in a fork leaves no lock held", a_fork_in_a_fork_leaves_no_lock_held},
    {"a fork in a handler finds all as it left it", a_fork_in_a_handler_finds_all_as_it_left_it},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("a handler", handler_rows, 0, a_handler));
    unit_add_table(UNIT_TABLE("while all stands still a handler", handler_rows, 0,
                              a_handler_while_all_stands_still));
    ADD_SENTENCES("front", sentences, 0);
    return cmocka_run_group_tests_name("front handler", unit_tests, NULL, NULL);
}
