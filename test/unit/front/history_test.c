// When samples of the past are noted, by whom, and where. On the fake kernel and clock.
// front/history.c.
#include "front/history.h"

#include "front/heap.h"
#include "front_load.h"
#include "host_fake.h"
#include "unit_kit.h"
#include "vm_fake.h"

#define MS UINT64_C(1000000)

static const struct history_sample *last_second(void)
{
    return &process_heap.rings.seconds[(process_heap.history.n_seconds - 1) % HISTORY_SECONDS];
}

// The thread looks every 50 ms.
static void live_on(uint64_t n_seconds)
{
    for (uint64_t i = 0; i < n_seconds * 20; i++) {
        host_fake_pass_time(50 * MS);
        history_look(&process_heap);
    }
}

static int begin(void **state)
{
    (void)state;
    if (!load_relaxed(&process_heap.ready))   // owner
        vm_fake_reset(4 * KIB);
    (void)front_is_disabled();                           // has made the heap
    store_relaxed(&process_heap.pages.looks_apart, 8);   // owner
    host_fake_pass_time(HISTORY_SECOND_NS);
    history_fork_child(&process_heap.history);
    history_look(&process_heap);
    return 0;
}

static void nothing_is_noted_before_a_second_is_over(void **state)
{
    (void)state;
    for (int i = 0; i < 19; i++) {
        host_fake_pass_time(50 * MS);
        history_look(&process_heap);
    }
    assert_int_equal(process_heap.history.n_seconds, 0);
    host_fake_pass_time(50 * MS);
    history_look(&process_heap);
    assert_int_equal(process_heap.history.n_seconds, 1);
}

static void a_sample_is_what_the_books_say(void **state)
{
    (void)state;
    struct front_account account;
    use(100 * MIB);
    free_last(40 * MIB);
    live_on(1);
    front_account_read(&account);
    const struct history_sample *sample = last_second();
    assert_int_equal(sample->object_bytes, account.large_bytes + account.slots.used_bytes);
    assert_int_equal(sample->free_ready_bytes, account.pages.free_ready_bytes);
    assert_int_equal(sample->resident_bytes,
                     page_account_counted_bytes(&account.pages) - sizeof(struct page_heap));
    assert_int_equal(sample->allocations, account.slots.n_allocated + account.n_large_allocated);
    assert_int_equal(sample->time_ns, process_heap.history.noted_at_ns);
    free_last(60 * MIB);
}

static void a_minute_is_its_worst_second(void **state)
{
    (void)state;
    live_on(90);   // to within a minute
    uint64_t n_before = process_heap.history.n_minutes;
    live_on(60 - host_now_ns() / HISTORY_SECOND_NS % 60 + 5);
    use(300 * MIB);
    live_on(2);
    uint64_t most = last_second()->resident_bytes;
    free_last(300 * MIB);
    (void)front_trim();
    live_on(60);
    assert_int_equal(process_heap.history.n_minutes, n_before + 2);
    const struct history_sample *minute =
        &process_heap.rings.minutes[(n_before + 1) % HISTORY_MINUTES];
    assert_int_equal(minute->resident_bytes, most);
    assert_true(last_second()->resident_bytes < most);
}

static void the_ring_goes_round(void **state)
{
    (void)state;
    live_on(HISTORY_SECONDS + 10);
    assert_int_equal(process_heap.history.n_seconds, HISTORY_SECONDS + 10);
    const struct history_sample *seconds = process_heap.rings.seconds;
    assert_int_equal(seconds[9].time_ns - seconds[8].time_ns, HISTORY_SECOND_NS);
    assert_int_equal(seconds[9].time_ns - seconds[10].time_ns,
                     (HISTORY_SECONDS - 1) * HISTORY_SECOND_NS);
}

// A program without our thread notes by itself when it takes pages.
static void who_takes_pages_notes_it(void **state)
{
    (void)state;
    for (int i = 0; i < 400; i++) {
        host_fake_pass_time(10 * MS);
        use(MIB);
        free_last(MIB);
    }
    assert_in_range(process_heap.history.n_seconds, 3, 4);
}

// However often they come by, they do not ask for the time much more often.
static void who_takes_pages_rarely_asks_for_the_time(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        use(MIB);
        free_last(MIB);
        host_fake_pass_time(1000);
    }
    assert_int_equal(load_relaxed(&process_heap.pages.looks_apart), 64);
    for (int i = 0; i < 200; i++) {   // slower now
        use(MIB);
        free_last(MIB);
        host_fake_pass_time(30 * MS);
    }
    assert_in_range(load_relaxed(&process_heap.pages.looks_apart), 2, 7);
}

static void a_child_has_no_past(void **state)
{
    (void)state;
    live_on(3);
    history_fork_child(&process_heap.history);
    assert_int_equal(process_heap.history.n_seconds, 0);
    assert_int_equal(process_heap.history.n_minutes, 0);
}

static void nobody_notes_with_a_lock_held(void **state)
{
    (void)state;
    live_on(1);
    lock_begin_as_if_held();
    live_on(5);
    lock_end_as_if_held();
    assert_int_equal(process_heap.history.n_seconds, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_noted_before_a_second_is_over, begin),
        cmocka_unit_test_setup(a_sample_is_what_the_books_say, begin),
        cmocka_unit_test_setup(a_minute_is_its_worst_second, begin),
        cmocka_unit_test_setup(the_ring_goes_round, begin),
        cmocka_unit_test_setup(who_takes_pages_notes_it, begin),
        cmocka_unit_test_setup(who_takes_pages_rarely_asks_for_the_time, begin),
        cmocka_unit_test_setup(a_child_has_no_past, begin),
        cmocka_unit_test_setup(nobody_notes_with_a_lock_held, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
