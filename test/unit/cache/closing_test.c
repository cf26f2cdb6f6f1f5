// Closing other threads' caches (cache/caches.c) where the kernel grants its barrier, where it
// refuses it, and where it has none: a cache is touched only if its thread is known to be out of
// it. One thread plays all.
#include "cache/caches.h"
#include "host_fake.h"
#include "unit_kit.h"

#define CACHES_MAX 10
#define SOME_CLASS 4   // small, so that its spans are kept while nothing in them is in use
#define SLOTS 20

struct world {
    struct page_heap *pages;
    struct central    central;
    struct caches     caches;
};

static struct world *world_new(bool is_offered, bool is_granted)
{
    host_fake_set_barrier(is_offered, true);
    struct world           *w = unit_map(sizeof *w);
    struct page_heap_config config = {.record_bytes = sizeof(struct span), .n_caches = 1};
    w->pages = unit_heap_with(&page_shapes[0], &config);
    central_init(&w->central, w->pages);
    caches_init(&w->caches, &w->central);
    host_fake_set_barrier(is_offered, is_granted);
    return w;
}

static void world_delete(struct world *w)
{
    assert_null(caches_verify(&w->caches));
    assert_null(central_verify(&w->central));
    assert_null(page_heap_verify(w->pages));
    unit_heap_delete(w->pages);
    unit_unmap(w, sizeof *w);
    host_fake_set_barrier(true, true);
}

static struct cache *adopt(struct world *w)
{
    struct cache *cache = caches_adopt(&w->caches, CACHES_MAX);
    assert_non_null(cache);
    return cache;
}

static struct span *span_of(struct world *w, void *slot)
{
    return span_of_run(page_heap_find(w->pages, (uintptr_t)slot));
}

static size_t number_of(struct world *w, void *slot)
{
    size_t number;
    assert_true(span_slot_at(span_of(w, slot), (uintptr_t)slot, &number));
    return number;
}

// The thread's own life: it allocates and frees within its cache.
static void *allocate(struct cache *cache)
{
    assert_true(cache_enter(cache));
    void *slot = cache_allocate(cache, SOME_CLASS);
    cache_leave(cache);
    assert_non_null(slot);
    return slot;
}

static void release(struct world *w, struct cache *cache, void *slot)
{
    assert_true(cache_enter(cache));
    assert_int_equal(cache_free(cache, span_of(w, slot), number_of(w, slot)), SPAN_GIVEN);
    cache_leave(cache);
}

// A cache with a span of which nothing is in use.
static struct cache *cache_with_a_span(struct world *w)
{
    struct cache *cache = adopt(w);
    release(w, cache, allocate(cache));
    return cache;
}

static size_t n_spans(struct world *w)
{
    return load_relaxed(&w->central.lists[SOME_CLASS].n_spans);   // counter
}

static bool is_open(struct cache *cache)
{
    return !load_relaxed(&cache->closed);   // owner: there is no other thread
}

// ---- who may be emptied -----------------------------------------------------------------------

enum thread_is { RESTING, INSIDE, GONE };

struct row {
    const char    *name;
    bool           is_offered, is_granted;
    enum thread_is thread;
    bool           touched;
};

static const struct row rows[] = {
    {"granted, resting", true, true, RESTING, true},
    {"granted, inside", true, true, INSIDE, false},
    {"granted, gone", true, true, GONE, true},
    {"refused, resting", true, false, RESTING, false},
    {"refused, inside", true, false, INSIDE, false},
    {"refused, gone", true, false, GONE, true},
    {"not offered, resting", false, false, RESTING, false},
    {"not offered, inside", false, false, INSIDE, false},
    {"not offered, gone", false, false, GONE, true},
};

static void bring_thread_there(struct world *w, struct cache *cache, enum thread_is thread)
{
    if (thread == INSIDE)
        assert_true(cache_enter(cache));
    if (thread == GONE)
        caches_orphan(&w->caches, cache);
}

// The thread comes back and finds all as it may expect.
static void expect_cache_in_use_again(struct world *w, struct cache *cache, enum thread_is thread)
{
    assert_true(is_open(cache));
    if (thread == INSIDE)
        cache_leave(cache);
    if (thread == GONE)
        assert_ptr_equal(adopt(w), cache);
    assert_null(caches_verify(&w->caches));
    void *slot = allocate(cache);
    release(w, cache, slot);
    assert_int_equal(n_spans(w), 1);
}

static void emptied(struct world *w, const struct row *row, void (*act)(struct caches *caches))
{
    struct cache *cache = cache_with_a_span(w);
    bring_thread_there(w, cache, row->thread);
    act(&w->caches);
    assert_int_equal(n_spans(w), !row->touched);
    expect_cache_in_use_again(w, cache, row->thread);
}

static void is_emptied_or_not(void **state)
{
    const struct row *row = unit_case_of(state)->row;
    struct world     *w = world_new(row->is_offered, row->is_granted);
    emptied(w, row, caches_empty);
    world_delete(w);
}

static void is_tidied_or_not(void **state)
{
    const struct row *row = unit_case_of(state)->row;
    struct world     *w = world_new(row->is_offered, row->is_granted);
    emptied(w, row, caches_tidy);
    world_delete(w);
}

// Others have freed all slots of a thread's spans; relieved, they are free in the cache.
static void is_relieved_or_not(void **state)
{
    const struct row  *row = unit_case_of(state)->row;
    struct world      *w = world_new(row->is_offered, row->is_granted);
    struct cache      *cache = adopt(w);
    void              *slots[SLOTS];
    struct span_inbox *crowded;
    for (size_t i = 0; i < SLOTS; i++)
        slots[i] = allocate(cache);
    bring_thread_there(w, cache, row->thread);
    for (size_t i = 0; i < SLOTS; i++)
        assert_int_equal(
            span_free_elsewhere(span_of(w, slots[i]), number_of(w, slots[i]), &crowded),
            SPAN_GIVEN);
    assert_false(span_inbox_is_empty(&cache->inbox));
    caches_relieve(&w->caches, &cache->inbox);
    assert_int_equal(span_inbox_is_empty(&cache->inbox), row->touched);
    expect_cache_in_use_again(w, cache, row->thread);
    world_delete(w);
}

// In the child there is one thread. A cache that may have been left half changed is never touched
// again, nor given to anybody; else it waits for the child's next thread.
static void is_used_by_a_child_or_not(void **state)
{
    const struct row *row = unit_case_of(state)->row;
    struct world     *w = world_new(row->is_offered, row->is_granted);
    struct cache     *own = cache_with_a_span(w);
    struct cache     *other = cache_with_a_span(w);
    bring_thread_there(w, other, row->thread);
    caches_fork_prepare(&w->caches);
    assert_false(is_open(own));
    caches_fork_child(&w->caches, own);
    assert_true(is_open(own));
    release(w, own, allocate(own));
    assert_int_equal(n_spans(w), 2);
    caches_empty(&w->caches);
    assert_int_equal(n_spans(w), !row->touched + !row->is_granted);
    assert_int_equal(adopt(w) == other, row->touched);
    world_delete(w);
}

static void is_whole_in_the_parent(void **state)
{
    const struct row *row = unit_case_of(state)->row;
    struct world     *w = world_new(row->is_offered, row->is_granted);
    struct cache     *cache = cache_with_a_span(w);
    bring_thread_there(w, cache, row->thread);
    caches_fork_prepare(&w->caches);
    assert_false(is_open(cache));
    assert_int_equal(cache->whole_at_fork, row->touched);
    caches_fork_parent(&w->caches);
    expect_cache_in_use_again(w, cache, row->thread);
    world_delete(w);
}

// ---- the kernel -------------------------------------------------------------------------------

static void where_it_has_no_barrier_it_is_not_asked(void **state)
{
    (void)state;
    struct world *w = world_new(false, false);
    struct cache *cache = cache_with_a_span(w);
    caches_empty(&w->caches);
    caches_tidy(&w->caches);
    caches_relieve(&w->caches, &cache->inbox);
    caches_fork_prepare(&w->caches);
    caches_fork_parent(&w->caches);
    assert_int_equal(host_fake_barriers_asked(), 0);
    world_delete(w);
}

static void it_is_asked_once_for_all_caches(void **state)
{
    (void)state;
    struct world *w = world_new(true, true);
    for (size_t i = 0; i < CACHES_MAX; i++)
        cache_with_a_span(w);
    caches_empty(&w->caches);
    assert_int_equal(host_fake_barriers_asked(), 1);
    assert_int_equal(n_spans(w), 0);
    world_delete(w);
}

static const struct unit_sentence sentences[] = {
    {"where it has no barrier it is not asked", where_it_has_no_barrier_it_is_not_asked},
    {"it is asked once for all caches", it_is_asked_once_for_all_caches},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("is emptied or not:", rows, 0, is_emptied_or_not));
    unit_add_table(UNIT_TABLE("is tidied or not:", rows, 0, is_tidied_or_not));
    unit_add_table(UNIT_TABLE("is relieved or not:", rows, 0, is_relieved_or_not));
    unit_add_table(UNIT_TABLE("is used by a child or not:", rows, 0, is_used_by_a_child_or_not));
    unit_add_table(UNIT_TABLE("is whole in the parent or not:", rows, 0, is_whole_in_the_parent));
    ADD_SENTENCES("the kernel:", sentences, 0);
    return cmocka_run_group_tests_name("closing", unit_tests, NULL, NULL);
}
