// What a cache hands over to the central lists, where pages inside of spans may go back: what it
// has not used for a while, or a part of all.
//
// cache/cache.c, cache/caches.c.
#include "cache/cache.h"

#include "span_world.h"

#define N_SPANS 4

static struct given {
    struct span_world *world;
    struct cache      *cache;
    void              *slots[N_SPANS * 64];
} given;

// Full spans of the class in each of which the first slot was freed; all but the last are partial.
static void given_spans(unsigned size_class)
{
    size_t n_slots = size_classes[size_class].n_slots;
    given.world = span_world_new();
    given.cache = world_cache(given.world);
    for (size_t i = 0; i < N_SPANS * n_slots; i++)
        given.slots[i] = world_allocate(given.cache, size_class);
    for (size_t i = 0; i < N_SPANS; i++)
        assert_int_equal(world_free(given.world, given.cache, given.slots[i * n_slots]),
                         SPAN_GIVEN);
}

static size_t n_of_cache(unsigned size_class)
{
    size_t n = 0;
    for (size_t i = 0; i < N_SPANS; i++) {
        struct span *span =
            world_span_at(given.world, given.slots[i * size_classes[size_class].n_slots]);
        n += load_relaxed(&span->owner) == &given.cache->inbox;
    }
    return n;
}

static unsigned class_of_8k(void)
{
    return size_class_for(8 * KIB);
}

static void what_was_not_used_since_the_last_look_is_handed_over(void **state)
{
    unsigned size_class = class_of_8k();
    given_spans(size_class);
    for (size_t i = 0; i < N_SPANS; i++)   // two free slots in each
        assert_int_equal(world_free(given.world, given.cache,
                                    given.slots[i * size_classes[size_class].n_slots + 1]),
                         SPAN_GIVEN);
    cache_rest(given.cache);
    assert_int_equal(n_of_cache(size_class), N_SPANS);
    struct span *used = world_span_at(given.world, world_allocate(given.cache, size_class));
    cache_rest(given.cache);
    assert_int_equal(n_of_cache(size_class), 1);
    assert_ptr_equal(load_relaxed(&used->owner), &given.cache->inbox);
    expect_world(given.world);
    cache_rest(given.cache);
    assert_int_equal(n_of_cache(size_class), 0);
    span_world_delete(given.world);
}

static void the_span_allocated_from_is_no_exception(void **state)
{
    given_spans(class_of_8k());
    cache_rest(given.cache);
    cache_rest(given.cache);
    assert_int_equal(n_of_cache(class_of_8k()), 0);
    assert_null(given.cache->classes[class_of_8k()].partial);
    assert_null(given.cache->classes[class_of_8k()].current);
    expect_world(given.world);
    span_world_delete(given.world);
}

// A free is no use: the slot does not serve anybody.
static void what_is_only_freed_in_rests(void **state)
{
    unsigned size_class = class_of_8k();
    given_spans(size_class);
    cache_rest(given.cache);
    for (size_t i = 0; i < N_SPANS; i++)
        assert_int_equal(world_free(given.world, given.cache,
                                    given.slots[i * size_classes[size_class].n_slots + 1]),
                         SPAN_GIVEN);
    cache_rest(given.cache);
    assert_int_equal(n_of_cache(size_class), 0);
    span_world_delete(given.world);
}

static void what_others_have_freed_is_taken_in_first(void **state)
{
    unsigned size_class = class_of_8k();
    given_spans(size_class);
    void        *slot = given.slots[2];
    struct span *span = world_span_at(given.world, slot);
    assert_int_equal(free_elsewhere(span, 2), SPAN_GIVEN);
    cache_rest(given.cache);
    assert_int_equal(span->free[0], 0x5);
    assert_int_equal(span->notes, 0);
    span_world_delete(given.world);
}

static void spans_that_may_not_cool_stay(void **state)
{
    unsigned size_class = class_with_slots(128);
    given.world = span_world_new();
    given.cache = world_cache(given.world);
    void *slot = world_allocate(given.cache, size_class);
    world_allocate(given.cache, size_class);
    for (int i = 0; i < 3; i++)
        cache_rest(given.cache);
    cache_hand_over(given.cache, SIZE_MAX);
    assert_ptr_equal(load_relaxed(&world_span_at(given.world, slot)->owner), &given.cache->inbox);
    span_world_delete(given.world);
}

static void so_many_are_handed_over_the_highest_class_first(void **state)
{
    unsigned size_class = class_of_8k();
    given_spans(size_class);
    void *low = world_allocate(given.cache, class_with_slots(32));
    cache_rest(given.cache);   // nothing is current any more
    struct span *low_span = world_span_at(given.world, low);
    cache_hand_over(given.cache, 0);
    assert_int_equal(n_of_cache(size_class), N_SPANS);
    cache_hand_over(given.cache, 1);
    assert_int_equal(n_of_cache(size_class), N_SPANS - 1);
    cache_hand_over(given.cache, N_SPANS - 1);
    assert_int_equal(n_of_cache(size_class), 0);
    assert_ptr_equal(load_relaxed(&low_span->owner), &given.cache->inbox);
    cache_hand_over(given.cache, 5);
    assert_true(central_owns(&given.world->central, low_span));
    expect_world(given.world);
    span_world_delete(given.world);
}

static void the_span_allocated_from_is_not_handed_over(void **state)
{
    given_spans(class_of_8k());
    cache_hand_over(given.cache, SIZE_MAX);
    assert_int_equal(n_of_cache(class_of_8k()), 1);
    assert_ptr_equal(cache_allocate_at_once(given.cache, class_of_8k()),
                     given.slots[(N_SPANS - 1) * size_classes[class_of_8k()].n_slots]);
    span_world_delete(given.world);
}

static void a_span_handed_over_takes_along_what_is_still_owed(void **state)
{
    unsigned size_class = class_of_8k();
    given_spans(size_class);
    struct span *span = world_span_at(given.world, given.slots[2]);
    assert_int_equal(free_elsewhere(span, 2), SPAN_GIVEN);
    cache_hand_over(given.cache, SIZE_MAX);
    assert_true(central_owns(&given.world->central, span));
    central_cool_all(&given.world->central);
    cache_tidy(given.cache);   // passes it on
    central_tidy(&given.world->central);
    assert_int_equal(span->n_free, 2);
    assert_int_equal(span->owed_notes, 0);
    expect_world(given.world);
    span_world_delete(given.world);
}

static void all_caches_rest_that_are_quiet(void **state)
{
    given_spans(class_of_8k());
    caches_rest(&given.world->caches);
    caches_rest(&given.world->caches);
    assert_int_equal(n_of_cache(class_of_8k()), 0);
    assert_true(cache_enter(given.cache));
    void *slot = world_allocate(given.cache, class_of_8k());
    caches_rest(&given.world->caches);
    caches_rest(&given.world->caches);
    caches_rest(&given.world->caches);
    cache_leave(given.cache);
    assert_ptr_equal(load_relaxed(&world_span_at(given.world, slot)->owner), &given.cache->inbox);
    span_world_delete(given.world);
}

static const struct unit_sentence sentences[] = {
    {"what was not used since the last look is handed over",
     what_was_not_used_since_the_last_look_is_handed_over},
    {"the span allocated from is no exception", the_span_allocated_from_is_no_exception},
    {"what is only freed in rests", what_is_only_freed_in_rests},
    {"what others have freed is taken in first", what_others_have_freed_is_taken_in_first},
    {"spans that may not cool stay", spans_that_may_not_cool_stay},
    {"so many are handed over the highest class first",
     so_many_are_handed_over_the_highest_class_first},
    {"the span allocated from is not handed over", the_span_allocated_from_is_not_handed_over},
    {"a span handed over takes along what is still owed",
     a_span_handed_over_takes_along_what_is_still_owed},
    {"all caches rest that are quiet", all_caches_rest_that_are_quiet},
};

int main(void)
{
    ADD_SENTENCES("cache_rest", sentences, 0);
    return cmocka_run_group_tests_name("cache rest", unit_tests, NULL, NULL);
}
