// Runs of ones in one word: exhaustive for small widths, brute force for random words.
#include "base/bits.h"
#include "unit_kit.h"

#define RANDOM_WORDS 2000

static unsigned find_run_slowly(uint64_t word, unsigned n_bits)
{
    unsigned run = 0;
    for (unsigned i = 0; i < WORD_BITS; i++) {
        run = (word >> i & 1) != 0 ? run + 1 : 0;
        if (run == n_bits)
            return i + 1 - n_bits;
    }
    return WORD_BITS;
}

static unsigned longest_run_slowly(uint64_t word)
{
    unsigned longest = 0;
    while (longest < WORD_BITS && find_run_slowly(word, longest + 1) < WORD_BITS)
        longest++;
    return longest;
}

static uint64_t fill_groups_slowly(uint64_t word, unsigned group)
{
    uint64_t filled = 0;
    for (unsigned first = 0; first < WORD_BITS; first += group) {
        bool any = false;
        for (unsigned i = 0; i < group; i++)
            any |= (word >> (first + i) & 1) != 0;
        for (unsigned i = 0; any && i < group; i++)
            filled |= UINT64_C(1) << (first + i);
    }
    return filled;
}

// Words with long runs are rare at random; these have both.
static uint64_t random_word(struct unit_random *random)
{
    uint64_t word = unit_random_next(random);
    switch (unit_random_below(random, 4)) {
    case 0:
        return word;
    case 1:
        return word | unit_random_next(random) | unit_random_next(random);
    case 2:
        return word & unit_random_next(random) & unit_random_next(random);
    default:
        return fill_groups_slowly(word & unit_random_next(random), 8) ^
               (UINT64_C(1) << unit_random_below(random, 64));
    }
}

static void expect_runs_of_word(uint64_t word)
{
    unsigned longest = longest_run_slowly(word);
    for (unsigned n_bits = 1; n_bits <= WORD_BITS; n_bits++)
        assert_int_equal(bits_find_run(word, n_bits), find_run_slowly(word, n_bits));
    static const unsigned floors[] = {0, 1, 2, 5, 8, 31, 32, 33, 63, 64, 65, 100, 511};
    for (size_t i = 0; i < LENGTH_OF(floors); i++)
        assert_int_equal(bits_longest_run(word, floors[i]), size_max(longest, floors[i]));
}

static void runs_of_fixed_words(void **state)
{
    static const uint64_t words[] = {
        0,
        ~UINT64_C(0),
        1,
        UINT64_C(1) << 63,
        UINT64_C(0x7FFFFFFFFFFFFFFF),
        UINT64_C(0xFFFFFFFFFFFFFFFE),
        UINT64_C(0x00000000FFFFFFFF),
        UINT64_C(0xFFFFFFFF00000000),
        UINT64_C(0x0000FFFFFFFF0000),
        UINT64_C(0x5555555555555555),
        UINT64_C(0xAAAAAAAAAAAAAAAA),
        UINT64_C(0xE000000001C00003),
        UINT64_C(0x8000000000000001),
        UINT64_C(0xFFFEFFFDFFFBFFF7),
    };
    for (size_t i = 0; i < LENGTH_OF(words); i++)
        expect_runs_of_word(words[i]);
}

struct find_row {
    const char *name;
    uint64_t    word;
    unsigned    n_bits, expected;
};

static const struct find_row find_rows[] = {
    {"AllOnes64", ~UINT64_C(0), 64, 0},
    {"AllOnes63", ~UINT64_C(0), 63, 0},
    {"None", 0, 1, 64},
    {"LastBit", UINT64_C(1) << 63, 1, 63},
    {"TwoAtTheEnd", UINT64_C(0xC000100000100000), 2, 62},
    {"TwoBelow", UINT64_C(0xC000100000300000), 2, 20},
    {"ThreeAtTheEnd", UINT64_C(0xE000600000300000), 3, 61},
    {"SixteenAtTheEnd", UINT64_C(0xFFFF07FF00FF0000), 16, 48},
    {"SixteenAtTheStart", UINT64_C(0xFFFF07FF00FFFFFF), 16, 0},
    {"SixteenNowhere", UINT64_C(0x7FFF07FF00FF7FFF), 16, 64},
};

static void finds_the_lowest(void **state)
{
    const struct find_row *row = unit_case_of(state)->row;
    assert_int_equal(bits_find_run(row->word, row->n_bits), row->expected);
}

// Every word of 16 bits, at the start, over the middle and at the end.
static void runs_of_all_small_words(void **state)
{
    static const unsigned shifts[] = {0, 24, 48};
    for (uint64_t small = 0; small < 1 << 16; small++) {
        for (size_t s = 0; s < LENGTH_OF(shifts); s++) {
            uint64_t word = small << shifts[s];
            unsigned longest = longest_run_slowly(word);
            assert_int_equal(bits_longest_run(word, 0), longest);
            unsigned n_bits = 1 + (unsigned)(small + s) % 17;
            assert_int_equal(bits_find_run(word, n_bits), find_run_slowly(word, n_bits));
        }
    }
    for (uint64_t small = 0; small < 1 << 10; small++) {
        for (unsigned shift = 0; shift <= 54; shift++) {
            for (unsigned n_bits = 1; n_bits <= 11; n_bits++)
                assert_int_equal(bits_find_run(small << shift, n_bits),
                                 find_run_slowly(small << shift, n_bits));
        }
    }
}

static void runs_of_random_words(void **state)
{
    struct unit_random random = unit_random_start();
    for (int i = 0; i < RANDOM_WORDS; i++)
        expect_runs_of_word(random_word(&random));
}

static void groups_are_filled(void **state)   // FillAligned
{
    struct unit_random    random = unit_random_start();
    static const uint64_t words[] = {
        0,
        ~UINT64_C(0),
        1,
        2,
        UINT64_C(1) << 63,
        UINT64_C(0x0000000100000000),
        UINT64_C(0x0000000080000000),
        UINT64_C(0x8000000000000001),
        UINT64_C(0xF00000000000000F),
        UINT64_C(0x00FF00000000FF00),
    };
    for (unsigned group = 1; group <= WORD_BITS; group *= 2) {
        for (size_t i = 0; i < LENGTH_OF(words) + RANDOM_WORDS; i++) {
            uint64_t word = i < LENGTH_OF(words) ? words[i] : random_word(&random);
            uint64_t filled = fill_groups_slowly(word, group);
            assert_int_equal(bits_fill_groups(word, group), filled);
            // Only whole groups stay: what is left when the groups with any zero have gone.
            assert_int_equal(bits_whole_groups(word, group), ~fill_groups_slowly(~word, group));
        }
    }
}

static void groups_of_which_only_one_bit_is_set_are_filled(void **state)
{
    for (unsigned group = 1; group <= WORD_BITS; group *= 2) {
        for (unsigned i = 0; i < WORD_BITS; i++) {
            uint64_t whole = bits_mask((unsigned)align_down(i, group), group);
            assert_int_equal(bits_fill_groups(UINT64_C(1) << i, group), whole);
            assert_int_equal(bits_whole_groups(whole, group), whole);
            uint64_t not_whole = whole & ~(UINT64_C(1) << i);
            assert_int_equal(bits_whole_groups(not_whole, group), 0);
        }
    }
}

static void masks_cover_what_they_say(void **state)
{
    for (unsigned first = 0; first < WORD_BITS; first++) {
        for (unsigned n_bits = 1; first + n_bits <= WORD_BITS; n_bits++) {
            uint64_t slow = 0;
            for (unsigned i = first; i < first + n_bits; i++)
                slow |= UINT64_C(1) << i;
            assert_int_equal(bits_mask(first, n_bits), slow);
            assert_int_equal(bits_count(slow), n_bits);
            assert_int_equal(bits_lowest(slow), first);
            assert_int_equal(bits_highest(slow), first + n_bits - 1);
        }
    }
}

static void ends_of_words_are_counted(void **state)
{
    assert_int_equal(bits_ones_at_start(0), 0);
    assert_int_equal(bits_ones_at_end(0), 0);
    assert_int_equal(bits_ones_at_start(~UINT64_C(0)), 64);
    assert_int_equal(bits_ones_at_end(~UINT64_C(0)), 64);
    for (unsigned n_bits = 1; n_bits < WORD_BITS; n_bits++) {
        uint64_t low = bits_mask(0, n_bits);
        assert_int_equal(bits_ones_at_start(low), n_bits);
        assert_int_equal(bits_ones_at_end(low), 0);
        assert_int_equal(bits_ones_at_start(~low), 0);
        assert_int_equal(bits_ones_at_end(~low), WORD_BITS - n_bits);
    }
}

static const struct unit_sentence sentences[] = {
    {"runs of fixed words", runs_of_fixed_words},
    {"runs of all small words", runs_of_all_small_words},
    {"runs of random words", runs_of_random_words},
    {"FillAligned", groups_are_filled},
    {"FillAligned one bit of a group", groups_of_which_only_one_bit_is_set_are_filled},
    {"masks cover what they say", masks_cover_what_they_say},
    {"ends of words are counted", ends_of_words_are_counted},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("bits_find_run", find_rows, 0, finds_the_lowest));
    ADD_SENTENCES("bits", sentences, 0);
    return cmocka_run_group_tests_name("bits", unit_tests, NULL, NULL);
}
