// Spans that no cache owns, by size class.
#include "span/central.h"

#include "base/check.h"

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
    add_relaxed(&list_of(central, span)->n_spans, (size_t)0 - 1);   // counter
    page_heap_free(central->page_heap, &span->run);
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

// Puts a span of the list where it belongs after its slots have changed.
static void settle_locked(struct central *central, struct central_list *list, struct span *span)
    REQUIRES(list->lock)
{
    if (span->n_free > 0 && !span->listed)
        span_list_add(&list->first, span);
    else if (span->n_free == 0 && span->listed)
        span_list_remove(&list->first, span);
    if (!is_idle_locked(span))
        return;
    bool only_one = list->first == span && span->next == NULL;
    if (only_one && span->run.n_pages <= KEPT_IDLE_PAGES_MAX)
        return;
    // Under the lock, so that at any instant each span is the list's or the page heap's.
    span_list_remove(&list->first, span);
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

static void destroy_idle_locked(struct central *central, struct central_list *list)
    REQUIRES(list->lock)
{
    for (struct span *span = list->first, *next; span != NULL; span = next) {
        next = span->next;
        if (!is_idle_locked(span))
            continue;
        span_list_remove(&list->first, span);
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

// ---- slots ------------------------------------------------------------------------------------

void *central_fetch(struct central *central, unsigned size_class)
{
    struct central_list *list = &central->lists[size_class];
    lock_acquire(&list->lock);
    take_in_locked(central, list);
    struct span *span = list->first;
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

static void hand_over_locked(struct central_list *list, struct span *span,
                             struct span_inbox *new_owner) REQUIRES(list->lock)
{
    if (span->listed)
        span_list_remove(&list->first, span);
    store_release(&span->owner, new_owner);   // pairs with: span_free_elsewhere
}

struct span *central_take_span(struct central *central, unsigned size_class,
                               struct span_inbox *new_owner)
{
    struct central_list *list = &central->lists[size_class];
    lock_acquire(&list->lock);
    take_in_locked(central, list);
    struct span *span = list->first;
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
    bool full = central_owns(central, span) && span->n_free == 0;
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

static const char *list_verify(struct central_list *list, unsigned size_class) REQUIRES(list->lock)
{
    for (struct span *span = list->first; span != NULL; span = span->next) {
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
        const char *broken = list_verify(list, i);
        lock_release(&list->lock);
        if (broken != NULL)
            return broken;
    }
    return NULL;
}

NO_LOCK_ANALYSIS void central_lock_all(struct central *central)
{
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++)
        lock_acquire(&central->lists[i].lock);
}

NO_LOCK_ANALYSIS void central_unlock_all(struct central *central)
{
    for (unsigned i = SIZE_CLASSES; i > SIZE_CLASS_FIRST; i--)
        lock_release(&central->lists[i - 1].lock);
}

void central_reset_locks(struct central *central)
{
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++)
        lock_init(&central->lists[i].lock, LOCK_RANK_CENTRAL);
}
