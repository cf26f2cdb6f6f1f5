// Rounds of giving back on the fake kernel and clock: when memory goes back, how much, at what
// price, and when there is nothing left to do. front/give_back.c.
#include "front/give_back.h"

#include "config/config.h"
#include "front/heap.h"
#include "front/thread.h"
#include "front_load.h"
#include "host_fake.h"
#include "pageheap/scavenge_policy.h"
#include "unit_kit.h"
#include "vm_fake.h"

#define MS_NS UINT64_C(1000000)
#define S_NS (1000 * MS_NS)
#define REST_ROUNDS 200   // ten seconds: more than it takes until nothing is left to do

static struct give_back give_back;

// ---- the program ------------------------------------------------------------------------------

// The last `n_bytes` of what is in use, of which every second MiB is freed before the others.
static void free_last_by_halves(size_t n_bytes)
{
    size_t first = n_objects - n_bytes / MIB;
    for (size_t i = first; i < n_objects; i += 2)
        assert_int_equal(front_release(objects[i]), POINTER_TO_OBJECT);
    for (size_t i = first + 1; i < n_objects; i += 2)
        assert_int_equal(front_release(objects[i]), POINTER_TO_OBJECT);
    n_objects = first;
}

static size_t used_bytes(void)
{
    struct page_account account;
    page_heap_account_read(&process_heap.pages, &account);
    return account.in_use_bytes + account.manual_bytes;
}

static size_t ready_bytes(void)
{
    return vm_fake_heap_bytes().ready;
}

static size_t goal_bytes(void)
{
    return scavenge_goal_bytes(used_bytes(), 110);
}

static size_t n_pages_gone(void)
{
    return process_heap.pages.scavenged_pages;
}

static bool alarm_is_set(void)
{
    return load_relaxed(&process_heap.pages.alarm);
}

// ---- rounds -----------------------------------------------------------------------------------

static bool round_now(void)
{
    bool more = give_back_round(&give_back, &process_heap, ROUND_CPU_NS_MAX);
    host_fake_pass_time(ROUND_EVERY_NS);
    return more;
}

static void rounds_for(uint64_t ns)
{
    for (uint64_t i = 0; i < ns / ROUND_EVERY_NS; i++)
        round_now();
}

// Returns how many rounds it took.
static size_t rounds_until_at_rest(void)
{
    for (size_t i = 1; i <= REST_ROUNDS; i++)
        if (!round_now())
            return i;
    fail_msg("no rest within %d rounds; ready %zu, used %zu, goal %zu", REST_ROUNDS, ready_bytes(),
             used_bytes(), goal_bytes());
    return 0;
}

// What the kernel takes for a call.
static void cost_half_a_microsecond_per_4_kib(size_t n_bytes)
{
    host_fake_spend_cpu(1000 + n_bytes / (4 * KIB) * 500);
}

// ---- when -------------------------------------------------------------------------------------

static void nothing_within_the_delay_and_then_all_but_the_margin(void)
{
    use(256 * MIB);
    free_last_by_halves(246 * MIB);
    rounds_for(1000 * MS_NS);
    assert_int_equal(ready_bytes(), 256 * MIB);
    rounds_for(1200 * MS_NS);
    assert_true(ready_bytes() <= goal_bytes() + 2 * MIB);
    rounds_for(2000 * MS_NS);
    assert_true(ready_bytes() <= goal_bytes());
    assert_true(ready_bytes() + 4 * MIB >= goal_bytes());
    assert_null(front_verify());
}

// Nobody has looked at it for an hour, when the program frees it.
static void what_was_in_use_for_long_stays_for_the_delay_too(void)
{
    use(256 * MIB);
    host_fake_pass_time(3600 * S_NS);
    free_last_by_halves(246 * MIB);
    assert_true(alarm_is_set());
    rounds_for(1000 * MS_NS);
    assert_int_equal(ready_bytes(), 256 * MIB);
    rounds_for(1200 * MS_NS);
    assert_true(ready_bytes() <= goal_bytes() + 2 * MIB);
}

static void without_delay_it_goes_at_once(void)
{
    use(64 * MIB);
    free_last_by_halves(60 * MIB);
    rounds_for(10 * ROUND_EVERY_NS);
    assert_true(ready_bytes() <= goal_bytes());
}

static void a_saw_tooth_shorter_than_the_delay_keeps_its_memory(void)
{
    size_t n_gone = 0;
    use(20 * MIB);
    for (size_t i = 0; i < 100; i++) {
        use(200 * MIB);
        rounds_for(300 * MS_NS);
        free_last_by_halves(200 * MIB);
        rounds_for(600 * MS_NS);
        if (i == 1)
            n_gone = n_pages_gone();
    }
    assert_int_equal(n_pages_gone(), n_gone);
    rounds_for(5000 * MS_NS);   // the control
    assert_true(n_pages_gone() - n_gone > bytes_to_pages_down(190 * MIB));
}

static void a_saw_tooth_longer_than_the_delay_goes_back_each_time(void)
{
    use(20 * MIB);
    for (size_t i = 0; i < 10; i++) {
        use(200 * MIB);
        rounds_for(1000 * MS_NS);
        free_last_by_halves(200 * MIB);
        rounds_for(4000 * MS_NS);
        assert_true(ready_bytes() <= goal_bytes());
    }
}

static void replace_one(size_t i)
{
    if (objects[i] != NULL)
        assert_int_equal(front_release(objects[i]), POINTER_TO_OBJECT);
    objects[i] = front_allocate((1 + i % 8) * 256 * KIB);
    assert_non_null(objects[i]);
}

static void a_steady_program_gives_nothing_back(void)
{
    struct unit_random random = unit_random_start();
    size_t             n_gone = 0;
    n_objects = 300;
    for (size_t i = 0; i < n_objects; i++)
        replace_one(i);
    for (size_t i = 0; i < 3000; i++) {
        for (size_t k = 0; k < 5; k++)
            replace_one(unit_random_below(&random, n_objects));
        round_now();
        if (i == 1000)   // holes are as they will be
            n_gone = n_pages_gone();
    }
    assert_int_equal(n_pages_gone(), n_gone);
}

// ---- price ------------------------------------------------------------------------------------

// Much more is freed than can be paid for. Returns the CPU time that rounds took.
static uint64_t spend_in_rounds(uint64_t ns, uint64_t cpu_ns_max)
{
    uint64_t spent_ns = 0, until_ns = host_now_ns() + ns;
    while (host_now_ns() < until_ns) {
        use(256 * MIB);
        free_last_by_halves(256 * MIB);
        uint64_t before_ns = host_thread_cpu_ns();
        give_back_round(&give_back, &process_heap, cpu_ns_max);
        spent_ns += host_thread_cpu_ns() - before_ns;
        host_fake_pass_time(ROUND_EVERY_NS);
    }
    return spent_ns;
}

static void its_share_of_cpu_time_is_kept(void)
{
    vm_fake_at_unuse(cost_half_a_microsecond_per_4_kib);
    uint64_t first_ns = spend_in_rounds(100 * S_NS, ROUND_CPU_NS_MAX);
    assert_in_range(first_ns, 900 * MS_NS, S_NS + PACER_SAVED_NS_MAX + MS_NS);
    uint64_t spent_ns = spend_in_rounds(500 * S_NS, ROUND_CPU_NS_MAX);
    assert_in_range(spent_ns, 4975 * MS_NS, 5025 * MS_NS);
}

static void without_credit_nobody_is_bothered(void)
{
    assert_non_null(caches_adopt(&process_heap.caches, SIZE_MAX));
    round_now();   // the first begins it
    pacer_spend(&give_back.pacer, 10 * S_NS);
    host_fake_set_barrier(true, true);
    rounds_for(100 * S_NS);
    assert_int_equal(host_fake_barriers_asked(), 0);
}

static void cost_four_times_as_much(size_t n_bytes)
{
    host_fake_spend_cpu(n_bytes / (4 * KIB) * 2000);
}

static void however_long_it_takes_it_goes_on_until_all_is_back(void)
{
    vm_fake_at_unuse(cost_four_times_as_much);
    use(2 * GIB);
    free_last_by_halves(2 * GIB);
    uint64_t begun_ns = host_now_ns();
    while (ready_bytes() > goal_bytes())
        assert_true(round_now());
    assert_true(host_now_ns() - begun_ns > 50 * S_NS);   // for want of credit
}

static void a_round_takes_no_longer_than_it_may(void)
{
    static const uint64_t limits_ns[] = {ROUND_CPU_NS_MAX, ROUND_CPU_NS_MAX_GUEST};
    uint64_t              step_ns = 2 * 257 * 1000;   // of 2 MiB, and a bit
    vm_fake_at_unuse(cost_half_a_microsecond_per_4_kib);
    for (size_t i = 0; i < LENGTH_OF(limits_ns); i++) {
        use(256 * MIB);
        free_last_by_halves(256 * MIB);
        uint64_t before_ns = host_thread_cpu_ns();
        assert_true(give_back_round(&give_back, &process_heap, limits_ns[i]));
        assert_in_range(host_thread_cpu_ns() - before_ns, limits_ns[i], limits_ns[i] + step_ns);
    }
}

// ---- rest -------------------------------------------------------------------------------------

static void when_all_is_done_it_rests_and_the_alarm_is_set(void)
{
    use(100 * MIB);
    free_last_by_halves(60 * MIB);
    assert_true(alarm_is_set());
    size_t n_rounds = rounds_until_at_rest();
    assert_true(n_rounds > 30);   // the delay, and some calm
    assert_true(ready_bytes() <= goal_bytes());
    assert_false(alarm_is_set());
    // 4.5 MiB may stay of 40; so much and 16 MiB more may be idle without alarm.
    size_t idle_bytes = ready_bytes() - used_bytes();
    assert_true(idle_bytes <= 5 * MIB);
    use(idle_bytes + 16 * MIB);
    free_last_by_halves(align_down(idle_bytes, MIB) + 16 * MIB);
    assert_false(alarm_is_set());
    use(60 * MIB);
    free_last_by_halves(60 * MIB);
    assert_true(alarm_is_set());
    rounds_until_at_rest();
    assert_true(ready_bytes() <= goal_bytes());
    assert_false(alarm_is_set());
}

static void it_rests_whatever_the_page_caches_hold(void)
{
    struct page_heap *pages = &process_heap.pages;
    use(100 * MIB);
    free_last_by_halves(100 * MIB);
    for (size_t i = 0; i < pages->n_caches; i++) {
        host_fake_become(i, pages->n_caches);
        struct run_request request = {.n_pages = 8, .kind = RUN_IN_USE};
        struct run        *runs[8];
        for (size_t k = 0; k < LENGTH_OF(runs); k++)
            runs[k] = page_heap_alloc(pages, &request);
        for (size_t k = 0; k < LENGTH_OF(runs); k++)
            page_heap_free(pages, runs[k]);
    }
    struct page_account account;
    page_heap_account_read(pages, &account);
    assert_true(account.cached_ready_bytes > SCAVENGE_SLACK_BYTES);
    rounds_until_at_rest();
    assert_false(alarm_is_set());
}

static size_t n_unused_calls;

static void count_call(size_t n_bytes)
{
    n_unused_calls++;
    host_fake_spend_cpu(1000);
}

// All of it locked, as by mlockall().
static void what_the_kernel_refuses_is_not_asked_for_without_end(void)
{
    use(100 * MIB);
    free_last_by_halves(60 * MIB);
    vm_fake_refuse_unuse(true);
    vm_fake_at_unuse(count_call);
    uint64_t before_ns = host_thread_cpu_ns();
    rounds_until_at_rest();
    assert_false(alarm_is_set());
    assert_int_equal(ready_bytes(), 100 * MIB);
    assert_true(n_unused_calls > 0);
    assert_true(host_thread_cpu_ns() - before_ns < 10 * MS_NS);
    assert_null(front_verify());

    vm_fake_refuse_unuse(false);   // unlocked; and more is freed
    free_last_by_halves(20 * MIB);
    assert_true(alarm_is_set());
    rounds_until_at_rest();
    assert_true(ready_bytes() <= goal_bytes());
}

static void one_refusal_changes_nothing(void)
{
    use(100 * MIB);
    free_last_by_halves(60 * MIB);
    rounds_for(900 * MS_NS);
    vm_fake_refuse(1, false);
    rounds_until_at_rest();
    assert_true(ready_bytes() <= goal_bytes());
}

// ---- what is not free yet ---------------------------------------------------------------------

#define SLOT_BYTES 1000
#define SLOTS 20   // of one span, so that no inbox grows crowded

static void become(struct cache *cache)
{
    this_thread.cache = cache;
    this_thread.ended = cache == NULL;   // gets none
}

static void *slots[SLOTS];

static void allocate_slots(void)
{
    for (size_t i = 0; i < SLOTS; i++)
        slots[i] = front_allocate(SLOT_BYTES);
}

static void free_slots(void)
{
    for (size_t i = 0; i < SLOTS; i++)
        assert_int_equal(front_release(slots[i]), POINTER_TO_OBJECT);
}

static void expect_that_it_comes_home(void)
{
    assert_true(used_bytes() > 0);
    rounds_for(1100 * MS_NS);
    assert_int_equal(used_bytes(), 0);
    assert_null(front_verify());
}

static void what_was_freed_for_a_sleeping_thread_comes_home(void)
{
    struct cache *sleeper = caches_adopt(&process_heap.caches, SIZE_MAX);
    become(sleeper);
    allocate_slots();
    become(NULL);
    free_slots();
    expect_that_it_comes_home();
}

static void what_a_handler_has_freed_comes_home(void)
{
    allocate_slots();
    void *large = front_allocate(MIB);
    lock_n_of_this_thread++;   // the handler has interrupted us at work
    free_slots();
    assert_int_equal(front_release(large), POINTER_TO_OBJECT);
    lock_n_of_this_thread--;
    assert_true(used_bytes() > MIB);
    expect_that_it_comes_home();
}

static void what_was_freed_in_a_heap_comes_home(void)
{
    bool              zero_known;
    struct neap_heap *heap = heap_create("of objects that go together");
    for (size_t i = 0; i < SLOTS; i++)
        slots[i] = heap_allocate(heap, 1, SLOT_BYTES, &zero_known);
    free_slots();
    expect_that_it_comes_home();
}

static void other_threads_are_not_bothered_more_than_twice_a_second(void)
{
    for (size_t i = 0; i < HOST_FAKE_CPUS; i++)
        assert_non_null(caches_adopt(&process_heap.caches, SIZE_MAX));
    host_fake_set_barrier(true, true);
    rounds_for(20 * S_NS);
    assert_in_range(host_fake_barriers_asked(), 1, 41);
}

// ---- sentences --------------------------------------------------------------------------------

struct round_row {
    const char *name;
    void (*run)(void);
    const char *option;
};

static const struct round_row round_rows[] = {
    {"nothing goes back within the delay, and then all but the margin",
     nothing_within_the_delay_and_then_all_but_the_margin, NULL},
    {"what was in use for long stays for the delay, too",
     what_was_in_use_for_long_stays_for_the_delay_too, NULL},
    {"without delay it goes at once", without_delay_it_goes_at_once, "NEAP_RETURN_DELAY=0s"},
    {"a saw-tooth shorter than the delay keeps its memory",
     a_saw_tooth_shorter_than_the_delay_keeps_its_memory, NULL},
    {"a saw-tooth longer than the delay goes back each time",
     a_saw_tooth_longer_than_the_delay_goes_back_each_time, NULL},
    {"a steady program gives nothing back", a_steady_program_gives_nothing_back, NULL},
    {"its share of CPU time is kept", its_share_of_cpu_time_is_kept, "NEAP_RETURN_DELAY=0s"},
    {"without credit nobody is bothered", without_credit_nobody_is_bothered, NULL},
    {"however long it takes, it goes on until all is back",
     however_long_it_takes_it_goes_on_until_all_is_back, "NEAP_RETURN_DELAY=0s"},
    {"a round takes no longer than it may", a_round_takes_no_longer_than_it_may,
     "NEAP_RETURN_DELAY=0s"},
    {"when all is done it rests, and the alarm is set",
     when_all_is_done_it_rests_and_the_alarm_is_set, NULL},
    {"it rests whatever the page caches hold", it_rests_whatever_the_page_caches_hold, NULL},
    {"what the kernel refuses is not asked for without end",
     what_the_kernel_refuses_is_not_asked_for_without_end, NULL},
    {"one refusal changes nothing", one_refusal_changes_nothing, NULL},
    {"what was freed for a sleeping thread comes home",
     what_was_freed_for_a_sleeping_thread_comes_home, NULL},
    {"what a handler has freed comes home", what_a_handler_has_freed_comes_home, NULL},
    {"what was freed in a heap comes home", what_was_freed_in_a_heap_comes_home, NULL},
    {"other threads are not bothered more than twice a second",
     other_threads_are_not_bothered_more_than_twice_a_second, NULL},
};

// In a child each, whose heap is new and whose options are its own.
static void run_row(void *argument)
{
    const struct round_row *row = argument;
    const char *const       environment[] = {row->option, NULL};
    vm_fake_reset(4 * KIB);
    host_fake_set_environment(environment, false);
    host_fake_pass_time(1000 * S_NS);
    heap_get();
    assert_string_equal(host_fake_said(), "");
    become(NULL);
    row->run();
}

static void holds(void **state)
{
    expect_survives(run_row, (void *)(uintptr_t)unit_case_of(state)->row);
}

int main(void)
{
    unit_add_table(UNIT_TABLE("rounds:", round_rows, 0, holds));
    return cmocka_run_group_tests_name("give_back", unit_tests, NULL, NULL);
}
