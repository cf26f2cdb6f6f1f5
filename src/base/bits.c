// Runs of ones: word tricks, and the loops that apply them to arrays of words.
#include "base/bits.h"

#include "base/check.h"

unsigned bits_find_run(uint64_t word, unsigned n_bits)
{
    DCHECK(n_bits >= 1);
    DCHECK(n_bits <= WORD_BITS);
    // After clearing, bit i is set exactly if bits [i, i + have) of the word all were; `have`
    // at most doubles each round, so there are log2(n_bits) rounds.
    unsigned have = 1;
    while (have < n_bits && word != 0) {
        unsigned step = have < n_bits - have ? have : n_bits - have;
        word &= word >> step;
        have += step;
    }
    return word == 0 ? WORD_BITS : bits_lowest(word);
}

unsigned bits_longest_run(uint64_t word, unsigned at_least)
{
    if (word == ~UINT64_C(0))
        return at_least > WORD_BITS ? at_least : WORD_BITS;
    // Keep the starts of runs longer than `at_least`, if any; then lengthen one at a time.
    unsigned have = 1;
    while (have <= at_least && word != 0) {
        unsigned step = have < at_least + 1 - have ? have : at_least + 1 - have;
        if (step >= WORD_BITS)
            return at_least;
        word &= word >> step;
        have += step;
    }
    unsigned longest = at_least;
    while (word != 0) {
        longest = have;
        word &= word >> 1;
        have++;
    }
    return longest;
}

uint64_t bits_fill_groups(uint64_t word, unsigned group)
{
    static const uint64_t group_starts[] = {
        UINT64_C(0xFFFFFFFFFFFFFFFF), UINT64_C(0x5555555555555555), UINT64_C(0x1111111111111111),
        UINT64_C(0x0101010101010101), UINT64_C(0x0001000100010001), UINT64_C(0x0000000100000001),
        UINT64_C(0x0000000000000001),
    };
    DCHECK(group >= 1 && group <= WORD_BITS);
    unsigned log2_group = bits_lowest(group);
    // Gather each group's "any" into its lowest bit ...
    for (unsigned step = 1; step < group; step *= 2)
        word |= word >> step;
    word &= group_starts[log2_group];
    // ... and multiply it out: starts are `group` apart, so the products do not overlap.
    return group == WORD_BITS ? (word != 0 ? ~UINT64_C(0) : 0)
                              : word * ((UINT64_C(1) << group) - 1);
}

// The part of word `i` that lies in the bits [first, end).
static uint64_t mask_in_word(size_t i, size_t first, size_t end)
{
    size_t word_first = i * WORD_BITS;
    size_t from = first > word_first ? first - word_first : 0;
    size_t to = end - word_first < WORD_BITS ? end - word_first : WORD_BITS;
    return bits_mask((unsigned)from, (unsigned)(to - from));
}

void bits_set_range(uint64_t *words, size_t first, size_t n_bits)
{
    size_t end = first + n_bits;
    for (size_t i = first / WORD_BITS; i * WORD_BITS < end; i++)
        words[i] |= mask_in_word(i, first, end);
}

void bits_clear_range(uint64_t *words, size_t first, size_t n_bits)
{
    size_t end = first + n_bits;
    for (size_t i = first / WORD_BITS; i * WORD_BITS < end; i++)
        words[i] &= ~mask_in_word(i, first, end);
}

size_t bits_count_range(const uint64_t *words, size_t first, size_t n_bits)
{
    size_t count = 0;
    size_t end = first + n_bits;
    for (size_t i = first / WORD_BITS; i * WORD_BITS < end; i++)
        count += bits_count(words[i] & mask_in_word(i, first, end));
    return count;
}

size_t bits_array_find_run(const uint64_t *words, size_t n_words, size_t n_bits)
{
    size_t before = 0;   // ones that end where this word starts
    for (size_t i = 0; i < n_words; i++) {
        uint64_t word = words[i];
        if (word == 0) {
            before = 0;
            continue;
        }
        unsigned at_start = bits_ones_at_start(word);
        if (before + at_start >= n_bits)
            return i * WORD_BITS - before;
        if (at_start == WORD_BITS) {
            before += WORD_BITS;
            continue;
        }
        if (n_bits < WORD_BITS) {
            unsigned inside = bits_find_run(word, (unsigned)n_bits);
            if (inside < WORD_BITS)
                return i * WORD_BITS + inside;
        }
        before = bits_ones_at_end(word);
    }
    return BITS_NONE;
}

size_t bits_ones_from(const uint64_t *words, size_t first, size_t limit)
{
    size_t at = first;
    while (at < limit) {
        unsigned shift = (unsigned)(at % WORD_BITS);
        unsigned ones = bits_ones_at_start(words[at / WORD_BITS] >> shift);
        at += ones;
        if (ones < WORD_BITS - shift)
            break;
    }
    return (at < limit ? at : limit) - first;
}

size_t bits_array_highest(const uint64_t *words, size_t from)
{
    size_t   i = from / WORD_BITS;
    uint64_t word = words[i] & bits_mask(0, (unsigned)(from % WORD_BITS) + 1);
    while (word == 0) {
        if (i == 0)
            return BITS_NONE;
        word = words[--i];
    }
    return i * WORD_BITS + bits_highest(word);
}
