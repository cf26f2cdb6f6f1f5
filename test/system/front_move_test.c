// Growing very large objects that cannot stay where they are, on the real kernel: their contents,
// the mappings and the memory that it takes, also where the kernel will not move pages.
#include "front/heap.h"

#include "base/units.h"
#include "kernel_view.h"
#include "os/vm.h"
#include "sanitizer.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define FIRST_BYTES (4 * MIB)
#define LAST_BYTES (300 * MIB)
#define BLOCKERS 32
#define MAPPINGS_PER_OBJECT 2     // its own, and one more where it cuts the one around it
#define OTHER_MAPPINGS 4          // prepared and reserved, and some for arenas that lie apart
#define SLACK_BYTES (112 * MIB)   // three times the largest copied: their old places stay idle
#define CHILD_SECONDS_MAX 120

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return #condition;                                                                     \
    } while (0)

static void in_child(const char *(*function)(int), int argument)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(CHILD_SECONDS_MAX);
        const char *wrong = function(argument);
        if (wrong != NULL)
            fprintf(stderr, "child: not so: %s\n", wrong);
        fflush(NULL);
        _exit(wrong != NULL);
    }
    assert_true(child > 0);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

struct vector {
    uint64_t *start;
    size_t    n_words;
    uint64_t  salt;
};

static bool vector_is_intact(const struct vector *vector)
{
    for (size_t i = 0; i < vector->n_words; i++)
        if (vector->start[i] != i + vector->salt)
            return false;
    return true;
}

static bool vector_resize(struct vector *vector, size_t n_bytes)
{
    void *resized = NULL;
    if (vector->start == NULL)
        resized = front_allocate(n_bytes);
    else if (front_resize(vector->start, n_bytes, &resized) != POINTER_TO_OBJECT)
        return false;
    if (resized == NULL)
        return false;
    vector->start = resized;
    size_t n_old_words = vector->n_words;
    vector->n_words = n_bytes / sizeof(uint64_t);
    for (size_t i = n_old_words; i < vector->n_words; i++)
        vector->start[i] = i + vector->salt;
    return true;
}

static size_t peak_bytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss * KIB;
}

// Of the kernel's in the heap.
static size_t mappings(void)
{
    const struct page_ranges *reserved = &heap_get()->pages.reserved;
    size_t                    n = 0;
    kernel_view_read();
    for (size_t i = 0; i < reserved->n_ranges; i++) {
        uintptr_t first = page_address(reserved->ranges[i].first);
        n += kernel_view_mappings(first, first + pages_to_bytes(reserved->ranges[i].n_pages));
    }
    return n;
}

static size_t moves_by_kernel(void)
{
    struct vm_counts counts;
    vm_counts_read(&counts);
    return counts.move;
}

// Grows to LAST_BYTES in steps of a half. Each time something lies behind it, which takes the
// lowest place where it fits and so has to be larger than any free one.
static const char *grow(struct vector *vector)
{
    static void *blockers[BLOCKERS];
    size_t       n_blockers = 0;
    for (size_t n_bytes = FIRST_BYTES; vector->n_words * sizeof(uint64_t) < LAST_BYTES;
         n_bytes += n_bytes / 2) {
        REQUIRE(vector_resize(vector, size_min(align_down(n_bytes, 16), LAST_BYTES)));
        REQUIRE((blockers[n_blockers++] = front_allocate(LAST_BYTES)) != NULL);
    }
    REQUIRE(vector_is_intact(vector));
    REQUIRE(front_verify() == NULL);
    while (n_blockers > 0)
        REQUIRE(front_release(blockers[--n_blockers]) == POINTER_TO_OBJECT);
    return NULL;
}

static const char *grows_within_its_size(int argument)
{
    (void)argument;
    struct vector vector = {.salt = 7};
    const char   *wrong = grow(&vector);
    if (wrong != NULL)
        return wrong;
    REQUIRE(moves_by_kernel() >= 5);
    if (!SANITIZES_ADDRESS && !SANITIZES_THREAD)
        REQUIRE(peak_bytes() < LAST_BYTES + SLACK_BYTES);
    REQUIRE(mappings() <= MAPPINGS_PER_OBJECT + OTHER_MAPPINGS);
    REQUIRE(vector_resize(&vector, 100 * MIB));   // shorter, in place
    REQUIRE(vector_is_intact(&vector));
    REQUIRE(front_release(vector.start) == POINTER_TO_OBJECT);
    REQUIRE(front_verify() == NULL);
    REQUIRE(mappings() <= OTHER_MAPPINGS);
    unsigned char *zeroes = front_allocate_zeroed(LAST_BYTES);   // where some of it has been
    REQUIRE(zeroes != NULL);
    for (size_t i = 0; i < LAST_BYTES; i += 512)
        REQUIRE(zeroes[i] == 0);
    return NULL;
}

static void growing_takes_no_more_than_the_object(void **state)
{
    (void)state;
    in_child(grows_within_its_size, 0);
}

#define VECTORS 3
#define ROUNDS 40

// Sizes that go up and down, so that places are cut anew again and again.
static const char *many_rounds(int argument)
{
    (void)argument;
    static const size_t sizes[] = {33, 50, 75, 60, 41, 120, 90, 34};
    struct vector       vectors[VECTORS] = {{.salt = 1}, {.salt = 1000}, {.salt = 1000000}};
    for (size_t i = 0; i < ROUNDS; i++) {
        struct vector *vector = &vectors[i % VECTORS];
        REQUIRE(vector_resize(vector, sizes[i * 5 % 8] * MIB + i % 3 * 40 * KIB));
        REQUIRE(vector_is_intact(vector));
        REQUIRE(mappings() <= VECTORS * MAPPINGS_PER_OBJECT + OTHER_MAPPINGS);
    }
    REQUIRE(front_verify() == NULL);
    return NULL;
}

static void mappings_follow_the_objects(void **state)
{
    (void)state;
    in_child(many_rounds, 0);
}

// An object of a heap stays in it, and goes with it.
static const char *in_a_heap(int argument)
{
    (void)argument;
    struct neap_heap   *heap = heap_create("moved");
    bool                zero_known;
    struct heap_account account;
    REQUIRE(heap != NULL);
    struct vector vector = {.salt = 3};
    vector.start = heap_allocate(heap, 16, 40 * MIB, &zero_known);
    REQUIRE(vector.start != NULL && vector_resize(&vector, 40 * MIB));
    REQUIRE(front_allocate(LAST_BYTES) != NULL);
    REQUIRE(vector_resize(&vector, 80 * MIB));
    REQUIRE(moves_by_kernel() == 1);
    REQUIRE(vector_is_intact(&vector));
    heap_account_read(heap, &account);
    REQUIRE(account.large_objects == 1 && account.large_bytes == 80 * MIB);
    REQUIRE(front_verify() == NULL);
    heap_destroy(heap);
    REQUIRE(front_verify() == NULL);
    REQUIRE(mappings() <= OTHER_MAPPINGS);
    return NULL;
}

static void objects_of_heaps_move_too(void **state)
{
    (void)state;
    in_child(in_a_heap, 0);
}

static bool deny(int number, int error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static const char *grows_without_mremap(int error)
{
    struct vector vector = {.salt = 99};
    REQUIRE(deny(SYS_mremap, error));
    errno = 4711;
    const char *wrong = grow(&vector);
    if (wrong != NULL)
        return wrong;
    REQUIRE(errno == 4711);
    REQUIRE(front_release(vector.start) == POINTER_TO_OBJECT);
    struct front_account account;
    front_account_read(&account);
    REQUIRE(account.pages.manual_bytes == 0);   // nothing was given up for lost
    REQUIRE(front_verify() == NULL);
    return NULL;
}

static void without_mremap_it_is_copied(void **state)
{
    (void)state;
    static const int errors[] = {ENOSYS, EPERM, EINVAL, ENOMEM, EFAULT};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        in_child(grows_without_mremap, errors[i]);
}

static const char *locked_part(int argument)
{
    (void)argument;
    struct vector vector = {.salt = 5};
    REQUIRE(vector_resize(&vector, 40 * MIB));
    void *blocker = front_allocate(40 * KIB);
    // An object in two mappings cannot move as one.
    REQUIRE(mlock((char *)vector.start + 8 * MIB, 64 * KIB) == 0);
    REQUIRE(vector_resize(&vector, 80 * MIB));
    REQUIRE(vector_is_intact(&vector));
    REQUIRE(front_release(vector.start) == POINTER_TO_OBJECT);
    REQUIRE(front_release(blocker) == POINTER_TO_OBJECT);
    REQUIRE(front_verify() == NULL);
    return NULL;
}

static void a_partly_locked_object_is_copied(void **state)
{
    (void)state;
    in_child(locked_part, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growing_takes_no_more_than_the_object),
        cmocka_unit_test(mappings_follow_the_objects),
        cmocka_unit_test(objects_of_heaps_move_too),
        cmocka_unit_test(without_mremap_it_is_copied),
        cmocka_unit_test(a_partly_locked_object_is_copied),
    };
    front_enable_caches();
    return cmocka_run_group_tests_name("front_move", tests, NULL, NULL);
}
