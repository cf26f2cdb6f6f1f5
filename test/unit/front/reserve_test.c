// The reserve: units of 1 KiB, the lowest that fit, against an array of who has which.
#include "front/reserve.h"

#include "random.h"
#include "unit_kit.h"

#define RESERVE_BYTES (RESERVE_UNITS * RESERVE_UNIT_BYTES)

// Where the reserve lies: its first unit.
static char *reserve_start(void)
{
    struct reserve reserve = {.used = 0};
    char          *start = reserve_allocate(&reserve, 1, 1);
    assert_non_null(start);
    return start;
}

static size_t unit_of(const void *object)
{
    size_t offset = (size_t)((const char *)object - reserve_start());
    assert_int_equal(offset % RESERVE_UNIT_BYTES, 0);
    return offset / RESERVE_UNIT_BYTES;
}

// ---- requests ---------------------------------------------------------------------------------

static const struct request_row {
    const char *name;
    uint64_t    used;
    size_t      alignment, n_bytes;
    size_t      unit, n_units;   // n_units 0: refused
} request_rows[] = {
    {"no byte takes a unit", 0, 16, 0, 0, 1},
    {"a unit to the last byte", 0, 16, RESERVE_UNIT_BYTES, 0, 1},
    {"a byte more takes two", 0, 16, RESERVE_UNIT_BYTES + 1, 0, 2},
    {"all of it", 0, 16, RESERVE_BYTES, 0, 64},
    {"more than all of it", 0, 16, RESERVE_BYTES + 1, 0, 0},
    {"as much as can be asked for", 0, 16, SIZE_MAX, 0, 0},
    {"all of it when one unit is used", 1, 16, RESERVE_BYTES, 0, 0},
    {"all but the one that is used", 1, 16, RESERVE_BYTES - 1024, 1, 63},
    {"nothing is left", UINT64_MAX, 16, 1, 0, 0},
    {"the last unit", UINT64_MAX >> 1, 16, 1024, 63, 1},
    {"not beyond the last unit", UINT64_MAX >> 1, 16, 1025, 0, 0},
    {"the lowest hole", 0x5, 16, 1, 1, 1},
    {"the lowest hole that is long enough", 0x25, 16, 2000, 3, 2},
    {"a hole between", UINT64_C(0xFFFF00000000FFFF), 16, 32 * 1024, 16, 32},
    {"a byte too long for it", UINT64_C(0xFFFF00000000FFFF), 16, 32 * 1024 + 1, 0, 0},
    {"a unit's alignment is every unit's", 1, 1024, 1, 1, 1},
    {"aligned to two", 1, 2048, 1, 2, 1},
    {"aligned to four", 1, 4096, 1, 4, 1},
    {"aligned and long", 0x10, 4096, 5000, 8, 5},
    {"aligned at the end", UINT64_MAX >> 4, 4096, 4096, 60, 4},
    {"aligned past the end", UINT64_MAX >> 3, 4096, 1, 0, 0},
    {"aligned more than the reserve is", 0, 8192, 1, 0, 0},
    {"aligned as much as can be asked for", 0, (size_t)1 << 63, 1, 0, 0},
};

static void request(void **state)
{
    const struct request_row *row = unit_case_of(state)->row;
    struct reserve            reserve = {.used = row->used};
    char                     *object = reserve_allocate(&reserve, row->alignment, row->n_bytes);
    if (row->n_units == 0) {
        assert_null(object);
        assert_int_equal(reserve.used, row->used);
        return;
    }
    uint64_t mask = bits_mask((unsigned)row->unit, (unsigned)row->n_units);
    assert_int_equal(unit_of(object), row->unit);
    assert_int_equal((uintptr_t)object % row->alignment, 0);
    assert_int_equal(reserve.used, row->used | mask);
    assert_int_equal(row->used & mask, 0);
    assert_int_equal(reserve_object_bytes(&reserve, object), row->n_units * RESERVE_UNIT_BYTES);
    assert_true(reserve_release(&reserve, object));
    assert_int_equal(reserve.used, row->used);
}

// ---- pointers ---------------------------------------------------------------------------------

static void only_its_own_bytes_are_in_it(void **state)
{
    char *start = reserve_start();
    int   on_stack;
    assert_false(reserve_contains(start - 1));
    assert_true(reserve_contains(start));
    assert_true(reserve_contains(start + RESERVE_BYTES - 1));
    assert_false(reserve_contains(start + RESERVE_BYTES));
    assert_false(reserve_contains(NULL));
    assert_false(reserve_contains((void *)UINTPTR_MAX));
    assert_false(reserve_contains(&on_stack));
}

static void only_the_start_of_an_object_is_released_and_once(void **state)
{
    struct reserve reserve = {.used = 0};
    char          *first = reserve_allocate(&reserve, 1, 3000);
    char          *second = reserve_allocate(&reserve, 1, 100);
    for (char *at = reserve_start(); at < reserve_start() + RESERVE_BYTES; at++) {
        if (at == first || at == second)
            continue;
        assert_int_equal(reserve_object_bytes(&reserve, at), 0);
        assert_false(reserve_release(&reserve, at));
    }
    assert_int_equal(reserve.used, 0xF);
    assert_true(reserve_release(&reserve, first));
    assert_false(reserve_release(&reserve, first));
    assert_int_equal(reserve_object_bytes(&reserve, first), 0);
    assert_int_equal(reserve.used, 0x8);
    assert_true(reserve_release(&reserve, second));
    assert_int_equal(reserve.used, 0);
}

static void what_is_written_stays_until_it_is_released(void **state)
{
    struct reserve reserve = {.used = 0};
    unsigned char *objects[RESERVE_UNITS];
    for (size_t i = 0; i < RESERVE_UNITS; i++) {
        objects[i] = reserve_allocate(&reserve, 16, RESERVE_UNIT_BYTES);
        for (size_t k = 0; k < RESERVE_UNIT_BYTES; k++)
            objects[i][k] = (unsigned char)i;
    }
    assert_null(reserve_allocate(&reserve, 16, 1));
    for (size_t i = 0; i < RESERVE_UNITS; i++) {
        for (size_t k = 0; k < RESERVE_UNIT_BYTES; k++)
            assert_int_equal(objects[i][k], i);
        assert_true(reserve_release(&reserve, objects[i]));
    }
    assert_int_equal(reserve.used, 0);
}

// ---- random traffic ---------------------------------------------------------------------------

// Who has a unit: 1 + that of the object's start; 0: nobody.
static size_t owners[RESERVE_UNITS];

static size_t naive_find(size_t n_units, size_t step)
{
    for (size_t at = 0; at + n_units <= RESERVE_UNITS; at += step) {
        size_t n = 0;
        while (n < n_units && owners[at + n] == 0)
            n++;
        if (n == n_units)
            return at;
    }
    return RESERVE_UNITS;
}

static void random_traffic_is_as_in_an_array(void **state)
{
    struct unit_random   seed = unit_random_start();
    struct random_source random = {unit_random_next(&seed)};
    struct reserve       reserve = {.used = 0};
    for (int i = 0; i < 100000; i++) {
        size_t unit = random_below(&random, RESERVE_UNITS);
        if (owners[unit] != 0) {
            bool starts = owners[unit] == unit + 1;
            assert_int_equal(reserve_release(&reserve, reserve_start() + unit * RESERVE_UNIT_BYTES),
                             starts);
            for (size_t k = 0; starts && k < RESERVE_UNITS; k++)
                owners[k] = owners[k] == unit + 1 ? 0 : owners[k];
            continue;
        }
        size_t n_units = random_between(&random, 1, 12);
        size_t step = (size_t)1 << random_below(&random, 3);
        size_t expected = naive_find(n_units, step);
        size_t n_bytes = n_units * RESERVE_UNIT_BYTES - random_below(&random, 1024);
        char  *object = reserve_allocate(&reserve, step * RESERVE_UNIT_BYTES, n_bytes);
        assert_int_equal(object == NULL ? RESERVE_UNITS : unit_of(object), expected);
        for (size_t k = 0; object != NULL && k < n_units; k++)
            owners[expected + k] = expected + 1;
    }
}

static const struct unit_sentence sentences[] = {
    {"only its own bytes are in it", only_its_own_bytes_are_in_it},
    {"only the start of an object is released, and once",
     only_the_start_of_an_object_is_released_and_once},
    {"what is written stays until it is released", what_is_written_stays_until_it_is_released},
    {"random traffic is as in an array", random_traffic_is_as_in_an_array},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("a request:", request_rows, 0, request));
    ADD_SENTENCES("reserve", sentences, 0);
    return cmocka_run_group_tests_name("reserve", unit_tests, NULL, NULL);
}
