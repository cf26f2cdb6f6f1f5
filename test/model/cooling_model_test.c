// Random traffic through caches and central lists on the fake kernel while OS pages inside of spans
// go back: what is in use is ready at every instant, and nothing is lost.
//
// span/central.c, span/span_cold.c, cache/cache.c.
#include "random.h"
#include "span_world.h"
#include "vm_fake.h"

#define LIVE_MAX 600
#define STEPS 20000
#define STEPS_PER_VERIFY 500

static struct traffic {
    struct random_source random;
    struct span_world   *world;
    struct cache        *caches[2];
    void                *live[LIVE_MAX];
    size_t               n_live;
    unsigned             classes[5];
} traffic;

static size_t below(size_t n)
{
    return random_below(&traffic.random, n);
}

static void allocate_somehow(void)
{
    if (traffic.n_live == LIVE_MAX)
        return;
    unsigned size_class = traffic.classes[below(LENGTH_OF(traffic.classes))];
    size_t   by = below(LENGTH_OF(traffic.caches) + 1);
    char    *slot = by < LENGTH_OF(traffic.caches) ? world_allocate(traffic.caches[by], size_class)
                                                   : world_fetch(traffic.world, size_class);
    struct span *span = world_span_at(traffic.world, slot);
    assert_true(world_slot_is_ready(span, world_slot_at(traffic.world, slot)));
    traffic.live[traffic.n_live++] = slot;
}

static void free_somehow(void)
{
    if (traffic.n_live == 0)
        return;
    size_t i = below(traffic.n_live), by = below(LENGTH_OF(traffic.caches) + 1);
    void  *slot = traffic.live[i];
    traffic.live[i] = traffic.live[--traffic.n_live];
    assert_int_equal(by < LENGTH_OF(traffic.caches)
                         ? world_free(traffic.world, traffic.caches[by], slot)
                         : world_give_back(traffic.world, slot),
                     SPAN_GIVEN);
}

static void step_meanwhile(size_t n_bytes)
{
    for (size_t n = below(4); n > 0; n--) {
        if (below(2) == 0)
            allocate_somehow();
        else
            free_somehow();
    }
}

static void now_and_then(void)
{
    switch (below(8)) {
    case 0:
        central_cool_all(&traffic.world->central);
        break;
    case 1:
        cache_rest(traffic.caches[below(2)]);
        break;
    case 2:
        cache_hand_over(traffic.caches[below(2)], below(10));
        break;
    case 3:
        cache_empty(traffic.caches[below(2)]);
        break;
    case 4:
        central_tidy(&traffic.world->central);
        break;
    case 5:
        vm_fake_refuse_unuse(below(4) == 0);
        break;
    default:
        central_cool(&traffic.world->central, below(300 * KIB));
    }
}

static void expect_all_as_it_was(void)
{
    size_t released_bytes = 0;
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++)
        released_bytes += load_relaxed(&traffic.world->central.lists[i].released_bytes);
    assert_int_equal(released_bytes, traffic.world->pages.released_inside);
    for (size_t i = 0; i < traffic.n_live; i++) {
        struct span *span = world_span_at(traffic.world, traffic.live[i]);
        size_t       slot = world_slot_at(traffic.world, traffic.live[i]);
        assert_true(world_slot_is_ready(span, slot));
        assert_false(span_slot_is_free(span, slot));
    }
    expect_world(traffic.world);
}

static const struct os_page_row {
    const char *name;
    size_t      os_page_bytes;
} os_page_rows[] = {
    {"of 4 KiB", 4 * KIB},
    {"of 16 KiB", 16 * KIB},
    {"of 64 KiB", 64 * KIB},
};

static void traffic_never_touches_what_is_released(void **state)
{
    const struct os_page_row *row = unit_case_of(state)->row;
    traffic = (struct traffic){.world = span_world_new_on(row->os_page_bytes),
                               .random = {unit_random_start().state}};
    for (size_t i = 0; i < LENGTH_OF(traffic.caches); i++)
        traffic.caches[i] = world_cache(traffic.world);
    for (size_t i = 0; i < LENGTH_OF(traffic.classes); i++)
        traffic.classes[i] =
            class_with_slots(64) + (unsigned)below(SIZE_CLASSES - class_with_slots(64));
    vm_fake_at_unuse(step_meanwhile);
    for (size_t i = 0; i < STEPS; i++) {
        bool more = i / 2000 % 2 == 0;
        if (below(50) == 0)
            now_and_then();
        else if (below(100) < (more ? 60u : 40u))
            allocate_somehow();
        else
            free_somehow();
        if (i % STEPS_PER_VERIFY == 0)
            expect_all_as_it_was();
    }
    vm_fake_at_unuse(NULL);
    while (traffic.n_live > 0)
        free_somehow();
    for (size_t i = 0; i < LENGTH_OF(traffic.caches); i++)
        cache_empty(traffic.caches[i]);
    central_tidy(&traffic.world->central);
    cache_tidy(traffic.caches[0]);
    cache_tidy(traffic.caches[1]);
    expect_all_as_it_was();
    assert_int_equal(world_in_use_bytes(traffic.world), 0);
    span_world_delete(traffic.world);
}

int main(void)
{
    unit_add_table(UNIT_TABLE("traffic never touches what is released, OS pages", os_page_rows, 0,
                              traffic_never_touches_what_is_released));
    return cmocka_run_group_tests_name("cooling model", unit_tests, NULL, NULL);
}
