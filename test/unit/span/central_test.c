// Spans and central lists on the fake kernel: slots, double frees, spans that come and go.
#include "span/central.h"

#include "vm_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

struct world {
    struct central   central;
    struct page_heap pages;
};

static int given_a_heap(void **state)
{
    vm_fake_reset(4 * KIB);
    struct world           *world = mmap(NULL, sizeof *world, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct page_heap_config config = {.record_bytes = sizeof(struct span), .n_caches = 1};
    page_heap_init(&world->pages, &config);
    central_init(&world->central, &world->pages);
    *state = world;
    return 0;
}

static int no_heap_any_more(void **state)
{
    struct world *world = *state;
    assert_null(central_verify(&world->central));
    assert_null(page_heap_verify(&world->pages));
    page_heap_destroy(&world->pages);
    return munmap(world, sizeof *world);
}

static struct span *span_at(struct world *world, const void *slot)
{
    struct run *run = page_heap_find(&world->pages, (uintptr_t)slot);
    assert_non_null(run);
    return span_of_run(run);
}

static enum span_give_result give_back(struct world *world, const void *object)
{
    struct span *span = span_at(world, object);
    size_t       slot;
    assert_true(span_slot_at(span, (uintptr_t)object, &slot));
    return central_give_back(&world->central, span, slot);
}

static size_t in_use_bytes(struct world *world)
{
    struct page_account account;
    page_heap_account_read(&world->pages, &account);
    return account.in_use_bytes;
}

static void slots_are_disjoint_and_in_address_order(void **state)
{
    struct world *world = *state;
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++) {
        const struct size_class *shape = &size_classes[size_class];
        char                    *first = central_fetch(&world->central, size_class);
        for (size_t i = 1; i < shape->n_slots; i++) {
            char *slot = central_fetch(&world->central, size_class);
            assert_ptr_equal(slot, first + i * shape->slot_bytes);
        }
        char *in_next_span = central_fetch(&world->central, size_class);
        assert_ptr_not_equal(span_at(world, in_next_span), span_at(world, first));
    }
}

static void a_span_wholly_free_goes_back_to_the_page_heap(void **state)
{
    struct world *world = *state;
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++) {
        void  *slots[3 * SLOTS_MAX];
        size_t n = 2 * (size_t)size_classes[size_class].n_slots + 1;
        for (size_t i = 0; i < n; i++)
            slots[i] = central_fetch(&world->central, size_class);
        assert_int_equal(in_use_bytes(world),
                         3 * pages_to_bytes(size_classes[size_class].span_pages));
        for (size_t i = 0; i < n; i++)   // n is odd, so every slot comes by once
            assert_int_equal(give_back(world, slots[(i * 2 + 1) % n]), SPAN_GIVEN);
        assert_int_equal(in_use_bytes(world), 0);
        assert_null(central_verify(&world->central));
    }
}

static void a_slot_freed_twice_is_found_out(void **state)
{
    struct world *world = *state;
    void         *slot = central_fetch(&world->central, 5);
    void         *neighbour = central_fetch(&world->central, 5);
    assert_int_equal(give_back(world, slot), SPAN_GIVEN);
    assert_int_equal(give_back(world, slot), SPAN_ALREADY_FREE);
    assert_false(central_slot_is_used(&world->central, span_at(world, slot), 0));
    assert_true(central_slot_is_used(&world->central, span_at(world, slot), 1));
    assert_int_equal(give_back(world, neighbour), SPAN_GIVEN);
}

static void only_the_start_of_a_slot_is_one(void **state)
{
    struct world *world = *state;
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++) {
        const struct size_class *shape = &size_classes[size_class];
        char                    *first = central_fetch(&world->central, size_class);
        struct span             *span = span_at(world, first);
        size_t                   n_starts = 0;
        for (size_t offset = 0; offset < run_bytes(&span->run); offset++) {
            size_t slot;
            bool   is_start = span_slot_at(span, (uintptr_t)first + offset, &slot);
            n_starts += is_start;
            assert_int_equal(is_start, offset % shape->slot_bytes == 0 &&
                                           offset / shape->slot_bytes < shape->n_slots);
        }
        assert_int_equal(n_starts, shape->n_slots);
    }
}

static void without_memory_a_fetch_says_so_and_changes_nothing(void **state)
{
    struct world *world = *state;
    void         *slot = central_fetch(&world->central, 3);
    vm_fake_refuse(1, true);
    size_t n_fetched = 1;   // what is left of the page cache's window serves some
    while (central_fetch(&world->central, SIZE_CLASSES - 1) != NULL)
        n_fetched++;
    assert_true(n_fetched <= 1 + WINDOW_PAGES);
    struct central_account account;
    central_account_read(&world->central, &account);
    assert_int_equal(account.used_slots, n_fetched);
    vm_fake_refuse(0, false);
    assert_non_null(central_fetch(&world->central, SIZE_CLASSES - 1));
    assert_int_equal(give_back(world, slot), SPAN_GIVEN);
}

static void random_traffic_keeps_the_books(void **state)
{
    struct world *world = *state;
    enum { SLOTS = 3000 };
    static struct {
        char  *slot;
        size_t n_bytes;
    } held[SLOTS];
    size_t used_bytes = 0;
    memset(held, 0, sizeof held);
    srand(20190801);
    for (int i = 0; i < 300000; i++) {
        size_t at = (size_t)rand() % SLOTS;
        if (held[at].slot != NULL) {
            assert_int_equal(give_back(world, held[at].slot), SPAN_GIVEN);
            used_bytes -= held[at].n_bytes;
            held[at].slot = NULL;
        } else {
            unsigned size_class = (unsigned)rand() % SIZE_CLASSES;
            held[at].slot = central_fetch(&world->central, size_class);
            held[at].n_bytes = size_classes[size_class].slot_bytes;
            used_bytes += held[at].n_bytes;
        }
        if (i % 1000 == 0) {
            struct central_account account;
            central_account_read(&world->central, &account);
            assert_int_equal(account.used_bytes, used_bytes);
            assert_int_equal(account.used_bytes + account.free_bytes, in_use_bytes(world));
            assert_null(central_verify(&world->central));
        }
    }
}

static void verify_finds_a_wrong_count_and_a_span_out_of_place(void **state)
{
    struct world *world = *state;
    char         *slot = central_fetch(&world->central, 0);
    struct span  *span = span_at(world, slot);
    world->central.lists[0].used_slots++;
    assert_memory_equal(central_verify(&world->central), "T2", 2);
    world->central.lists[0].used_slots--;
    span->size_class = 1;
    assert_memory_equal(central_verify(&world->central), "T1", 2);
    span->size_class = 0;
    assert_null(central_verify(&world->central));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, given_a_heap, no_heap_any_more)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(slots_are_disjoint_and_in_address_order),
        TEST(a_span_wholly_free_goes_back_to_the_page_heap),
        TEST(a_slot_freed_twice_is_found_out),
        TEST(only_the_start_of_a_slot_is_one),
        TEST(without_memory_a_fetch_says_so_and_changes_nothing),
        TEST(random_traffic_keeps_the_books),
        TEST(verify_finds_a_wrong_count_and_a_span_out_of_place),
    };
    return cmocka_run_group_tests_name("central", tests, NULL, NULL);
}
