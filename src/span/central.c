// Spans that no cache owns, by size class.
#include "span/central.h"

#include "base/check.h"
#include "os/vm.h"

// A span with nothing in use is kept if it is small and the only one with free slots: the next
// objects of the class may come soon, and the page heap costs ten times what a slot does.
#define KEPT_IDLE_PAGES_MAX 2

void central_init(struct central *central, struct page_heap *page_heap)
{
    central->page_heap = page_heap;
    central_reset_locks(central);
}

static struct central_list *list_of(struct central *central, const struct span *span)
{
    return &central->lists[span->size_class];
}

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

static size_t released_bytes_of(struct span *span)
{
    return bits_count(span_released_os_pages(span)) * vm_page_bytes();
}

// None of the span's OS pages counts as released any more; those but `still_released` are to be
// touched. The page heap knows.
static void warm_noted(struct central *central, struct span *span, uint64_t still_released)
{
    struct central_list *list = list_of(central, span);
    size_t               n_bytes = released_bytes_of(span);
    each_os_range(span, span_released_os_pages(span) & ~still_released, use_again);
    span_warm(span);
    add_relaxed(&list->released_bytes, (size_t)0 - n_bytes);   // counter
}

// False: it would take the heap beyond its hard limit.
static bool try_warm(struct central *central, struct span *span)
{
    size_t n_bytes = released_bytes_of(span);
    if (LIKELY(n_bytes == 0))
        return true;
    if (!page_heap_try_use_inside(central->page_heap, n_bytes))
        return false;
    warm_noted(central, span, 0);
    return true;
}

// ---- spans come and go ------------------------------------------------------------------------

struct span *central_create_span(struct central *central, unsigned size_class,
                                 struct span_inbox *owner, bool owes_scavenge)
{
    struct run_request request = {.n_pages = size_classes[size_class].span_pages,
                                  .kind = RUN_IN_USE,
                                  .owes_scavenge = owes_scavenge};
    struct run        *run = page_heap_alloc(central->page_heap, &request);
    if (run == NULL)
        return NULL;
    struct span *span = span_of_run(run);
    page_heap_tag(central->page_heap, run, (uint8_t)size_class);
    span_cut(span, size_class, owner);
    add_relaxed(&central->lists[size_class].n_spans, 1);   // counter
    return span;
}

void central_destroy_span(struct central *central, struct span *span)
{
    DCHECK_EQ(span_count_free(span), span_class(span)->n_slots);   // cold ones, too
    DCHECK_EQ(span->owed_notes, 0);
    struct central_list *list = list_of(central, span);
    add_relaxed(&list->n_spans, (size_t)0 - 1);   // counter
    uint64_t released_os_pages;
    uint64_t released_pages = span_released_pages(span, &released_os_pages);
    size_t   n_bytes = released_bytes_of(span);
    if (n_bytes > 0)
        warm_noted(central, span, released_os_pages);
    if (n_bytes == 0)
        page_heap_free(central->page_heap, &span->run);
    else
        page_heap_free_partly_released(central->page_heap, &span->run, released_pages, n_bytes);
}

void central_discard_span(struct central *central, struct span *span)
{
    struct central_list *list = list_of(central, span);
    add_relaxed(&list->n_freed, span_count_used(span));   // counter
    add_relaxed(&list->n_spans, (size_t)0 - 1);           // counter
    page_heap_free(central->page_heap, &span->run);
}

// ---- under the lock ---------------------------------------------------------------------------

static bool is_idle_locked(const struct span *span)
{
    return span->n_free == span_class(span)->n_slots && span->owed_notes == 0;
}

static void list_add_locked(struct central_list *list, struct span *span) REQUIRES(list->lock)
{
    span->is_cooled = false;
    span_list_add(&list->first, span);
}

static void list_add_cooled_locked(struct central_list *list, struct span *span)
    REQUIRES(list->lock)
{
    span->is_cooled = true;
    span_list_add(&list->cooled, span);
}

static void list_remove_locked(struct central_list *list, struct span *span) REQUIRES(list->lock)
{
    span_list_remove(span->is_cooled ? &list->cooled : &list->first, span);
}

// Puts a span of the list where it belongs after its slots have changed.
static void settle_locked(struct central *central, struct central_list *list, struct span *span)
    REQUIRES(list->lock)
{
    if (span->is_cooling)
        return;   // whoever cools it settles it
    if (span->listed)
        list_remove_locked(list, span);
    if (span->n_free == 0)
        return;
    list_add_locked(list, span);
    if (!is_idle_locked(span))
        return;
    bool only_one = span->next == NULL && list->cooled == NULL;
    if (only_one && span->run.n_pages <= KEPT_IDLE_PAGES_MAX)
        return;
    // Under the lock, so that at any instant each span is the list's or the page heap's.
    list_remove_locked(list, span);
    central_destroy_span(central, span);
}

// Looks through the inbox. A span that has gone to another owner meanwhile follows him there.
static void take_in_locked(struct central *central, struct central_list *list) REQUIRES(list->lock)
{
    if (LIKELY(span_inbox_is_empty(&list->inbox)))
        return;
    struct span *span = span_inbox_take_all(&list->inbox);
    while (span != NULL) {
        struct span       *next = span->next_in_inbox;
        struct span_inbox *owner = load_relaxed(&span->owner);   // owner: changes under our lock
        if (owner == &list->inbox) {
            span_take_in(span);
            span->n_free = (uint16_t)span_count_free(span);
            settle_locked(central, list, span);
        } else {
            span_inbox_put(owner, span);
        }
        span = next;
    }
}

// Of the cooled ones none is: something would have been freed in it.
static void destroy_idle_locked(struct central *central, struct central_list *list)
    REQUIRES(list->lock)
{
    for (struct span *span = list->first, *next; span != NULL; span = next) {
        next = span->next;
        if (!is_idle_locked(span))
            continue;
        list_remove_locked(list, span);
        central_destroy_span(central, span);
    }
}

void central_take_in(struct central_list *list, struct central *central)
{
    lock_acquire(&list->lock);
    take_in_locked(central, list);
    lock_release(&list->lock);
}

void central_tidy(struct central *central)
{
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        struct central_list *list = &central->lists[i];
        lock_acquire(&list->lock);
        take_in_locked(central, list);
        destroy_idle_locked(central, list);
        lock_release(&list->lock);
    }
}

struct central_list *central_list_of_inbox(struct central *central, struct span_inbox *inbox)
{
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++)
        if (inbox == &central->lists[i].inbox)
            return &central->lists[i];
    return NULL;
}

// One with free slots, best one that needs no page from the kernel; NULL: there is none.
static struct span *find_locked(struct central *central, struct central_list *list)
    REQUIRES(list->lock)
{
    struct span *span = list->first != NULL ? list->first : list->cooled;
    // owner
    if (span == NULL || load_relaxed(&span->free[0]) != 0 || try_warm(central, span))
        return span;
    while (span != NULL && load_relaxed(&span->free[0]) == 0)   // owner
        span = span->next != NULL || span->is_cooled ? span->next : list->cooled;
    return span;
}

// ---- slots ------------------------------------------------------------------------------------

void *central_fetch(struct central *central, unsigned size_class)
{
    struct central_list *list = &central->lists[size_class];
    lock_acquire(&list->lock);
    take_in_locked(central, list);
    struct span *span = find_locked(central, list);
    if (span == NULL)
        // The class is locked meanwhile, so that threads in need of the same class share the
        // span that comes instead of making one each.
        span = central_create_span(central, size_class, &list->inbox, true);
    void *slot = NULL;
    if (span != NULL) {
        slot = span_take_slot(span);
        span->n_free--;
        add_relaxed(&list->n_allocated, 1);   // counter
        settle_locked(central, list, span);
    }
    lock_release(&list->lock);
    page_heap_pay_owed(central->page_heap);
    return slot;
}

enum span_give_result central_give_back(struct central *central, struct span *span, size_t slot,
                                        struct span_inbox **out_crowded)
{
    struct central_list  *list = list_of(central, span);
    struct span_inbox    *crowded = NULL;
    enum span_give_result result;
    lock_acquire(&list->lock);
    if (central_owns(central, span)) {
        result = span_give_slot(span, slot);
        if (result == SPAN_GIVEN) {
            span->n_free++;
            settle_locked(central, list, span);
        }
    } else {
        // Under the lock, so that who holds all of them sees slots and counters agree.
        result = span_free_elsewhere(span, slot, &crowded);
    }
    if (result == SPAN_GIVEN)
        add_relaxed(&list->n_freed, 1);   // counter
    lock_release(&list->lock);
    *out_crowded = crowded;
    return result;
}

// ---- handing over -----------------------------------------------------------------------------

// Requires: it is warm.
static void hand_over_locked(struct central_list *list, struct span *span,
                             struct span_inbox *new_owner) REQUIRES(list->lock)
{
    DCHECK(released_bytes_of(span) == 0);
    if (span->listed)
        list_remove_locked(list, span);
    store_release(&span->owner, new_owner);   // pairs with: span_free_elsewhere
}

struct span *central_take_span(struct central *central, unsigned size_class,
                               struct span_inbox *new_owner)
{
    struct central_list *list = &central->lists[size_class];
    lock_acquire(&list->lock);
    take_in_locked(central, list);
    struct span *span = find_locked(central, list);
    if (span != NULL && !try_warm(central, span))
        span = NULL;   // its slots that are not cold are there for central_fetch
    if (span != NULL)
        hand_over_locked(list, span, new_owner);
    lock_release(&list->lock);
    return span;
}

bool central_take_full_span(struct central *central, struct span *span,
                            struct span_inbox *new_owner)
{
    struct central_list *list = list_of(central, span);
    lock_acquire(&list->lock);
    bool full = central_owns(central, span) && span->n_free == 0 && try_warm(central, span);
    if (full)
        hand_over_locked(list, span, new_owner);
    lock_release(&list->lock);
    return full;
}

void central_put_span(struct central *central, struct span *span)
{
    struct central_list *list = list_of(central, span);
    lock_acquire(&list->lock);
    store_release(&span->owner, &list->inbox);   // pairs with: span_free_elsewhere
    span->n_free = (uint16_t)span_count_free(span);
    span->listed = false;
    settle_locked(central, list, span);
    lock_release(&list->lock);
}

// ---- cooling ----------------------------------------------------------------------------------

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
    add_relaxed(&list->released_bytes, n_bytes);    // counter
    add_relaxed(&central->cooled_bytes, n_bytes);   // counter
    page_heap_note_released_inside(central->page_heap, n_bytes);
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
    take_in_locked(central, list);
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

// Whoever cools sees it after the next batch.
static NO_LOCK_ANALYSIS void stop_cooling(struct central *central)
{
    add_relaxed(&central->n_waiting, 1);   // hint
    lock_acquire(&central->cooling);
    add_relaxed(&central->n_waiting, (unsigned)-1);   // hint
}

NO_LOCK_ANALYSIS void central_wait_for_cooling(struct central *central)
{
    stop_cooling(central);
    lock_release(&central->cooling);
}

// ---- books ------------------------------------------------------------------------------------

static const char *spans_verify(struct central_list *list, bool cooled, unsigned size_class)
    REQUIRES(list->lock)
{
    struct span *span = cooled ? list->cooled : list->first;
    for (; span != NULL; span = span->next) {
        if (span->size_class != size_class || span->n_free == 0 || !span->listed ||
            span->is_cooling || span->is_cooled != cooled)
            return "T1 a span is in a list where it does not belong";   // T1
        if (cooled && is_idle_locked(span))
            return "T1 an idle span is among the cooled ones";
        if (span_count_free(span) != span->n_free)
            return "T2 a span's free slots are not as counted";   // T2
        if (load_relaxed(&span->owner) != &list->inbox)           // owner: under the lock
            return "T3 a span is in the list of somebody who does not own it";   // T3
        const char *broken = span_verify(span, false);
        if (broken != NULL)
            return broken;
    }
    return NULL;
}

const char *central_verify(struct central *central)
{
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        struct central_list *list = &central->lists[i];
        lock_acquire(&list->lock);
        const char *broken = spans_verify(list, false, i);
        if (broken == NULL)
            broken = spans_verify(list, true, i);
        lock_release(&list->lock);
        if (broken != NULL)
            return broken;
    }
    return NULL;
}

NO_LOCK_ANALYSIS void central_lock_all(struct central *central)
{
    stop_cooling(central);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++)
        lock_acquire(&central->lists[i].lock);
}

NO_LOCK_ANALYSIS void central_unlock_all(struct central *central)
{
    for (unsigned i = SIZE_CLASSES; i > SIZE_CLASS_FIRST; i--)
        lock_release(&central->lists[i - 1].lock);
    lock_release(&central->cooling);
}

void central_reset_locks(struct central *central)
{
    lock_init(&central->cooling, LOCK_RANK_COOLING);
    store_relaxed(&central->n_waiting, 0);   // owner: nobody else is there
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++)
        lock_init(&central->lists[i].lock, LOCK_RANK_CENTRAL);
}
