// Pages and bytes: conversions whose names say how they round.
//
// A page is ours, always 8 KiB; the OS page is the kernel's, 4 to 64 KiB (see os/vm.h).
// page_id is a one-field struct so that a page number and a byte count cannot be mixed up.
#ifndef NEAP_BASE_UNITS_H
#define NEAP_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

#define PAGE_SHIFT 13   // 8 KiB: 512 objects of 16 bytes, half of the OS pages in the field
#define PAGE_BYTES ((size_t)1 << PAGE_SHIFT)

// How much of an address is looked at. User space ends at 2^47 on x86-64 unless a program asks
// for more by hint, which we never do; the other 64-bit machines may use all of 2^48.
#if defined(__x86_64__)
#define ADDRESS_BITS 47
#else
#define ADDRESS_BITS 48
#endif
#define PAGE_NUMBER_BITS (ADDRESS_BITS - PAGE_SHIFT)

_Static_assert(sizeof(void *) == 8, "neap needs 64-bit addresses");

// A page number: its address divided by PAGE_BYTES.
typedef struct {
    size_t number;
} page_id;

static inline page_id page_at_number(size_t number)
{
    return (page_id){.number = number};
}

static inline page_id page_of_address(uintptr_t address)
{
    return page_at_number(address >> PAGE_SHIFT);
}

static inline uintptr_t page_address(page_id page)
{
    return page.number << PAGE_SHIFT;
}

static inline page_id page_plus(page_id page, size_t n_pages)
{
    return page_at_number(page.number + n_pages);
}

static inline size_t pages_to_bytes(size_t n_pages)
{
    return n_pages << PAGE_SHIFT;
}

static inline size_t bytes_to_pages_up(size_t n_bytes)
{
    return (n_bytes >> PAGE_SHIFT) + ((n_bytes & (PAGE_BYTES - 1)) != 0);
}

static inline size_t bytes_to_pages_down(size_t n_bytes)
{
    return n_bytes >> PAGE_SHIFT;
}

static inline bool is_power_of_two(size_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

// The smallest power of two that is not below `value`. Requires: it fits.
static inline size_t power_of_two_from(size_t value)
{
    return value <= 1 ? 1 : (size_t)1 << (64 - __builtin_clzll(value - 1));
}

// Requires: `alignment` is a power of two; the result does not overflow.
static inline size_t align_up(size_t value, size_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

static inline size_t align_down(size_t value, size_t alignment)
{
    return value & ~(alignment - 1);
}

static inline size_t size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t size_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

#endif
