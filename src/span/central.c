// Spans with free slots, by size class.
#include "span/central.h"

#include "base/check.h"

void central_init(struct central *central, struct page_heap *page_heap)
{
    central->page_heap = page_heap;
    central_reset_locks(central);
}

static void list_add(struct central_list *list, struct span *span) REQUIRES(list->lock)
{
    span->previous = NULL;
    span->next = list->first;
    if (list->first != NULL)
        list->first->previous = span;
    list->first = span;
}

static void list_remove(struct central_list *list, struct span *span) REQUIRES(list->lock)
{
    if (span->previous != NULL)
        span->previous->next = span->next;
    else
        list->first = span->next;
    if (span->next != NULL)
        span->next->previous = span->previous;
    span->previous = span->next = NULL;
}

static struct span *span_create(struct central *central, unsigned size_class)
{
    struct run_request request = {
        .n_pages = size_classes[size_class].span_pages, .kind = RUN_IN_USE, .owes_scavenge = true};
    struct run *run = page_heap_alloc(central->page_heap, &request);
    if (run == NULL)
        return NULL;
    struct span *span = span_of_run(run);
    span_cut(span, size_class);
    return span;
}

static void *take_slot_locked(struct central_list *list) REQUIRES(list->lock)
{
    struct span *span = list->first;
    void        *slot = span_take_slot(span);
    if (span->n_free == 0)
        list_remove(list, span);
    list->used_slots++;
    return slot;
}

void *central_fetch(struct central *central, unsigned size_class)
{
    struct central_list *list = &central->lists[size_class];
    lock_acquire(&list->lock);
    if (list->first == NULL) {
        // The class is locked meanwhile, so that threads in need of the same class share the
        // span that comes instead of making one each.
        struct span *span = span_create(central, size_class);
        if (span == NULL) {
            lock_release(&list->lock);
            return NULL;
        }
        list_add(list, span);
        list->n_spans++;
    }
    void *slot = take_slot_locked(list);
    lock_release(&list->lock);
    page_heap_pay_owed(central->page_heap);
    return slot;
}

enum span_give_result central_give_back(struct central *central, struct span *span, size_t slot)
{
    struct central_list *list = &central->lists[span->size_class];
    size_t               n_slots = span_class(span)->n_slots;
    lock_acquire(&list->lock);
    enum span_give_result result = span_give_slot(span, slot);
    bool                  all_free = false;
    if (result == SPAN_GIVEN) {
        list->used_slots--;
        all_free = span->n_free == n_slots;
        if (span->n_free == 1 && !all_free)
            list_add(list, span);
        else if (span->n_free > 1 && all_free)
            list_remove(list, span);
        list->n_spans -= all_free;
    }
    // Under the lock, so that at any instant each span is the list's or the page heap's.
    if (all_free)
        page_heap_free(central->page_heap, &span->run);
    lock_release(&list->lock);
    return result;
}

bool central_slot_is_used(struct central *central, struct span *span, size_t slot)
{
    struct central_list *list = &central->lists[span->size_class];
    lock_acquire(&list->lock);
    bool is_free = (span->free_slots[slot / WORD_BITS] >> (slot % WORD_BITS) & 1) != 0;
    lock_release(&list->lock);
    return !is_free;
}

void central_account_read(struct central *central, struct central_account *out_account)
{
    *out_account = (struct central_account){.used_slots = 0};
    for (unsigned i = 0; i < SIZE_CLASSES; i++) {
        struct central_list     *list = &central->lists[i];
        const struct size_class *shape = &size_classes[i];
        lock_acquire(&list->lock);
        size_t used_bytes = list->used_slots * shape->slot_bytes;
        size_t span_bytes = list->n_spans * pages_to_bytes(shape->span_pages);
        out_account->used_slots += list->used_slots;
        lock_release(&list->lock);
        out_account->used_bytes += used_bytes;
        out_account->free_bytes += span_bytes - used_bytes;
    }
}

static const char *list_verify(struct central_list *list, unsigned size_class) REQUIRES(list->lock)
{
    size_t n_slots = size_classes[size_class].n_slots;
    size_t n_partial = 0;
    size_t used_in_partial = 0;
    for (struct span *span = list->first; span != NULL; span = span->next) {
        if (span->size_class != size_class || span->n_free == 0 || span->n_free == n_slots)
            return "T1 a span is in a list where it does not belong";   // T1
        if (bits_count_range(span->free_slots, 0, n_slots) != span->n_free)
            return "T2 a span's free slots are not as counted";
        n_partial++;
        used_in_partial += n_slots - span->n_free;
    }
    size_t used_in_full = (list->n_spans - n_partial) * n_slots;
    return used_in_partial + used_in_full != list->used_slots
               ? "T2 slots handed out are not as counted"   // T2
               : NULL;
}

const char *central_verify(struct central *central)
{
    for (unsigned i = 0; i < SIZE_CLASSES; i++) {
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
    for (unsigned i = 0; i < SIZE_CLASSES; i++)
        lock_acquire(&central->lists[i].lock);
}

NO_LOCK_ANALYSIS void central_unlock_all(struct central *central)
{
    for (unsigned i = SIZE_CLASSES; i > 0; i--)
        lock_release(&central->lists[i - 1].lock);
}

void central_reset_locks(struct central *central)
{
    for (unsigned i = 0; i < SIZE_CLASSES; i++)
        lock_init(&central->lists[i].lock, LOCK_RANK_CENTRAL);
}
