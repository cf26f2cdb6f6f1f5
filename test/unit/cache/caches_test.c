// All caches of a heap, on a fake kernel and a fake host: who gets one, closing, emptying, fork.
#include "cache/caches.h"

#include "host_fake.h"
#include "span_world.h"
#include "vm_fake.h"

#define CACHES 3

// What the hooks of the fake host look at.
static struct {
    struct span_world *world;
    struct cache      *caches[CACHES];
    size_t             n_barriers, n_waits, waits_until_left;
} now;

static void given_world(void)
{
    host_fake_offer_barrier(true);
    host_fake_meanwhile(NULL, NULL);
    now.world = span_world_new();
    now.n_barriers = now.n_waits = 0;
}

// And one cache for each of as many threads.
static void given_caches(void)
{
    given_world();
    for (size_t i = 0; i < CACHES; i++)
        now.caches[i] = world_cache(now.world);
}

static void done(void)
{
    host_fake_meanwhile(NULL, NULL);
    span_world_delete(now.world);
}

// Every cache has a span with a slot in use, and one of which all is free, if it is small.
static void given_spans(unsigned size_class, void *out_used[CACHES])
{
    for (size_t i = 0; i < CACHES; i++) {
        size_t n_slots = size_classes[size_class].n_slots;
        void  *slots[SLOTS_MAX];
        for (size_t k = 0; k < n_slots; k++)
            slots[k] = world_allocate(now.caches[i], size_class);
        out_used[i] = world_allocate(now.caches[i], size_class);
        for (size_t k = 0; k < n_slots; k++)
            assert_int_equal(world_free(now.world, now.caches[i], slots[k]), SPAN_GIVEN);
    }
    size_t n_kept = size_classes[size_class].span_pages <= 2;
    assert_int_equal(world_n_spans(now.world, size_class), (1 + n_kept) * CACHES);
}

static void free_used(void *used[CACHES])
{
    for (size_t i = 0; i < CACHES; i++)
        assert_int_equal(world_free(now.world, now.caches[i], used[i]), SPAN_GIVEN);
}

static void expect_all_closed(bool closed)
{
    for (struct cache *cache = now.world->caches.first; cache != NULL; cache = cache->next)
        assert_int_equal(cache->closed, closed);
}

// ---- who gets one -----------------------------------------------------------------------------

static void there_are_no_more_than_asked_for(void **state)
{
    given_world();
    struct caches *caches = &now.world->caches;
    assert_null(caches_adopt(caches, 0));
    for (size_t n = 1; n <= CACHES; n++) {
        struct cache *cache = caches_adopt(caches, n);
        assert_non_null(cache);
        assert_ptr_equal(caches->first, cache);
        assert_int_equal((uintptr_t)cache % CACHE_LINE_BYTES, 0);
        assert_false(cache->closed);
        assert_int_equal(caches->n_caches, n);
        assert_null(caches_adopt(caches, n));
        assert_null(cache_verify(cache));
    }
    done();
}

static void a_cache_left_is_adopted_whatever_their_number(void **state)
{
    given_caches();
    struct caches *caches = &now.world->caches;
    caches_orphan(caches, now.caches[2]);
    caches_orphan(caches, now.caches[0]);
    assert_ptr_equal(caches_adopt(caches, 0), now.caches[0]);   // the last one left
    assert_ptr_equal(caches_adopt(caches, 0), now.caches[2]);
    assert_null(caches_adopt(caches, 0));
    assert_int_equal(caches->n_caches, CACHES);
    done();
}

static void an_adopted_cache_has_its_spans_still(void **state)
{
    given_caches();
    struct caches *caches = &now.world->caches;
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        void *used[CACHES];
        given_spans(i, used);
        struct span *current = now.caches[1]->classes[i].current;
        caches_orphan(caches, now.caches[1]);
        // What others free meanwhile waits for the next thread.
        assert_int_equal(world_free(now.world, now.caches[0], used[1]), SPAN_GIVEN);
        struct cache *adopted = caches_adopt(caches, 0);
        assert_ptr_equal(adopted->classes[i].current, current);
        used[1] = world_allocate(adopted, i);
        // owner: only this thread
        assert_ptr_equal(load_relaxed(&world_span_at(now.world, used[1])->owner), &adopted->inbox);
        free_used(used);
        caches_tidy(caches);
        assert_int_equal(world_n_spans(now.world, i), 0);
    }
    done();
}

static void without_memory_there_is_no_cache_and_nothing_changes(void **state)
{
    given_caches();
    struct caches *caches = &now.world->caches;
    size_t         n_caches = CACHES;
    vm_fake_refuse(1, true);
    while (caches_adopt(caches, SIZE_MAX) != NULL)   // what is left of the last metadata mapping
        n_caches++;
    for (int i = 0; i < 3; i++)
        assert_null(caches_adopt(caches, SIZE_MAX));
    assert_int_equal(caches->n_caches, n_caches);
    assert_null(caches_verify(caches));
    vm_fake_refuse(0, false);
    assert_non_null(caches_adopt(caches, SIZE_MAX));
    assert_int_equal(caches->n_caches, n_caches + 1);
    done();
}

// ---- closing ----------------------------------------------------------------------------------

static void look_at_the_barrier(void)
{
    now.n_barriers++;
    assert_true(lock_is_held(&now.world->caches.lock));
    expect_all_closed(true);
    for (size_t i = 0; i < CACHES; i++)
        assert_false(cache_enter(now.caches[i]));
}

static void all_caches_are_closed_for_the_barrier_and_opened_after_it(void **state)
{
    given_caches();
    static void (*const acts[])(struct caches *) = {caches_tidy, caches_empty};
    host_fake_meanwhile(look_at_the_barrier, NULL);
    for (size_t i = 0; i < LENGTH_OF(acts); i++) {
        now.n_barriers = 0;
        acts[i](&now.world->caches);
        assert_int_equal(now.n_barriers, 1);
        assert_false(lock_is_held(&now.world->caches.lock));
        expect_all_closed(false);
        for (size_t k = 0; k < CACHES; k++) {
            assert_true(cache_enter(now.caches[k]));
            cache_leave(now.caches[k]);
        }
    }
    done();
}

static void leave_the_second(void)
{
    cache_leave(now.caches[1]);
}

static const struct act_row {
    const char *name;
    void (*act)(struct caches *caches);
    bool   inside, leaves_at_the_barrier, barrier_offered;
    size_t n_spans_left, n_spans_owned;   // of the second cache, which has a free one and a used
} act_rows[] = {
    {"tidying gives free spans back", caches_tidy, false, false, true, 1, 1},
    {"tidying passes over who is inside", caches_tidy, true, false, true, 2, 2},
    {"tidying does not who has just left", caches_tidy, true, true, true, 1, 1},
    {"tidying does nothing without the barrier", caches_tidy, false, false, false, 2, 2},
    {"emptying gives away all with free slots", caches_empty, false, false, true, 1, 0},
    {"emptying passes over who is inside", caches_empty, true, false, true, 2, 2},
    {"emptying does not who has just left", caches_empty, true, true, true, 1, 0},
    {"emptying does nothing without the barrier", caches_empty, false, false, false, 2, 2},
};

static size_t n_spans_owned(struct cache *cache, void *const *slots, size_t n)
{
    size_t n_owned = 0;
    for (size_t i = 0; i < n; i++) {
        struct run *run = page_heap_find(&now.world->pages, (uintptr_t)slots[i]);
        n_owned += run != NULL && load_relaxed(&span_of_run(run)->owner) == &cache->inbox;
    }
    return n_owned;
}

static void what_it_does(void **state)
{
    const struct act_row *row = unit_case_of(state)->row;
    given_caches();
    unsigned size_class = class_with_slots(4);
    void    *used[CACHES];
    given_spans(size_class, used);
    struct span *idle = now.caches[1]->classes[size_class].partial;
    void        *slots[] = {run_start(&idle->run), used[1]};
    if (!row->barrier_offered) {
        host_fake_offer_barrier(false);
        caches_init(&now.world->caches, &now.world->central);
    }
    if (row->inside)
        assert_true(cache_enter(now.caches[1]));
    if (row->leaves_at_the_barrier)
        host_fake_meanwhile(leave_the_second, NULL);
    row->act(&now.world->caches);
    size_t n_others_left = row->barrier_offered ? CACHES - 1 : 2 * (CACHES - 1);
    assert_int_equal(world_n_spans(now.world, size_class), n_others_left + row->n_spans_left);
    assert_int_equal(n_spans_owned(now.caches[1], slots, 2), row->n_spans_owned);
    expect_all_closed(false);
    if (row->inside && !row->leaves_at_the_barrier)
        cache_leave(now.caches[1]);
    free_used(used);
    done();
}

// ---- books ------------------------------------------------------------------------------------

static void the_account_is_the_sum_of_all_caches(void **state)
{
    given_caches();
    void *used[SIZE_CLASSES][CACHES];
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++)
        given_spans(i, used[i]);
    caches_orphan(&now.world->caches, now.caches[2]);
    for (int twice = 1; twice <= 2; twice++) {   // it is added to what is there
        struct caches_account account = {.n_allocated = {0}};
        for (int i = 0; i < twice; i++)
            caches_account_add(&now.world->caches, &account);
        for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
            size_t n = CACHES * (size_t)twice;
            assert_int_equal(account.n_allocated[i], n * (size_classes[i].n_slots + 1u));
            assert_int_equal(account.n_freed[i], n * size_classes[i].n_slots);
        }
    }
    done();
}

static void somebody_is_inside_an_idle_cache(void)
{
    caches_orphan(&now.world->caches, now.caches[1]);
    assert_true(cache_enter(now.caches[1]));
}

static void its_slots_begin_elsewhere(void)
{
    struct cache_class *class = &now.caches[0]->classes[1];
    class->hot[class->hot_at].base++;
}

static void one_behind_has_a_span_in_its_list_that_thinks_it_is_not(void)
{
    now.caches[2]->classes[1].partial->listed = false;
}

static void so_has_one_whose_thread_is_inside(void)
{
    one_behind_has_a_span_in_its_list_that_thinks_it_is_not();
    assert_true(cache_enter(now.caches[2]));
}

static const struct verify_row {
    const char *name, *code;   // NULL: it is not looked at
    void (*corrupt)(void);
} verify_rows[] = {
    {"D1 somebody inside an idle cache", "D1", somebody_is_inside_an_idle_cache},
    {"K1 of the last cache made", "K1", its_slots_begin_elsewhere},
    {"K2 of the first cache made", "K2", one_behind_has_a_span_in_its_list_that_thinks_it_is_not},
    {"nothing of a cache whose thread is inside", NULL, so_has_one_whose_thread_is_inside},
};

static void is_named(void **state)
{
    const struct verify_row *row = unit_case_of(state)->row;
    void                    *used[CACHES];
    given_caches();
    given_spans(1, used);
    assert_null(caches_verify(&now.world->caches));
    row->corrupt();
    const char *broken = caches_verify(&now.world->caches);
    if (row->code == NULL)
        assert_null(broken);
    else
        expect_broken(broken, row->code);
    expect_all_closed(false);
    page_heap_destroy(&now.world->pages);   // the caches are in no state to be verified
    unit_unmap(now.world, sizeof *now.world);
}

// ---- fork -------------------------------------------------------------------------------------

static void wait_and_leave(void)
{
    assert_true(now.caches[1]->closed);
    if (++now.n_waits == now.waits_until_left)
        cache_leave(now.caches[1]);
}

static const struct fork_row {
    const char *name;
    bool        inside, barrier_offered;
    size_t      waits_until_left;   // 0: never
    bool        child_gets_it;      // the cache of the thread that is inside
    bool        child_gets_the_other;
} fork_rows[] = {
    {"when nobody is inside", false, true, 0, true, true},
    {"when a thread leaves at once", true, true, 1, true, true},
    {"when a thread lost the CPU inside", true, true, 500, true, true},
    {"when a signal handler keeps a thread inside", true, true, 0, false, true},
    {"without the barrier", false, false, 0, false, false},
};

static void given_fork(const struct fork_row *row, unsigned size_class, void *used[CACHES])
{
    given_caches();
    given_spans(size_class, used);
    if (!row->barrier_offered) {
        host_fake_offer_barrier(false);
        now.world->caches.can_close = false;
    }
    if (row->inside)
        assert_true(cache_enter(now.caches[1]));
    now.waits_until_left = row->waits_until_left;
    host_fake_meanwhile(NULL, wait_and_leave);
    caches_fork_prepare(&now.world->caches);
    assert_true(lock_is_held(&now.world->caches.lock));
    expect_all_closed(true);
    if (row->waits_until_left > 0)
        assert_int_equal(now.n_waits, row->waits_until_left);
    host_fake_meanwhile(NULL, NULL);
}

static void the_parent_goes_on(void **state)
{
    const struct fork_row *row = unit_case_of(state)->row;
    unsigned               size_class = class_with_slots(4);
    void                  *used[CACHES];
    given_fork(row, size_class, used);
    caches_fork_parent(&now.world->caches);
    assert_false(lock_is_held(&now.world->caches.lock));
    expect_all_closed(false);
    assert_null(now.world->caches.idle);
    if (now.caches[1]->inside)
        cache_leave(now.caches[1]);
    free_used(used);
    done();
}

static void the_child_gets_the_caches_of_threads_that_it_has_not(void **state)
{
    const struct fork_row *row = unit_case_of(state)->row;
    struct caches         *caches;
    unsigned               size_class = class_with_slots(4);
    void                  *used[CACHES];
    given_fork(row, size_class, used);
    caches = &now.world->caches;
    lock_forget_all_of_this_thread();
    caches_fork_child(caches, now.caches[0]);
    assert_false(lock_is_held(&caches->lock));
    assert_int_equal(lock_n_of_this_thread, 0);
    bool gets[CACHES] = {true, row->child_gets_it, row->child_gets_the_other};
    for (size_t i = 0; i < CACHES; i++)
        assert_int_equal(now.caches[i]->closed, !gets[i]);
    for (size_t i = CACHES - 1; i > 0; i--) {
        struct cache *adopted = gets[i] ? caches_adopt(caches, 0) : NULL;
        assert_true(!gets[i] || adopted == now.caches[1] || adopted == now.caches[2]);
        assert_true(adopted == NULL || adopted->classes[size_class].current != NULL);
    }
    assert_null(caches_adopt(caches, 0));
    // Also of spans that nobody can use any more everything may be freed.
    for (size_t i = 0; i < CACHES; i++)
        assert_int_equal(world_free(now.world, now.caches[0], used[i]), SPAN_GIVEN);
    caches_tidy(caches);
    done();
}

static void the_idle_caches_of_the_parent_are_idle_in_the_child(void **state)
{
    given_caches();
    struct caches *caches = &now.world->caches;
    caches_orphan(caches, now.caches[1]);
    caches_fork_prepare(caches);
    lock_forget_all_of_this_thread();
    caches_fork_child(caches, NULL);   // a thread without a cache may fork as well
    size_t n_adopted = 0;
    while (caches_adopt(caches, 0) != NULL)
        n_adopted++;
    assert_int_equal(n_adopted, CACHES);
    done();
}

// It says for an instant that it is inside, before it looks whether the cache is closed.
static void a_thread_that_comes_at_the_instant_of_the_fork_is_not_in_the_child(void **state)
{
    given_caches();
    struct caches *caches = &now.world->caches;
    caches_fork_prepare(caches);
    store_relaxed(&now.caches[1]->inside, true);
    lock_forget_all_of_this_thread();
    caches_fork_child(caches, now.caches[0]);
    for (size_t i = 0; i < CACHES; i++) {
        assert_true(cache_enter(now.caches[i]));
        cache_leave(now.caches[i]);
    }
    done();
}

static const struct unit_sentence sentences[] = {
    {"there are no more than asked for", there_are_no_more_than_asked_for},
    {"a cache left is adopted, whatever their number",
     a_cache_left_is_adopted_whatever_their_number},
    {"an adopted cache has its spans still", an_adopted_cache_has_its_spans_still},
    {"without memory there is no cache, and nothing changes",
     without_memory_there_is_no_cache_and_nothing_changes},
    {"all caches are closed for the barrier, and opened after it",
     all_caches_are_closed_for_the_barrier_and_opened_after_it},
    {"the account is the sum of all caches", the_account_is_the_sum_of_all_caches},
    {"a thread that comes at the instant of the fork is not in the child",
     a_thread_that_comes_at_the_instant_of_the_fork_is_not_in_the_child},
    {"the idle caches of the parent are idle in the child",
     the_idle_caches_of_the_parent_are_idle_in_the_child},
};

int main(void)
{
    ADD_SENTENCES("caches", sentences, 0);
    unit_add_table(UNIT_TABLE("caches", act_rows, 0, what_it_does));
    unit_add_table(UNIT_TABLE("verify names", verify_rows, 0, is_named));
    unit_add_table(UNIT_TABLE("a fork: the parent,", fork_rows, 0, the_parent_goes_on));
    unit_add_table(UNIT_TABLE("a fork: the child,", fork_rows, 0,
                              the_child_gets_the_caches_of_threads_that_it_has_not));
    return cmocka_run_group_tests_name("caches", unit_tests, NULL, NULL);
}
