// The thread that gives memory back: when it is started and by whom, when it ends, what is done
// without one, and forks. On the fake kernel and clock; the thread is this one, when it calls what
// it was asked to start. front/background.c.
#include "front/background.h"

#include "front/heap.h"
#include "front/thread.h"
#include "front_load.h"
#include "host_fake.h"
#include "pageheap/scavenge_policy.h"
#include "unit_kit.h"
#include "vm_fake.h"

#define MS_NS UINT64_C(1000000)
#define S_NS (1000 * MS_NS)

// Where the program's calls of malloc return to.
static const char program, libc;

static struct background *background(void)
{
    return &process_heap.background;
}

static void given_much_idle(void)
{
    use(100 * MIB);
    free_last(90 * MIB);
}

// As api does on the slower ways.
static void come_by_from(const void *caller)
{
    if (load_relaxed(&process_heap.pages.alarm))
        front_answer_alarm(caller);
}

static void come_by_for(uint64_t ns, const void *caller)
{
    for (uint64_t done = 0; done < ns; done += 5 * MS_NS) {
        come_by_from(caller);
        host_fake_pass_time(5 * MS_NS);
    }
}

static size_t ready_bytes(void)
{
    return vm_fake_heap_bytes().ready;
}

static bool all_is_back(void)
{
    struct page_account account;
    page_heap_account_read(&process_heap.pages, &account);
    return ready_bytes() <= scavenge_goal_bytes(account.in_use_bytes, 110);
}

static bool is_started(void)
{
    return host_fake_started() != NULL;
}

static void forget_start(void)
{
    host_fake_refuse_threads(false);
}

// ---- the thread at work -----------------------------------------------------------------------

static size_t n_naps;
static void (*at_nap)(void);

static void nap(void)
{
    host_fake_pass_time(ROUND_EVERY_NS);
    if (++n_naps > 10000)
        fail_msg("the thread works without end");
    if (at_nap != NULL)
        at_nap();
}

// Returns when the thread ends.
static void run_thread(void)
{
    void (*body)(void) = host_fake_started();
    assert_non_null(body);
    forget_start();
    n_naps = 0;
    host_fake_meanwhile(NULL, nap);
    body();
    host_fake_meanwhile(NULL, NULL);
}

// ---- starting ---------------------------------------------------------------------------------

static void only_when_much_is_idle(void)
{
    use(100 * MIB);
    free_last(16 * MIB);
    come_by_from(&program);
    assert_false(is_started());
    free_last(4 * MIB);
    come_by_from(&program);
    assert_true(is_started());
}

static void not_by_libc_which_may_hold_its_locks(void)
{
    given_much_idle();
    come_by_from(&libc);
    assert_false(is_started());
    come_by_from(&program);
    assert_true(is_started());
}

static void not_by_the_child_of_a_vfork(void)
{
    given_much_idle();
    host_fake_become_process(2);
    come_by_from(&program);
    assert_false(is_started());
    host_fake_become_process(1);
    come_by_from(&program);
    assert_true(is_started());
}

static void not_with_a_lock_held(void)
{
    given_much_idle();
    lock_n_of_this_thread++;
    come_by_from(&program);
    lock_n_of_this_thread--;
    this_thread.changing = true;
    come_by_from(&program);
    this_thread.changing = false;
    assert_false(is_started());
    assert_int_equal(load_relaxed(&background()->state), BACKGROUND_NONE);
    assert_int_equal(process_heap.pages.scavenged_steps, 0);
}

static void not_twice(void)
{
    given_much_idle();
    come_by_from(&program);
    assert_true(is_started());
    forget_start();
    for (size_t i = 0; i < 100; i++) {   // who saw the alarm before
        front_answer_alarm(&program);
        host_fake_pass_time(ROUND_EVERY_NS);
    }
    use(100 * MIB);
    free_last(100 * MIB);
    come_by_for(5 * S_NS, &program);
    assert_false(is_started());
    assert_int_equal(process_heap.pages.scavenged_steps, 0);   // that is the thread's work
}

// ---- working and ending -----------------------------------------------------------------------

static void it_gives_back_and_ends(void)
{
    given_much_idle();
    come_by_from(&program);
    run_thread();
    assert_true(all_is_back());
    assert_int_equal(load_relaxed(&background()->state), BACKGROUND_NONE);
    assert_false(load_relaxed(&background()->is_busy));
    assert_true(n_naps * ROUND_EVERY_NS < 5 * S_NS);
    come_by_from(&program);
    assert_false(is_started());
    free_last(10 * MIB);
    given_much_idle();
    come_by_from(&program);
    assert_true(is_started());
    run_thread();
    assert_true(all_is_back());
}

#define CALM_ROUNDS 30   // as in give_back.c
static size_t n_looks, ended_naps;

// When all is found to be done and the alarm is not set yet, somebody frees much and comes by.
static void free_much_when_it_is_about_to_end(void)
{
    bool is_last_round = background()->give_back.n_calm == CALM_ROUNDS - 1;
    n_looks = is_last_round ? n_looks + 1 : 0;
    if (n_looks == 3 && ended_naps == 0) {   // at the end of the round
        ended_naps = n_naps;
        use(90 * MIB);
        free_last(90 * MIB);
        front_answer_alarm(&program);
        assert_false(is_started());
    }
}

static void called_back_while_it_ends_it_goes_on(void)
{
    given_much_idle();
    come_by_from(&program);
    host_fake_at_cpu_time(free_much_when_it_is_about_to_end);
    run_thread();
    assert_int_not_equal(ended_naps, 0);
    assert_true(n_naps > ended_naps + 20);
    assert_true(all_is_back());
    assert_int_equal(load_relaxed(&background()->state), BACKGROUND_NONE);
    assert_false(load_relaxed(&process_heap.pages.alarm));
}

static void end_main(void)
{
    if (n_naps == 10)
        host_fake_end_main_thread(true);
}

static void when_main_has_ended_so_does_the_thread_for_good(void)
{
    given_much_idle();
    come_by_from(&program);
    at_nap = end_main;
    run_thread();
    assert_in_range(n_naps, 10, 14);
    assert_int_equal(load_relaxed(&background()->state), BACKGROUND_NEVER);
    assert_false(all_is_back());
    come_by_for(10 * S_NS, &program);   // the other threads do its work
    assert_false(is_started());
    assert_true(all_is_back());
}

// ---- without a thread -------------------------------------------------------------------------

static void where_none_can_be_had_those_who_come_by_give_back(void)
{
    host_fake_refuse_threads(true);
    given_much_idle();
    come_by_for(500 * MS_NS, &program);
    assert_int_equal(load_relaxed(&background()->state), BACKGROUND_NEVER);
    assert_int_equal(ready_bytes(), 100 * MIB);   // within the delay
    host_fake_refuse_threads(false);
    come_by_for(10 * S_NS, &program);
    assert_false(is_started());   // was not asked for again
    assert_true(all_is_back());
    assert_false(load_relaxed(&process_heap.pages.alarm));
    use(90 * MIB);
    free_last(90 * MIB);
    come_by_for(10 * S_NS, &program);
    assert_true(all_is_back());
}

static void switched_off_those_who_come_by_give_back(void)
{
    given_much_idle();
    come_by_for(10 * S_NS, &program);
    assert_false(is_started());
    assert_true(all_is_back());
}

static void from_within_libc_they_give_back(void)
{
    given_much_idle();
    come_by_for(10 * S_NS, &libc);
    assert_false(is_started());
    assert_true(all_is_back());
}

static size_t n_calls;

static void spend_a_millisecond(size_t n_bytes)
{
    n_calls++;
    host_fake_spend_cpu(2 * MS_NS);
}

static void who_comes_by_does_a_little_now_and_then(void)
{
    given_much_idle();
    come_by_for(1500 * MS_NS, &libc);   // past the delay
    use(50 * MIB);
    free_last(50 * MIB);
    page_heap_age(&process_heap.pages);
    page_heap_age(&process_heap.pages);   // and nothing was handed out lately
    vm_fake_at_unuse(spend_a_millisecond);
    for (size_t i = 0; i < 20; i++) {
        n_calls = 0;
        for (size_t k = 0; k < 10; k++)
            come_by_from(&program);
        assert_int_equal(n_calls, 1);
        host_fake_pass_time(ROUND_EVERY_NS);
    }
}

static void only_one_at_a_time(void)
{
    given_much_idle();
    store_relaxed(&background()->is_busy, true);   // another is at it
    come_by_for(10 * S_NS, &program);
    assert_int_equal(process_heap.pages.scavenged_steps, 0);
    store_relaxed(&background()->is_busy, false);
    come_by_for(10 * S_NS, &program);
    assert_true(all_is_back());
}

#define SLOTS 10000
#define SLOT_BYTES 8000

// Much is idle inside of spans.
static void given_many_free_slots(void)
{
    static void *slots[SLOTS];
    for (size_t i = 0; i < SLOTS; i++)
        slots[i] = front_allocate(SLOT_BYTES);
    for (size_t i = 0; i < SLOTS; i++)
        if (i % 4 != 0)
            assert_int_equal(front_release(slots[i]), POINTER_TO_OBJECT);
}

static void much_idle_inside_of_spans_is_worth_it(void)
{
    given_many_free_slots();
    assert_false(load_relaxed(&process_heap.pages.alarm));
    front_answer_alarm(&program);
    assert_true(is_started());
}

static void with_returning_off_it_is_worth_nothing(void)
{
    given_many_free_slots();
    for (size_t i = 0; i < 100; i++) {
        front_answer_alarm(&program);
        host_fake_pass_time(ROUND_EVERY_NS);
    }
    assert_false(is_started());
    assert_int_equal(load_relaxed(&background()->state), BACKGROUND_NONE);
    assert_int_equal(process_heap.central.cooled_bytes, 0);
}

static void with_returning_off_nothing_goes_back(void)
{
    given_much_idle();
    assert_false(load_relaxed(&process_heap.pages.alarm));
    come_by_for(10 * S_NS, &program);
    assert_false(is_started());
    assert_int_equal(ready_bytes(), 100 * MIB);
    assert_int_equal(front_trim(), 90 * MIB);   // but when it is asked to
}

// ---- forks ------------------------------------------------------------------------------------

static void fork_into(long process)
{
    front_fork_prepare();
    host_fake_become_process(process);
    front_fork_child();
}

static void the_child_of_a_fork_starts_its_own(void)
{
    given_much_idle();
    come_by_from(&program);
    assert_true(is_started());
    forget_start();
    store_relaxed(&background()->is_busy, true);   // in the middle of a round
    fork_into(2);
    come_by_from(&program);
    assert_true(is_started());
    run_thread();
    assert_true(all_is_back());
    assert_null(front_verify());
}

static void a_child_whose_parent_had_none_starts_one_when_it_is_worth_it(void)
{
    fork_into(2);
    come_by_from(&program);
    assert_false(is_started());
    given_much_idle();
    come_by_from(&program);
    assert_true(is_started());
}

static void a_child_of_one_that_does_without_does_without(void)
{
    fork_into(2);
    given_much_idle();
    come_by_for(10 * S_NS, &program);
    assert_false(is_started());
    assert_true(all_is_back());
}

static void the_parent_goes_on(void)
{
    given_much_idle();
    come_by_from(&program);
    front_fork_prepare();
    front_fork_parent();
    run_thread();
    assert_true(all_is_back());
}

// ---- sentences --------------------------------------------------------------------------------

#define SENTENCE(text, function)                                                                   \
    {                                                                                              \
        text, function, NULL                                                                       \
    }

static const struct thread_row {
    const char *name;
    void (*run)(void);
    const char *option;
} thread_rows[] = {
    SENTENCE("is started only when much is idle", only_when_much_is_idle),
    SENTENCE("is not started by libc, which may hold its locks",
             not_by_libc_which_may_hold_its_locks),
    SENTENCE("is not started by the child of a vfork", not_by_the_child_of_a_vfork),
    SENTENCE("is not started with a lock held", not_with_a_lock_held),
    SENTENCE("is not started twice", not_twice),
    SENTENCE("gives back and ends", it_gives_back_and_ends),
    SENTENCE("called back while it ends it goes on", called_back_while_it_ends_it_goes_on),
    SENTENCE("ends for good when main has ended", when_main_has_ended_so_does_the_thread_for_good),
    SENTENCE("where none can be had those who come by give back",
             where_none_can_be_had_those_who_come_by_give_back),
    {"switched off, those who come by give back", switched_off_those_who_come_by_give_back,
     "NEAP_BACKGROUND=0"},
    SENTENCE("called from within libc only, those who come by give back",
             from_within_libc_they_give_back),
    {"who comes by does a little now and then", who_comes_by_does_a_little_now_and_then,
     "NEAP_BACKGROUND=0"},
    {"only one at a time", only_one_at_a_time, "NEAP_BACKGROUND=0"},
    SENTENCE("is started when much is idle inside of spans", much_idle_inside_of_spans_is_worth_it),
    {"with returning off it is not worth a thread", with_returning_off_it_is_worth_nothing,
     "NEAP_RETAIN=off"},
    {"with returning off nothing goes back", with_returning_off_nothing_goes_back,
     "NEAP_RETAIN=off"},
    SENTENCE("the child of a fork starts its own", the_child_of_a_fork_starts_its_own),
    SENTENCE("a child whose parent had none starts one when it is worth it",
             a_child_whose_parent_had_none_starts_one_when_it_is_worth_it),
    {"a child of one that does without does without", a_child_of_one_that_does_without_does_without,
     "NEAP_BACKGROUND=0"},
    SENTENCE("the parent of a fork goes on", the_parent_goes_on),
};

// In a child each, whose heap is new and whose options are its own.
static void run_row(void *argument)
{
    const struct thread_row *row = argument;
    const char *const        environment[] = {row->option, NULL};
    vm_fake_reset(4 * KIB);
    host_fake_set_environment(environment, false);
    host_fake_pass_time(1000 * S_NS);
    host_fake_set_libc(&libc);
    heap_get();
    assert_string_equal(host_fake_said(), "");
    row->run();
}

static void holds(void **state)
{
    expect_survives(run_row, (void *)(uintptr_t)unit_case_of(state)->row);
}

int main(void)
{
    unit_add_table(UNIT_TABLE("the thread:", thread_rows, 0, holds));
    return cmocka_run_group_tests_name("background", unit_tests, NULL, NULL);
}
