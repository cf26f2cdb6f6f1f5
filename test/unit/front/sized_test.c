// Sizes that come with a free, against the object's. front/sized.c, front/fast.h.
#include "front/fast.h"

#include "front/thread.h"
#include "unit_kit.h"
#include "vm_fake.h"

static void given_heap(void)
{
    if (load_relaxed(&process_heap.ready))   // by the test before
        return;
    vm_fake_reset(4 * KIB);
    heap_init_once();
    thread_caches_enable();
}

static void *allocated(size_t n_bytes)
{
    void *object = front_allocate(n_bytes);
    assert_non_null(object);
    return object;
}

struct size_row {
    const char *name;
    size_t      alignment, n_bytes, given_alignment, given_bytes;
    bool        is_right;
};

static const struct size_row size_rows[] = {
    {"the same", 16, 100, 16, 100, true},
    {"none", 16, 0, 16, 0, true},
    {"of the same class", 16, 100, 16, 112, true},
    {"one more than the class", 16, 100, 16, 113, false},
    {"one less than the class", 16, 100, 16, 96, false},
    {"of the largest class", 16, SMALL_BYTES_MAX, 16, SMALL_BYTES_MAX, true},
    {"large for small", 16, SMALL_BYTES_MAX, 16, SMALL_BYTES_MAX + 1, false},
    {"small for large", 16, SMALL_BYTES_MAX + 1, 16, SMALL_BYTES_MAX, false},
    {"large", 16, 300000, 16, 300000, true},
    {"large, of as many pages", 16, 300000, 16, 303104, true},
    {"large, of one page more", 16, 300000, 16, 303105, false},
    {"large, of one page less", 16, 300000, 16, 294912, false},
    {"more than there can be", 16, 300000, 16, SIZE_MAX, false},
    {"aligned", 64, 100, 64, 100, true},
    {"aligned, without saying so", 64, 100, 16, 100, false},
    {"aligned beyond a page", 65536, 100, 65536, 100, true},
    {"aligned beyond a page, without saying so", 65536, 100, 16, 100, false},
};

static void is_as_in_the_table(void **state)
{
    const struct size_row *row = unit_case_of(state)->row;
    given_heap();
    void *object = front_allocate_aligned(row->alignment, row->n_bytes);
    assert_int_equal(front_size_may_be_right(object, row->given_alignment, row->given_bytes),
                     row->is_right);
    // Without a cache all goes the slow way; with one, what is right is freed at once.
    if (row->given_bytes <= SMALL_BYTES_MAX && row->given_alignment == OBJECT_ALIGN) {
        enum cache_freed freed = fast_release(object, size_class_for(row->given_bytes));
        assert_int_equal(freed != CACHE_NOT_FREED, row->is_right);
        if (freed == CACHE_FREED_WORD || freed == CACHE_FREED_FIRST)
            fast_end_release(object, freed);
        if (freed != CACHE_NOT_FREED)
            return;
    }
    assert_int_equal(front_release(object), POINTER_TO_OBJECT);
}

static void resized(void *object, size_t n_bytes, void *expected)
{
    void *now;
    assert_int_equal(front_resize(object, n_bytes, &now), POINTER_TO_OBJECT);
    assert_ptr_equal(now, expected);
}

static void what_was_resized_in_place_may_have_any_size_that_fits(void **state)
{
    given_heap();
    void *object = allocated(1000);
    resized(object, 990, object);   // of the same class: nothing is forgotten
    assert_false(front_size_may_be_right(object, OBJECT_ALIGN, 600));
    resized(object, 600, object);
    assert_true(front_size_may_be_right(object, OBJECT_ALIGN, 600));
    assert_true(front_size_may_be_right(object, OBJECT_ALIGN, 1000));
    assert_false(front_size_may_be_right(object, OBJECT_ALIGN, 1025));
}

static void a_large_one_resized_in_place_has_its_new_size(void **state)
{
    given_heap();
    void *object = allocated(300000);
    resized(object, 100000, object);
    assert_true(front_size_may_be_right(object, OBJECT_ALIGN, 100000));
    assert_false(front_size_may_be_right(object, OBJECT_ALIGN, 300000));
}

static void what_could_not_become_smaller_elsewhere_may_have_its_new_size(void **state)
{
    given_heap();
    void *object = allocated(300000);
    vm_fake_refuse(1, true);
    while (front_allocate(100) != NULL)
        ;
    resized(object, 100, object);
    vm_fake_refuse(0, false);
    assert_true(front_size_may_be_right(object, OBJECT_ALIGN, 100));
    assert_false(front_size_may_be_right(object, OBJECT_ALIGN, 400000));
}

static void where_no_object_is_there_is_no_telling(void **state)
{
    given_heap();
    char  on_the_stack[10];
    char *object = allocated(100);
    assert_true(front_size_may_be_right(on_the_stack, OBJECT_ALIGN, 1000));
    assert_true(front_size_may_be_right(object + 1, OBJECT_ALIGN, 1000));
    assert_int_equal(front_release(object), POINTER_TO_OBJECT);
    assert_true(front_size_may_be_right(object, OBJECT_ALIGN, 1000));
    assert_true(front_size_may_be_right(NULL, OBJECT_ALIGN, 1000));
}

static const struct unit_sentence sentences[] = {
    {"what was resized in place may have any that fits",
     what_was_resized_in_place_may_have_any_size_that_fits},
    {"a large object resized in place has its new one",
     a_large_one_resized_in_place_has_its_new_size},
    {"where no object is there is no telling", where_no_object_is_there_is_no_telling},
    {"what could not become smaller elsewhere may have its new one",
     what_could_not_become_smaller_elsewhere_may_have_its_new_size},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("a size:", size_rows, 0, is_as_in_the_table));
    ADD_SENTENCES("sizes:", sentences, 0);
    return cmocka_run_group_tests_name("sized", unit_tests, NULL, NULL);
}
