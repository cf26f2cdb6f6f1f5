// front/allocate.c, front/release.c, front/resize.c and front/heap.c on real memory: random traffic
// whose contents, alignment and books are checked, and what each kind of pointer is called.
#include "front/front.h"

#include "base/units.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define OBJECTS 4000
#define OPERATIONS 1000000

static struct object {
    unsigned char *start;
    size_t         n_bytes;
    unsigned char  mark;
} objects[OBJECTS];

// The first and last bytes tell one object from another; all of a large one would take too long.
static void object_mark(struct object *object, unsigned char mark)
{
    size_t n = size_min(object->n_bytes, 256);
    object->mark = mark;
    memset(object->start, mark, n);
    memset(object->start + object->n_bytes - n, mark, n);
}

static void object_expect_mark(const struct object *object, size_t n_bytes)
{
    size_t n = size_min(n_bytes, 256);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(object->start[i], object->mark);
}

static size_t random_size(struct random_source *random)
{
    switch (random_below(random, 100)) {
    case 0:
        return random_below(random, 4 * MIB);
    case 1:
    case 2:
    case 3:
        return random_below(random, 128 * KIB);
    case 4:
        return 0;
    default:
        return random_below(random, 2 * KIB);
    }
}

static void allocate_one(struct object *object, struct random_source *random)
{
    size_t n_bytes = random_size(random);
    size_t alignment = OBJECT_ALIGN;
    object->n_bytes = n_bytes;
    switch (random_below(random, 8)) {
    case 0:
        object->start = front_allocate_zeroed(n_bytes);
        for (size_t i = 0; i < n_bytes; i++)
            assert_int_equal(object->start[i], 0);
        break;
    case 1:
        alignment = (size_t)1 << random_below(random, 18);
        object->start = front_allocate_aligned(alignment, n_bytes);
        break;
    default:
        object->start = front_allocate(n_bytes);
    }
    assert_non_null(object->start);
    assert_int_equal((uintptr_t)object->start % size_max(alignment, OBJECT_ALIGN), 0);
}

static void resize_one(struct object *object, struct random_source *random)
{
    size_t n_bytes = random_size(random);
    void  *moved;
    assert_int_equal(front_resize(object->start, n_bytes, &moved), POINTER_TO_OBJECT);
    assert_non_null(moved);
    object->start = moved;
    object_expect_mark(object, size_min(object->n_bytes, n_bytes));
    object->n_bytes = n_bytes;
}

static void release_one(struct object *object)
{
    object_expect_mark(object, object->n_bytes);
    assert_int_equal(front_release(object->start), POINTER_TO_OBJECT);
    object->start = NULL;
}

static void expect_books(size_t asked_bytes)
{
    struct front_account account;
    front_account_read(&account);
    assert_true(page_account_adds_up(&account.pages));
    assert_int_equal(account.slots.used_bytes + account.slots.free_bytes + account.large_bytes,
                     account.pages.in_use_bytes);
    assert_true(account.slots.used_bytes + account.large_bytes >= asked_bytes);
    assert_null(front_verify());
}

static void random_traffic_keeps_contents_and_books(void **state)
{
    (void)state;
    struct random_source random = {.state = 4711};
    size_t               asked_bytes = 0;
    for (int i = 0; i < OPERATIONS; i++) {
        struct object *object = &objects[random_below(&random, OBJECTS)];
        asked_bytes -= object->start != NULL ? object->n_bytes : 0;
        if (object->start == NULL)
            allocate_one(object, &random);
        else if (random_below(&random, 4) == 0)
            resize_one(object, &random);
        else
            release_one(object);
        if (object->start != NULL) {
            size_t usable_bytes = 0;
            assert_int_equal(front_usable_bytes(object->start, &usable_bytes), POINTER_TO_OBJECT);
            assert_true(usable_bytes >= object->n_bytes);
            object_mark(object, (unsigned char)i);
            asked_bytes += object->n_bytes;
        }
        if (i % 20000 == 0)
            expect_books(asked_bytes);
    }
    for (size_t i = 0; i < OBJECTS; i++) {
        if (objects[i].start != NULL)
            release_one(&objects[i]);
    }
    front_trim();
    struct front_account account;
    front_account_read(&account);
    assert_int_equal(account.pages.in_use_bytes, 0);
    assert_int_equal(account.large_objects, 0);
}

static void each_kind_of_pointer_has_its_name(void **state)
{
    (void)state;
    int   on_stack;
    void *moved;
    char *small = front_allocate(100);
    char *neighbour = front_allocate(100);
    char *large = front_allocate(MIB);
    assert_int_equal(front_release(&on_stack), POINTER_FOREIGN);
    assert_int_equal(front_release((void *)UINTPTR_MAX), POINTER_FOREIGN);
    assert_int_equal(front_release(small + 1), POINTER_INSIDE);
    assert_int_equal(front_release(large + 1), POINTER_INSIDE);
    assert_int_equal(front_release(large + PAGE_BYTES), POINTER_INSIDE);
    assert_int_equal(front_resize(large + 16, 10, &moved), POINTER_INSIDE);
    assert_int_equal(front_release(small), POINTER_TO_OBJECT);
    assert_int_equal(front_release(small), POINTER_FREED);
    assert_int_equal(front_resize(small, 10, &moved), POINTER_FREED);
    assert_int_equal(front_release(large), POINTER_TO_OBJECT);
    assert_int_equal(front_release(large), POINTER_FREED);
    assert_int_equal(front_release(neighbour), POINTER_TO_OBJECT);
}

static void a_large_object_grows_in_place_at_the_end_of_the_heap(void **state)
{
    (void)state;
    void *object = front_allocate(8 * MIB);
    void *resized = NULL;
    for (size_t n_bytes = 8 * MIB; n_bytes <= 24 * MIB; n_bytes += MIB) {
        assert_int_equal(front_resize(object, n_bytes, &resized), POINTER_TO_OBJECT);
        assert_ptr_equal(resized, object);
    }
    assert_int_equal(front_resize(object, 9 * MIB, &resized), POINTER_TO_OBJECT);
    assert_ptr_equal(resized, object);
    assert_int_equal(front_release(object), POINTER_TO_OBJECT);
    assert_null(front_verify());
}

// In a child, since the limit stays: all the memory there is, then none, then all of it again.
static int exhaust_and_recover(void)
{
    struct rlimit limit = {256 * MIB, 256 * MIB};
    setrlimit(RLIMIT_AS, &limit);
    size_t first_round = 0;
    for (int round = 0; round < 3; round++) {
        void **chain = NULL;
        size_t n = 0;
        void **object;
        while ((object = front_allocate(round % 2 == 0 ? 100000 : 1000)) != NULL) {
            *object = chain;
            chain = object;
            n++;
        }
        if (front_verify() != NULL)
            return 1;
        while (chain != NULL) {
            object = *chain;
            if (front_release(chain) != POINTER_TO_OBJECT)
                return 2;
            chain = object;
        }
        if (round == 0)
            first_round = n;
        if (round == 2 && n * 100 < first_round * 95)
            return 3;
    }
    return front_verify() == NULL ? 0 : 4;
}

static void running_out_is_survived(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0)
        _exit(exhaust_and_recover());
    int status = -1;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
#if !defined(__SANITIZE_ADDRESS__)   // which cannot live with a limited address space itself
    assert_int_equal(WEXITSTATUS(status), 0);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_traffic_keeps_contents_and_books),
        cmocka_unit_test(each_kind_of_pointer_has_its_name),
        cmocka_unit_test(a_large_object_grows_in_place_at_the_end_of_the_heap),
        cmocka_unit_test(running_out_is_survived),
    };
    front_enable_caches();
    return cmocka_run_group_tests_name("front", tests, NULL, NULL);
}
