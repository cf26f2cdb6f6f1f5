// A kernel that refuses: each call of a workload in turn, once, and from there on.
//
// The workload goes everywhere: first use, growth, arenas beside and apart from one another, more
// metadata, a longer range table, all ways to allocate, resizing, giving back. Whatever call is
// refused, the failing operation says so and changes nothing, the books equal the kernel's, and
// when the kernel is willing again the same workload succeeds in full on the same heap.
#include "pageheap/page_heap.h"
#include "vm_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ARENA_BYTES (2 * MIB)
#define RUNS_MAX 512
#define RECORD_BYTES ((size_t)4096)   // one record takes a batch: metadata grows fast
#define SMALL_RUNS 300                // their records need a second metadata reservation
#define APART_ARENAS 20               // more ranges than the first table has room for
#define APART_BYTES (16 * MIB)
#define FAILURES_PER_RECOUNT 16   // a recount takes a millisecond
#define CALLS_PER_FAILURE_MAX 4   // of a request that fails when nothing is to be had

#define LIMITED_RUN_PAGES 32
#define LIMITS_FROM (5 * MIB)
#define LIMITS_TO (72 * MIB)        // more than the arena asked for first
#define BOOKS_BYTES_MAX (4 * MIB)   // one table of each kind, one reservation for records

static struct page_heap heap;

static struct {
    struct run         *runs[RUNS_MAX];
    size_t              n_runs;
    size_t              n_failed;           // operations that said no
    size_t              n_failed_allocs;    // those among them
    size_t              n_refused_before;   // calls, when the operation under way began
    struct page_account before;
    uintptr_t           place;   // of the next arena that lies apart
} work;

static size_t n_refused(void)
{
    struct vm_counts counts;
    vm_counts_read(&counts);
    return counts.refused;
}

static size_t n_calls(void)
{
    struct vm_counts counts;
    vm_counts_read(&counts);
    return counts.reserve + counts.prepare + counts.unuse + counts.move + counts.renew +
           counts.release;
}

// ---- what must hold after every operation -----------------------------------------------------

static size_t resident_bytes(const struct page_account *account)
{
    return account->mapped_bytes - account->free_released_bytes - account->cached_released_bytes;
}

static void assert_books_equal_the_kernels(struct page_account *account)
{
    page_heap_account_read(&heap, account);
    struct vm_fake_bytes kernel = vm_fake_heap_bytes();
    assert_true(page_account_adds_up(account));
    assert_int_equal(kernel.prepared + kernel.ready, account->mapped_bytes);
    assert_int_equal(kernel.ready, resident_bytes(account));
    assert_int_equal(kernel.reserved + kernel.prepared + kernel.ready,
                     account->reserved_bytes + heap.arenas.spare.end - heap.arenas.spare.base);
}

static void assert_verified(void)
{
    const char *broken = page_heap_verify(&heap);
    if (broken != NULL)
        fail_msg("%s", broken);
}

static void begin_operation(void)
{
    page_heap_account_read(&heap, &work.before);
    work.n_refused_before = n_refused();
}

// An operation may fail only if the kernel refused, and then nobody sees a difference.
static void end_operation(bool succeeded)
{
    struct page_account account;
    assert_books_equal_the_kernels(&account);
    if (succeeded)
        return;
    work.n_failed++;
    assert_true(n_refused() > work.n_refused_before);
    assert_int_equal(account.in_use_bytes, work.before.in_use_bytes);
    assert_int_equal(account.manual_bytes, work.before.manual_bytes);
    assert_int_equal(account.mapped_bytes, work.before.mapped_bytes);
    assert_int_equal(account.reserved_bytes, work.before.reserved_bytes);
    assert_int_equal(resident_bytes(&account), resident_bytes(&work.before));
    if (work.n_failed % FAILURES_PER_RECOUNT == 1)
        assert_verified();
}

// ---- operations -------------------------------------------------------------------------------

static struct run *alloc(size_t n_pages, size_t align_pages, enum run_kind kind)
{
    begin_operation();
    struct run *run = page_heap_alloc(
        &heap, &(struct run_request){.n_pages = n_pages, .align_pages = align_pages, .kind = kind});
    end_operation(run != NULL);
    work.n_failed_allocs += run == NULL;
    if (run == NULL)
        return NULL;
    assert_int_equal(run->n_pages, n_pages);
    assert_ptr_equal(page_heap_find(&heap, (uintptr_t)run_start(run)), run);
    assert_true(work.n_runs < RUNS_MAX);
    work.runs[work.n_runs++] = run;
    return run;
}

static void resize(struct run *run, size_t n_pages, bool must_fit)
{
    if (run == NULL)
        return;
    size_t old_pages = run->n_pages;
    bool   zero_known = false;
    begin_operation();
    bool done = page_heap_resize(&heap, run, n_pages, &zero_known);
    // Where the pages behind the run are taken, no is an answer without the kernel's doing.
    if (must_fit || n_refused() > work.n_refused_before)
        end_operation(done);
    assert_int_equal(run->n_pages, done ? n_pages : old_pages);
}

// A run moves to a longer one; what is left behind is freed, as after realloc.
static void move_and_shorten(size_t n_pages, size_t n_more)
{
    size_t      i = work.n_runs;
    struct run *from = alloc(n_pages, 8, RUN_IN_USE);
    struct run *to = alloc(n_pages + n_more, 8, RUN_IN_USE);
    if (from == NULL || to == NULL)
        return;
    size_t moved_bytes;
    begin_operation();
    assert_true(page_heap_move(&heap, from, to, &moved_bytes));
    assert_true(moved_bytes > 0 || n_refused() > work.n_refused_before);
    page_heap_free(&heap, from);
    work.runs[i] = NULL;
    end_operation(true);
    resize(to, n_pages / 2, true);
}

static void free_some(size_t from, size_t step)
{
    for (size_t i = from; i < work.n_runs; i += step) {
        if (work.runs[i] == NULL)
            continue;
        begin_operation();
        page_heap_free(&heap, work.runs[i]);
        work.runs[i] = NULL;
        end_operation(true);
    }
}

// Somebody else is everywhere the heap would like to go next; the kernel offers another place.
static void next_arena_lies_apart(void)
{
    for (size_t i = 0; i < heap.arenas.n_hints; i++) {
        const struct arena_hint *hint = &heap.arenas.hints[i];
        uintptr_t at = hint->downwards ? hint->address - heap.unit_bytes : hint->address;
        if (vm_fake_state_at(at) == VM_FAKE_NONE)
            vm_fake_occupy(at, heap.unit_bytes);
    }
    work.place += APART_BYTES;
    vm_fake_place_next(work.place);
}

static void grow_apart(void)
{
    for (size_t i = 0; i < APART_ARENAS; i++) {
        next_arena_lies_apart();
        // Not all of an arena: the rest is left over when the next one comes.
        (void)alloc(bytes_to_pages_down(ARENA_BYTES) - 24, 0, RUN_IN_USE);
    }
    work.place = align_up(work.place, 2 * GIB);
    next_arena_lies_apart();   // where there are no tables yet
    (void)alloc(40, 0, RUN_IN_USE);
}

static void give_back_everything(void)
{
    begin_operation();
    (void)page_heap_scavenge_step(&heap, 3);
    end_operation(true);
    (void)page_heap_scavenge(&heap, MIB);
    end_operation(true);
    page_heap_flush_caches(&heap);
    end_operation(true);
    (void)page_heap_trim(&heap);
    end_operation(true);
}

static void work_through(void)
{
    work.n_runs = work.n_failed = work.n_failed_allocs = 0;
    for (size_t n = 1; n < 6; n++)
        (void)alloc(n, 0, RUN_IN_USE);
    (void)alloc(20, 0, RUN_MANUAL);
    (void)alloc(7, 64, RUN_IN_USE);
    struct run *growing = alloc(100, 16, RUN_IN_USE);
    resize(growing, 110, false);
    resize(growing, 50, true);
    resize(growing, 60, false);
    move_and_shorten(64, 30);
    for (size_t i = 0; i < 8; i++)   // beyond the arena: the next one continues it
        (void)alloc(60, 0, RUN_IN_USE);
    for (size_t i = 0; i < SMALL_RUNS; i++)
        (void)alloc(1, 0, RUN_IN_USE);
    free_some(1, 3);
    give_back_everything();
    grow_apart();
    struct run *last = alloc(33, 0, RUN_IN_USE);
    resize(last, 70, false);
    free_some(0, 2);
    give_back_everything();
    (void)alloc(5, 0, RUN_IN_USE);
    (void)alloc(1000, 0, RUN_IN_USE);   // larger than an arena
    free_some(0, 1);
    give_back_everything();
    assert_verified();
}

// ---- tests ------------------------------------------------------------------------------------

static void start(size_t os_page_bytes)
{
    memset(&work, 0, sizeof work);
    memset(&heap, 0, sizeof heap);   // a test that failed left it as it was
    vm_fake_reset(os_page_bytes);
    work.place = (uintptr_t)40 << 40;
    page_heap_init(&heap, &(struct page_heap_config){.arena_bytes = ARENA_BYTES,
                                                     .record_bytes = RECORD_BYTES,
                                                     .n_caches = 1,
                                                     .retain_pct = 110});
}

static void assert_nothing_left(void)
{
    struct vm_fake_bytes kernel = vm_fake_heap_bytes();
    assert_int_equal(kernel.reserved + kernel.prepared + kernel.ready, 0);
    assert_int_equal(vm_fake_metadata_bytes(), 0);
}

static void assert_idle(void)
{
    struct page_account account;
    assert_books_equal_the_kernels(&account);
    assert_int_equal(account.in_use_bytes + account.manual_bytes, 0);
    assert_int_equal(resident_bytes(&account), 0);
}

// Refuses call n of the workload. False: it made fewer calls.
static bool survive_refusal(size_t os_page_bytes, size_t n, bool from_there_on, size_t *n_failed)
{
    start(os_page_bytes);
    vm_fake_refuse(n, from_there_on);
    work_through();
    bool was_refused = n_refused() > 0;
    *n_failed += work.n_failed;
    // A single refusal is made up for by a second attempt; only a run resized may have to move.
    if (!from_there_on)
        assert_int_equal(work.n_failed_allocs, 0);

    vm_fake_refuse(0, false);
    work_through();
    assert_int_equal(work.n_failed, 0);
    assert_idle();
    page_heap_destroy(&heap);
    // What the kernel would not take back, from there on, stays with it.
    if (!from_there_on)
        assert_nothing_left();
    return was_refused;
}

static void survive_every_refusal(size_t os_page_bytes, bool from_there_on)
{
    size_t n_failed = 0;
    size_t n = 1;
    while (survive_refusal(os_page_bytes, n, from_there_on, &n_failed))
        n++;
    print_message("%zu calls refused in turn, %zu operations failed\n", n - 1, n_failed);
    assert_true(n > 100);
    assert_true(!from_there_on || n_failed > 100);
}

static void every_call_refused_once_4k(void **state)
{
    survive_every_refusal(4 * KIB, false);
}

static void every_call_refused_once_16k(void **state)
{
    survive_every_refusal(16 * KIB, false);
}

static void every_call_refused_once_64k(void **state)
{
    survive_every_refusal(64 * KIB, false);
}

static void all_calls_refused_from_each_on_4k(void **state)
{
    survive_every_refusal(4 * KIB, true);
}

static void all_calls_refused_from_each_on_16k(void **state)
{
    survive_every_refusal(16 * KIB, true);
}

static void all_calls_refused_from_each_on_64k(void **state)
{
    survive_every_refusal(64 * KIB, true);
}

// The workload meets what it is meant to meet: else the tests above show nothing.
static void the_workload_goes_everywhere(void **state)
{
    start(4 * KIB);
    work_through();
    assert_int_equal(work.n_failed, 0);
    assert_true(heap.reserved.capacity > 16);
    assert_true(heap.grown.capacity > 16);
    assert_true(heap.grown.n_ranges > 16);
    assert_true(heap.metadata.mapped_bytes > MIB);
    assert_true(heap.scavenged_pages > 1000);
    assert_idle();
    page_heap_destroy(&heap);
    assert_nothing_left();
}

static void destroying_goes_on_when_the_kernel_keeps_something(void **state)
{
    for (size_t n = 1;; n++) {
        start(16 * KIB);
        work_through();
        vm_fake_refuse(n, false);
        page_heap_destroy(&heap);
        bool                 was_refused = vm_fake_refusable_calls() >= n;
        struct vm_fake_bytes kernel = vm_fake_heap_bytes();
        size_t               n_left = kernel.reserved + kernel.prepared + kernel.ready;
        assert_true(was_refused == (n_left + vm_fake_metadata_bytes() > 0));
        if (!was_refused)
            break;
    }
}

static void locked_pages_stay_and_are_counted(void **state)
{
    start(4 * KIB);
    struct run *run = alloc(200, 0, RUN_IN_USE);
    page_heap_free(&heap, run);
    vm_fake_refuse_unuse(true);
    assert_int_equal(page_heap_scavenge_step(&heap, 10), 0);
    assert_int_equal(page_heap_scavenge(&heap, MIB), 0);
    assert_int_equal(page_heap_trim(&heap), 0);
    struct page_account account;
    assert_books_equal_the_kernels(&account);
    assert_true(account.scavenge_refused_times >= 3);
    assert_int_equal(account.free_ready_bytes, pages_to_bytes(200));
    assert_int_equal(account.scavenged_bytes, 0);
    vm_fake_refuse_unuse(false);
    assert_int_equal(page_heap_trim(&heap), pages_to_bytes(200));
    assert_idle();
    page_heap_destroy(&heap);
}

// Fails again and again: how many calls does each failure cost?
static size_t calls_of_a_failure(size_t n_pages, size_t align_pages)
{
    const struct run_request request = {
        .n_pages = n_pages, .align_pages = align_pages, .kind = RUN_IN_USE};
    for (int i = 0; i < 40; i++)   // until the size asked for has come down
        assert_null(page_heap_alloc(&heap, &request));
    size_t before = n_calls();
    for (int i = 0; i < 100; i++)
        assert_null(page_heap_alloc(&heap, &request));
    return (n_calls() - before + 99) / 100;
}

static void a_failing_request_makes_few_calls(void **state)
{
    static const struct {
        size_t n_pages, align_pages;
    } requests[] = {{1, 0}, {5, 0}, {15, 0}, {16, 0}, {3, 8}, {100, 0}, {5000, 0}};
    size_t worst = 0;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        start(4 * KIB);
        while (heap.arenas.spare.end == 0 && heap.in_use_pages < 300)
            (void)alloc(bytes_to_pages_down(ARENA_BYTES), 0, RUN_IN_USE);
        vm_fake_refuse(1, true);
        size_t n = calls_of_a_failure(requests[i].n_pages, requests[i].align_pages);
        print_message("%zu pages aligned to %zu: %zu calls\n", requests[i].n_pages,
                      requests[i].align_pages, n);
        worst = size_max(worst, n);
        vm_fake_refuse(0, false);
        page_heap_destroy(&heap);
    }
    assert_in_range(worst, 0, CALLS_PER_FAILURE_MAX);
}

// However much address space there is, nearly all of it can be had; the same again after it has
// been given back.
static size_t runs_within_limit(size_t n_bytes)
{
    memset(&work, 0, sizeof work);
    memset(&heap, 0, sizeof heap);
    vm_fake_limit_bytes(n_bytes);
    page_heap_init(&heap, &(struct page_heap_config){.n_caches = 1});
    while (work.n_runs < RUNS_MAX) {
        struct run *run = page_heap_alloc(
            &heap, &(struct run_request){.n_pages = LIMITED_RUN_PAGES, .kind = RUN_IN_USE});
        if (run == NULL)
            break;
        work.runs[work.n_runs++] = run;
    }
    return work.n_runs;
}

static void use_every_limit(size_t os_page_bytes)
{
    for (size_t limit = LIMITS_FROM; limit <= LIMITS_TO; limit += 256 * KIB) {
        vm_fake_reset(os_page_bytes);
        size_t n_bytes = runs_within_limit(limit) * pages_to_bytes(LIMITED_RUN_PAGES);
        if (n_bytes + BOOKS_BYTES_MAX < limit)
            fail_msg("of %zu KiB only %zu were handed out", limit / KIB, n_bytes / KIB);
        assert_verified();
        page_heap_destroy(&heap);
        assert_nothing_left();
    }
}

static void nearly_all_of_every_limit_is_used_4k(void **state)
{
    use_every_limit(4 * KIB);
}

static void nearly_all_of_every_limit_is_used_64k(void **state)
{
    use_every_limit(64 * KIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_workload_goes_everywhere),
        cmocka_unit_test(every_call_refused_once_4k),
        cmocka_unit_test(every_call_refused_once_16k),
        cmocka_unit_test(every_call_refused_once_64k),
        cmocka_unit_test(all_calls_refused_from_each_on_4k),
        cmocka_unit_test(all_calls_refused_from_each_on_16k),
        cmocka_unit_test(all_calls_refused_from_each_on_64k),
        cmocka_unit_test(destroying_goes_on_when_the_kernel_keeps_something),
        cmocka_unit_test(locked_pages_stay_and_are_counted),
        cmocka_unit_test(a_failing_request_makes_few_calls),
        cmocka_unit_test(nearly_all_of_every_limit_is_used_4k),
        cmocka_unit_test(nearly_all_of_every_limit_is_used_64k),
    };
    return cmocka_run_group_tests_name("page heap and a kernel that refuses", tests, NULL, NULL);
}
