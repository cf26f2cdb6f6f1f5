// Size classes: every size has the smallest class that holds it, and every division is exact.
#include "span/size_class.h"

#include "base/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void table_has_as_many_classes_as_promised(void **state)
{
    (void)state;
    assert_int_equal(size_classes[SIZE_CLASS_FIRST].slot_bytes, 16);
    assert_int_equal(size_classes[SIZE_CLASSES - 1].slot_bytes, SMALL_BYTES_MAX);
    for (unsigned i = SIZE_CLASS_FIRST + 1; i < SIZE_CLASSES; i++)
        assert_true(size_classes[i].slot_bytes > size_classes[i - 1].slot_bytes);
}

static void every_size_gets_the_smallest_class_that_holds_it(void **state)
{
    (void)state;
    for (size_t n = 0; n <= SMALL_BYTES_MAX; n++) {
        unsigned size_class = size_class_for(n);
        assert_true(size_class < SIZE_CLASSES);
        assert_true(size_classes[size_class].slot_bytes >= n);
        if (size_class > SIZE_CLASS_FIRST)
            assert_true(size_classes[size_class - 1].slot_bytes < n);
    }
}

static void rounding_adds_at_most_an_eighth(void **state)
{
    (void)state;
    for (size_t n = 129; n <= SMALL_BYTES_MAX; n++) {
        size_t slot_bytes = size_classes[size_class_for(n)].slot_bytes;
        assert_true((slot_bytes - n) * (n <= 2048 ? 8 : 16) <= slot_bytes);
    }
}

static void every_power_of_two_is_a_class(void **state)
{
    (void)state;
    for (size_t n = 16; n <= SMALL_BYTES_MAX; n *= 2)
        assert_int_equal(size_classes[size_class_for(n)].slot_bytes, n);
}

static void every_byte_of_every_span_is_in_the_right_slot(void **state)
{
    (void)state;
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        const struct size_class *shape = &size_classes[i];
        assert_true(shape->n_slots <= SLOTS_MAX);
        for (size_t offset = 0; offset < shape->span_pages * PAGE_BYTES; offset++) {
            size_t slot;
            bool   starts =
                offset % shape->slot_bytes == 0 && offset / shape->slot_bytes < shape->n_slots;
            assert_int_equal(size_class_slot_at(shape, offset, &slot), starts);
            assert_int_equal(slot, offset / shape->slot_bytes);
        }
    }
}

static void the_table_is_what_the_tool_writes(void **state)
{
    (void)state;
    const char *source_root = getenv("NEAP_SOURCE_ROOT");
    if (source_root == NULL)
        skip();
    char command[4096];
    snprintf(command, sizeof command, "cd '%s' && /usr/bin/python3 dev/gen_size_classes.py --check",
             source_root);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_has_as_many_classes_as_promised),
        cmocka_unit_test(every_size_gets_the_smallest_class_that_holds_it),
        cmocka_unit_test(rounding_adds_at_most_an_eighth),
        cmocka_unit_test(every_power_of_two_is_a_class),
        cmocka_unit_test(every_byte_of_every_span_is_in_the_right_slot),
        cmocka_unit_test(the_table_is_what_the_tool_writes),
    };
    return cmocka_run_group_tests_name("size_class", tests, NULL, NULL);
}
