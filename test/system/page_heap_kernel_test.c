// The books of a page heap against what the kernel says about its memory, to the byte.
//
// Every page handed out is written at both ends, so that each is backed; where the kernel's pages
// are larger than ours, a part handed out backs the whole, and resident memory has bounds only.
#include "kernel_view.h"
#include "os/vm.h"
#include "page_heap_load.h"
#include "sanitizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include <cmocka.h>

#define POINTS 5000   // in each of two runs: 10,000 comparisons
#define STEPS_PER_POINT 8
#define ARENA ((size_t)64 << 20)
#define VMAS_PER_ARENA 2   // what is grown, and what is not yet
#define VMAS_MORE 4
#define RUNS_MAX 4096

static struct page_heap      heap;
static struct page_heap_load load;
static struct run           *runs[RUNS_MAX];

// What the kernel says about all address space of the heap.
struct kernel_says {
    size_t writable_bytes, resident_bytes, n_mappings;
};

static struct kernel_says ask_kernel(void)
{
    struct kernel_says says = {0, 0, 0};
    kernel_view_read();
    for (size_t i = 0; i < heap.reserved.n_ranges; i++) {
        uintptr_t start = page_address(heap.reserved.ranges[i].first);
        uintptr_t end = start + pages_to_bytes(heap.reserved.ranges[i].n_pages);
        says.writable_bytes += kernel_view_writable_bytes(start, end);
        says.resident_bytes += kernel_resident_bytes(start, end);
        says.n_mappings += kernel_view_mappings(start, end);
    }
    return says;
}

static void count_writable(void *context, page_id first, size_t n_pages)
{
    uintptr_t start = page_address(first);
    uintptr_t end = start + pages_to_bytes(n_pages);
    assert_int_equal(kernel_view_writable_bytes(start, end), end - start);
    *(size_t *)context += end - start;
}

static size_t resident_by_the_books(const struct page_account *account)
{
    return account->mapped_bytes - account->free_released_bytes - account->cached_released_bytes;
}

// Returns how much is resident.
static size_t assert_books_are_the_kernels(void)
{
    struct page_account account;
    page_heap_account_read(&heap, &account);
    struct kernel_says says = ask_kernel();
    size_t             in_ranges = 0;
    page_heap_each_range(&heap, count_writable, &in_ranges);
    assert_int_equal(says.writable_bytes, account.mapped_bytes);
    assert_int_equal(in_ranges, account.mapped_bytes);
    if (vm_page_bytes() <= PAGE_BYTES)
        assert_int_equal(says.resident_bytes, resident_by_the_books(&account));
    else
        assert_in_range(says.resident_bytes, 0, resident_by_the_books(&account));
    return says.resident_bytes;
}

static void start(unsigned n_caches, unsigned retain_pct)
{
    memset(&heap, 0, sizeof heap);   // a test that failed left it as it was
    load_init_heap(&heap,
                   &(struct page_heap_config){.n_caches = n_caches, .retain_pct = retain_pct});
}

static void *alloc_written(size_t n_pages, size_t index)
{
    struct run *run =
        page_heap_alloc(&heap, &(struct run_request){.n_pages = n_pages, .kind = RUN_IN_USE});
    assert_non_null(run);
    memset(run_start(run), 0x5A, run_bytes(run));
    if (index < RUNS_MAX)
        runs[index] = run;
    return run;
}

// ---- random use -------------------------------------------------------------------------------

static void give_something_back(struct random_source *random)
{
    switch (random_below(random, 64)) {
    case 0:
        (void)page_heap_trim(&heap);
        break;
    case 1:
        page_heap_flush_caches(&heap);
        break;
    case 2:
        (void)page_heap_scavenge(&heap, random_below(random, 2 * MIB));
        break;
    default:
        (void)page_heap_scavenge_step(&heap, random_below(random, 20));
        break;
    }
}

static void compare_at_many_points(unsigned n_caches, unsigned retain_pct, bool scavenges)
{
    start(n_caches, retain_pct);
    load_init(&load, &heap, n_caches + 11, 1200);
    struct random_source random = {5};
    size_t               most = 0;
    for (size_t point = 0; point < POINTS; point++) {
        for (size_t i = 0; i < STEPS_PER_POINT; i++)
            load_step(&load);
        if (scavenges && random_one_in(&random, 4))
            give_something_back(&random);
        most = size_max(most, assert_books_are_the_kernels());
        if (load.broken != NULL)
            fail_msg("%s", load.broken);
    }
    print_message("%d points, up to %zu KiB resident, %zu pages seen to be zero\n", POINTS,
                  most / KIB, load.zero_known_pages);
    load_free_all(&load);
    (void)page_heap_trim(&heap);
    assert_int_equal(assert_books_are_the_kernels(), 0);
    page_heap_destroy(&heap);
}

static void mapped_and_resident_are_exact_while_memory_goes_back(void **state)
{
    compare_at_many_points(1, 110, true);
}

static void mapped_and_resident_are_exact_when_only_growth_gives_back(void **state)
{
    compare_at_many_points(0, 100, false);
}

// ---- single claims ----------------------------------------------------------------------------

static void after_a_trim_free_memory_is_not_resident(void **state)
{
    start(0, RETAIN_PCT_NEVER);
    for (size_t i = 0; i < 2000; i++)
        (void)alloc_written(1 + i % 20, i);
    for (size_t i = 0; i < 2000; i++) {
        if (i % 3 != 0)
            page_heap_free(&heap, runs[i]);
    }
    (void)assert_books_are_the_kernels();
    (void)page_heap_trim(&heap);
    struct page_account account;
    page_heap_account_read(&heap, &account);
    assert_int_equal(account.free_ready_bytes + account.cached_ready_bytes, 0);
    assert_int_equal(assert_books_are_the_kernels(), account.in_use_bytes);
    for (size_t i = 0; i < 2000; i += 3) {
        const unsigned char *bytes = run_start(runs[i]);
        assert_int_equal(bytes[0], 0x5A);
        assert_int_equal(bytes[run_bytes(runs[i]) - 1], 0x5A);
    }
    page_heap_destroy(&heap);
}

static void what_is_known_to_be_zero_is_zero(void **state)
{
    start(1, 100);
    load_init(&load, &heap, 77, 1200);
    load.reads_all_zeros = true;
    struct random_source random = {6};
    for (size_t i = 0; i < 40000; i++) {
        load_step(&load);
        if (random_one_in(&random, 4))
            give_something_back(&random);
    }
    if (load.broken != NULL)
        fail_msg("%s", load.broken);
    print_message("%zu pages known to be zero\n", load.zero_known_pages);
    assert_true(load.zero_known_pages > 10000);
    load_free_all(&load);
    page_heap_destroy(&heap);
}

static void mappings_stay_few(void **state)
{
    start(0, 110);
    for (size_t i = 0; i < RUNS_MAX; i++) {
        runs[i] = page_heap_alloc(&heap,
                                  &(struct run_request){.n_pages = 37 + i % 3, .kind = RUN_IN_USE});
        assert_non_null(runs[i]);
    }
    for (size_t i = 0; i < RUNS_MAX; i += 2) {
        memset(run_start(runs[i]), 1, 1);
        page_heap_free(&heap, runs[i]);
    }
    (void)page_heap_trim(&heap);
    size_t             n_arenas = (pages_to_bytes(heap.reserved.total_pages) + ARENA - 1) / ARENA;
    struct kernel_says says = ask_kernel();
    print_message("%zu mappings for %zu arenas\n", says.n_mappings, n_arenas);
    assert_in_range(says.n_mappings, 1, VMAS_PER_ARENA * n_arenas + VMAS_MORE);
    page_heap_destroy(&heap);
}

static void the_heap_grows_by_what_is_asked_for(void **state)
{
    start(1, RETAIN_PCT_NEVER);
    size_t mapped_before = 0;
    for (size_t i = 0; i < 3000; i++) {
        size_t n_pages = 1 + i % 40;
        (void)alloc_written(n_pages, RUNS_MAX);
        struct page_account account;
        page_heap_account_read(&heap, &account);
        size_t step_max = pages_to_bytes(n_pages + WINDOW_PAGES) + vm_page_bytes();
        assert_in_range(account.mapped_bytes - mapped_before, 0, step_max);
        assert_in_range(account.mapped_bytes, account.in_use_bytes,
                        account.in_use_bytes / 10 * 11 + MIB);
        mapped_before = account.mapped_bytes;
    }
    (void)assert_books_are_the_kernels();
    page_heap_destroy(&heap);
}

static void metadata_is_counted_to_the_byte(void **state)
{
    if (SANITIZES_ADDRESS || SANITIZES_THREAD)
        skip();   // they map memory at their own time
    kernel_view_read();
    size_t before = kernel_view_all_writable_bytes();
    start(1, RETAIN_PCT_NEVER);
    for (size_t i = 0; i < RUNS_MAX; i++) {
        runs[i] = page_heap_alloc(&heap,
                                  &(struct run_request){.n_pages = 1 + i % 30, .kind = RUN_IN_USE});
        assert_non_null(runs[i]);
        if (i % 256 != 0)
            continue;
        struct page_account account;
        page_heap_account_read(&heap, &account);
        kernel_view_read();
        assert_int_equal(kernel_view_all_writable_bytes() - before,
                         account.mapped_bytes + account.metadata_bytes - sizeof heap);
    }
    page_heap_destroy(&heap);
    kernel_view_read();
    assert_int_equal(kernel_view_all_writable_bytes(), before);
}

// ---- growth gives back ------------------------------------------------------------------------

// Resident may exceed what is in use by a tenth, and by what one cache may hide.
static void assert_tight(void)
{
    struct page_account account;
    page_heap_account_read(&heap, &account);
    size_t resident = assert_books_are_the_kernels();
    size_t most = account.in_use_bytes / 10 * 11 + pages_to_bytes(WINDOW_PAGES);
    print_message("%zu KiB in use, %zu KiB resident\n", account.in_use_bytes / KIB, resident / KIB);
    assert_in_range(resident, 0, most);
}

static void growth_gives_back_holes(void **state)
{
    enum { BLOCK_PAGES = 8, BLOCKS = 512 };   // of 64 KiB: 32 MiB
    start(1, 110);
    for (size_t i = 0; i < BLOCKS; i++)
        (void)alloc_written(BLOCK_PAGES, i);
    for (size_t i = 0; i < BLOCKS; i += 2)
        page_heap_free(&heap, runs[i]);
    (void)alloc_written(bytes_to_pages_down(16 * MIB), RUNS_MAX);   // fits in no hole
    assert_tight();
    page_heap_destroy(&heap);
}

static void growth_gives_back_large_blocks(void **state)
{
    size_t large = bytes_to_pages_down(4 * MIB - 64 * KIB);
    start(1, 110);
    for (size_t i = 0; i < 2; i++) {
        (void)alloc_written(8, RUNS_MAX);
        (void)alloc_written(large, i);
    }
    page_heap_free(&heap, runs[0]);
    page_heap_free(&heap, runs[1]);
    (void)alloc_written(bytes_to_pages_down(8 * MIB), RUNS_MAX);
    assert_tight();
    page_heap_destroy(&heap);
}

static int without_huge_pages(void **state)
{
    // Where they are always given, a page that was never touched may be backed.
    return prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mapped_and_resident_are_exact_while_memory_goes_back),
        cmocka_unit_test(mapped_and_resident_are_exact_when_only_growth_gives_back),
        cmocka_unit_test(after_a_trim_free_memory_is_not_resident),
        cmocka_unit_test(what_is_known_to_be_zero_is_zero),
        cmocka_unit_test(mappings_stay_few),
        cmocka_unit_test(the_heap_grows_by_what_is_asked_for),
        cmocka_unit_test(metadata_is_counted_to_the_byte),
        cmocka_unit_test(growth_gives_back_holes),
        cmocka_unit_test(growth_gives_back_large_blocks),
    };
    return cmocka_run_group_tests_name("page heap and the kernel's view", tests, without_huge_pages,
                                       NULL);
}
