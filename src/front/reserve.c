// Units of the reserve.
#include "front/reserve.h"

static _Alignas(RESERVE_ALIGN_MAX) char memory[RESERVE_UNITS * RESERVE_UNIT_BYTES];

// The lowest run of `n_units` free units that starts at a multiple of `step`, or WORD_BITS.
static unsigned find_units(uint64_t used, unsigned n_units, unsigned step)
{
    for (unsigned at = 0; at + n_units <= RESERVE_UNITS; at += step)
        if ((used & bits_mask(at, n_units)) == 0)
            return at;
    return WORD_BITS;
}

void *reserve_allocate(struct reserve *reserve, size_t alignment, size_t n_bytes)
{
    if (n_bytes > sizeof memory || alignment > RESERVE_ALIGN_MAX)
        return NULL;
    unsigned n_units =
        (unsigned)((size_max(n_bytes, 1) + RESERVE_UNIT_BYTES - 1) / RESERVE_UNIT_BYTES);
    unsigned step = (unsigned)size_max(alignment / RESERVE_UNIT_BYTES, 1);
    uint64_t used = load_relaxed(&reserve->used);   // hint: the exchange below checks it
    unsigned at;
    do {
        at = find_units(used, n_units, step);
        if (at == WORD_BITS)
            return NULL;
        // pairs with: reserve_release
    } while (!cas_acquire(&reserve->used, &used, used | bits_mask(at, n_units)));
    store_relaxed(&reserve->n_units[at], n_units);   // owner
    return memory + at * RESERVE_UNIT_BYTES;
}

bool reserve_contains(const void *address)
{
    return (uintptr_t)address - (uintptr_t)memory < sizeof memory;
}

size_t reserve_object_bytes(struct reserve *reserve, const void *object)
{
    size_t offset = (uintptr_t)object - (uintptr_t)memory;
    if (offset % RESERVE_UNIT_BYTES != 0)
        return 0;
    // owner: whoever asks has the object, or misuses it
    return (size_t)load_relaxed(&reserve->n_units[offset / RESERVE_UNIT_BYTES]) *
           RESERVE_UNIT_BYTES;
}

bool reserve_release(struct reserve *reserve, const void *object)
{
    size_t offset = (uintptr_t)object - (uintptr_t)memory;
    if (offset % RESERVE_UNIT_BYTES != 0)
        return false;
    unsigned at = (unsigned)(offset / RESERVE_UNIT_BYTES);
    unsigned n_units = exchange_relaxed(&reserve->n_units[at], 0);   // owner
    if (n_units == 0)
        return false;
    and_release(&reserve->used, ~bits_mask(at, n_units));   // pairs with: reserve_allocate
    return true;
}
