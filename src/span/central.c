// Spans that no cache owns, by size class.
//
// Giving OS pages inside of them back, and taking these into use again, is central_cool.c's.
#include "span/central.h"

#include "base/check.h"
#include "span/central_parts.h"

// A span with nothing in use is kept if it is small and the only one with free slots: the next
// objects of the class may come soon, and the page heap costs ten times what a slot does.
#define KEPT_IDLE_PAGES_MAX 2

void central_init(struct central *central, struct page_heap *page_heap)
{
    central->page_heap = page_heap;
    lock_init(&central->cooling, LOCK_RANK_COOLING);
    // Memory that is zero is a lock already, but for its rank: a short-lived program does not use
    // most of the lists, and should not touch them.
    DCHECK_IF(central_reset_locks(central));
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
    if (span_released_bytes(span) == 0) {
        page_heap_free(central->page_heap, &span->run);
        return;
    }
    central_part_whole_pages(central, span);
    struct span_released released = span_released_pages(span);
    size_t               noted_bytes = bits_count(released.os_pages) * vm_page_bytes();
    central_warm_noted(central, span, released.os_pages);
    page_heap_free_partly_released(central->page_heap, &span->run, released.pages, noted_bytes);
}

void central_discard_span(struct central *central, struct span *span)
{
    struct central_list *list = list_of(central, span);
    add_relaxed(&list->n_freed, span_count_used(span));   // counter
    add_relaxed(&list->n_spans, (size_t)0 - 1);           // counter
    page_heap_free(central->page_heap, &span->run);
}

// ---- under the lock ---------------------------------------------------------------------------

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

void central_take_in_locked(struct central *central, struct central_list *list) REQUIRES(list->lock)
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
    central_take_in_locked(central, list);
    lock_release(&list->lock);
}

void central_tidy(struct central *central)
{
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        struct central_list *list = &central->lists[i];
        lock_acquire(&list->lock);
        central_take_in_locked(central, list);
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
    if (span == NULL || load_relaxed(&span->free[0]) != 0 || central_try_warm(central, span))
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
    central_take_in_locked(central, list);
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
    DCHECK(span_released_bytes(span) == 0);
    if (span->listed)
        list_remove_locked(list, span);
    store_release(&span->owner, new_owner);   // pairs with: span_free_elsewhere
}

struct span *central_take_span(struct central *central, unsigned size_class,
                               struct span_inbox *new_owner)
{
    struct central_list *list = &central->lists[size_class];
    lock_acquire(&list->lock);
    central_take_in_locked(central, list);
    struct span *span = find_locked(central, list);
    if (span != NULL && !central_try_warm(central, span))
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
    bool full = central_owns(central, span) && span->n_free == 0 && central_try_warm(central, span);
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
    central_stop_cooling(central);
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
