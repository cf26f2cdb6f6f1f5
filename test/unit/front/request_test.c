// What others ask of the process, and who answers. On the fake kernel and clock. front/request.c.
#include "front/request.h"

#include "config/config.h"
#include "front/heap.h"
#include "front_load.h"
#include "host_fake.h"
#include "unit_kit.h"
#include "vm_fake.h"

static struct request *request;

static int begin(void **state)
{
    (void)state;
    if (!load_relaxed(&process_heap.ready))   // owner
        vm_fake_reset(4 * KIB);
    (void)front_is_disabled();   // has made the heap
    request = &process_heap.request;
    return 0;
}

// As somebody else does, by writing into our memory.
static void ask_for(enum request_kind kind, uint64_t argument)
{
    request->argument = argument;
    store_relaxed(&request->kind, (uint8_t)kind);
}

static void expect_answer(uint64_t n_answered, uint64_t result)
{
    assert_int_equal(load_relaxed(&request->kind), REQUEST_NONE);
    assert_int_equal(load_relaxed(&request->n_answered), n_answered);
    assert_true(request->result == result);
}

static void nothing_asked_is_nothing_done(void **state)
{
    (void)state;
    request_answer(&process_heap);
    expect_answer(0, 0);
    store_relaxed(&process_heap.pages.alarm, false);
    request_pass_on(&process_heap);
    assert_false(load_relaxed(&process_heap.pages.alarm));
}

static void memory_goes_back_when_asked_for(void **state)
{
    (void)state;
    use(20 * MIB);
    free_last(12 * MIB);
    ask_for(REQUEST_TRIM, 0);
    request_answer(&process_heap);
    assert_true(request->result >= 12 * MIB);
    expect_answer(1, request->result);
    assert_int_equal(load_relaxed(&process_heap.counters.returned_bytes[RETURN_REQUEST]),
                     request->result);
    free_last(8 * MIB);
}

static void limits_are_set_when_they_can_be(void **state)
{
    (void)state;
    const struct {
        enum request_kind kind;
        uint64_t          argument;
        bool              is_taken;
    } rows[] = {
        {REQUEST_HARD_LIMIT, GIB, true},         {REQUEST_HARD_LIMIT, CONFIG_AUTO, false},
        {REQUEST_HARD_LIMIT, CONFIG_OFF, true},  {REQUEST_SOFT_LIMIT, 64 * MIB, true},
        {REQUEST_SOFT_LIMIT, 0, false},          {REQUEST_SOFT_LIMIT, UINT64_MAX - 5, false},
        {REQUEST_SOFT_LIMIT, CONFIG_AUTO, true}, {REQUEST_SOFT_LIMIT, CONFIG_OFF, true},
        {(enum request_kind)77, GIB, false},
    };
    uint64_t n_before = load_relaxed(&request->n_answered);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ask_for(rows[i].kind, rows[i].argument);
        request_answer(&process_heap);
        expect_answer(n_before + i + 1, rows[i].is_taken);
        if (rows[i].is_taken && rows[i].argument < CONFIG_AUTO)
            assert_true(limit_read(rows[i].kind == REQUEST_HARD_LIMIT ? LIMIT_HARD : LIMIT_SOFT) ==
                        rows[i].argument);
    }
    assert_true(limit_read(LIMIT_SOFT) == LIMIT_NONE && limit_read(LIMIT_HARD) == LIMIT_NONE);
}

// Who takes pages does not answer himself, he raises the alarm that starts the thread.
static void who_comes_by_passes_it_on(void **state)
{
    (void)state;
    uint64_t n_before = load_relaxed(&request->n_answered);
    store_relaxed(&process_heap.pages.alarm, false);
    ask_for(REQUEST_TRIM, 0);
    for (int i = 0; i < 100; i++) {
        host_fake_pass_time(100000000);
        use(MIB);
        free_last(MIB);
    }
    assert_true(load_relaxed(&process_heap.pages.alarm));
    assert_int_equal(load_relaxed(&request->kind), REQUEST_TRIM);
    assert_int_equal(load_relaxed(&request->n_answered), n_before);
    request_fork_child(request);
    assert_int_equal(load_relaxed(&request->kind), REQUEST_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_asked_is_nothing_done, begin),
        cmocka_unit_test_setup(memory_goes_back_when_asked_for, begin),
        cmocka_unit_test_setup(limits_are_set_when_they_can_be, begin),
        cmocka_unit_test_setup(who_comes_by_passes_it_on, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
