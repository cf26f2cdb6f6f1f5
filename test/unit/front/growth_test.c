// What the heap does about pages inside of spans when it grows, on a fake kernel and a fake clock.
//
// front/give_back.c, front/background.c, front/allocate.c.
#include "front/heap.h"
#include "front/thread.h"
#include "host_fake.h"
#include "unit_kit.h"
#include "vm_fake.h"

#include <pthread.h>
#include <time.h>

#define OBJECTS 4096
#define OBJECT_BYTES (16 * KIB)
#define LONG_NS UINT64_C(60000000000)

static void *objects[OBJECTS];

static void given_a_thread_with_a_cache(void)
{
    vm_fake_reset(4 * KIB);
    this_thread.cache = caches_adopt(&heap_get()->caches, SIZE_MAX);
    assert_non_null(this_thread.cache);
}

static size_t worth_bytes(void)
{
    return load_relaxed(&process_heap.background.give_back.worth_bytes);
}

static void grow(size_t n_bytes)
{
    assert_non_null(front_allocate(n_bytes));
}

static void looks_that_find_nothing_become_rare(void *argument)
{
    given_a_thread_with_a_cache();
    grow(MIB);
    assert_int_equal(worth_bytes(), 512 * KIB);
    for (size_t worth = MIB; worth <= 16 * MIB; worth *= 2) {
        grow(worth);
        assert_int_equal(worth_bytes(), worth);
    }
    grow(64 * MIB);
    assert_int_equal(worth_bytes(), 16 * MIB);
    process_heap.pages.unpaid_pages = 0;
    grow(15 * MIB);
    assert_true(process_heap.pages.unpaid_pages > 0);   // nobody has looked
}

static void given_every_second_object_freed(void)
{
    given_a_thread_with_a_cache();
    for (size_t i = 0; i < OBJECTS; i++)
        objects[i] = front_allocate(OBJECT_BYTES);
    for (size_t i = 0; i < OBJECTS; i += 2)
        assert_int_equal(front_release(objects[i]), POINTER_TO_OBJECT);
    host_fake_pass_time(LONG_NS);
}

static void free_slots_pay_for_growth(void *argument)
{
    given_every_second_object_freed();
    size_t ready_before = vm_fake_heap_bytes().ready;
    for (int i = 0; i < 16; i++)   // at first nobody looks, as nothing was found before
        grow(2 * MIB);
    assert_true(process_heap.central.cooled_bytes >= 16 * MIB);
    assert_true(vm_fake_heap_bytes().ready <= ready_before + 16 * MIB);
    assert_null(front_verify());
}

static struct background *background(void)
{
    return &process_heap.background;
}

static size_t cooled_by_growth_that_owes(size_t n_pages)
{
    size_t before_bytes = process_heap.central.cooled_bytes;
    store_relaxed(&process_heap.pages.unpaid_pages, n_pages);
    store_relaxed(&process_heap.pages.alarm, false);
    background_answer_growth(background(), &process_heap, 0);
    return process_heap.central.cooled_bytes - before_bytes;
}

// Before others do, and nobody is to start a thread that is there.
static void the_thread_pays_for_a_sixty_fourth_of_the_heap(void *argument)
{
    given_every_second_object_freed();
    store_relaxed(&process_heap.pages.has_payer, true);
    size_t small_pages = bytes_to_pages_down(4 * MIB);
    assert_int_equal(cooled_by_growth_that_owes(small_pages - 1), 0);
    assert_true(cooled_by_growth_that_owes(small_pages) > 0);
    grow(GIB - 64 * MIB);
    size_t mapped_pages = process_heap.pages.grown.total_pages;
    assert_true(mapped_pages >= bytes_to_pages_down(GIB));
    assert_int_equal(cooled_by_growth_that_owes(mapped_pages / 64 - 1), 0);
    assert_true(cooled_by_growth_that_owes(mapped_pages / 64) > 0);
    assert_false(load_relaxed(&process_heap.pages.alarm));
    store_relaxed(&process_heap.pages.has_payer, false);
    assert_true(cooled_by_growth_that_owes(1) > 0);
    assert_true(load_relaxed(&process_heap.pages.alarm));
}

// One call of the kernel for many objects, and what is not used of it holds no memory.
static void a_large_heap_grows_in_large_steps(void *argument)
{
    struct vm_counts before, after;
    vm_fake_reset(4 * KIB);
    grow(GIB);
    vm_counts_read(&before);
    size_t mapped_before = process_heap.pages.grown.total_pages;
    for (size_t i = 0; i < 256; i++)
        grow(256 * KIB);
    vm_counts_read(&after);
    assert_in_range(after.prepare - before.prepare, 2, 8);   // books included
    size_t mapped_bytes = pages_to_bytes(process_heap.pages.grown.total_pages - mapped_before);
    assert_in_range(mapped_bytes, 64 * MIB, 96 * MIB);
    assert_int_equal(vm_fake_heap_bytes().ready, GIB + 64 * MIB);
}

static void one_call_pays_a_part(void *argument)
{
    size_t owed_pages = bytes_to_pages_down(16 * MIB);
    given_every_second_object_freed();
    size_t paid_bytes = cooled_by_growth_that_owes(owed_pages);
    assert_in_range(paid_bytes, 512 * KIB, 768 * KIB);   // a span more at most
    assert_true(process_heap.pages.unpaid_pages > 0);
    assert_true(process_heap.pages.unpaid_pages <= owed_pages - bytes_to_pages_down(paid_bytes));
}

// Whose thread does not look.
static void crowd(struct cache *sleeper, size_t n_spans)
{
    size_t n = 0;
    this_thread.cache = sleeper;
    this_thread.ended = false;
    for (size_t i = 0; i < n_spans * 8; i++)
        objects[n++] = front_allocate(2 * KIB);
    this_thread.cache = NULL;
    this_thread.ended = true;   // gets none
    while (n > 0)
        assert_int_equal(front_release(objects[--n]), POINTER_TO_OBJECT);
}

static void a_crowded_inbox_is_left_to_the_thread(void *argument)
{
    vm_fake_reset(4 * KIB);
    struct cache *sleeper = caches_adopt(&heap_get()->caches, SIZE_MAX);
    crowd(sleeper, 65);
    assert_true(load_relaxed(&sleeper->inbox.n_put) < 64);   // relieved by who freed
    store_relaxed(&background()->state, BACKGROUND_RUNNING);
    crowd(sleeper, 300);
    assert_true(load_relaxed(&sleeper->inbox.n_put) > 256);
    give_back_own_round(&background()->give_back, &process_heap, false);
    assert_true(span_inbox_is_empty(&sleeper->inbox));
    store_relaxed(&sleeper->inbox.n_put, 1024);
    crowd(sleeper, 65);
    assert_true(load_relaxed(&sleeper->inbox.n_put) < 64);   // the thread is not coming
    assert_null(front_verify());
}

static void a_trim_returns_what_went_back(void *argument)
{
    struct front_account account;
    given_every_second_object_freed();
    for (int round = 0; round < 2; round++) {
        struct vm_fake_bytes before = vm_fake_heap_bytes();
        size_t               n_bytes = front_trim();
        assert_int_equal(before.ready - vm_fake_heap_bytes().ready, n_bytes);
        front_account_read(&account);
        assert_int_equal(vm_fake_heap_bytes().ready, account.slots.used_bytes);
        assert_int_equal(account.slots.free_bytes, 0);
        assert_null(front_verify());
        for (size_t i = 1; round == 0 && i < OBJECTS; i += 4)   // every second of the rest
            assert_int_equal(front_release(objects[i]), POINTER_TO_OBJECT);
    }
}

static pthread_t other_thread;

static void *allocate_without_a_cache(void *argument)
{
    this_thread.ended = true;   // gets none
    return front_allocate(8 * KIB);
}

static void begin_to_allocate_elsewhere(size_t n_bytes)
{
    vm_fake_at_unuse(NULL);
    assert_int_equal(pthread_create(&other_thread, NULL, allocate_without_a_cache, NULL), 0);
    struct timespec a_moment = {.tv_nsec = 50000000};
    nanosleep(&a_moment, NULL);
}

// All free slots that there are lie in spans on their way to the kernel.
static void without_memory_who_allocates_waits_for_whoever_cools(void *argument)
{
    void  *object = NULL;
    size_t n = 0;
    vm_fake_reset(4 * KIB);
    this_thread.ended = true;
    objects[n++] = front_allocate(8 * KIB);
    vm_fake_refuse(1, true);
    while (front_allocate(40 * KIB) != NULL)
        continue;
    while ((object = front_allocate(8 * KIB)) != NULL)
        objects[n++] = object;
    assert_int_equal(front_release(objects[n / 2]), POINTER_TO_OBJECT);
    vm_fake_at_unuse(begin_to_allocate_elsewhere);
    central_cool_all(&process_heap.central);
    assert_int_equal(pthread_join(other_thread, &object), 0);
    assert_ptr_equal(object, objects[n / 2]);
}

static const struct growth_row {
    const char *name;
    void (*happens)(void *argument);
} growth_rows[] = {
    {"looks that find nothing become rare", looks_that_find_nothing_become_rare},
    {"free slots pay for growth", free_slots_pay_for_growth},
    {"the thread pays for a sixty-fourth of the heap",
     the_thread_pays_for_a_sixty_fourth_of_the_heap},
    {"a large heap grows in large steps", a_large_heap_grows_in_large_steps},
    {"one call pays a part", one_call_pays_a_part},
    {"a crowded inbox is left to the thread", a_crowded_inbox_is_left_to_the_thread},
    {"a trim returns what went back", a_trim_returns_what_went_back},
    {"without memory, who allocates waits for whoever cools",
     without_memory_who_allocates_waits_for_whoever_cools},
};

// In a child each: there is one heap in a process.
static void happens(void **state)
{
    const struct growth_row *row = unit_case_of(state)->row;
    expect_survives(row->happens, NULL);
}

int main(void)
{
    unit_add_table(UNIT_TABLE("growth:", growth_rows, 0, happens));
    return cmocka_run_group_tests_name("growth", unit_tests, NULL, NULL);
}
