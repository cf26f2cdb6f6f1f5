// A page heap under real limits of the kernel: each in a child process of its own.
//
// Whatever the kernel refuses, requests that fail return NULL, the books stay right, and the heap
// works on as soon as there is something to be had.
#include "kernel_view.h"
#include "os/vm.h"
#include "page_heap_load.h"
#include "sanitizer.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CHILD_SECONDS_MAX 60
#define RUNS_MAX 8192
#define CALLS_PER_FAILURE_MAX 4
#define BOOKS_BYTES_MAX (4 * MIB)   // one table of each kind, one reservation for records

static struct page_heap      heap;
static struct page_heap_load load;
static struct run           *runs[RUNS_MAX];

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return #condition;                                                                     \
    } while (0)

// ---- children ---------------------------------------------------------------------------------

// Runs a function that returns NULL or what was wrong.
static void in_child(const char *(*function)(void))
{
    if (SANITIZES_ADDRESS || SANITIZES_THREAD)
        skip();   // they need terabytes of address space, and make system calls of their own
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(CHILD_SECONDS_MAX);
        const char *wrong = function();
        if (wrong != NULL)
            fprintf(stderr, "child: not so: %s\n", wrong);
        fflush(NULL);
        _exit(wrong != NULL);
    }
    assert_true(child > 0);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void limit(int resource, size_t n_bytes)
{
    struct rlimit old;
    getrlimit((__rlimit_resource_t)resource, &old);
    setrlimit((__rlimit_resource_t)resource, &(struct rlimit){n_bytes, old.rlim_max});
}

static size_t address_space_used(void)
{
    size_t n_pages = 0;
    FILE  *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%zu", &n_pages) != 1)
        abort();
    fclose(file);
    return n_pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void start(void)
{
    load_init_heap(&heap, &(struct page_heap_config){.n_caches = 1, .retain_pct = 110});
}

// Allocates and writes until the heap has no more, or all runs are taken. Returns how many runs.
static size_t fill(size_t n_pages)
{
    size_t n = 0;
    while (n < RUNS_MAX) {
        runs[n] =
            page_heap_alloc(&heap, &(struct run_request){.n_pages = n_pages, .kind = RUN_IN_USE});
        if (runs[n] == NULL)
            break;
        memset(run_start(runs[n]), 1, run_bytes(runs[n]));
        n++;
    }
    return n;
}

static void empty(size_t n_runs)
{
    for (size_t i = 0; i < n_runs; i++)
        page_heap_free(&heap, runs[i]);
}

static const char *books_are_right(void)
{
    struct page_account account;
    page_heap_account_read(&heap, &account);
    REQUIRE(page_account_adds_up(&account));
    return page_heap_verify(&heap);
}

static const char *random_use_works(void)
{
    load_init(&load, &heap, 3, 200);
    for (size_t i = 0; i < 20000; i++)
        load_step(&load);
    load_free_all(&load);
    return load.broken != NULL ? load.broken : books_are_right();
}

// Fills, empties, fills again: as much as before, however often.
static const char *all_comes_back(size_t n_pages, size_t at_least_bytes)
{
    size_t n_first = fill(n_pages);
    printf("%zu KiB in runs of %zu pages\n", n_first * pages_to_bytes(n_pages) / KIB, n_pages);
    REQUIRE(n_first < RUNS_MAX);
    REQUIRE(n_first * pages_to_bytes(n_pages) >= at_least_bytes);
    for (int round = 0; round < 5; round++) {
        const char *wrong = books_are_right();
        if (wrong != NULL)
            return wrong;
        empty(n_first);
        if (round % 2 == 1)
            (void)page_heap_trim(&heap);
        size_t n_again = fill(n_pages);
        REQUIRE(n_again >= n_first);
        n_first = n_again;
    }
    empty(n_first);
    (void)page_heap_trim(&heap);
    return books_are_right();
}

// ---- limits on address space and data ---------------------------------------------------------

static const char *live_in_16_mib(void)
{
    limit(RLIMIT_AS, 16 * MIB);
    start();
    const char *wrong = all_comes_back(1, 2 * MIB);
    if (wrong == NULL)
        wrong = all_comes_back(20, 2 * MIB);
    return wrong != NULL ? wrong : random_use_works();
}

static void a_heap_lives_in_16_mib_of_address_space(void **state)
{
    in_child(live_in_16_mib);
}

static const char *use_the_allowance(void)
{
    size_t allowance = 256 * MIB;
    start();
    limit(RLIMIT_AS, address_space_used() + allowance);
    return all_comes_back(128, allowance / 100 * 93);
}

static void nearly_all_of_the_address_space_allowed_is_used(void **state)
{
    in_child(use_the_allowance);
}

static size_t limit_tried;

static const char *use_a_limit(void)
{
    start();
    limit(RLIMIT_AS, address_space_used() + limit_tried);
    size_t n_bytes = fill(16) * pages_to_bytes(16);
    if (n_bytes + BOOKS_BYTES_MAX < limit_tried)
        printf("of %zu KiB only %zu were handed out\n", limit_tried / KIB, n_bytes / KIB);
    REQUIRE(n_bytes + BOOKS_BYTES_MAX >= limit_tried);
    return books_are_right();
}

static void nearly_all_of_every_limit_is_used(void **state)
{
    for (limit_tried = 5 * MIB; limit_tried <= 72 * MIB; limit_tried += MIB)
        in_child(use_a_limit);
}

static const char *live_with_little_data(void)
{
    limit(RLIMIT_DATA, 24 * MIB);
    start();
    const char *wrong = all_comes_back(1, 8 * MIB);
    if (wrong == NULL)
        wrong = all_comes_back(100, 8 * MIB);
    return wrong != NULL ? wrong : random_use_works();
}

static void a_heap_lives_with_a_limit_on_data(void **state)
{
    in_child(live_with_little_data);
}

static const char *exhaust_and_raise(void)
{
    start();
    limit(RLIMIT_AS, address_space_used() + 32 * MIB);
    size_t n = fill(1000);
    REQUIRE(n < RUNS_MAX);
    REQUIRE(page_heap_alloc(&heap, &(struct run_request){.n_pages = 1000, .kind = RUN_IN_USE}) ==
            NULL);
    const char *wrong = books_are_right();
    if (wrong != NULL)
        return wrong;
    limit(RLIMIT_AS, RLIM_INFINITY);
    struct run *run =
        page_heap_alloc(&heap, &(struct run_request){.n_pages = 1000, .kind = RUN_IN_USE});
    REQUIRE(run != NULL);
    memset(run_start(run), 1, run_bytes(run));
    page_heap_free(&heap, run);
    empty(n);
    return random_use_works();
}

static void what_failed_works_when_the_limit_is_raised(void **state)
{
    in_child(exhaust_and_raise);
}

static size_t n_calls(void)
{
    struct vm_counts counts;
    vm_counts_read(&counts);
    return counts.reserve + counts.prepare + counts.unuse + counts.release;
}

static const char *count_calls(void)
{
    start();
    limit(RLIMIT_AS, address_space_used() + 32 * MIB);
    (void)fill(200);
    (void)fill(1);
    size_t worst = 0;
    for (size_t n_pages = 1; n_pages <= 2000; n_pages *= 3) {
        const struct run_request request = {.n_pages = n_pages, .kind = RUN_IN_USE};
        for (int i = 0; i < 40; i++)
            REQUIRE(page_heap_alloc(&heap, &request) == NULL);
        size_t before = n_calls();
        for (int i = 0; i < 100; i++)
            REQUIRE(page_heap_alloc(&heap, &request) == NULL);
        size_t calls = (n_calls() - before + 99) / 100;
        printf("%zu pages: %zu calls for each failure\n", n_pages, calls);
        worst = size_max(worst, calls);
    }
    REQUIRE(worst <= CALLS_PER_FAILURE_MAX);
    return NULL;
}

static void a_failure_costs_few_system_calls(void **state)
{
    in_child(count_calls);
}

// ---- locked pages -----------------------------------------------------------------------------

static const char *scavenge_locked_pages(void)
{
    struct page_account account;
    start();
    size_t n = 0;
    for (; n < 100; n++) {
        runs[n] = page_heap_alloc(&heap, &(struct run_request){.n_pages = 20, .kind = RUN_IN_USE});
        REQUIRE(runs[n] != NULL);
        memset(run_start(runs[n]), 1, run_bytes(runs[n]));
    }
    empty(n);
    REQUIRE(page_heap_scavenge_step(&heap, 10) == 10);
    if (mlockall(MCL_CURRENT) != 0)
        return NULL;   // not allowed to
    REQUIRE(page_heap_scavenge_step(&heap, 10) == 0);
    REQUIRE(page_heap_trim(&heap) == 0);
    page_heap_account_read(&heap, &account);
    REQUIRE(account.scavenge_refused_times >= 2);
    REQUIRE(account.free_ready_bytes == pages_to_bytes(20 * n - 10));
    const char *wrong = random_use_works();
    if (wrong != NULL)
        return wrong;
    REQUIRE(munlockall() == 0);
    REQUIRE(page_heap_trim(&heap) >= pages_to_bytes(20 * n - 10));
    page_heap_account_read(&heap, &account);
    REQUIRE(account.free_ready_bytes == 0);
    return books_are_right();
}

static void locked_pages_are_left_for_later(void **state)
{
    in_child(scavenge_locked_pages);
}

// ---- filtered system calls --------------------------------------------------------------------

// From now on the system call `number` answers `error`.
static bool deny(int number, int error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static size_t resident_bytes(void)
{
    size_t n_bytes = 0;
    for (size_t i = 0; i < heap.grown.n_ranges; i++) {
        uintptr_t first = page_address(heap.grown.ranges[i].first);
        n_bytes +=
            kernel_resident_bytes(first, first + pages_to_bytes(heap.grown.ranges[i].n_pages));
    }
    return n_bytes;
}

// madvise has never worked: the heap maps over what it gives back.
static const char *remap_instead(int error)
{
    struct page_account account;
    REQUIRE(deny(SYS_madvise, error));
    start();
    struct run *run =
        page_heap_alloc(&heap, &(struct run_request){.n_pages = 300, .kind = RUN_IN_USE});
    REQUIRE(run != NULL);
    memset(run_start(run), 1, run_bytes(run));
    page_heap_free(&heap, run);
    REQUIRE(page_heap_trim(&heap) == pages_to_bytes(300));
    page_heap_account_read(&heap, &account);
    REQUIRE(account.scavenge_refused_times == 0);
    REQUIRE(account.free_released_bytes == pages_to_bytes(300));
    REQUIRE(resident_bytes() == 0);
    const char *wrong = random_use_works();
    if (wrong != NULL)
        return wrong;
    (void)page_heap_trim(&heap);
    REQUIRE(resident_bytes() == 0);
    page_heap_destroy(&heap);
    return NULL;
}

static const char *remap_on_eperm(void)
{
    return remap_instead(EPERM);
}

static const char *remap_on_enosys(void)
{
    return remap_instead(ENOSYS);
}

static void without_madvise_memory_is_given_back_by_mapping_over_it(void **state)
{
    in_child(remap_on_eperm);
    in_child(remap_on_enosys);
}

// madvise stops working later: not now, and counted.
static const char *lose_madvise(void)
{
    struct page_account account;
    start();
    size_t n = 0;
    for (; n < 40; n++) {
        runs[n] = page_heap_alloc(&heap, &(struct run_request){.n_pages = 20, .kind = RUN_IN_USE});
        REQUIRE(runs[n] != NULL);
        memset(run_start(runs[n]), 1, run_bytes(runs[n]));
    }
    empty(n);
    REQUIRE(page_heap_scavenge_step(&heap, 10) == 10);
    REQUIRE(deny(SYS_madvise, EPERM));
    errno = 1234;
    size_t n_back = page_heap_trim(&heap);
    REQUIRE(errno == 1234);
    page_heap_account_read(&heap, &account);
    REQUIRE(n_back > 0 || account.scavenge_refused_times > 0);
    size_t free_ready = account.free_ready_bytes;
    REQUIRE(free_ready == pages_to_bytes(20 * n - 10) - n_back);
    return random_use_works();
}

static void losing_madvise_later_harms_nobody(void **state)
{
    in_child(lose_madvise);
}

static const char *lose_mprotect(void)
{
    start();
    REQUIRE(fill(3) == RUNS_MAX);
    REQUIRE(deny(SYS_mprotect, ENOSYS));
    errno = 1234;
    struct run *run =
        page_heap_alloc(&heap, &(struct run_request){.n_pages = 100000, .kind = RUN_IN_USE});
    REQUIRE(errno == 1234);
    REQUIRE(run == NULL);
    const char *wrong = books_are_right();
    if (wrong != NULL)
        return wrong;
    empty(RUNS_MAX);
    REQUIRE(deny(SYS_munmap, ENOMEM));
    wrong = random_use_works();
    page_heap_destroy(&heap);
    REQUIRE(errno == 1234);
    return wrong;
}

static void a_heap_works_on_with_what_it_has(void **state)
{
    in_child(lose_mprotect);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_heap_lives_in_16_mib_of_address_space),
        cmocka_unit_test(nearly_all_of_the_address_space_allowed_is_used),
        cmocka_unit_test(nearly_all_of_every_limit_is_used),
        cmocka_unit_test(a_heap_lives_with_a_limit_on_data),
        cmocka_unit_test(what_failed_works_when_the_limit_is_raised),
        cmocka_unit_test(a_failure_costs_few_system_calls),
        cmocka_unit_test(locked_pages_are_left_for_later),
        cmocka_unit_test(without_madvise_memory_is_given_back_by_mapping_over_it),
        cmocka_unit_test(losing_madvise_later_harms_nobody),
        cmocka_unit_test(a_heap_works_on_with_what_it_has),
    };
    return cmocka_run_group_tests_name("page heap under limits", tests, NULL, NULL);
}
