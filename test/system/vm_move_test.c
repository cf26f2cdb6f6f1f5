// os/vm_linux.c where the kernel fails to move pages: with the target unmapped already, and with
// somebody who maps something just where a range is out of the address space for an instant.
//
// mremap is this file's own: it does what a scenario says, or what the kernel does.
#include "os/vm.h"

#include "base/units.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define FROM_BYTES ((size_t)4 * MIB)
#define TO_BYTES ((size_t)6 * MIB)
#define STRANGER_BYTES ((size_t)64 * KIB)

static enum {
    AS_THE_KERNEL,
    FAILS_AND_LEAVES_ALL,
    FAILS_AND_UNMAPS_TARGET,
    FAILS_AND_LOSES_START_OF_TARGET,
    FAILS_AND_LOSES_END_OF_TARGET,
    MOVES_AND_LOSES_SOURCE,
} scenario;

static void stranger_maps(char *at)
{
    void *mapped = mmap(at, STRANGER_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    assert_ptr_equal(mapped, at);
}

static void *move_by_kernel(void *from, size_t from_bytes, size_t to_bytes, int flags, void *to)
{
    return (void *)syscall(SYS_mremap, from, from_bytes, to_bytes, flags, to);
}

void *mremap(void *from, size_t from_bytes, size_t to_bytes, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    char *to = va_arg(arguments, void *);
    va_end(arguments);
    if (scenario == AS_THE_KERNEL || scenario == MOVES_AND_LOSES_SOURCE) {
        void *at = move_by_kernel(from, from_bytes, to_bytes, flags, to);
        if (scenario == MOVES_AND_LOSES_SOURCE)
            stranger_maps((char *)from + MIB);
        return at;
    }
    if (scenario != FAILS_AND_LEAVES_ALL)
        munmap(to, to_bytes);
    if (scenario == FAILS_AND_LOSES_START_OF_TARGET)
        stranger_maps(to);
    if (scenario == FAILS_AND_LOSES_END_OF_TARGET)
        stranger_maps(to + to_bytes - STRANGER_BYTES);
    errno = ENOMEM;
    return MAP_FAILED;
}

static struct vm_move prepare_move(void)
{
    struct vm_move move = {.from_bytes = FROM_BYTES, .to_bytes = TO_BYTES};
    move.from = vm_reserve_anywhere(FROM_BYTES + TO_BYTES, vm_page_bytes(), VM_HEAP);
    move.to = move.from + FROM_BYTES;
    assert_true(move.from != 0);
    assert_true(vm_prepare(move.from, FROM_BYTES + TO_BYTES));
    memset((void *)move.from, 0xAB, FROM_BYTES);
    memset((void *)move.to, 0xCD, TO_BYTES);
    return move;
}

static void expect_bytes(uintptr_t start, size_t n_bytes, unsigned char value)
{
    for (size_t i = 0; i < n_bytes; i += KIB)
        assert_int_equal(((unsigned char *)start)[i], value);
}

static enum vm_move_result move_as(int as, struct vm_move *move)
{
    *move = prepare_move();
    scenario = (unsigned)as;
    errno = 4711;
    enum vm_move_result result = vm_move(move);
    assert_int_equal(errno, 4711);
    scenario = AS_THE_KERNEL;
    return result;
}

static void both_places_are_as_promised(void **state)
{
    (void)state;
    struct vm_move move;
    assert_int_equal(move_as(AS_THE_KERNEL, &move), VM_MOVED);
    expect_bytes(move.to, FROM_BYTES, 0xAB);
    expect_bytes(move.to + FROM_BYTES, TO_BYTES - FROM_BYTES, 0);
    expect_bytes(move.from, FROM_BYTES, 0);
    assert_true(vm_renew(move.to, TO_BYTES));
    expect_bytes(move.to, TO_BYTES, 0);
    assert_true(vm_release(move.from, FROM_BYTES + TO_BYTES));
}

static void a_refusal_leaves_the_source_as_it_was(void **state)
{
    (void)state;
    static const int scenarios[] = {FAILS_AND_LEAVES_ALL, FAILS_AND_UNMAPS_TARGET};
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        struct vm_move move;
        assert_int_equal(move_as(scenarios[i], &move), VM_NOT_MOVED);
        expect_bytes(move.from, FROM_BYTES, 0xAB);
        memset((void *)move.to, 0xEF, TO_BYTES);   // ours, whatever is in it
        assert_true(vm_release(move.from, FROM_BYTES + TO_BYTES));
    }
}

static void what_others_have_taken_is_lost(void **state)
{
    (void)state;
    struct vm_move move;
    assert_int_equal(move_as(FAILS_AND_LOSES_START_OF_TARGET, &move), VM_TO_LOST);
    expect_bytes(move.from, FROM_BYTES, 0xAB);
    expect_bytes(move.to, STRANGER_BYTES, 0);   // theirs, as they left it
    assert_int_equal(move_as(FAILS_AND_LOSES_END_OF_TARGET, &move), VM_TO_LOST);
    expect_bytes(move.from, FROM_BYTES, 0xAB);
    assert_int_equal(move_as(MOVES_AND_LOSES_SOURCE, &move), VM_MOVED_FROM_LOST);
    expect_bytes(move.to, FROM_BYTES, 0xAB);
    expect_bytes(move.from + MIB, STRANGER_BYTES, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_places_are_as_promised),
        cmocka_unit_test(a_refusal_leaves_the_source_as_it_was),
        cmocka_unit_test(what_others_have_taken_is_lost),
    };
    return cmocka_run_group_tests_name("vm_move", tests, NULL, NULL);
}
