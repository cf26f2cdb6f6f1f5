// cache_verify() finds each invariant broken on purpose, and names it.
//
// cache/cache.c.
#include "cache/cache.h"

#include "span_world.h"

#include <string.h>

// A cache of a class of 128 slots: current one half used, one partial, one full.
struct corrupted {
    struct cache *cache, *other;
    unsigned      size_class;
    struct span  *current, *partial, *full;
};

// A word of the current span, as world_free_all() has left it.
static struct hot_word *hot_of(struct corrupted *c)
{
    struct cache_class *class = &c->cache->classes[c->size_class];
    return &class->hot[class->hot_at];
}

static void point_to_a_word_of_another_span(struct corrupted *c)
{
    hot_of(c)->word = &c->partial->free[0];
}

static void point_to_the_wrong_bits(struct corrupted *c)
{
    hot_of(c)->word = &c->current->freed_elsewhere[0];
}

static void point_behind_the_words(struct corrupted *c)
{
    hot_of(c)->word = &c->current->free[2];
}

static void count_slots_from_elsewhere(struct corrupted *c)
{
    hot_of(c)->base += size_classes[c->size_class].slot_bytes;
}

static void point_to_no_memory_of_ours(struct corrupted *c)
{
    hot_of(c)->base = 16;
}

static void forget_hot_words(struct corrupted *c)
{
    memset(c->cache->classes[c->size_class].hot, 0, sizeof(struct hot_word) * HOT_WORDS);
}

static void give_the_current_span_away(struct corrupted *c)
{
    forget_hot_words(c);
    store_relaxed(&c->current->owner, &c->other->inbox);
}

static void say_the_current_span_is_in_no_list(struct corrupted *c)
{
    c->current->listed = false;
}

static void list_a_span_of_another_owner(struct corrupted *c)
{
    forget_hot_words(c);
    store_relaxed(&c->partial->owner, &c->other->inbox);
}

static void list_the_current_span(struct corrupted *c)
{
    span_list_add(&c->cache->classes[c->size_class].partial, c->current);
}

static void list_a_span_in_another_class(struct corrupted *c)
{
    span_list_remove(&c->cache->classes[c->size_class].partial, c->partial);
    span_list_add(&c->cache->classes[c->size_class + 1].partial, c->partial);
}

static void say_it_is_in_no_list(struct corrupted *c)
{
    c->partial->listed = false;
}

static void list_a_full_one_as_if_private(struct corrupted *c)
{
    span_list_add(&c->cache->classes[c->size_class].full, c->full);
    c->full->listed = false;
}

static void point_to_a_word_of_another_owner(struct corrupted *c)
{
    struct span *full = c->full;
    store_relaxed(&full->owner, &c->other->inbox);
    *hot_of(c) = (struct hot_word){&full->free[0], (uintptr_t)run_start(&full->run)};
}

static void point_to_a_word_of_another_class(struct corrupted *c)
{
    c->cache->classes[c->size_class + 1].hot[0] = *hot_of(c);
}

static void forget_the_size_of_slots(struct corrupted *c)
{
    c->cache->classes[c->size_class].slot_bytes = 0;
}

static const struct verify_row {
    const char *name, *code;
    void (*corrupt)(struct corrupted *c);
} verify_rows[] = {
    {"K1 a word of another span", "K1", point_to_a_word_of_another_span},
    {"K1 a word of the wrong kind", "K1", point_to_the_wrong_bits},
    {"K1 a word behind the last", "K1", point_behind_the_words},
    {"K1 a wrong address of its slots", "K1", count_slots_from_elsewhere},
    {"K1 an address that is not ours", "K1", point_to_no_memory_of_ours},
    {"K1 a word of another owner's span", "K1", point_to_a_word_of_another_owner},
    {"K1 a word of another class", "K1", point_to_a_word_of_another_class},
    {"K1 a wrong size of its slots", "K1", forget_the_size_of_slots},
    {"K2 a current span of another owner", "K2", give_the_current_span_away},
    {"K2 a current span that thinks it is not", "K2", say_the_current_span_is_in_no_list},
    {"K2 a span of another owner", "K2", list_a_span_of_another_owner},
    {"K2 the current span in the list", "K2", list_the_current_span},
    {"K2 a span in the list of another class", "K2", list_a_span_in_another_class},
    {"K2 a span that thinks it is in no list", "K2", say_it_is_in_no_list},
    {"K3 a full span listed by who is not private", "K3", list_a_full_one_as_if_private},
};

static void is_named(void **state)
{
    const struct verify_row *row = unit_case_of(state)->row;
    struct span_world       *world = span_world_new();
    struct corrupted         c = {.cache = world_cache(world), .other = world_cache(world)};
    void                    *slots[3 * 128];
    c.size_class = class_with_slots(128);
    world_fill_spans(c.cache, c.size_class, 3, slots);
    world_free_all(world, c.cache, &slots[127], 1);
    world_free_all(world, c.cache, &slots[300], 1);
    c.partial = world_span_at(world, slots[0]);
    c.full = world_span_at(world, slots[128]);
    c.current = c.cache->classes[c.size_class].current;
    expect_world(world);
    row->corrupt(&c);
    expect_broken(cache_verify(c.cache), row->code);
    page_heap_destroy(&world->pages);   // the caches are in no state to be verified
    unit_unmap(world, sizeof *world);
}

int main(void)
{
    unit_add_table(UNIT_TABLE("verify names", verify_rows, 0, is_named));
    return cmocka_run_group_tests_name("cache verify", unit_tests, NULL, NULL);
}
