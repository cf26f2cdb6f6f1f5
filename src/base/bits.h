// Runs of ones in words and in small arrays of words. Pure.
#ifndef NEAP_BASE_BITS_H
#define NEAP_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORD_BITS 64u
#define BITS_NONE (~(size_t)0)   // no such bit

// Ones at [first, first + n_bits). Requires: n_bits >= 1, first + n_bits <= 64.
static inline uint64_t bits_mask(unsigned first, unsigned n_bits)
{
    return (~UINT64_C(0) >> (WORD_BITS - n_bits)) << first;
}

// One bit, at a place below 64. In this form compilers find the instructions for it.
static inline bool bits_has(uint64_t word, size_t at)
{
    return (word >> at & 1) != 0;
}

static inline uint64_t bits_with(uint64_t word, size_t at)
{
    return word | UINT64_C(1) << at;
}

static inline uint64_t bits_without(uint64_t word, size_t at)
{
    return word & ~(UINT64_C(1) << at);
}

static inline unsigned bits_count(uint64_t word)
{
    return (unsigned)__builtin_popcountll(word);
}

// Requires: word != 0.
static inline unsigned bits_lowest(uint64_t word)
{
    return (unsigned)__builtin_ctzll(word);
}

// Requires: word != 0.
static inline unsigned bits_highest(uint64_t word)
{
    return 63u - (unsigned)__builtin_clzll(word);
}

// How many ones the word starts with, counted from its lowest bit (its highest bit).
static inline unsigned bits_ones_at_start(uint64_t word)
{
    return word == ~UINT64_C(0) ? WORD_BITS : (unsigned)__builtin_ctzll(~word);
}

static inline unsigned bits_ones_at_end(uint64_t word)
{
    return word == ~UINT64_C(0) ? WORD_BITS : (unsigned)__builtin_clzll(~word);
}

// Lowest position of `n_bits` consecutive ones, or 64 if there is none.
// Requires: 1 <= n_bits <= 64.
unsigned bits_find_run(uint64_t word, unsigned n_bits);

// Length of the longest run of ones in the word if it is longer than `at_least`, else `at_least`.
unsigned bits_longest_run(uint64_t word, unsigned at_least);

// Every aligned group of `group` bits with any bit set becomes all ones.
// Requires: group is 1, 2, 4, 8, 16, 32 or 64.
uint64_t bits_fill_groups(uint64_t word, unsigned group);

// Only those aligned groups of `group` bits stay in which every bit is set.
static inline uint64_t bits_whole_groups(uint64_t word, unsigned group)
{
    return ~bits_fill_groups(~word, group);
}

// The same over `n_words` words seen as one string of bits, bit 0 of word 0 first.
// Ranges: Requires first + n_bits <= 64 * n_words of the array behind `words`, n_bits >= 1.
void   bits_set_range(uint64_t *words, size_t first, size_t n_bits);
void   bits_clear_range(uint64_t *words, size_t first, size_t n_bits);
size_t bits_count_range(const uint64_t *words, size_t first, size_t n_bits);

// Lowest position of `n_bits` consecutive ones, or BITS_NONE. Requires: n_bits >= 1.
size_t bits_array_find_run(const uint64_t *words, size_t n_words, size_t n_bits);

// How many ones follow one another from `first` on, not beyond `limit`.
size_t bits_ones_from(const uint64_t *words, size_t first, size_t limit);

// Highest set bit at or below `from`, or BITS_NONE.
size_t bits_array_highest(const uint64_t *words, size_t from);

#endif
