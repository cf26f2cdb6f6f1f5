// Runs of ones in arrays of words: at, inside and across the edges between words.
#include "base/bits.h"
#include "unit_kit.h"

#include <string.h>

#define N_WORDS 8
#define N_BITS ((size_t)N_WORDS * WORD_BITS)

static bool bit_at(const uint64_t *words, size_t i)
{
    return (words[i / WORD_BITS] >> (i % WORD_BITS) & 1) != 0;
}

static void put_bit(uint64_t *words, size_t i, bool value)
{
    uint64_t bit = UINT64_C(1) << (i % WORD_BITS);
    words[i / WORD_BITS] = value ? words[i / WORD_BITS] | bit : words[i / WORD_BITS] & ~bit;
}

static size_t find_slowly(const uint64_t *words, size_t n_words, size_t n_bits)
{
    size_t run = 0;
    for (size_t i = 0; i < n_words * WORD_BITS; i++) {
        run = bit_at(words, i) ? run + 1 : 0;
        if (run == n_bits)
            return i + 1 - n_bits;
    }
    return BITS_NONE;
}

// ---- ranges -----------------------------------------------------------------------------------

#define ONES (~UINT64_C(0))

struct range_row {
    const char *name;
    size_t      first, n_bits;
    uint64_t    expected[N_WORDS];
};

static const struct range_row range_rows[] = {
    {"OneLow", 0, 1, {1}},
    {"OneHigh", 511, 1, {0, 0, 0, 0, 0, 0, 0, UINT64_C(1) << 63}},
    {"Inner", 195, 4, {0, 0, 0, 0x78}},
    {"Aligned", 64, 128, {0, ONES, ONES}},
    {"Begin", 0, 258, {ONES, ONES, ONES, ONES, 3}},
    {"End", 382, 130, {0, 0, 0, 0, 0, UINT64_C(3) << 62, ONES, ONES}},
    {"Across", 127, 2, {0, UINT64_C(1) << 63, 1}},
    {"ToTheEdge", 100, 28, {0, UINT64_C(0xFFFFFFF000000000)}},
    {"FromTheEdge", 128, 28, {0, 0, UINT64_C(0xFFFFFFF)}},
    {"All", 0, 512, {ONES, ONES, ONES, ONES, ONES, ONES, ONES, ONES}},
};

static void sets_and_clears_exactly_the_range(void **state)
{
    const struct range_row *row = unit_case_of(state)->row;
    uint64_t                words[N_WORDS];
    memset(words, 0, sizeof words);
    bits_set_range(words, row->first, row->n_bits);
    assert_memory_equal(words, row->expected, sizeof words);
    assert_int_equal(bits_count_range(words, 0, N_BITS), row->n_bits);
    bits_clear_range(words, row->first, row->n_bits);
    assert_int_equal(bits_count_range(words, 0, N_BITS), 0);
    memset(words, 0xff, sizeof words);
    bits_clear_range(words, row->first, row->n_bits);
    for (size_t i = 0; i < N_WORDS; i++)
        assert_int_equal(words[i], ~row->expected[i]);
}

// All ranges of three words, over a background that must stay.
static void all_ranges_of_three_words(void **state)
{
    const uint64_t background[3] = {UINT64_C(0xA5A5F00F12345678), UINT64_C(0x0F1E2D3C4B5A6978),
                                    UINT64_C(0x8000000000000001)};
    for (size_t first = 0; first < 3 * WORD_BITS; first++) {
        for (size_t n_bits = 1; first + n_bits <= 3 * WORD_BITS; n_bits++) {
            uint64_t set[3], cleared[3], slow_set[3], slow_cleared[3];
            size_t   count = 0;
            memcpy(set, background, sizeof set);
            memcpy(cleared, background, sizeof set);
            memcpy(slow_set, background, sizeof set);
            memcpy(slow_cleared, background, sizeof set);
            for (size_t i = first; i < first + n_bits; i++) {
                count += bit_at(background, i);
                put_bit(slow_set, i, true);
                put_bit(slow_cleared, i, false);
            }
            bits_set_range(set, first, n_bits);
            bits_clear_range(cleared, first, n_bits);
            assert_memory_equal(set, slow_set, sizeof set);
            assert_memory_equal(cleared, slow_cleared, sizeof set);
            assert_int_equal(bits_count_range(background, first, n_bits), count);
        }
    }
}

// ---- finding ----------------------------------------------------------------------------------

#define FINDS_MAX 7

struct find_row {
    const char     *name;
    struct run_list taken;   // the rest is ones
    size_t          n_bits;
    size_t          n_finds;
    size_t          finds[FINDS_MAX];   // each is cleared before the next
};

static const struct find_row find_rows[] = {
    {"AllFree1", {0, NULL}, 1, 5, {0, 1, 2, 3, 4}},
    {"AllFree2", {0, NULL}, 2, 5, {0, 2, 4, 6, 8}},
    {"AllFree5", {0, NULL}, 5, 5, {0, 5, 10, 15, 20}},
    {"AllFree64", {0, NULL}, 64, 3, {0, 64, 128}},
    {"AllFree65", {0, NULL}, 65, 3, {0, 65, 130}},
    {"AllFree512", {0, NULL}, 512, 2, {0, BITS_NONE}},
    {"SomeFree64", RUNS({0, 30}, {60, 40}, {163, 349}), 64, 1, {BITS_NONE}},
    {"NoneFree1", RUNS({0, 512}), 1, 2, {BITS_NONE, BITS_NONE}},
    {"NoneFree2", RUNS({0, 512}), 2, 2, {BITS_NONE, BITS_NONE}},
    {"NoneFree5", RUNS({0, 512}), 5, 2, {BITS_NONE, BITS_NONE}},
    {"NoneFree65", RUNS({0, 512}), 65, 2, {BITS_NONE, BITS_NONE}},
    {"ExactFit1", RUNS({0, 255}, {256, 256}), 1, 2, {255, BITS_NONE}},
    {"ExactFit2", RUNS({0, 255}, {257, 255}), 2, 2, {255, BITS_NONE}},
    {"ExactFit5", RUNS({0, 253}, {258, 254}), 5, 2, {253, BITS_NONE}},
    {"ExactFit65", RUNS({0, 220}, {285, 227}), 65, 2, {220, BITS_NONE}},
    {"SomeFree161", RUNS({0, 170}, {325, 3}), 161, 2, {328, BITS_NONE}},
    {"TooSmallAtEveryEdge", RUNS({0, 62}, {66, 60}, {129, 63}, {196, 316}), 5, 1, {BITS_NONE}},
    {"LowestOfTwo", RUNS({0, 62}, {66, 60}, {131, 381}), 4, 2, {62, 126}},
};

static void finds_and_takes_the_lowest(void **state)
{
    const struct find_row *row = unit_case_of(state)->row;
    uint64_t               words[N_WORDS];
    memset(words, 0xff, sizeof words);
    for (size_t i = 0; i < row->taken.n_runs; i++)
        bits_clear_range(words, row->taken.runs[i].first, row->taken.runs[i].n_pages);
    for (size_t i = 0; i < row->n_finds; i++) {
        size_t found = bits_array_find_run(words, N_WORDS, row->n_bits);
        assert_int_equal(found, row->finds[i]);
        if (found != BITS_NONE)
            bits_clear_range(words, found, row->n_bits);
    }
}

// Sixteen bits of any pattern over the edge between two words.
static void all_patterns_over_an_edge(void **state)
{
    for (uint64_t pattern = 0; pattern < 1 << 16; pattern++) {
        const uint64_t words[2] = {pattern << 56, pattern >> 8};
        size_t         n_bits = 1 + (size_t)(pattern % 16);
        for (; n_bits <= 16; n_bits += 5)
            assert_int_equal(bits_array_find_run(words, 2, n_bits), find_slowly(words, 2, n_bits));
    }
}

// A few runs of random length: near the edges more often than chance would have it.
static void random_array(struct unit_random *random, uint64_t *words)
{
    memset(words, unit_random_below(random, 2) == 0 ? 0 : 0xff, N_WORDS * sizeof *words);
    for (size_t n = unit_random_below(random, 24); n > 0; n--) {
        size_t n_bits = 1 + unit_random_below(random, unit_random_below(random, 2) == 0 ? 9 : 140);
        size_t first = unit_random_below(random, N_BITS - n_bits + 1);
        if (unit_random_below(random, 2) == 0)
            bits_set_range(words, first, n_bits);
        else
            bits_clear_range(words, first, n_bits);
    }
}

static void random_arrays(void **state)
{
    struct unit_random random = unit_random_start();
    uint64_t           words[N_WORDS];
    for (int round = 0; round < 500; round++) {
        random_array(&random, words);
        for (size_t n_bits = 1; n_bits <= N_BITS; n_bits += 1 + n_bits / 8)
            assert_int_equal(bits_array_find_run(words, N_WORDS, n_bits),
                             find_slowly(words, N_WORDS, n_bits));
        size_t highest = BITS_NONE;
        for (size_t i = 0; i < N_BITS; i++) {
            highest = bit_at(words, i) ? i : highest;
            assert_int_equal(bits_array_highest(words, i), highest);
        }
    }
}

static void ones_are_counted_up_to_the_limit(void **state)
{
    struct unit_random random = unit_random_start();
    uint64_t           words[N_WORDS];
    for (int round = 0; round < 300; round++) {
        random_array(&random, words);
        for (size_t first = 0; first < N_BITS; first += 1 + unit_random_below(&random, 9)) {
            size_t limit = first + unit_random_below(&random, N_BITS - first + 1);
            size_t slow = first;
            while (slow < limit && bit_at(words, slow))
                slow++;
            assert_int_equal(bits_ones_from(words, first, limit), slow - first);
        }
    }
}

// ---- counting ---------------------------------------------------------------------------------

#define COUNTS_MAX 8

struct count_row {
    const char     *name;
    struct run_list ones;
    struct {
        size_t first, n_bits, expected;
    } counts[COUNTS_MAX];
};

static const struct count_row count_rows[] = {
    {"None", {0, NULL}, {{0, 1, 0}, {7, 3, 0}, {129, 256, 0}, {0, 512, 0}}},
    {"All", RUNS({0, 512}), {{0, 1, 1}, {7, 3, 3}, {3, 13, 13}, {129, 256, 256}, {0, 512, 512}}},
    {"Half",
     RUNS({256, 256}),
     {{0, 1, 0},
      {255, 1, 0},
      {256, 1, 1},
      {255, 2, 1},
      {128, 128, 0},
      {128, 129, 1},
      {129, 256, 129},
      {0, 512, 256}}},
    {"OddBound",
     RUNS({0, 107}),
     {{0, 1, 1}, {3, 13, 13}, {106, 2, 1}, {95, 50, 12}, {107, 1, 0}, {106, 1, 1}, {0, 512, 107}}},
    {"Scattered",
     RUNS({2, 2}, {6, 1}, {62, 4}, {100, 9}, {126, 2}, {200, 70}),
     {{0, 7, 3}, {0, 64, 5}, {63, 64, 13}, {64, 64, 13}, {0, 128, 18}, {1, 127, 18}, {0, 512, 88}}},
};

static void ones_in_ranges_are_counted(void **state)
{
    const struct count_row *row = unit_case_of(state)->row;
    uint64_t                words[N_WORDS];
    memset(words, 0, sizeof words);
    for (size_t i = 0; i < row->ones.n_runs; i++)
        bits_set_range(words, row->ones.runs[i].first, row->ones.runs[i].n_pages);
    for (size_t i = 0; i < COUNTS_MAX && row->counts[i].n_bits != 0; i++)
        assert_int_equal(bits_count_range(words, row->counts[i].first, row->counts[i].n_bits),
                         row->counts[i].expected);
}

static const struct unit_sentence sentences[] = {
    {"all ranges of three words", all_ranges_of_three_words},
    {"all patterns over an edge", all_patterns_over_an_edge},
    {"random arrays", random_arrays},
    {"ones are counted up to the limit", ones_are_counted_up_to_the_limit},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("bits_range", range_rows, 0, sets_and_clears_exactly_the_range));
    unit_add_table(UNIT_TABLE("bits_alloc", find_rows, 0, finds_and_takes_the_lowest));
    unit_add_table(UNIT_TABLE("bits_popcnt", count_rows, 0, ones_in_ranges_are_counted));
    ADD_SENTENCES("bits_array", sentences, 0);
    return cmocka_run_group_tests_name("bits_array", unit_tests, NULL, NULL);
}
