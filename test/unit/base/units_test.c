// Pages and bytes: rounding on both sides of each border, and nothing overflows.
#include "base/units.h"
#include "unit_kit.h"

struct pages_row {
    const char *name;
    size_t      n_bytes, up, down;
};

static const struct pages_row pages_rows[] = {
    {"nothing", 0, 0, 0},
    {"one byte", 1, 1, 0},
    {"a page less one", PAGE_BYTES - 1, 1, 0},
    {"a page", PAGE_BYTES, 1, 1},
    {"a page and one", PAGE_BYTES + 1, 2, 1},
    {"a MiB", MIB, 128, 128},
    {"a TiB and one", 1024 * GIB + 1, (1 << 27) + 1, 1 << 27},
    {"all of them", SIZE_MAX, (size_t)1 << 51, ((size_t)1 << 51) - 1},
    {"the last whole page", SIZE_MAX - PAGE_BYTES + 1, ((size_t)1 << 51) - 1,
     ((size_t)1 << 51) - 1},
};

static void bytes_become_pages(void **state)
{
    const struct pages_row *row = unit_case_of(state)->row;
    assert_int_equal(bytes_to_pages_up(row->n_bytes), row->up);
    assert_int_equal(bytes_to_pages_down(row->n_bytes), row->down);
    assert_int_equal(pages_to_bytes(row->down), align_down(row->n_bytes, PAGE_BYTES));
}

struct align_row {
    const char *name;
    size_t      value, alignment, up, down;
};

static const struct align_row align_rows[] = {
    {"zero", 0, 8, 0, 0},
    {"one", 1, 8, 8, 0},
    {"seven", 7, 8, 8, 0},
    {"eight", 8, 8, 8, 8},
    {"nine", 9, 8, 16, 8},
    {"alignment one", 9, 1, 9, 9},
    {"the highest that can be", SIZE_MAX - 7, 8, SIZE_MAX - 7, SIZE_MAX - 7},
    {"half of all", ((size_t)1 << 63) - 1, (size_t)1 << 63, (size_t)1 << 63, 0},
};

static void values_are_aligned(void **state)
{
    const struct align_row *row = unit_case_of(state)->row;
    assert_int_equal(align_up(row->value, row->alignment), row->up);
    assert_int_equal(align_down(row->value, row->alignment), row->down);
}

static void pages_and_addresses_correspond(void **state)
{
    page_id page = page_of_address(UINT64_C(0x123456789ABC));
    assert_int_equal(page.number, UINT64_C(0x123456789ABC) / 8192);
    assert_int_equal(page_address(page), UINT64_C(0x123456788000));
    assert_int_equal(page_address(page_plus(page, 3)), UINT64_C(0x12345678E000));
    assert_int_equal(page_of_address(PAGE_BYTES - 1).number, 0);
    assert_int_equal(page_of_address(PAGE_BYTES).number, 1);
    assert_int_equal(PAGE_NUMBER_BITS + PAGE_SHIFT, ADDRESS_BITS);
}

static void powers_of_two_are_told(void **state)
{
    assert_false(is_power_of_two(0));
    for (unsigned i = 0; i < 64; i++) {
        assert_true(is_power_of_two((size_t)1 << i));
        if (i > 1) {
            assert_false(is_power_of_two(((size_t)1 << i) - 1));
            assert_false(is_power_of_two(((size_t)1 << i) + 1));
        }
    }
}

static void the_smaller_and_the_larger(void **state)
{
    assert_int_equal(size_min(3, 4), 3);
    assert_int_equal(size_min(4, 3), 3);
    assert_int_equal(size_max(3, 4), 4);
    assert_int_equal(size_max(4, 3), 4);
    assert_int_equal(size_min(SIZE_MAX, 0), 0);
    assert_int_equal(size_max(SIZE_MAX, 0), SIZE_MAX);
}

static const struct unit_sentence sentences[] = {
    {"pages and addresses correspond", pages_and_addresses_correspond},
    {"powers of two are told", powers_of_two_are_told},
    {"the smaller and the larger", the_smaller_and_the_larger},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("units pages of", pages_rows, 0, bytes_become_pages));
    unit_add_table(UNIT_TABLE("units align", align_rows, 0, values_are_aligned));
    ADD_SENTENCES("units", sentences, 0);
    return cmocka_run_group_tests_name("units", unit_tests, NULL, NULL);
}
