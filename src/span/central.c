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

// None of the span's OS pages counts as released any more; those but `still_released` are to be
// touched.
static void warm(struct central *central, struct span *span, uint64_t still_released)
{
    struct central_list *list = list_of(central, span);
    uint64_t             released = span_released_os_pages(span);
    if (LIKELY(released == 0))
        return;
    each_os_range(span, released & ~still_released, use_again);
    span_warm(span);
    size_t n_bytes = bits_count(released) * vm_page_bytes();
    add_relaxed(&list->released_bytes, (size_t)0 - n_bytes);   // counter
    page_heap_note_used_inside(central->page_heap, n_bytes);
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
    DCHECK(span_is_idle(span));
    struct central_list *list = list_of(central, span);
    add_relaxed(&list->n_spans, (size_t)0 - 1);   // counter
    uint64_t released_os_pages;
    uint64_t released_pages = span_released_pages(span, &released_os_pages);
    warm(central, span, released_os_pages);
    if (released_pages == 0)
        page_heap_free(central->page_heap, &span->run);
    else
        page_heap_free_partly_released(central->page_heap, &span->run, released_pages);
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
    return span->n_free == span_class(span)->n_slots && span->owed_notes == 0 && !span->is_cooling;
}

static void list_add_locked(struct central_list *list, struct span *span) REQUIRES(list->lock)
{
    span->is_cooled = false;
    span_list_add(&list->first, span);
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

static bool may_warm(struct central *central, struct span *span)
{
    size_t n_bytes = bits_count(span_released_os_pages(span)) * vm_page_bytes();
    return n_bytes == 0 || page_heap_may_use_inside(central->page_heap, n_bytes);
}

// One with free slots, best one that needs no page from the kernel; NULL: there is none.
static struct span *find_locked(struct central *central, struct central_list *list)
    REQUIRES(list->lock)
{
    struct span *span = list->first != NULL ? list->first : list->cooled;
    if (span == NULL || load_relaxed(&span->free[0]) != 0)   // owner
        return span;
    if (may_warm(central, span)) {
        warm(central, span, 0);
        return span;
    }
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

static void hand_over_locked(struct central *central, struct central_list *list, struct span *span,
                             struct span_inbox *new_owner) REQUIRES(list->lock)
{
    if (span->listed)
        list_remove_locked(list, span);
    warm(central, span, 0);
    store_release(&span->owner, new_owner);   // pairs with: span_free_elsewhere
}

struct span *central_take_span(struct central *central, unsigned size_class,
                               struct span_inbox *new_owner)
{
    struct central_list *list = &central->lists[size_class];
    lock_acquire(&list->lock);
    take_in_locked(central, list);
    struct span *span = find_locked(central, list);
    if (span != NULL && !may_warm(central, span))
        span = NULL;   // its slots that are not cold are there for central_fetch
    if (span != NULL)
        hand_over_locked(central, list, span, new_owner);
    lock_release(&list->lock);
    return span;
}

bool central_take_full_span(struct central *central, struct span *span,
                            struct span_inbox *new_owner)
{
    struct central_list *list = list_of(central, span);
    lock_acquire(&list->lock);
    bool full = central_owns(central, span) && span->n_free == 0;
    if (full)
        hand_over_locked(central, list, span, new_owner);
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

struct cooling {
    struct span *span;
    uint64_t     os_pages;   // to be given back; then those that were
};

// Picks spans out of the list in which there is something to give back, until it is `n_bytes`.
static size_t begin_cooling_locked(struct central_list *list, struct cooling *batch, size_t n_bytes)
    REQUIRES(list->lock)
{
    size_t n = 0, picked_bytes = 0;
    while (list->first != NULL && n < COOLED_AT_ONCE && picked_bytes < n_bytes) {
        struct span *span = list->first;
        uint64_t     os_pages = span_idle_os_pages(span);
        list_remove_locked(list, span);
        if (os_pages != 0) {
            span_begin_cooling(span, os_pages);
            picked_bytes += bits_count(os_pages) * vm_page_bytes();
            batch[n++] = (struct cooling){span, os_pages};
        } else {
            span->is_cooled = true;
            span_list_add(&list->cooled, span);
        }
    }
    return n;
}

static size_t end_cooling_locked(struct central *central, struct central_list *list,
                                 struct cooling *cooling) REQUIRES(list->lock)
{
    struct span *span = cooling->span;
    size_t       n_bytes = bits_count(cooling->os_pages) * vm_page_bytes();
    span_end_cooling(span, cooling->os_pages);
    add_relaxed(&list->released_bytes, n_bytes);   // counter
    page_heap_note_released_inside(central->page_heap, n_bytes);
    add_relaxed(&central->cooled_bytes, n_bytes);   // counter
    if (is_idle_locked(span)) {
        settle_locked(central, list, span);
    } else if (span->n_free > 0) {
        span->is_cooled = true;
        span_list_add(&list->cooled, span);
    }
    return n_bytes;
}

// One batch. Returns how many bytes went back; *out_more: there may be more in the list.
static size_t cool_batch(struct central *central, struct central_list *list, size_t n_bytes,
                         bool *out_more)
{
    struct cooling batch[COOLED_AT_ONCE];
    size_t         cooled_bytes = 0;
    lock_acquire(&list->lock);
    take_in_locked(central, list);
    size_t n = begin_cooling_locked(list, batch, n_bytes);
    *out_more = list->first != NULL;
    lock_release(&list->lock);
    if (n == 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        batch[i].os_pages = each_os_range(batch[i].span, batch[i].os_pages, vm_unuse);
    lock_acquire(&list->lock);
    for (size_t i = 0; i < n; i++)
        cooled_bytes += end_cooling_locked(central, list, &batch[i]);
    lock_release(&list->lock);
    return cooled_bytes;
}

size_t central_cool(struct central *central, size_t n_bytes)
{
    size_t cooled_bytes = 0;
    if (!lock_try_acquire(&central->cooling))
        return 0;
    for (unsigned i = SIZE_CLASSES - 1; i >= SIZE_CLASS_FIRST; i--) {
        bool more = size_class_may_cool(i);
        while (more && cooled_bytes < n_bytes)
            cooled_bytes += cool_batch(central, &central->lists[i], n_bytes - cooled_bytes, &more);
    }
    lock_release(&central->cooling);
    return cooled_bytes;
}

// ---- books ------------------------------------------------------------------------------------

static const char *spans_verify(struct central_list *list, struct span *first, unsigned size_class)
    REQUIRES(list->lock)
{
    for (struct span *span = first; span != NULL; span = span->next) {
        if (span->size_class != size_class || span->n_free == 0 || !span->listed)
            return "T1 a span is in a list where it does not belong";   // T1
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
        const char *broken = spans_verify(list, list->first, i);
        if (broken == NULL)
            broken = spans_verify(list, list->cooled, i);
        lock_release(&list->lock);
        if (broken != NULL)
            return broken;
    }
    return NULL;
}

NO_LOCK_ANALYSIS void central_lock_all(struct central *central)
{
    lock_acquire(&central->cooling);
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
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++)
        lock_init(&central->lists[i].lock, LOCK_RANK_CENTRAL);
}
