// Setting up the world of spans, and what front does with it.
#include "span_world.h"

#include "vm_fake.h"

struct span_world *span_world_new(void)
{
    return span_world_new_on(4 * KIB);
}

struct span_world *span_world_new_on(size_t os_page_bytes)
{
    vm_fake_reset(os_page_bytes);
    struct span_world      *world = unit_map(sizeof *world);
    struct page_heap_config config = {.record_bytes = sizeof(struct span), .n_caches = 1};
    page_heap_init(&world->pages, &config);
    central_init(&world->central, &world->pages);
    caches_init(&world->caches, &world->central);
    return world;
}

void expect_world(struct span_world *world)
{
    const char *broken = central_verify(&world->central);
    if (broken == NULL)
        broken = caches_verify(&world->caches);
    assert_string_equal(broken == NULL ? "" : broken, "");
    expect_heap(&world->pages);
}

void span_world_delete(struct span_world *world)
{
    expect_world(world);
    page_heap_destroy(&world->pages);
    unit_unmap(world, sizeof *world);
}

size_t world_in_use_bytes(struct span_world *world)
{
    return unit_account(&world->pages).in_use_bytes;
}

size_t world_span_bytes(unsigned size_class)
{
    return pages_to_bytes(size_classes[size_class].span_pages);
}

struct span *world_span_at(struct span_world *world, const void *slot)
{
    struct run *run = page_heap_find(&world->pages, (uintptr_t)slot);
    assert_non_null(run);
    return span_of_run(run);
}

size_t world_slot_at(struct span_world *world, const void *slot)
{
    size_t number = 0;
    assert_true(span_slot_at(world_span_at(world, slot), (uintptr_t)slot, &number));
    return number;
}

void *world_slot(const struct span *span, size_t slot)
{
    return (char *)run_start(&span->run) + slot * span_class(span)->slot_bytes;
}

bool world_slot_is_ready(const struct span *span, size_t slot)
{
    uintptr_t start = (uintptr_t)world_slot(span, slot);
    uintptr_t end = start + span_class(span)->slot_bytes;
    for (uintptr_t at = align_down(start, vm_page_bytes()); at < end; at += vm_page_bytes())
        if (vm_fake_state_at(at) != VM_FAKE_READY)
            return false;
    return true;
}

void *world_fetch(struct span_world *world, unsigned size_class)
{
    void *slot = central_fetch(&world->central, size_class);
    assert_non_null(slot);
    return slot;
}

enum span_give_result world_give_back(struct span_world *world, const void *slot)
{
    return give_back_to(&world->central, world_span_at(world, slot), world_slot_at(world, slot));
}

struct cache *world_cache(struct span_world *world)
{
    struct cache *cache = caches_adopt(&world->caches, SIZE_MAX);
    assert_non_null(cache);
    return cache;
}

void *world_allocate(struct cache *cache, unsigned size_class)
{
    void *slot = cache_allocate(cache, size_class);
    assert_non_null(slot);
    return slot;
}

enum span_give_result world_free(struct span_world *world, struct cache *cache, const void *slot)
{
    struct span *span = world_span_at(world, slot);
    size_t       number = world_slot_at(world, slot);
    if (load_relaxed(&span->owner) == &cache->inbox) {
        enum span_give_result by_cache = cache_free(cache, span, number);
        return by_cache == SPAN_GIVEN_ALARM ? SPAN_GIVEN : by_cache;
    }
    if (central_owns(&world->central, span)) {
        if (central_take_full_span(&world->central, span, &cache->inbox))
            return cache_free_in_new(cache, span, number);
        return give_back_to(&world->central, span, number);
    }
    unsigned              size_class = span->size_class;
    enum span_give_result given = free_elsewhere(span, number);
    if (given == SPAN_GIVEN)
        count_up_owned(&cache->classes[size_class].n_freed);
    return given;
}

void world_fill_spans(struct cache *cache, unsigned size_class, size_t n_spans, void **out_slots)
{
    for (size_t i = 0; i < n_spans * size_classes[size_class].n_slots; i++)
        out_slots[i] = world_allocate(cache, size_class);
}

void world_free_all(struct span_world *world, struct cache *cache, void **slots, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(world_free(world, cache, slots[i]), SPAN_GIVEN);
}

size_t world_n_spans(const struct span_world *world, unsigned size_class)
{
    return load_relaxed(&world->central.lists[size_class].n_spans);
}

unsigned class_with_slots(size_t n_slots)
{
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++)
        if (size_classes[i].n_slots == n_slots)
            return i;
    fail_msg("no class has spans of %zu slots", n_slots);
    return 0;
}
