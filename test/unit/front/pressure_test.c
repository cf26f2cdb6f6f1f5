// What our own thread does when the system says that memory is short. On the fake kernel, clock and
// files; the thread is this one, which calls what it was asked to start. front/pressure.c,
// front/background.c, front/give_back.c.
#include "front/pressure.h"

#include "front/heap.h"
#include "front/thread.h"
#include "front_load.h"
#include "host_fake.h"
#include "unit_kit.h"
#include "vm_fake.h"

#include <stdio.h>
#include <stdlib.h>

#define SECOND_NS UINT64_C(1000000000)
#define USED (400 * MIB)

static const char program;   // where calls of malloc return to

// The system's count, of microseconds.
static char                  count_text[64];
static struct host_fake_file files[] = {{"/proc/pressure/memory", count_text}, {NULL, NULL}};
static uint64_t              stalled_us;

static void stall(uint64_t us)
{
    stalled_us += us;
    snprintf(count_text, sizeof count_text, "some avg10=0.00 total=%llu\n",
             (unsigned long long)stalled_us);
}

static size_t idle_bytes(void)
{
    struct page_account account;
    page_heap_account_read(&process_heap.pages, &account);
    return account.free_ready_bytes;
}

static size_t page_cached_bytes(void)
{
    struct page_account account;
    page_heap_account_read(&process_heap.pages, &account);
    return account.cached_ready_bytes + account.cached_released_bytes;
}

static void expect_sound(void)
{
    const char *broken = front_verify();
    if (broken != NULL)
        fail_msg("%s", broken);
}

// ---- the thread at work -----------------------------------------------------------------------

static uint64_t begun_ns;
static size_t   n_naps;
static bool     is_busy_program;      // else it sleeps
static void (*at_second)(unsigned);   // called once for each second that goes by

static void nap(void)
{
    static unsigned second;
    host_fake_pass_time(load_relaxed(&process_heap.background.is_parked) ? SECOND_NS / 5   // hint
                                                                         : ROUND_EVERY_NS);
    if (++n_naps > 10000)
        fail_msg("the thread works without end");
    if (is_busy_program) {   // but its memory stays as it is
        use(MIB);
        free_last(MIB);
    }
    unsigned now = (unsigned)((host_now_ns() - begun_ns) / SECOND_NS);
    if (now != second && at_second != NULL)
        at_second(second = now);
}

// 400 MiB are in use and 100 MiB idle, of which 40 may stay.
static void given_thread(const char *const *environment)
{
    vm_fake_reset(4 * KIB);
    host_fake_set_environment(environment, false);
    host_fake_set_files(files);
    stall(0);
    host_fake_pass_time(3600 * SECOND_NS);
    thread_caches_enable();
    use(USED + 100 * MIB);
    free_last(100 * MIB);
    assert_true(load_relaxed(&process_heap.pages.alarm));   // hint
    host_fake_refuse_threads(false);
    front_answer_alarm(&program);
    assert_non_null(host_fake_started());
    begun_ns = host_now_ns();
    host_fake_meanwhile(NULL, nap);
}

// Returns when the thread ends.
static void run(void)
{
    host_fake_started()();
    assert_int_equal(load_relaxed(&process_heap.background.state), BACKGROUND_NONE);   // hint
    expect_sound();
}

static unsigned seconds(void)
{
    return (unsigned)((host_now_ns() - begun_ns) / SECOND_NS);
}

// ---- nothing idle is kept ---------------------------------------------------------------------

static void short_after_ten_seconds(unsigned second)
{
    if (second == 9) {
        assert_in_range(idle_bytes(), 30 * MIB, 41 * MIB);
        assert_non_null(front_allocate(40 * KIB));   // by way of a page cache
        assert_true(page_cached_bytes() > 0);
        stall(300000);
    }
    if (second == 12) {
        assert_true(idle_bytes() <= MIB);
        assert_int_equal(page_cached_bytes(), 0);
    }
}

static void kept(void *argument)
{
    given_thread(NULL);
    is_busy_program = true;
    at_second = short_after_ten_seconds;
    run();
    assert_in_range(seconds(), 12, 16);   // as nothing is left that could go
}

static void what_would_stay_goes_back_and_the_thread_ends(void **state)
{
    expect_survives(kept, NULL);
}

#define SLOTS 20000
#define SLOT_BYTES 4096
static void *slots[SLOTS];

static void use_slots(void)
{
    for (size_t i = 0; i < SLOTS; i++)
        slots[i] = front_allocate(SLOT_BYTES);
}

static void free_most_slots(void)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (i % 8 != 0)
            assert_int_equal(front_release(slots[i]), POINTER_TO_OBJECT);
}

static void short_at_once_and_much_is_freed(unsigned second)
{
    if (second == 4) {
        stall(300000);
        use(60 * MIB);
        use_slots();
    }
    if (second == 5) {
        assert_true(process_heap.background.give_back.is_pressed);
        free_last(60 * MIB);
        free_most_slots();
    }
    if (second == 6) {   // not after the delay
        assert_true(idle_bytes() <= MIB);
        assert_true(vm_fake_heap_bytes().ready <= USED + SLOTS / 8 * SLOT_BYTES + 8 * MIB);
    }
}

static void at_once(void *argument)
{
    static const char *const environment[] = {"NEAP_RETURN_DELAY=30s", NULL};
    given_thread(environment);
    is_busy_program = true;
    at_second = short_at_once_and_much_is_freed;
    run();
    assert_true(seconds() >= 6);
}

static void what_becomes_idle_meanwhile_goes_back_without_delay(void **state)
{
    expect_survives(at_once, NULL);
}

static void refused(void *argument)
{
    given_thread(NULL);
    is_busy_program = true;
    vm_fake_refuse_unuse(true);
    run();
    assert_in_range(seconds(), 3, 15);
    assert_in_range(idle_bytes(), 90 * MIB, 100 * MIB);
    vm_fake_refuse_unuse(false);
}

static void for_what_the_kernel_refuses_the_thread_does_not_stay(void **state)
{
    expect_survives(refused, NULL);
}

// ---- staying and ending -----------------------------------------------------------------------

static unsigned ends_at;

static void nobody_says_any_more(unsigned second)
{
    if (second == ends_at)
        files[0].path = "/gone";
}

static void stays(void *argument)
{
    given_thread(NULL);
    is_busy_program = true;
    ends_at = 60;
    at_second = nobody_says_any_more;
    run();
    assert_in_range(seconds(), 60, 64);
    assert_in_range(idle_bytes(), 30 * MIB, 41 * MIB);
    assert_in_range(n_naps, 60, 60 * 8);   // it looks at little
}

static void while_much_waits_the_thread_stays_until_nobody_says_any_more(void **state)
{
    expect_survives(stays, NULL);
}

static void ends(void *argument)
{
    const char *entry = argument;
    const char *environment[] = {entry, NULL};
    given_thread(environment);
    is_busy_program = true;
    run();
    assert_in_range(seconds(), 3, 15);
    assert_in_range(idle_bytes(), 30 * MIB, 41 * MIB);
}

static void switched_off_nobody_is_asked(void **state)
{
    expect_survives(ends, "NEAP_PRESSURE=0");
    expect_survives(ends, "MEMORY_PRESSURE_WATCH=/dev/null");
}

static void asleep(void *argument)
{
    given_thread(NULL);
    run();
    assert_in_range(seconds(), 3, 15);
    assert_true(idle_bytes() <= MIB);
}

static void of_a_program_that_sleeps_nothing_waits(void **state)
{
    expect_survives(asleep, NULL);
}

static void free_more_later(unsigned second)
{
    if (second == 30) {
        assert_true(load_relaxed(&process_heap.background.is_parked));   // hint
        free_last(200 * MIB);
    }
    if (second == 36)
        assert_true(idle_bytes() <= 21 * MIB);
    if (second == 31) {
        assert_false(load_relaxed(&process_heap.background.is_parked));   // hint
        assert_false(load_relaxed(&process_heap.pages.alarm));            // hint
    }
    if (second == 60)
        free_last(100 * MIB);
}

static void works_again(void *argument)
{
    given_thread(NULL);
    is_busy_program = true;
    at_second = free_more_later;
    run();
    assert_in_range(seconds(), 60, 75);   // less than 16 MiB is left to wait
}

static void when_more_is_freed_it_works_again(void **state)
{
    expect_survives(works_again, NULL);
}

// Inside of spans the alarm does not count.
static void free_slots_later(unsigned second)
{
    if (second == 30) {
        assert_true(load_relaxed(&process_heap.background.is_parked));   // hint
        free_most_slots();
        front_answer_alarm(&program);   // as api does now and then
    }
    if (second == 36) {
        assert_true(process_heap.central.cooled_bytes > 0);
        files[0].path = "/gone";
    }
}

static void works_inside(void *argument)
{
    given_thread(NULL);
    use_slots();
    is_busy_program = true;
    at_second = free_slots_later;
    run();
    assert_true(seconds() > 30);
}

static void also_inside_of_spans(void **state)
{
    expect_survives(works_inside, NULL);
}

static void end_main(unsigned second)
{
    if (second == 30)
        host_fake_end_main_thread(true);
}

static void main_ends(void *argument)
{
    given_thread(NULL);
    is_busy_program = true;
    at_second = end_main;
    host_fake_started()();
    assert_int_equal(load_relaxed(&process_heap.background.state), BACKGROUND_NEVER);   // hint
    assert_in_range(seconds(), 30, 32);
}

static void it_does_not_outlive_main(void **state)
{
    expect_survives(main_ends, NULL);
}

// ---- a watch ----------------------------------------------------------------------------------

static void watch_says_so(unsigned second)
{
    if (second == 10) {
        assert_true(host_fake_watch_is_open());
        host_fake_offer_watch("/run/watch", HOST_WATCH_HAPPENED);
    }
    if (second == 11) {
        host_fake_offer_watch("/run/watch", HOST_WATCH_QUIET);
        assert_true(idle_bytes() <= MIB);
    }
}

static void watched(void *argument)
{
    static const char *const environment[] = {"MEMORY_PRESSURE_WATCH=/run/watch", NULL};
    host_fake_offer_watch("/run/watch", HOST_WATCH_QUIET);
    given_thread(environment);
    assert_false(host_fake_watch_is_open());   // not before the thread is there
    is_busy_program = true;
    at_second = watch_says_so;
    run();
    assert_in_range(seconds(), 11, 40);
    assert_false(host_fake_watch_is_open());
}

static void a_watch_is_asked_by_the_thread_alone(void **state)
{
    expect_survives(watched, NULL);
}

static void fork_meanwhile(unsigned second)
{
    if (second == 9)
        host_fake_offer_watch("/run/watch", HOST_WATCH_HAPPENED);
    if (second != 10)
        return;
    assert_true(process_heap.background.give_back.is_pressed);
    front_fork_prepare();
    host_fake_become_process(2);
    front_fork_child();
    assert_false(host_fake_watch_is_open());
    assert_int_equal(load_relaxed(&process_heap.background.state), BACKGROUND_NONE);   // hint
    assert_false(load_relaxed(&process_heap.background.is_parked));                    // hint
    assert_false(process_heap.background.give_back.is_pressed);
    exit(0);
}

static void forked(void *argument)
{
    static const char *const environment[] = {"MEMORY_PRESSURE_WATCH=/run/watch", NULL};
    host_fake_offer_watch("/run/watch", HOST_WATCH_QUIET);
    given_thread(environment);
    is_busy_program = true;
    at_second = fork_meanwhile;
    run();
    fail_msg("the thread has ended before");
}

static void the_child_of_a_fork_lets_go_of_it(void **state)
{
    expect_survives(forked, NULL);
}

static void set_user_id(void *argument)
{
    static const char *const environment[] = {"MEMORY_PRESSURE_WATCH=/run/watch", NULL};
    host_fake_offer_watch("/run/watch", HOST_WATCH_QUIET);
    vm_fake_reset(4 * KIB);
    host_fake_set_environment(environment, true);
    struct pressure pressure = {.has_begun = false};
    assert_false(pressure_follow(&pressure, heap_get(), SECOND_NS));
    assert_false(pressure_is_followed(&pressure));
}

static void with_more_rights_than_the_user_his_watch_is_left_alone(void **state)
{
    expect_survives(set_user_id, NULL);
}

// ---- callbacks --------------------------------------------------------------------------------

static size_t n_told;

static void function(void)
{
}

static void count_told(const struct callback *callback, const struct news *news)
{
    assert_int_equal(news->level_pct, 0);
    assert_true(news->counted_bytes >= USED);
    n_told++;
}

static void short_twice(unsigned second)
{
    if (second == 10 || second == 13 || second == 40)
        stall(300000);
    if (second == 19)
        assert_int_equal(n_told, 1);
    if (second == 50) {
        assert_int_equal(n_told, 2);
        assert_true(limit_remove_callback(function, NULL));
    }
}

static void told(void *argument)
{
    static const struct callback callback = {count_told, function, NULL};
    given_thread(NULL);
    assert_true(limit_add_callback(&callback));
    at_second = short_twice;   // and sleeps
    run();
    assert_in_range(seconds(), 50, 52);
    assert_int_equal(n_told, 2);
}

static void callbacks_are_told_each_time_it_begins_and_keep_the_thread(void **state)
{
    expect_survives(told, NULL);
}

static void started(void *argument)
{
    static const struct callback callback = {count_told, function, NULL};
    vm_fake_reset(4 * KIB);
    host_fake_set_environment(NULL, false);
    host_fake_pass_time(SECOND_NS);
    thread_caches_enable();
    heap_get();
    host_fake_refuse_threads(false);
    assert_true(limit_add_callback(&callback));
    assert_true(load_relaxed(&process_heap.pages.alarm));   // hint
    front_answer_alarm(&program);
    assert_non_null(host_fake_started());
}

static void and_have_it_started(void **state)
{
    expect_survives(started, NULL);
}

static const struct unit_sentence sentences[] = {
    {"what would stay goes back, and the thread ends",
     what_would_stay_goes_back_and_the_thread_ends},
    {"what becomes idle meanwhile goes back without delay",
     what_becomes_idle_meanwhile_goes_back_without_delay},
    {"for what the kernel refuses the thread does not stay",
     for_what_the_kernel_refuses_the_thread_does_not_stay},
    {"while much waits the thread stays, until nobody says any more",
     while_much_waits_the_thread_stays_until_nobody_says_any_more},
    {"switched off nobody is asked", switched_off_nobody_is_asked},
    {"of a program that sleeps nothing waits", of_a_program_that_sleeps_nothing_waits},
    {"when more is freed it works again", when_more_is_freed_it_works_again},
    {"also inside of spans", also_inside_of_spans},
    {"it does not outlive main", it_does_not_outlive_main},
    {"a watch is asked, by the thread alone", a_watch_is_asked_by_the_thread_alone},
    {"the child of a fork lets go of it", the_child_of_a_fork_lets_go_of_it},
    {"with more rights than the user his watch is left alone",
     with_more_rights_than_the_user_his_watch_is_left_alone},
    {"callbacks are told each time it begins, and keep the thread",
     callbacks_are_told_each_time_it_begins_and_keep_the_thread},
    {"and have it started", and_have_it_started},
};

int main(void)
{
    ADD_SENTENCES("pressure", sentences, 0);
    return cmocka_run_group_tests_name("pressure", unit_tests, NULL, NULL);
}
