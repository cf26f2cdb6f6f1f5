// The limits of the process heap on the fake kernel, with the clock, the CPU time and the files of
// a fake host. Each test is a child, as options are read once. Objects may not be touched.
#include "front/limit.h"

#include "config/config.h"
#include "front/allocate.h"
#include "front/heap.h"
#include "front/thread.h"
#include "host_fake.h"
#include "unit_kit.h"
#include "vm_fake.h"

#define SECOND_NS UINT64_C(1000000000)
#define OBJECTS_MAX 100000

static void  *objects[OBJECTS_MAX];
static size_t n_objects;

static struct heap *given_heap(const char *const *environment, size_t os_page_bytes)
{
    vm_fake_reset(os_page_bytes);
    host_fake_set_environment(environment, false);
    host_fake_pass_time(3600 * SECOND_NS);
    thread_caches_enable();
    return heap_get();
}

static size_t counted(void)
{
    return limit_counted_bytes();
}

static void take(size_t n_bytes)
{
    assert_true(n_objects < OBJECTS_MAX);
    objects[n_objects] = front_allocate(n_bytes);
    assert_non_null(objects[n_objects++]);
}

static void give(size_t i)
{
    assert_int_equal(front_release(objects[i]), POINTER_TO_OBJECT);
    objects[i] = objects[--n_objects];
}

static void give_all(void)
{
    while (n_objects > 0)
        give(n_objects - 1);
}

static void expect_sound(void)
{
    const char *broken = front_verify();
    if (broken != NULL)
        fail_msg("%s", broken);
}

// ---- the soft limit ---------------------------------------------------------------------------

#define LIMIT (256 * MIB)

// Slots and runs by turns, so that what was freed of the one is of no use to the other.
static size_t random_size(struct unit_random *random, size_t step)
{
    return step % 2 == 0 ? 64 * KIB + unit_random_below(random, 2 * MIB)
                         : 4 * KIB + unit_random_below(random, 28 * KIB);
}

// Live memory grows in steps of a tenth to four fifths of the limit, while all of it is exchanged
// all the time for objects of other sizes: what is counted stays near the limit. Nothing else gives
// back.
static void ramp(void *argument)
{
    static const char *const environment[] = {"NEAP_LIMIT=256MiB", "NEAP_RETAIN=off", NULL};
    given_heap(environment, 4 * KIB);
    struct unit_random random = {.state = 1};
    size_t             live_bytes = 0, most_bytes = 0;
    for (size_t step = 1; step <= 8; step++) {
        for (size_t i = 0; i < 30000; i++) {
            size_t n_bytes = random_size(&random, step);
            host_fake_pass_time(n_bytes / 4);   // what touching it takes, about
            while (n_objects > 0 && live_bytes + n_bytes > LIMIT / 10 * step) {
                size_t at = unit_random_below(&random, n_objects);
                size_t usable_bytes;
                assert_int_equal(front_usable_bytes(objects[at], &usable_bytes), POINTER_TO_OBJECT);
                live_bytes -= usable_bytes;
                give(at);
            }
            take(n_bytes);
            size_t usable_bytes;
            assert_int_equal(front_usable_bytes(objects[n_objects - 1], &usable_bytes),
                             POINTER_TO_OBJECT);
            live_bytes += usable_bytes;
            most_bytes = size_max(most_bytes, i % 16 == 0 ? counted() : 0);
        }
        expect_sound();
    }
    print_message("softlimit_ramp: at most %zu MiB counted, limit %zu MiB, live %zu MiB\n",
                  most_bytes / MIB, LIMIT / MIB, live_bytes / MIB);
    assert_true(most_bytes <= LIMIT + 16 * MIB);
}

static void live_memory_ramped_to_four_fifths_keeps_to_the_limit(void **state)
{
    expect_survives(ramp, NULL);
}

// Memory in use lately, which otherwise would stay for a second.
static void idle_runs(void *argument)
{
    static const char *const environment[] = {"NEAP_LIMIT=64MiB", "NEAP_RETAIN=off", NULL};
    given_heap(environment, 4 * KIB);
    take(40 * MIB);
    take(MIB);
    give(0);
    take(50 * MIB);   // does not fit where the other was
    assert_true(counted() <= 64 * MIB);
    assert_true(vm_fake_heap_bytes().ready <= 64 * MIB);
    take(60 * MIB);   // more than there is: granted all the same
    assert_true(counted() > 110 * MIB);
    expect_sound();
}

static void idle_runs_go_back_before_it_is_passed_and_nothing_is_refused(void **state)
{
    expect_survives(idle_runs, NULL);
}

// Three of four slots of each span are free, in the thread's own cache.
static void free_slots(void *argument)
{
    static const char *const environment[] = {"NEAP_LIMIT=128MiB", NULL};
    given_heap(environment, 4 * KIB);
    for (size_t i = 0; i < 6000; i++)
        take(16 * KIB);
    for (size_t i = 6000; i > 0; i--)
        if (i % 4 != 0)
            give(i - 1);
    size_t before_bytes = counted();
    assert_true(before_bytes > 90 * MIB);
    take(90 * MIB);
    print_message("free slots: %zu MiB counted before, %zu with 90 MiB more\n", before_bytes / MIB,
                  counted() / MIB);
    assert_true(counted() <= 130 * MIB);
    expect_sound();
}

static void then_what_caches_hold_goes_back_and_what_lies_between_objects(void **state)
{
    expect_survives(free_slots, NULL);
}

static void in_place(void *argument)
{
    static const char *const environment[] = {"NEAP_LIMIT=64MiB", "NEAP_RETAIN=off", NULL};
    given_heap(environment, 4 * KIB);
    take(30 * MIB);
    take(20 * MIB);
    void *last = objects[1];
    give(0);
    assert_int_equal(front_resize(last, 50 * MIB, &last), POINTER_TO_OBJECT);
    assert_non_null(last);
    assert_true(counted() <= 64 * MIB);
    expect_sound();
}

static void an_object_that_grows_in_place_makes_room_too(void **state)
{
    expect_survives(in_place, NULL);
}

static void off(void *argument)
{
    static const char *const environment[] = {"NEAP_LIMIT=off", "NEAP_RETAIN=off", NULL};
    struct heap             *heap = given_heap(environment, 4 * KIB);
    take(40 * MIB);
    take(MIB);
    give(0);
    take(50 * MIB);
    assert_true(counted() > 90 * MIB);
    assert_false(load_relaxed(&heap->pages.has_passed_watch));   // hint
    assert_false(heap->limits.has_looked);
}

static void with_off_nothing_is_done(void **state)
{
    expect_survives(off, NULL);
}

// ---- what the system says ---------------------------------------------------------------------

static void auto_from_groups(void *argument)
{
    static struct host_fake_file files[] = {
        {"/proc/self/cgroup", "0::/a/b\n"},
        {"/sys/fs/cgroup/a/b/memory.max", "max\n"},
        {"/sys/fs/cgroup/a/memory.max", "104857600\n"},
        {NULL, NULL},
    };
    struct heap *heap = given_heap(NULL, 4 * KIB);
    host_fake_set_files(files);
    take(MIB);
    assert_string_equal(host_fake_path_read(), "");   // not in the first allocations
    take(20 * MIB);
    assert_int_equal(heap->limits.bytes[LIMIT_SOFT], 95 * MIB - 100 * MIB / 512);
    files[2].text = "52428800\n";
    host_fake_pass_time(9 * SECOND_NS);
    take(20 * MIB);
    assert_int_equal(heap->limits.bytes[LIMIT_SOFT], 95 * MIB - 100 * MIB / 512);
    host_fake_pass_time(SECOND_NS);
    take(20 * MIB);
    assert_int_equal(heap->limits.bytes[LIMIT_SOFT], limit_read(LIMIT_SOFT));
    assert_int_equal(heap->limits.bytes[LIMIT_SOFT], 50 * MIB - 50 * MIB / 20 - 50 * MIB / 512);
    files[2].text = "209715200\n";
    host_fake_pass_time(10 * SECOND_NS);
    limits_look_again(heap);   // also when the program does not grow
    assert_int_equal(heap->limits.bytes[LIMIT_SOFT], 190 * MIB - 200 * MIB / 512);
}

static void auto_is_looked_up_late_and_again_after_ten_seconds(void **state)
{
    expect_survives(auto_from_groups, NULL);
}

static void shares(void *argument)
{
    static const struct host_fake_file files[] = {{"/proc/meminfo", "MemTotal: 102400 kB\n"},
                                                  {NULL, NULL}};
    static const char *const environment[] = {"NEAP_LIMIT=50%", "NEAP_HARD_LIMIT=80%", NULL};
    given_heap(environment, 4 * KIB);
    host_fake_set_files(files);
    assert_null(front_allocate(79 * MIB));   // as a very first request, too
    take(60 * MIB);
    assert_int_equal(limit_read(LIMIT_SOFT), 50 * MIB / 100 * 100);
    assert_in_range(limit_read(LIMIT_HARD), 80 * MIB - 100, 80 * MIB);
}

static void shares_are_of_the_machines_memory_without_groups(void **state)
{
    expect_survives(shares, NULL);
}

// ---- CPU time ---------------------------------------------------------------------------------

static uint64_t cpu_used_ns;

static void unuse_takes_time(void)
{
    cpu_used_ns += 50000;
    host_fake_spend_cpu(50000);
}

// More is live than the limit allows, and all of it small objects with free ones between: looking
// everywhere is of no use, and takes a bounded part of the time. Each barrier costs 50 us here.
static void hopeless(void *argument)
{
    static const char *const environment[] = {"NEAP_LIMIT=16MiB", NULL};
    given_heap(environment, 4 * KIB);
    for (size_t i = 0; i < 1000; i++)
        take(32 * KIB);
    host_fake_meanwhile(unuse_takes_time, NULL);
    uint64_t begun_ns = host_now_ns();
    for (size_t i = 0; i < 50000; i++) {
        host_fake_pass_time(20000);
        take(i % 50 == 0 ? 32 * KIB : 64);
    }
    uint64_t passed_ns = host_now_ns() - begun_ns;
    print_message("hopeless: %zu us of %zu us\n", (size_t)(cpu_used_ns / 1000),
                  (size_t)(passed_ns / 1000));
    assert_true(cpu_used_ns <= passed_ns / 2 + 20000000);
    assert_true(cpu_used_ns > 0);
    assert_true(cpu_used_ns <= passed_ns / 500);   // and as it is of no use, much less
    expect_sound();
}

static void what_is_of_no_use_takes_little_time(void **state)
{
    expect_survives(hopeless, NULL);
}

static void bucket(void *argument)
{
    struct pacer pacer;
    uint64_t     now_ns = 5 * SECOND_NS, spent_ns = 0;
    pacer_init_saving(&pacer, 50, 20000000, now_ns);
    assert_int_equal(pacer_allowance_ns(&pacer, now_ns), 20000000);
    pacer_spend(&pacer, 20000000);
    assert_int_equal(pacer_allowance_ns(&pacer, now_ns), 0);
    assert_int_equal(pacer_allowance_ns(&pacer, now_ns + 1900000), 0);   // not worth to begin
    assert_int_equal(pacer_allowance_ns(&pacer, now_ns + 2000000), 1000000);
    assert_int_equal(pacer_allowance_ns(&pacer, now_ns + SECOND_NS), 20000000);
    for (uint64_t begun_ns = now_ns += SECOND_NS; now_ns < begun_ns + 10 * SECOND_NS;) {
        uint64_t allowance_ns = pacer_allowance_ns(&pacer, now_ns);
        pacer_spend(&pacer, allowance_ns);
        spent_ns += allowance_ns;
        now_ns += allowance_ns + 100000;
    }
    assert_in_range(spent_ns, 10 * SECOND_NS / 100 * 49, 10 * SECOND_NS / 100 * 51 + 20000000);
}

static void the_cpu_bucket_fills_drains_and_switches(void **state)
{
    expect_survives(bucket, NULL);
}

// ---- the hard limit ---------------------------------------------------------------------------

static void refusals(void *argument)
{
    size_t                   n_bytes = *(const size_t *)argument;
    static const char *const environment[] = {"NEAP_LIMIT=off", "NEAP_HARD_LIMIT=64MiB", NULL};
    given_heap(environment, 4 * KIB);
    for (int round = 0; round < 3; round++) {
        void *object;
        while ((object = front_allocate(n_bytes)) != NULL) {
            objects[n_objects++] = object;
            assert_true(n_objects % 64 != 0 || counted() <= 64 * MIB);
        }
        print_message("%zu objects of %zu bytes, %zu KiB counted\n", n_objects, n_bytes,
                      counted() / KIB);
        assert_true(counted() <= 64 * MIB);
        assert_true(n_objects * n_bytes > 50 * MIB);
        expect_sound();
        if (round == 1)   // of another kind it is no more, until all of these are gone
            assert_null(front_allocate(16 * MIB));
        give_all();
        take(40 * MIB);   // what lies idle makes room for it
        give_all();
    }
    expect_sound();
}

static void beyond_it_nothing_is_granted_until_something_is_freed(void **state)
{
    size_t sizes[] = {1000, 5000, 30000, 100000, 3 * MIB};
    for (size_t i = 0; i < LENGTH_OF(sizes); i++)
        expect_survives(refusals, &sizes[i]);
}

// How often caches were closed to look into them.
static size_t looks_while_refused(size_t n_times, size_t n_bytes)
{
    host_fake_set_barrier(true, true);
    for (size_t i = 0; i < n_times; i++)
        assert_null(front_allocate(n_bytes));
    return host_fake_barriers_asked();
}

static void in_vain(void *argument)
{
    static const char *const environment[] = {"NEAP_LIMIT=off", "NEAP_HARD_LIMIT=64MiB", NULL};
    given_heap(environment, 4 * KIB);
    take(10 * MIB);
    take(10 * MIB);
    void *object;
    while ((object = front_allocate(1000)) != NULL)
        objects[n_objects++] = object;
    assert_int_equal(looks_while_refused(100, 1000), 0);
    give(n_objects - 1);
    take(1000);
    size_t n_looks = looks_while_refused(100, 1000);
    assert_in_range(n_looks, 1, 4);
    assert_int_equal(looks_while_refused(100, 20 * KIB), 0);
    // Made shorter, large objects leave memory to others: what lies in two places, too.
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(front_resize(objects[i], 2 * MIB, &objects[i]), POINTER_TO_OBJECT);
    take(12 * MIB);
    assert_int_equal(looks_while_refused(1, 64 * MIB), 0);   // could never be granted
    while ((object = front_allocate(1000)) != NULL)
        objects[n_objects++] = object;
    limit_set(LIMIT_HARD, 128 * MIB);
    take(60 * MIB);
    assert_true(counted() > 100 * MIB);
    assert_true(counted() <= 128 * MIB);
    expect_sound();
}

static void in_vain_it_is_not_looked_everywhere_until_something_is_freed(void **state)
{
    expect_survives(in_vain, NULL);
}

// A limit that the system has raised is noticed by who is refused.
static void raised(void *argument)
{
    static struct host_fake_file files[] = {
        {"/proc/self/cgroup", "0::/a\n"},
        {"/sys/fs/cgroup/a/memory.max", "67108864\n"},
        {NULL, NULL},
    };
    static const char *const environment[] = {"NEAP_HARD_LIMIT=100%", NULL};
    given_heap(environment, 4 * KIB);
    host_fake_set_files(files);
    void *object;
    while ((object = front_allocate(20 * KIB)) != NULL)
        objects[n_objects++] = object;
    assert_in_range(counted(), 60 * MIB, 64 * MIB);
    assert_null(front_allocate(30 * MIB));
    files[1].text = "134217728\n";
    host_fake_pass_time(10 * SECOND_NS);
    take(30 * MIB);
    expect_sound();
}

static void a_limit_that_the_system_has_raised_is_noticed_by_who_is_refused(void **state)
{
    expect_survives(raised, NULL);
}

// Memory between live objects is the last that serves; taking it into use again counts anew.
static void inside(void *argument)
{
    static const char *const environment[] = {"NEAP_LIMIT=off", "NEAP_HARD_LIMIT=64MiB", NULL};
    given_heap(environment, 4 * KIB);
    for (size_t i = 0; i < 3500; i++)
        take(16 * KIB);
    for (size_t i = 3500; i > 0; i--)
        if (i % 4 != 0)
            give(i - 1);
    take(30 * MIB);
    assert_true(counted() <= 64 * MIB);
    void *object;
    while ((object = front_allocate(16 * KIB)) != NULL) {
        objects[n_objects++] = object;
        assert_true(counted() <= 64 * MIB);
    }
    assert_true(counted() > 63 * MIB);
    expect_sound();
}

static void memory_between_live_objects_serves_before_anything_is_refused(void **state)
{
    expect_survives(inside, NULL);
}

static void at_run_time(void *argument)
{
    given_heap(NULL, 4 * KIB);
    take(40 * MIB);
    take(20 * MIB);
    give(0);
    limit_set(LIMIT_HARD, 64 * MIB);
    assert_int_equal(limit_read(LIMIT_HARD), 64 * MIB);
    assert_null(front_allocate(50 * MIB));
    limit_set(LIMIT_HARD, CONFIG_OFF);
    take(50 * MIB);
    limit_set(LIMIT_SOFT, CONFIG_OFF);
    give_all();
    assert_true(counted() > 60 * MIB);
    limit_set(LIMIT_SOFT, 32 * MIB);   // acts at once
    assert_true(counted() <= 32 * MIB);
    assert_int_equal(limit_read(LIMIT_SOFT), 32 * MIB);
    expect_sound();
}

static void both_may_be_set_at_run_time(void **state)
{
    expect_survives(at_run_time, NULL);
}

static const struct unit_sentence sentences[] = {
    {"live memory ramped to four fifths keeps to the limit",
     live_memory_ramped_to_four_fifths_keeps_to_the_limit},
    {"idle runs go back before it is passed, and nothing is refused",
     idle_runs_go_back_before_it_is_passed_and_nothing_is_refused},
    {"then what caches hold goes back and what lies between objects",
     then_what_caches_hold_goes_back_and_what_lies_between_objects},
    {"an object that grows in place makes room, too", an_object_that_grows_in_place_makes_room_too},
    {"with off nothing is done", with_off_nothing_is_done},
    {"auto is looked up late and again after ten seconds",
     auto_is_looked_up_late_and_again_after_ten_seconds},
    {"shares are of the machine's memory without groups",
     shares_are_of_the_machines_memory_without_groups},
    {"what is of no use takes little time", what_is_of_no_use_takes_little_time},
    {"the CPU bucket fills, drains and switches", the_cpu_bucket_fills_drains_and_switches},
    {"beyond it nothing is granted until something is freed",
     beyond_it_nothing_is_granted_until_something_is_freed},
    {"in vain it is not looked everywhere until something is freed",
     in_vain_it_is_not_looked_everywhere_until_something_is_freed},
    {"a limit that the system has raised is noticed by who is refused",
     a_limit_that_the_system_has_raised_is_noticed_by_who_is_refused},
    {"memory between live objects serves before anything is refused",
     memory_between_live_objects_serves_before_anything_is_refused},
    {"both may be set at run time", both_may_be_set_at_run_time},
};

int main(void)
{
    ADD_SENTENCES("limit", sentences, 0);
    return cmocka_run_group_tests_name("limit", unit_tests, NULL, NULL);
}
