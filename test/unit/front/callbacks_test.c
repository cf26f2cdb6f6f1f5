// Callbacks: who is told what, when, by whom, and how often. On the fake kernel and clock; our own
// thread is this one, when it calls what it was asked to start. front/callbacks.c, front/limit.c.
#include "front/callbacks.h"

#include "config/config.h"
#include "front/heap.h"
#include "front/thread.h"
#include "host_fake.h"
#include "unit_kit.h"
#include "vm_fake.h"

#include <stdio.h>
#include <string.h>

#define LIMIT (100 * MIB)
#define SECOND_NS UINT64_C(1000000000)
#define OBJECTS_MAX 1024

static const char program, libc;   // where calls of malloc return to

static void  *objects[OBJECTS_MAX];
static size_t n_objects;

// What was told so far, of whom, as digits: "a75 b75 a90".
static char told[1024];
static void (*within)(void);   // what a callback does

static void function_of_a(void)
{
}

static void function_of_b(void)
{
}

static void note(const struct callback *callback, const struct news *news)
{
    assert_false(lock_this_thread_has_any());
    assert_true(news->counted_bytes > 0);
    size_t length = strlen(told);
    snprintf(told + length, sizeof told - length, "%s%s%u", length > 0 ? " " : "",
             (const char *)callback->context, news->level_pct);
    if (within != NULL)
        within();
}

static const struct callback a = {note, function_of_a, "a"};
static const struct callback b = {note, function_of_b, "b"};

static void expect_told(const char *expected)
{
    assert_string_equal(told, expected);
    told[0] = '\0';
}

static void take(size_t n_bytes)
{
    assert_true(n_objects < OBJECTS_MAX);
    objects[n_objects] = front_allocate(n_bytes);
    assert_non_null(objects[n_objects++]);
}

static void give_last(size_t n)
{
    while (n-- > 0)
        assert_int_equal(front_release(objects[--n_objects]), POINTER_TO_OBJECT);
}

// As api does on the slower ways.
static void come_by_from(const void *caller)
{
    if (load_relaxed(&process_heap.pages.alarm))   // hint
        front_answer_alarm(caller);
}

static void expect_sound(void)
{
    const char *broken = front_verify();
    if (broken != NULL)
        fail_msg("%s", broken);
}

static struct heap *given_heap(const char *const *environment)
{
    vm_fake_reset(4 * KIB);
    host_fake_set_environment(environment, false);
    host_fake_set_libc(&libc);
    host_fake_pass_time(3600 * SECOND_NS);
    thread_caches_enable();
    told[0] = '\0';
    return heap_get();
}

// Nobody else gives back, and no thread is to be had.
static struct heap *given_no_thread(void)
{
    static const char *const environment[] = {"NEAP_LIMIT=100MiB", "NEAP_BACKGROUND=0", NULL};
    return given_heap(environment);
}

// ---- which level ------------------------------------------------------------------------------

static void levels(void *argument)
{
    given_no_thread();
    assert_true(limit_add_callback(&a));
    take(60 * MIB);
    come_by_from(&program);
    expect_told("");
    take(16 * MIB);
    come_by_from(&program);
    come_by_from(&program);
    expect_told("a75");
    take(15 * MIB);
    come_by_from(&program);
    expect_told("a90");
    take(20 * MIB);
    come_by_from(&program);
    expect_told("a100");
    take(20 * MIB);
    come_by_from(&program);
    expect_told("");
    expect_sound();
}

static void each_level_is_told_once_when_it_is_passed(void **state)
{
    expect_survives(levels, NULL);
}

static void at_once(void *argument)
{
    given_no_thread();
    assert_true(limit_add_callback(&a) && limit_add_callback(&b));
    take(92 * MIB);   // and some of books
    come_by_from(&program);
    expect_told("a90 b90");
    take(50 * MIB);
    take(1 * MIB);
    come_by_from(&program);
    expect_told("a100 b100");
}

static void of_several_the_highest_is_told_to_all(void **state)
{
    expect_survives(at_once, NULL);
}

static void again(void *argument)
{
    static const char *const environment[] = {"NEAP_LIMIT=100MiB", "NEAP_RETAIN=off", NULL};
    given_heap(environment);
    assert_true(limit_add_callback(&a));
    take(60 * MIB);
    take(16 * MIB);
    come_by_from(&program);
    expect_told("a75");
    take(2 * MIB);
    give_last(1);
    front_trim();   // 76 of 100 MiB: not far enough below
    take(2 * MIB);
    come_by_from(&program);
    expect_told("");
    give_last(2);
    front_trim();
    take(16 * MIB);
    come_by_from(&program);
    expect_told("a75");
}

static void once_more_when_it_has_fallen_well_below(void **state)
{
    expect_survives(again, NULL);
}

// Idle memory that can go back is none that is short.
static void idle(void *argument)
{
    static const char *const environment[] = {"NEAP_LIMIT=100MiB", "NEAP_RETAIN=off", NULL};
    given_heap(environment);
    assert_true(limit_add_callback(&a));
    take(60 * MIB);
    take(1 * MIB);
    void *first = objects[0];
    assert_int_equal(front_release(first), POINTER_TO_OBJECT);
    objects[0] = objects[--n_objects];
    take(80 * MIB);
    come_by_from(&program);
    expect_told("a90");   // as much as is above the limit
    expect_sound();
}

static void what_can_go_back_is_given_back_before_anybody_is_told_of_all(void **state)
{
    expect_survives(idle, NULL);
}

static void refused(void *argument)
{
    static const char *const environment[] = {"NEAP_LIMIT=off", "NEAP_HARD_LIMIT=100MiB",
                                              "NEAP_BACKGROUND=0", NULL};
    given_heap(environment);
    assert_true(limit_add_callback(&a));
    take(80 * MIB);
    come_by_from(&program);
    expect_told("a75");
    assert_null(front_allocate(200 * MIB));   // too large for any memory there is
    assert_null(front_allocate(50 * MIB));
    come_by_from(&program);
    expect_told("");
    take(14 * MIB);
    come_by_from(&program);
    expect_told("a90");
    assert_null(front_allocate(10 * MIB));
    assert_null(front_allocate(10 * MIB));
    come_by_from(&program);
    expect_told("a100");
}

static void at_the_hard_limit_a_refusal_is_the_last_level(void **state)
{
    expect_survives(refused, NULL);
}

static void late(void *argument)
{
    given_no_thread();
    take(92 * MIB);   // and some of books
    come_by_from(&program);
    assert_true(limit_add_callback(&a));
    come_by_from(&program);
    expect_told("a90");
    limit_set(LIMIT_SOFT, 1000 * MIB);
    come_by_from(&program);
    expect_told("");
    limit_set(LIMIT_SOFT, 120 * MIB);
    come_by_from(&program);
    expect_told("a75");
    limit_set(LIMIT_SOFT, CONFIG_OFF);
    take(92 * MIB);   // and some of books
    come_by_from(&program);
    expect_told("");
    limit_set(LIMIT_HARD, 200 * MIB);   // the tighter of both
    come_by_from(&program);
    expect_told("a90");
}

static void what_is_passed_already_is_told_and_new_limits_are_told_anew(void **state)
{
    expect_survives(late, NULL);
}

// Nobody asks: nothing is watched but the limit.
static void nobody(void *argument)
{
    struct heap *heap = given_no_thread();
    take(92 * MIB);                                              // and some of books
    assert_false(load_relaxed(&heap->pages.has_passed_watch));   // hint
    come_by_from(&program);
    assert_false(callbacks_are_due(&heap->callbacks));
    assert_true(limit_add_callback(&a));
    assert_true(limit_remove_callback(a.function, a.context));
    come_by_from(&program);
    expect_told("");
}

static void without_callbacks_nothing_is_told(void **state)
{
    expect_survives(nobody, NULL);
}

// ---- by whom ----------------------------------------------------------------------------------

static size_t n_naps;

static void nap(void)
{
    host_fake_pass_time(ROUND_EVERY_NS);
    if (++n_naps == 1) {
        expect_told("a75");   // after one round
        take(15 * MIB);
    }
    if (n_naps == 2)
        expect_told("a90");
    assert_true(n_naps < 10000);
}

static void own_thread(void *argument)
{
    static const char *const environment[] = {"NEAP_LIMIT=100MiB", NULL};
    given_heap(environment);
    assert_true(limit_add_callback(&a));
    host_fake_refuse_threads(false);
    take(76 * MIB);
    come_by_from(&libc);
    assert_null(host_fake_started());
    come_by_from(&program);
    expect_told("");   // not by who comes by
    assert_non_null(host_fake_started());
    host_fake_meanwhile(NULL, nap);
    host_fake_started()();   // and ends
    assert_true(n_naps > 2);
    expect_sound();
}

static void our_own_thread_is_started_for_it(void **state)
{
    expect_survives(own_thread, NULL);
}

static void guests(void *argument)
{
    bool                     retains = *(const bool *)argument;
    static const char *const off[] = {"NEAP_LIMIT=100MiB", "NEAP_RETAIN=off", NULL};
    if (retains)
        given_no_thread();
    else
        given_heap(off);
    assert_true(limit_add_callback(&a));
    take(76 * MIB);
    come_by_from(&libc);
    expect_told("");
    host_fake_become_process(2);   // of a vfork
    come_by_from(&program);
    expect_told("");
    host_fake_become_process(1);
    lock_acquire(&process_heap.limits.lock);
    come_by_from(&program);
    lock_release(&process_heap.limits.lock);
    expect_told("");
    come_by_from(&program);
    expect_told("a75");
    assert_null(host_fake_started());
    assert_true(retains || !load_relaxed(&process_heap.pages.alarm));   // hint
}

static void without_it_who_comes_by_tells_but_not_within_libc_nor_with_a_lock(void **state)
{
    bool answers[] = {true, false};
    for (size_t i = 0; i < LENGTH_OF(answers); i++)
        expect_survives(guests, &answers[i]);
}

static void take_more_and_come_by(void)
{
    if (n_objects < 3) {
        take(16 * MIB);
        come_by_from(&program);
        callbacks_tell(&process_heap.callbacks);
    }
}

static void nested(void *argument)
{
    given_no_thread();
    assert_true(limit_add_callback(&a));
    within = take_more_and_come_by;
    take(60 * MIB);
    take(16 * MIB);
    come_by_from(&program);
    expect_told("a75");
    come_by_from(&program);
    expect_told("a90");
    expect_sound();
}

static void what_is_passed_within_a_callback_is_told_afterwards(void **state)
{
    expect_survives(nested, NULL);
}

// ---- the table --------------------------------------------------------------------------------

static void table(void *argument)
{
    struct heap *heap = given_no_thread();
    assert_false(limit_remove_callback(a.function, a.context));
    for (size_t i = 0; i < CALLBACKS_MAX; i++)
        assert_true(limit_add_callback(&a));
    assert_false(limit_add_callback(&b));
    for (size_t i = 0; i < CALLBACKS_MAX; i++) {
        assert_false(limit_remove_callback(a.function, b.context));
        assert_false(limit_remove_callback(b.function, a.context));
        assert_true(callbacks_exist(&heap->callbacks));
        assert_true(limit_remove_callback(a.function, a.context));
    }
    assert_false(callbacks_exist(&heap->callbacks));
    assert_false(limit_remove_callback(a.function, a.context));
    assert_true(limit_add_callback(&b));
    take(76 * MIB);
    come_by_from(&program);
    expect_told("b75");
}

static void it_has_room_for_some_and_who_is_removed_is_not_told(void **state)
{
    expect_survives(table, NULL);
}

static void remove_both(void)
{
    assert_true(limit_remove_callback(b.function, b.context));
    assert_true(limit_remove_callback(a.function, a.context));
}

static void from_within(void *argument)
{
    given_no_thread();
    assert_true(limit_add_callback(&a) && limit_add_callback(&b));
    within = remove_both;
    take(76 * MIB);
    come_by_from(&program);
    expect_told("a75");
}

static void a_callback_may_remove_itself_and_others(void **state)
{
    expect_survives(from_within, NULL);
}

static size_t n_waits;

static void return_after_a_while(void)
{
    if (++n_waits == 3)
        process_heap.callbacks.told = CALLBACKS_MAX;   // as tell_one does
}

// Another thread is in the callback when this one removes it.
static void waits(void *argument)
{
    struct heap *heap = given_no_thread();
    assert_true(limit_add_callback(&a) && limit_add_callback(&b));
    heap->callbacks.told = 1;
    host_fake_meanwhile(NULL, return_after_a_while);
    assert_true(limit_remove_callback(a.function, a.context));
    assert_int_equal(n_waits, 0);   // it is the other that is at work
    assert_true(limit_remove_callback(b.function, b.context));
    assert_int_equal(n_waits, 3);
}

static void who_removes_it_waits_until_it_returns(void **state)
{
    expect_survives(waits, NULL);
}

static void child(void *argument)
{
    struct heap *heap = given_no_thread();
    assert_true(limit_add_callback(&a));
    take(76 * MIB);
    store_relaxed(&heap->callbacks.is_telling, true);   // owner: by another thread of the parent
    heap->callbacks.told = 0;
    front_fork_prepare();
    front_fork_child();
    come_by_from(&program);
    expect_told("");   // it was the parent's
    take(15 * MIB);
    come_by_from(&program);
    expect_told("a90");
    assert_true(limit_remove_callback(a.function, a.context));
}

static void the_child_of_a_fork_is_told_what_comes_later(void **state)
{
    expect_survives(child, NULL);
}

static const struct unit_sentence sentences[] = {
    {"each level is told once when it is passed", each_level_is_told_once_when_it_is_passed},
    {"of several the highest is told, to all", of_several_the_highest_is_told_to_all},
    {"once more when it has fallen well below", once_more_when_it_has_fallen_well_below},
    {"what can go back is given back before anybody is told of all",
     what_can_go_back_is_given_back_before_anybody_is_told_of_all},
    {"at the hard limit a refusal is the last level",
     at_the_hard_limit_a_refusal_is_the_last_level},
    {"what is passed already is told, and new limits are told anew",
     what_is_passed_already_is_told_and_new_limits_are_told_anew},
    {"without callbacks nothing is told", without_callbacks_nothing_is_told},
    {"our own thread is started for it", our_own_thread_is_started_for_it},
    {"without it who comes by tells, but not within libc nor with a lock",
     without_it_who_comes_by_tells_but_not_within_libc_nor_with_a_lock},
    {"what is passed within a callback is told afterwards",
     what_is_passed_within_a_callback_is_told_afterwards},
    {"it has room for some, and who is removed is not told",
     it_has_room_for_some_and_who_is_removed_is_not_told},
    {"a callback may remove itself and others", a_callback_may_remove_itself_and_others},
    {"who removes it waits until it returns", who_removes_it_waits_until_it_returns},
    {"the child of a fork is told what comes later", the_child_of_a_fork_is_told_what_comes_later},
};

int main(void)
{
    ADD_SENTENCES("callbacks", sentences, 0);
    return cmocka_run_group_tests_name("callbacks", unit_tests, NULL, NULL);
}
