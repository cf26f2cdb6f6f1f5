// A kernel that refuses while threads with caches allocate: each call of a workload in turn, once,
// and from there on. Whoever is refused is told so and nothing else changes; what is left of memory
// goes on being handed out, and when the kernel is willing again all of it is.
//
// cache/cache.c, cache/caches.c, front/allocate.c, front/heaps.c.
#include "front/heap.h"
#include "front/thread.h"
#include "unit_kit.h"
#include "vm_fake.h"

#include <string.h>

#define THREADS 3   // with a cache, and one more without
#define PER_CLASS 6
#define OBJECTS_MAX 2000
#define LARGE_BYTES (3 * MIB)

static struct {
    struct cache     *caches[THREADS + 1];
    struct neap_heap *heap;
    void             *objects[OBJECTS_MAX];
    size_t            n_objects, n_failed;
} work;

static size_t n_refused(void)
{
    struct vm_counts counts;
    vm_counts_read(&counts);
    return counts.refused;
}

static size_t used_slots(void)
{
    struct front_account account;
    front_account_read(&account);
    assert_true(page_account_adds_up(&account.pages));
    assert_int_equal(account.slots.used_bytes + account.slots.free_bytes +
                         account.slots.released_bytes + account.large_bytes,
                     account.pages.in_use_bytes);
    return account.slots.used_slots + account.large_objects;
}

static void expect_verified(void)
{
    const char *broken = front_verify();
    assert_string_equal(broken == NULL ? "" : broken, "");
    expect_books(&process_heap.pages);
}

static void become(size_t thread)
{
    if (thread < THREADS && work.caches[thread] == NULL) {
        size_t n_refused_before = n_refused();
        work.caches[thread] = caches_adopt(&heap_get()->caches, SIZE_MAX);
        assert_true(work.caches[thread] != NULL || n_refused() > n_refused_before);
    }
    this_thread.cache = work.caches[thread];
    this_thread.ended = this_thread.cache == NULL;
}

// Keeps what an allocation returned, or sees to it that it could not return anything.
static void note(void *object, size_t n_refused_before, size_t used_slots_before)
{
    if (object == NULL) {
        work.n_failed++;
        assert_true(n_refused() > n_refused_before);
        assert_int_equal(used_slots(), used_slots_before);
        expect_verified();
        return;
    }
    assert_int_equal(used_slots(), used_slots_before + 1);
    assert_true(work.n_objects < OBJECTS_MAX);
    work.objects[work.n_objects++] = object;
}

static void allocate(size_t n_bytes)
{
    size_t n_refused_before = n_refused(), used_slots_before = used_slots();
    note(front_allocate(n_bytes), n_refused_before, used_slots_before);
}

static void allocate_in_the_heap(size_t n_bytes)
{
    size_t n_refused_before = n_refused(), used_slots_before = used_slots();
    bool   zero_known;
    if (work.heap == NULL)
        work.heap = heap_create("fault");
    if (work.heap == NULL)
        assert_true(n_refused() > n_refused_before);
    else
        note(heap_allocate(work.heap, OBJECT_ALIGN, n_bytes, &zero_known), n_refused_before,
             used_slots_before);
}

// By whoever is the thread at the moment, so mostly elsewhere.
static void release_every_other(void)
{
    size_t n_kept = 0;
    for (size_t i = 0; i < work.n_objects; i++) {
        become(i / 7 % (THREADS + 1));
        if (i % 2 == 0)
            assert_int_equal(front_release(work.objects[i]), POINTER_TO_OBJECT);
        else
            work.objects[n_kept++] = work.objects[i];
    }
    work.n_objects = n_kept;
}

static void release_all(void)
{
    while (work.n_objects > 0) {
        become(work.n_objects % (THREADS + 1));
        assert_int_equal(front_release(work.objects[--work.n_objects]), POINTER_TO_OBJECT);
    }
}

static void do_work(void)
{
    work.n_failed = 0;
    for (unsigned i = SIZE_CLASSES; i > SIZE_CLASS_FIRST; i -= i > 8 ? 8 : 1) {
        for (size_t k = 0; k < PER_CLASS; k++) {
            become((i + k) % (THREADS + 1));
            allocate(size_classes[i - 1].slot_bytes);
        }
        allocate_in_the_heap(size_classes[i - 1].slot_bytes);
    }
    allocate(LARGE_BYTES);
    release_every_other();
    front_trim();
    for (size_t i = 0; i < 4; i++) {
        become(i);
        allocate(LARGE_BYTES);
        allocate_in_the_heap(LARGE_BYTES);
        allocate(SMALL_BYTES_MAX);
    }
    release_all();
    expect_verified();
}

static void begin(void)
{
    // Whatever the test before has left: it may have failed.
    vm_fake_reset(4 * KIB);
    memset(&process_heap, 0, sizeof process_heap);
    memset(&this_thread, 0, sizeof this_thread);
    memset(&work, 0, sizeof work);
    lock_forget_all_of_this_thread();
    heap_get();
}

static void end(void)
{
    page_heap_destroy(&process_heap.pages);
}

static void expect_recovers(void)
{
    vm_fake_refuse(0, false);
    do_work();
    assert_int_equal(work.n_failed, 0);
    front_trim();
    assert_int_equal(unit_account(&process_heap.pages).in_use_bytes, 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_non_null(work.caches[i]);
}

static size_t n_calls_of_the_work(void)
{
    begin();
    vm_fake_refuse(0, false);
    do_work();
    assert_int_equal(work.n_failed, 0);
    size_t n = vm_fake_refusable_calls();
    end();
    return n;
}

static void each_call_is_refused(bool from_there_on)
{
    size_t n_calls = n_calls_of_the_work(), n_runs_failed = 0;
    for (size_t nth = 1; nth <= n_calls; nth++) {
        begin();
        vm_fake_refuse(nth, from_there_on);
        do_work();
        n_runs_failed += work.n_failed > 0;
        expect_recovers();
        end();
    }
    print_message("%zu calls, each refused; %zu times a request failed\n", n_calls, n_runs_failed);
    assert_true(n_calls > 20);
    assert_true(!from_there_on || n_runs_failed > 0);
}

static void one_refused_call_at_a_time(void **state)
{
    each_call_is_refused(false);
}

static void all_calls_refused_from_one_on(void **state)
{
    each_call_is_refused(true);
}

// The last resort: slots that are free in the cache of another thread, or were freed elsewhere.
static void without_memory_other_threads_free_slots_are_found(void **state)
{
    begin();
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        size_t n_bytes = size_classes[i].slot_bytes;
        become(0);
        void *used = front_allocate(n_bytes), *free = front_allocate(n_bytes);
        assert_true(used != NULL && free != NULL);
        assert_int_equal(front_release(free), POINTER_TO_OBJECT);
        void *freed_elsewhere = front_allocate(n_bytes);
        become(1);
        assert_int_equal(front_release(freed_elsewhere), POINTER_TO_OBJECT);
        vm_fake_limit_bytes(0);
        vm_fake_refuse(1, true);
        page_heap_flush_caches(&process_heap.pages);
        struct page_account pages = unit_account(&process_heap.pages);
        size_t              n_found = 0;
        while (front_allocate(n_bytes) != NULL)
            n_found++;
        assert_true(n_found >= size_classes[i].n_slots - 1u);
        // No page is left that would make another span.
        assert_true(unit_account(&process_heap.pages).mapped_bytes == pages.mapped_bytes);
        vm_fake_refuse(0, false);
        vm_fake_limit_bytes(SIZE_MAX);
        expect_verified();
    }
    end();
}

// From here on there are just the pages of one span of the largest class.
static void given_pages_of_one_span(void)
{
    begin();
    become(0);
    become(1);
    size_t n_bytes = pages_to_bytes(size_classes[SIZE_CLASSES - 1].span_pages);
    void  *kept = front_allocate(n_bytes);
    assert_non_null(kept);
    vm_fake_refuse(1, true);
    for (size_t n_pages = 64; n_pages > 4; n_pages /= 2)
        while (front_allocate(pages_to_bytes(n_pages)) != NULL)
            continue;
    assert_int_equal(front_release(kept), POINTER_TO_OBJECT);
}

static NO_LOCK_ANALYSIS void release_in_a_handler(void *object)
{
    lock_acquire(&process_heap.pages.lock);
    assert_int_equal(front_release(object), POINTER_TO_OBJECT);
    lock_release(&process_heap.pages.lock);
}

static const struct resort_row {
    const char *name;
    size_t      thread, n_bytes;
    void (*release)(void *object);   // NULL: as usual
} resort_rows[] = {
    {"the span that another thread allocates from", 0, SMALL_BYTES_MAX, NULL},
    {"a span of the central lists freed in a handler", THREADS, SMALL_BYTES_MAX,
     release_in_a_handler},
    {"a large object freed in a handler", 0, 16 * PAGE_BYTES, release_in_a_handler},
};

static void serves_a_large_request_without_memory(void **state)
{
    const struct resort_row *row = unit_case_of(state)->row;
    given_pages_of_one_span();
    become(row->thread);
    void *object = front_allocate(row->n_bytes);
    assert_non_null(object);
    become(1);
    assert_null(front_allocate(100 * KIB));
    become(row->thread);
    if (row->release != NULL)
        row->release(object);
    else
        assert_int_equal(front_release(object), POINTER_TO_OBJECT);
    become(1);
    assert_non_null(front_allocate(100 * KIB));
    vm_fake_refuse(0, false);
    expect_verified();
    end();
}

static const struct unit_sentence sentences[] = {
    {"one refused call at a time", one_refused_call_at_a_time},
    {"all calls refused from one on", all_calls_refused_from_one_on},
    {"without memory other threads' free slots are found",
     without_memory_other_threads_free_slots_are_found},
};

int main(void)
{
    ADD_SENTENCES("caches fault", sentences, 0);
    unit_add_table(
        UNIT_TABLE("the last resort:", resort_rows, 0, serves_a_large_request_without_memory));
    return cmocka_run_group_tests_name("caches fault", unit_tests, NULL, NULL);
}
