// Small duties of the central lists: whose an inbox is, what the page map says of a span, and that
// what was freed for a list is there for the next who asks. span/central.c.
#include "span_world.h"

static void an_inbox_is_that_of_its_class(void **state)
{
    struct span_world *world = span_world_new();
    struct span_inbox  of_nobody = {NULL};
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        struct central_list *list = &world->central.lists[i];
        assert_ptr_equal(central_list_of_inbox(&world->central, &list->inbox), list);
    }
    assert_null(central_list_of_inbox(&world->central, &of_nobody));
    span_world_delete(world);
}

static unsigned class_in_the_map(struct span_world *world, const void *slot)
{
    unsigned size_class;
    (void)page_map_find_tagged(&world->pages.map, (uintptr_t)slot, &size_class);
    return size_class;
}

static void the_page_map_knows_the_class_as_long_as_the_span_is_there(void **state)
{
    struct span_world *world = span_world_new();
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        char *slot = world_fetch(world, i);
        assert_int_equal(class_in_the_map(world, slot), i);
        assert_int_equal(class_in_the_map(world, slot + world_span_bytes(i) - 1), i);
        assert_int_equal(world_give_back(world, slot), SPAN_GIVEN);
        central_tidy(&world->central);
        assert_int_equal(class_in_the_map(world, slot), SPAN_LARGE);
    }
    span_world_delete(world);
}

static void what_was_freed_for_a_list_is_taken_in(void **state)
{
    struct span_world   *world = span_world_new();
    unsigned             size_class = size_class_for(1000);
    struct central_list *list = &world->central.lists[size_class];
    char                *slot = world_fetch(world, size_class);
    char                *kept = world_fetch(world, size_class);
    struct span         *span = world_span_at(world, slot);
    size_t               n_free = span_count_free(span);
    assert_int_equal(free_elsewhere(span, world_slot_at(world, slot)), SPAN_GIVEN);
    add_relaxed(&list->n_freed, 1);   // as front does: counter
    assert_int_equal(span_count_free(span), n_free);
    central_take_in(list, &world->central);
    assert_int_equal(span_count_free(span), n_free + 1);
    assert_true(span_inbox_is_empty(&list->inbox));
    assert_int_equal(world_give_back(world, kept), SPAN_GIVEN);
    central_tidy(&world->central);
    assert_int_equal(world_n_spans(world, size_class), 0);
    span_world_delete(world);
}

static const struct unit_sentence sentences[] = {
    {"an inbox is that of its class", an_inbox_is_that_of_its_class},
    {"the page map knows the class as long as the span is there",
     the_page_map_knows_the_class_as_long_as_the_span_is_there},
    {"what was freed for a list is taken in", what_was_freed_for_a_list_is_taken_in},
};

int main(void)
{
    ADD_SENTENCES("central lists:", sentences, 0);
    return cmocka_run_group_tests_name("central parts", unit_tests, NULL, NULL);
}
