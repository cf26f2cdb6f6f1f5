// OS pages inside of the spans of central lists: back to the kernel, and into use again.
//
// Spans in which something idles are taken out of their list, a batch at a time, so that nobody
// allocates in them while the kernel is told, without the list's lock; then they are put back.
// Which pages idle, and what becomes of their slots, is span_cold.c's.
#include "base/check.h"
#include "os/vm.h"
#include "span/central_parts.h"

// ---- into use again ---------------------------------------------------------------------------

// Calls `tell` with each range of those OS pages; returns the pages of which it says true.
static uint64_t each_os_range(struct span *span, uint64_t os_pages,
                              bool (*tell)(uintptr_t start, size_t n_bytes))
{
    uint64_t answered = 0;
    while (os_pages != 0) {
        unsigned first = bits_lowest(os_pages);
        unsigned n = bits_ones_at_start(os_pages >> first);
        uint64_t range = bits_mask(first, n);
        os_pages &= ~range;
        if (tell(span_os_page_address(span, first), n * vm_page_bytes()))
            answered |= range;
    }
    return answered;
}

static bool use_again(uintptr_t start, size_t n_bytes)
{
    vm_use(start, n_bytes);
    return true;
}

void central_warm_noted(struct central *central, struct span *span, uint64_t still_released)
{
    struct central_list *list = list_of(central, span);
    size_t               n_bytes = span_released_bytes(span);
    each_os_range(span, span_released_os_pages(span) & ~still_released, use_again);
    span_warm(span);
    add_relaxed(&list->released_bytes, (size_t)0 - n_bytes);   // counter
}

bool central_try_warm(struct central *central, struct span *span)
{
    size_t n_bytes = span_released_bytes(span);
    if (LIKELY(n_bytes == 0))
        return true;
    if (!page_heap_try_use_inside(central->page_heap, n_bytes))
        return false;
    central_warm_noted(central, span, 0);
    return true;
}

static void note_released(struct central *central, struct central_list *list, size_t n_bytes)
{
    add_relaxed(&list->released_bytes, n_bytes);    // counter
    add_relaxed(&central->cooled_bytes, n_bytes);   // counter
    page_heap_note_released_inside(central->page_heap, n_bytes);
}

void central_part_whole_pages(struct central *central, struct span *span)
{
    struct span_released released = span_released_pages(span);
    uint64_t             halves = span_released_os_pages(span) & ~released.os_pages;
    if (halves == 0 ||
        page_heap_try_use_inside(central->page_heap, bits_count(halves) * vm_page_bytes()))
        return;
    span_begin_cooling(span, released.missing_os_pages);
    uint64_t taken = each_os_range(span, released.missing_os_pages, vm_unuse);
    span_end_cooling(span, taken);
    note_released(central, list_of(central, span), bits_count(taken) * vm_page_bytes());
    // What the kernel refuses is locked; then the limit is passed.
    released = span_released_pages(span);
    halves = span_released_os_pages(span) & ~released.os_pages;
    page_heap_note_used_inside(central->page_heap, bits_count(halves) * vm_page_bytes());
}

// ---- to the kernel ----------------------------------------------------------------------------

// Spans at once on their way to the kernel and back: a few hundred microseconds.
#define COOLED_AT_ONCE 32

// Spans looked at under the lock, at about a hundred nanoseconds each.
#define LOOKED_AT_ONCE 256

// And in one call: so many for each page that it is to give back, so that a long list of spans with
// nothing to give is gone through little by little. A call for everything knows no limit.
#define LOOKS_PER_PAGE 16

// Spans per call of which the kernel refuses something; then all may be locked.
#define REFUSALS_MAX 64

struct cooling {
    struct span *span;
    uint64_t     os_pages, os_pages_taken;   // to be given back; those that were
};

struct cool_call {
    size_t wanted_bytes, done_bytes;
    size_t looks_left, n_refused;   // spans
};

static bool goes_on(struct central *central, const struct cool_call *call)
{
    return call->done_bytes < call->wanted_bytes && call->looks_left > 0 &&
           call->n_refused < REFUSALS_MAX && load_relaxed(&central->n_waiting) == 0;   // hint
}

// Picks spans out of the list in which there is something to give back. An idle one without a whole
// OS page goes to the page heap.
static size_t begin_cooling_locked(struct central *central, struct central_list *list,
                                   struct cool_call *call, struct cooling *batch)
    REQUIRES(list->lock)
{
    size_t n = 0, n_looks = size_min(call->looks_left, LOOKED_AT_ONCE);
    size_t left_bytes = call->wanted_bytes - call->done_bytes, picked_bytes = 0;
    call->looks_left -= n_looks;
    for (; list->first != NULL && n_looks > 0 && n < COOLED_AT_ONCE && picked_bytes < left_bytes;
         n_looks--) {
        struct span *span = list->first;
        uint64_t     os_pages = span_idle_os_pages(span);
        list_remove_locked(list, span);
        if (os_pages != 0) {
            span_begin_cooling(span, os_pages);
            picked_bytes += bits_count(os_pages) * vm_page_bytes();
            batch[n++] = (struct cooling){span, os_pages, 0};
        } else if (is_idle_locked(span)) {
            central_destroy_span(central, span);
        } else {
            list_add_cooled_locked(list, span);
        }
    }
    call->looks_left += n_looks;
    return n;
}

static size_t end_cooling_locked(struct central *central, struct central_list *list,
                                 const struct cooling *batch, size_t n) REQUIRES(list->lock)
{
    size_t n_bytes = 0;
    for (size_t i = 0; i < n; i++) {
        span_end_cooling(batch[i].span, batch[i].os_pages_taken);
        n_bytes += bits_count(batch[i].os_pages_taken) * vm_page_bytes();
    }
    note_released(central, list, n_bytes);
    return n_bytes;
}

// Where a span belongs that was on its way. What the kernel has just refused is not tried again
// before something is freed there.
static void settle_cooled_locked(struct central *central, struct central_list *list,
                                 const struct cooling *cooling) REQUIRES(list->lock)
{
    struct span *span = cooling->span;
    if (is_idle_locked(span))
        central_destroy_span(central, span);
    else if ((span_idle_os_pages(span) & ~cooling->os_pages) != 0)
        list_add_locked(list, span);   // something was freed meanwhile
    else
        list_add_cooled_locked(list, span);
}

// One batch. Returns whether there may be more in the list.
static bool cool_batch(struct central *central, struct central_list *list, struct cool_call *call)
{
    struct cooling batch[COOLED_AT_ONCE];
    lock_acquire(&list->lock);
    central_take_in_locked(central, list);
    size_t n = begin_cooling_locked(central, list, call, batch);
    bool   more = list->first != NULL;
    lock_release(&list->lock);
    for (size_t i = 0; i < n; i++) {
        batch[i].os_pages_taken = each_os_range(batch[i].span, batch[i].os_pages, vm_unuse);
        call->n_refused += batch[i].os_pages_taken != batch[i].os_pages;
    }
    if (n == 0)
        return more;
    lock_acquire(&list->lock);
    call->done_bytes += end_cooling_locked(central, list, batch, n);
    for (size_t i = 0; i < n; i++)
        settle_cooled_locked(central, list, &batch[i]);
    lock_release(&list->lock);
    return more;
}

static size_t cool_locked(struct central *central, struct cool_call call) REQUIRES(central->cooling)
{
    for (unsigned i = SIZE_CLASSES - 1; i >= SIZE_CLASS_FIRST; i--) {
        bool more = size_class_may_cool(i);
        while (more && goes_on(central, &call))
            more = cool_batch(central, &central->lists[i], &call);
    }
    return call.done_bytes;
}

size_t central_cool(struct central *central, size_t n_bytes)
{
    if (!lock_try_acquire(&central->cooling))
        return 0;
    size_t looks_max = LOOKED_AT_ONCE + bytes_to_pages_up(n_bytes) * LOOKS_PER_PAGE;
    size_t cooled_bytes =
        cool_locked(central, (struct cool_call){.wanted_bytes = n_bytes, .looks_left = looks_max});
    lock_release(&central->cooling);
    return cooled_bytes;
}

size_t central_cool_all(struct central *central)
{
    lock_acquire(&central->cooling);
    size_t cooled_bytes =
        cool_locked(central, (struct cool_call){.wanted_bytes = SIZE_MAX, .looks_left = SIZE_MAX});
    lock_release(&central->cooling);
    return cooled_bytes;
}

NO_LOCK_ANALYSIS void central_stop_cooling(struct central *central)
{
    add_relaxed(&central->n_waiting, 1);   // hint
    lock_acquire(&central->cooling);
    add_relaxed(&central->n_waiting, (unsigned)-1);   // hint
}

NO_LOCK_ANALYSIS void central_wait_for_cooling(struct central *central)
{
    central_stop_cooling(central);
    lock_release(&central->cooling);
}
