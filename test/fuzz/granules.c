#include "granules.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/units.h"

#include <sys/mman.h>

#define TRACT_SHIFT 16   // 64 KiB: an object of average size lies in one
#define TRACT_BYTES ((size_t)1 << TRACT_SHIFT)
#define TRACT_WORDS (TRACT_BYTES / GRANULE_BYTES / 64)
#define TRACTS ((size_t)1 << 16)   // 4 GiB of addresses with objects, ever

struct tract {
    ATOMIC(uint64_t) number;   // of 64 KiB of address space, plus one; 0: not in use
    ATOMIC(uint64_t) taken[TRACT_WORDS];
};

// A private mapping: the map must not live in memory that it is about.
static struct tract *tracts;

void granules_start(void)
{
    if (tracts != NULL)
        return;
    tracts = mmap(NULL, TRACTS * sizeof(struct tract), PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(tracts != MAP_FAILED);
}

// The map of the tract `address` lies in, made if need be.
static struct tract *tract_of(uintptr_t address)
{
    uint64_t number = (address >> TRACT_SHIFT) + 1;
    size_t   at = (size_t)((number * UINT64_C(0x9E3779B97F4A7C15)) >> 48);
    for (size_t n = 0;; n++) {
        CHECK(n < TRACTS);   // else objects have been in more places than can be followed
        struct tract *tract = &tracts[(at + n) % TRACTS];
        uint64_t      found = load_relaxed(&tract->number);
        if (found == 0 && atomic_compare_exchange_strong(&tract->number, &found, number))
            return tract;
        if (found == number)
            return tract;
    }
}

static uint64_t bits_between(size_t from, size_t to)
{
    return (~UINT64_C(0) >> (64 - (to - from))) << from;
}

// Sets or clears the granules [from, to) of one tract. False: one of them was so already.
static bool tract_mark(struct tract *tract, size_t from, size_t to, bool taken)
{
    bool as_expected = true;
    for (size_t word = from / 64; word * 64 < to; word++) {
        size_t   low = size_max(from, word * 64) - word * 64;
        size_t   high = size_min(to, word * 64 + 64) - word * 64;
        uint64_t bits = bits_between(low, high);
        uint64_t before =
            taken ? atomic_fetch_or_explicit(&tract->taken[word], bits, memory_order_relaxed)
                  : atomic_fetch_and_explicit(&tract->taken[word], ~bits, memory_order_relaxed);
        if ((before & bits) != (taken ? 0 : bits))
            as_expected = false;
    }
    return as_expected;
}

static bool mark(uintptr_t start, size_t n_bytes, bool taken)
{
    bool      as_expected = true;
    uintptr_t end = align_up(start + n_bytes, GRANULE_BYTES);
    for (uintptr_t at = start; at < end; at = align_down(at, TRACT_BYTES) + TRACT_BYTES) {
        size_t from = (at & (TRACT_BYTES - 1)) / GRANULE_BYTES;
        size_t to = size_min(TRACT_BYTES, end - align_down(at, TRACT_BYTES)) / GRANULE_BYTES;
        if (!tract_mark(tract_of(at), from, to, taken))
            as_expected = false;
    }
    return as_expected;
}

bool granules_take(uintptr_t start, size_t n_bytes)
{
    return mark(start, n_bytes, true);
}

bool granules_give(uintptr_t start, size_t n_bytes)
{
    return mark(start, n_bytes, false);
}
