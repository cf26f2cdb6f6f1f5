// front_verify on the fake kernel: it names what is wrong, wherever in the process's heap it is.
// front/heap.c, front/heaps.c.
#include "front/front.h"

#include "front/heap.h"
#include "front/thread.h"
#include "unit_kit.h"
#include "vm_fake.h"

#define SMALL_BYTES 1000

// A small object of the thread's cache and one freed elsewhere, one of a central list, a large one
// and one in a first-class heap.
static struct {
    char             *small, *central, *large, *large_in_heap;
    struct span      *span;   // where `small` is
    struct neap_heap *heap;
} found;

static struct span *span_at(const void *address)
{
    return span_of_run(page_heap_find(&process_heap.pages, (uintptr_t)address));
}

static void become(struct cache *cache)
{
    this_thread.cache = cache;
    this_thread.ended = cache == NULL;   // gets none
}

static void given_objects(void)
{
    bool          zero_known;
    struct cache *own = caches_adopt(&heap_get()->caches, SIZE_MAX);
    struct cache *other = caches_adopt(&heap_get()->caches, SIZE_MAX);
    become(NULL);
    found.central = front_allocate(SMALL_BYTES);
    become(own);
    found.small = front_allocate(SMALL_BYTES);   // in that span, which the cache has taken
    char *freed = front_allocate(SMALL_BYTES);
    become(NULL);
    found.central = front_allocate(SMALL_BYTES);
    become(other);
    assert_int_equal(front_release(freed), POINTER_TO_OBJECT);
    found.large = front_allocate(100 * KIB);
    found.heap = heap_create("verified");
    found.large_in_heap = heap_allocate(found.heap, 1, 100 * KIB, &zero_known);
    found.span = span_at(found.small);
    assert_non_null(found.large_in_heap);
    assert_ptr_equal(found.span->owner, &own->inbox);
    assert_null(front_verify());
}

static void count_one_more_in_a_cache(void)
{
    this_thread.cache->classes[found.span->size_class].n_allocated++;
}

static void count_one_more_in_a_list(void)
{
    process_heap.central.lists[found.span->size_class].n_freed++;
}

static void lose_a_slot(void)
{
    found.span->free[0] &= found.span->free[0] - 1;
}

static void free_a_slot_secretly(void)
{
    found.span->free[0] |= 1;   // the first object that was handed out
}

static void lose_a_note(void)
{
    found.span->notes--;
}

static void free_a_slot_twice(void)
{
    found.span->free[0] |= found.span->freed_elsewhere[0];
}

static void free_a_slot_that_is_not_there(void)
{
    found.span->free[SPAN_WORDS - 1] = UINT64_C(1) << 63;
}

static void put_a_large_object_into_a_heap(void)
{
    span_list_add(&found.heap->large, span_at(found.large));
}

static void take_a_large_object_out_of_its_heap(void)
{
    store_relaxed(&span_at(found.large_in_heap)->owner, NULL);
}

static void miscount_a_span_of_a_list(void)
{
    span_at(found.central)->n_free--;
}

static void count_more_released_in_a_list(void)
{
    process_heap.central.lists[found.span->size_class].released_bytes += vm_page_bytes();
}

static void count_more_released_in_the_page_heap(void)
{
    process_heap.pages.released_inside += vm_page_bytes();
}

static void count_a_page_as_released(void)
{
    count_more_released_in_a_list();
    count_more_released_in_the_page_heap();
}

// The last one, of which nothing has been handed out.
static void release_a_page_of_a_cache(void)
{
    size_t n_os_pages = run_bytes(&found.span->run) / vm_page_bytes();
    span_begin_cooling(found.span, UINT64_C(1) << (n_os_pages - 1));
    span_end_cooling(found.span, UINT64_C(1) << (n_os_pages - 1));
    count_a_page_as_released();
}

static void release_a_page_under_an_object(void)
{
    found.span->free[RELEASED_WORD] |= 1;
    count_a_page_as_released();
}

static const struct verify_row {
    const char *name, *code;
    void (*corrupt)(void);
} verify_rows[] = {
    {"F1 a slot counted too often by a cache", "F1", count_one_more_in_a_cache},
    {"F1 a slot counted too often by a list", "F1", count_one_more_in_a_list},
    {"F1 a slot in use that nobody has", "F1", lose_a_slot},
    {"F1 a slot that is free and was not freed", "F1", free_a_slot_secretly},
    {"W1 a slot that is not there", "W1", free_a_slot_that_is_not_there},
    {"W2 a slot freed by two", "W2", free_a_slot_twice},
    {"W3 a lost note", "W3", lose_a_note},
    {"H1 a large object in the list of a heap that is not its own", "H1",
     put_a_large_object_into_a_heap},
    {"H1 a large object in a list and without a heap", "H1", take_a_large_object_out_of_its_heap},
    {"F2 a page too many released, by a list", "F2", count_more_released_in_a_list},
    {"F2 a page too many released, by the page heap", "F2", count_more_released_in_the_page_heap},
    {"F2 a page too many released, by both", "F2", count_a_page_as_released},
    {"W4 a page released in a span of a cache", "W4", release_a_page_of_a_cache},
    {"W4 a page released under an object", "W4", release_a_page_under_an_object},
    {"T2 a span of a list", "T2", miscount_a_span_of_a_list},
};

// In a child each, which nobody has to put in order.
static void corrupt_and_verify(void *argument)
{
    const struct verify_row *row = argument;
    vm_fake_reset(4 * KIB);
    given_objects();
    row->corrupt();
    expect_broken(front_verify(), row->code);
}

static void is_named(void **state)
{
    expect_survives(corrupt_and_verify, (void *)(uintptr_t)unit_case_of(state)->row);
}

int main(void)
{
    unit_add_table(UNIT_TABLE("front_verify names", verify_rows, 0, is_named));
    return cmocka_run_group_tests_name("front verify", unit_tests, NULL, NULL);
}
