// The real kernel takes pages inside of spans: what is resident falls to what is live, to the byte
// that the trim says; contents stay, and what comes back reads as zero where nobody wrote.
//
// span/span_cold.c, front/heap.c.
#include "front/heap.h"
#include "kernel_view.h"
#include "unit_kit.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OBJECTS 4096
#define OBJECT_BYTES (16 * KIB)

static unsigned char *objects[OBJECTS];
static size_t         resident_bytes;

static void add_range(void *context, page_id first, size_t n_pages)
{
    resident_bytes +=
        kernel_resident_bytes(page_address(first), page_address(page_plus(first, n_pages)));
}

static size_t heap_resident_bytes(void)
{
    resident_bytes = 0;
    page_heap_each_range(&process_heap.pages, add_range, NULL);
    return resident_bytes;
}

static void given_objects(void)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        objects[i] = front_allocate(OBJECT_BYTES);
        assert_non_null(objects[i]);
        memset(objects[i], (int)(i % 255 + 1), OBJECT_BYTES);
    }
}

static void free_object(size_t i)
{
    assert_int_equal(front_release(objects[i]), POINTER_TO_OBJECT);
    objects[i] = NULL;
}

static void expect_contents(void)
{
    static unsigned char wanted[OBJECT_BYTES];
    for (size_t i = 0; i < OBJECTS; i++) {
        if (objects[i] == NULL)
            continue;
        memset(wanted, (int)(i % 255 + 1), OBJECT_BYTES);
        assert_memory_equal(objects[i], wanted, OBJECT_BYTES);
    }
}

static size_t n_live(void)
{
    size_t n = 0;
    for (size_t i = 0; i < OBJECTS; i++)
        n += objects[i] != NULL;
    return n;
}

static void free_all(void)
{
    for (size_t i = 0; i < OBJECTS; i++)
        if (objects[i] != NULL)
            free_object(i);
    front_trim();
    assert_int_equal(heap_resident_bytes(), 0);
    assert_null(front_verify());
}

static void what_is_resident_falls_to_what_is_live(void **state)
{
    given_objects();
    for (size_t stride = 2; stride <= 8; stride *= 2) {
        for (size_t i = 0; i < OBJECTS; i++)
            if (objects[i] != NULL && i % stride != 0)
                free_object(i);
        size_t before = heap_resident_bytes();
        size_t n_bytes = front_trim();
        assert_int_equal(before - heap_resident_bytes(), n_bytes);
        assert_int_equal(heap_resident_bytes(), n_live() * OBJECT_BYTES);
        assert_null(front_verify());
        expect_contents();
    }
    free_all();
}

static void what_was_cold_reads_as_zero(void **state)
{
    given_objects();
    for (size_t i = 0; i < OBJECTS; i += 2)
        free_object(i);
    front_trim();
    size_t resident_before = heap_resident_bytes();
    for (size_t i = 0; i < OBJECTS; i += 2) {
        static const unsigned char zeros[OBJECT_BYTES];
        unsigned char             *object = front_allocate(OBJECT_BYTES);
        assert_memory_equal(object, zeros, OBJECT_BYTES);
        memset(object, (int)(i % 255 + 1), OBJECT_BYTES);
        objects[i] = object;
    }
    assert_true(heap_resident_bytes() >= 2 * resident_before);
    expect_contents();
    free_all();
}

// Not by the function of libc's, which a sanitizer makes do nothing.
static bool lock_object(const void *object)
{
    return syscall(SYS_mlock, object, OBJECT_BYTES) == 0;
}

static void locked_pages_stay(void **state)
{
    given_objects();
    // Objects that are free and locked, in the midst of others.
    bool           locked = lock_object(objects[100]) && lock_object(objects[200]);
    unsigned char *locked_objects[] = {objects[100], objects[200]};
    for (size_t i = 0; i < OBJECTS; i += 2)
        free_object(i);
    front_trim();
    size_t n_locked_bytes = locked ? 2 * OBJECT_BYTES : 0;
    assert_int_equal(heap_resident_bytes(), n_live() * OBJECT_BYTES + n_locked_bytes);
    expect_contents();
    assert_null(front_verify());
    for (size_t i = 0; i < 2; i++)
        syscall(SYS_munlock, locked_objects[i], OBJECT_BYTES);
    free_all();
}

static const struct unit_sentence sentences[] = {
    {"what is resident falls to what is live", what_is_resident_falls_to_what_is_live},
    {"what was cold reads as zero", what_was_cold_reads_as_zero},
    {"locked pages stay", locked_pages_stay},
};

int main(void)
{
    front_enable_caches();
    ADD_SENTENCES("cooling", sentences, 0);
    return cmocka_run_group_tests_name("cooling kernel", unit_tests, NULL, NULL);
}
