// OS pages inside of a span: which hold no live byte, and what becomes of their slots.
//
// A free slot is cold if it touches an OS page that is released, or on its way to the kernel. It
// stands in a word of its own, so that it is not handed out by accident. Only spans of central
// lists have cold slots: whoever takes one over warms it first.
#include "span/span.h"

#include "base/check.h"
#include "os/vm.h"

struct slots_at {   // of a span
    size_t first, end;
};

static size_t first_os_page_offset(const struct span *span)
{
    uintptr_t start = (uintptr_t)run_start(&span->run);
    return align_up(start, vm_page_bytes()) - start;
}

uintptr_t span_os_page_address(const struct span *span, unsigned i)
{
    return (uintptr_t)run_start(&span->run) + first_os_page_offset(span) + i * vm_page_bytes();
}

// Lays the next run of ones of *bits into *first and *end and takes it out.
static bool next_run(uint64_t *bits, unsigned *first, unsigned *end)
{
    if (*bits == 0)
        return false;
    *first = bits_lowest(*bits);
    unsigned length = bits_ones_at_start(*bits >> *first);
    *end = *first + length;
    *bits &= ~bits_mask(*first, length);
    return true;
}

// The OS pages that lie wholly in the slots given, the tail of the span behind the last one
// included.
static uint64_t os_pages_within(const struct span *span, uint64_t slots)
{
    const struct size_class *shape = span_class(span);
    size_t                   os_bytes = vm_page_bytes();
    size_t                   offset = first_os_page_offset(span);
    uint64_t                 os_pages = 0;
    unsigned                 first, end;
    while (next_run(&slots, &first, &end)) {
        size_t from = first * shape->slot_bytes;
        size_t to = end == shape->n_slots ? run_bytes(&span->run) : end * shape->slot_bytes;
        size_t first_page = from <= offset ? 0 : (from - offset + os_bytes - 1) / os_bytes;
        size_t end_page = to <= offset ? 0 : (to - offset) / os_bytes;
        if (first_page < end_page)
            os_pages |= bits_mask((unsigned)first_page, (unsigned)(end_page - first_page));
    }
    return os_pages;
}

// The slots that touch one of the OS pages given.
static uint64_t slots_touching(const struct span *span, uint64_t os_pages)
{
    const struct size_class *shape = span_class(span);
    size_t                   os_bytes = vm_page_bytes();
    size_t                   offset = first_os_page_offset(span);
    uint64_t                 slots = 0;
    unsigned                 first, end;
    while (next_run(&os_pages, &first, &end)) {
        size_t first_slot = (offset + first * os_bytes) / shape->slot_bytes;
        size_t end_slot = (offset + end * os_bytes - 1) / shape->slot_bytes + 1;
        end_slot = size_min(end_slot, shape->n_slots);
        if (first_slot < end_slot)   // else only the tail
            slots |= bits_mask((unsigned)first_slot, (unsigned)(end_slot - first_slot));
    }
    return slots;
}

static uint64_t free_slots(struct span *span)
{
    return load_relaxed(&span->free[0]) | span_cold(span);   // owner
}

uint64_t span_idle_os_pages(struct span *span)
{
    return os_pages_within(span, free_slots(span)) &
           ~load_relaxed(&span->free[RELEASED_WORD]);   // owner
}

// Sorts the free slots by whether they touch one of the OS pages given.
static void sort_slots(struct span *span, uint64_t os_pages)
{
    uint64_t slots = free_slots(span);
    uint64_t cold = slots & slots_touching(span, os_pages);
    store_relaxed(&span->free[COLD_WORD], cold);    // owner
    store_relaxed(&span->free[0], slots & ~cold);   // owner
}

void span_begin_cooling(struct span *span, uint64_t os_pages)
{
    DCHECK(!span->is_cooling);
    span->is_cooling = true;
    sort_slots(span, load_relaxed(&span->free[RELEASED_WORD]) | os_pages);   // owner
}

void span_end_cooling(struct span *span, uint64_t os_pages_taken)
{
    DCHECK(span->is_cooling);
    uint64_t released = load_relaxed(&span->free[RELEASED_WORD]) | os_pages_taken;   // owner
    store_relaxed(&span->free[RELEASED_WORD], released);                             // owner
    span->is_cooling = false;
    sort_slots(span, released);
}

void span_warm(struct span *span)
{
    DCHECK(!span->is_cooling);
    store_relaxed(&span->free[RELEASED_WORD], 0);   // owner
    sort_slots(span, 0);
}

struct span_released span_released_pages(struct span *span)
{
    struct span_released result = {0, 0, 0};
    uint64_t             released = span_released_os_pages(span);
    for (size_t i = 0; released != 0 && i < span->run.n_pages; i++) {
        uintptr_t start = (uintptr_t)run_start(&span->run) + pages_to_bytes(i);
        uintptr_t first = span_os_page_address(span, 0);
        if (start < first)
            continue;
        size_t   from = (start - first) / vm_page_bytes();
        size_t   to = (start + PAGE_BYTES - 1 - first) / vm_page_bytes();
        uint64_t wanted = bits_mask((unsigned)from, (unsigned)(to - from + 1));
        if ((released & wanted) == wanted) {
            result.pages |= UINT64_C(1) << i;
            result.os_pages |= wanted;
        } else if ((released & wanted) != 0) {
            result.missing_os_pages |= wanted & ~released;
        }
    }
    return result;
}

bool span_cold_fits(struct span *span)
{
    uint64_t cold = span_cold(span), free = load_relaxed(&span->free[0]);   // owner
    uint64_t released = load_relaxed(&span->free[RELEASED_WORD]);           // owner
    if ((cold & (free | ~span_class(span)->last_word)) != 0 ||
        (released & ~os_pages_within(span, span_class(span)->last_word)) != 0)
        return false;
    // While cooling more slots are cold than the pages released so far say.
    uint64_t touching = slots_touching(span, released);
    return span->is_cooling ? (touching & ~cold) == 0 : touching == cold;
}
