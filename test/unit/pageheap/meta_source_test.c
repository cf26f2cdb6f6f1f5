// Memory for our own books: zero, disjoint, between guards, and recycled by pools.
#include "pageheap/meta_source.h"
#include "unit_kit.h"
#include "vm_fake.h"

#include <string.h>
#include <unistd.h>

static void pieces_are_zero_aligned_and_disjoint(void **state)
{
    vm_fake_reset(unit_case_of(state)->shape->os_page_bytes);
    struct meta_source source = {0};
    struct unit_random random = unit_random_start();
    for (int i = 0; i < 500; i++) {
        size_t         n_bytes = 1 + unit_random_below(&random, i % 50 == 0 ? 400000 : 9000);
        unsigned char *piece = meta_alloc(&source, n_bytes);
        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % CACHE_LINE_BYTES, 0);
        for (size_t at = 0; at < n_bytes; at++)
            assert_int_equal(piece[at], 0);
        memset(piece, 0xee, n_bytes);   // the next one is not zero if it overlaps
    }
    meta_release_all(&source);
    assert_int_equal(vm_fake_metadata_bytes(), 0);
}

static void what_is_mapped_is_counted(void **state)
{
    size_t os_page_bytes = unit_case_of(state)->shape->os_page_bytes;
    vm_fake_reset(os_page_bytes);
    struct meta_source source = {0};
    assert_non_null(meta_alloc(&source, 64));
    assert_int_equal(source.mapped_bytes, os_page_bytes);
    // Steps: not a call to the kernel for each piece.
    struct vm_counts before, after;
    vm_counts_read(&before);
    for (int i = 0; i < 8; i++)
        assert_non_null(meta_alloc(&source, 8 * KIB - 64));
    vm_counts_read(&after);
    assert_true(after.prepare - before.prepare <= 2);
    assert_int_equal(after.reserve, before.reserve);
    size_t small_bytes = source.mapped_bytes;
    assert_true(small_bytes >= 64 * KIB && small_bytes <= 2 * 64 * KIB + os_page_bytes);
    // A large piece has a reservation of its own, and what is left of the present one stays.
    uintptr_t next = source.next;
    assert_non_null(meta_alloc(&source, MIB));
    assert_int_equal(source.next, next);
    assert_true(source.mapped_bytes - small_bytes >= MIB);
    assert_true(source.mapped_bytes - small_bytes <= MIB + 2 * os_page_bytes);
    meta_release_all(&source);
    assert_int_equal(source.mapped_bytes, 0);
}

static void read_byte(void *address)
{
    volatile unsigned char *byte = address;
    (void)*byte;
}

// The fake kernel's guards are those of the machine, which cannot be smaller than its OS pages.
static size_t os_page_bytes_or_skip(void **state)
{
    size_t os_page_bytes = unit_case_of(state)->shape->os_page_bytes;
    if (os_page_bytes < (size_t)sysconf(_SC_PAGESIZE))
        skip();
    return os_page_bytes;
}

static void guards_stand_at_both_ends(void **state)
{
    size_t os_page_bytes = os_page_bytes_or_skip(state);
    vm_fake_reset(os_page_bytes);
    struct meta_source source = {0};
    char              *large = meta_alloc(&source, 4 * os_page_bytes * 64);
    assert_non_null(large);
    char *start = (char *)align_down((uintptr_t)large, os_page_bytes);
    char *end = (char *)align_up((uintptr_t)large + 4 * os_page_bytes * 64, os_page_bytes);
    expect_survives(read_byte, start);
    expect_survives(read_byte, end - 1);
    expect_dies(read_byte, start - 1, "");
    expect_dies(read_byte, end, "");
    expect_dies(read_byte, end + os_page_bytes - 1, "");
    meta_release_all(&source);
}

static void small_reservations_end_with_a_guard(void **state)
{
    size_t os_page_bytes = os_page_bytes_or_skip(state);
    vm_fake_reset(os_page_bytes);
    struct meta_source source = {0};
    char              *first = meta_alloc(&source, 4 * KIB);
    assert_non_null(first);
    expect_dies(read_byte, (char *)align_down((uintptr_t)first, os_page_bytes) - 1, "");
    char *last = first;
    // To the end of the reservation; the next piece lies in another one.
    for (uintptr_t end = source.reserved_end; source.reserved_end == end;) {
        char *piece = meta_alloc(&source, 4 * KIB);
        assert_non_null(piece);
        if (source.reserved_end == end) {
            assert_true((uintptr_t)piece + 4 * KIB <= end);
            last = piece;
        } else {
            expect_survives(read_byte, last + 4 * KIB - 1);
            expect_dies(read_byte, (char *)end, "");
        }
    }
    meta_release_all(&source);
    assert_int_equal(vm_fake_metadata_bytes(), 0);
}

static void a_refused_source_fails_and_goes_on(void **state)
{
    vm_fake_reset(unit_case_of(state)->shape->os_page_bytes);
    struct meta_source source = {0};
    vm_fake_refuse(1, true);
    assert_null(meta_alloc(&source, 64));
    assert_null(meta_alloc(&source, MIB));
    assert_int_equal(source.mapped_bytes, 0);
    vm_fake_refuse(0, false);
    assert_non_null(meta_alloc(&source, 64));
    vm_fake_refuse(2, false);   // the reservation is granted, preparing it is not
    assert_null(meta_alloc(&source, MIB));
    vm_fake_refuse(1, true);
    for (uintptr_t end = source.prepared_end; source.next + 1024 <= end;)
        assert_non_null(meta_alloc(&source, 1024));
    assert_null(meta_alloc(&source, 1024));
    vm_fake_refuse(0, false);
    assert_non_null(meta_alloc(&source, 1024));
    meta_release_all(&source);
    assert_int_equal(vm_fake_metadata_bytes(), 0);
}

// Where a whole reservation does not fit, only what is needed is reserved.
static void little_space_is_used(void **state)
{
    size_t os_page_bytes = unit_case_of(state)->shape->os_page_bytes;
    vm_fake_reset(os_page_bytes);
    struct meta_source source = {0};
    vm_fake_limit_bytes(3 * os_page_bytes);
    assert_non_null(meta_alloc(&source, 1024));
    assert_int_equal(vm_fake_metadata_bytes(), 3 * os_page_bytes);
    for (uintptr_t end = source.prepared_end; source.next + 1024 <= end;)
        assert_non_null(meta_alloc(&source, 1024));
    assert_null(meta_alloc(&source, 1024));
    meta_release_all(&source);
}

// ---- pools ------------------------------------------------------------------------------------

#define RECORDS 300

static void records_are_disjoint_and_recycled(void **state)
{
    vm_fake_reset(unit_case_of(state)->shape->os_page_bytes);
    struct meta_source source = {0};
    struct meta_pool   pool;
    unsigned char     *records[RECORDS];
    meta_pool_init(&pool, 48);
    for (size_t i = 0; i < RECORDS; i++) {
        records[i] = meta_pool_take(&pool, &source);
        assert_non_null(records[i]);
        assert_int_equal((uintptr_t)records[i] % 16, 0);
        memset(records[i], (int)(i % 251), 48);
    }
    for (size_t i = 0; i < RECORDS; i++) {
        assert_int_equal(records[i][0], i % 251);
        assert_int_equal(records[i][47], i % 251);
    }
    assert_int_equal(pool.n_handed_out, RECORDS);
    size_t    mapped_bytes = source.mapped_bytes;
    uintptr_t next = source.next;
    for (size_t i = 0; i < RECORDS; i++)
        meta_pool_give(&pool, records[i]);
    assert_int_equal(pool.n_handed_out, 0);
    // The last given is the first taken, and nothing new is needed.
    for (size_t i = RECORDS; i > 0; i--)
        assert_ptr_equal(meta_pool_take(&pool, &source), records[i - 1]);
    assert_int_equal(source.mapped_bytes, mapped_bytes);
    assert_int_equal(source.next, next);
    meta_release_all(&source);
}

static void a_pool_without_memory_says_so(void **state)
{
    vm_fake_reset(unit_case_of(state)->shape->os_page_bytes);
    struct meta_source source = {0};
    struct meta_pool   pool;
    meta_pool_init(&pool, 4 * KIB);   // the largest
    vm_fake_refuse(1, true);
    assert_null(meta_pool_take(&pool, &source));
    assert_int_equal(pool.n_handed_out, 0);
    vm_fake_refuse(0, false);
    assert_non_null(meta_pool_take(&pool, &source));
    assert_int_equal(pool.n_handed_out, 1);
    meta_release_all(&source);
}

static void init_odd_records(void *argument)
{
    struct meta_pool pool;
    meta_pool_init(&pool, 40);
}

static void init_huge_records(void *argument)
{
    struct meta_pool pool;
    meta_pool_init(&pool, 4 * KIB + 16);
}

static void impossible_records_end_the_process(void **state)
{
    expect_dies(init_odd_records, NULL, "check failed: record_bytes % 16 == 0 (8 against 0)");
    expect_dies(init_huge_records, NULL, "(4112 against 4096)");
}

static const struct unit_sentence sentences[] = {
    {"pieces are zero, aligned and disjoint", pieces_are_zero_aligned_and_disjoint},
    {"what is mapped is counted", what_is_mapped_is_counted},
    {"guards stand at both ends", guards_stand_at_both_ends},
    {"small reservations end with a guard", small_reservations_end_with_a_guard},
    {"a refused source fails and goes on", a_refused_source_fails_and_goes_on},
    {"little space is used", little_space_is_used},
    {"records are disjoint and recycled", records_are_disjoint_and_recycled},
    {"a pool without memory says so", a_pool_without_memory_says_so},
    {"impossible records end the process", impossible_records_end_the_process},
};

int main(void)
{
    ADD_SENTENCES("meta", sentences, HEAP_SHAPES);
    return cmocka_run_group_tests_name("meta_source", unit_tests, NULL, NULL);
}
