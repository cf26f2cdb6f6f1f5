// First-class heaps come, allocate and go.
#include "front/heaps.h"

#include "base/check.h"
#include "front/allocate.h"
#include "front/release.h"

void heaps_init(struct heaps *heaps)
{
    lock_init(&heaps->lock, LOCK_RANK_HEAPS);
}

// ---- life -------------------------------------------------------------------------------------

static struct neap_heap *recycle(struct heaps *heaps)
{
    lock_acquire(&heaps->lock);
    struct neap_heap *heap = heaps->destroyed;
    if (heap != NULL)
        heaps->destroyed = heap->next;
    lock_release(&heaps->lock);
    return heap;
}

static void copy_name(char *to, const char *from)
{
    size_t i = 0;
    for (; from != NULL && from[i] != '\0' && i + 1 < HEAP_NAME_BYTES; i++)
        to[i] = from[i];
    to[i] = '\0';
}

// In the order of addresses, in which their locks may be taken together.
static void add_to_alive(struct heaps *heaps, struct neap_heap *heap) REQUIRES(heaps->lock)
{
    struct neap_heap **link = &heaps->alive;
    while (*link != NULL && (uintptr_t)*link < (uintptr_t)heap)
        link = &(*link)->next;
    heap->next = *link;
    *link = heap;
}

struct neap_heap *heap_create(const char *name)
{
    struct heap      *process = heap_get();
    struct neap_heap *heap = recycle(&process->heaps);
    if (heap == NULL) {
        heap = page_heap_metadata_take(&process->pages, sizeof *heap);
        if (heap == NULL)
            return NULL;
        lock_init(&heap->lock, LOCK_RANK_HEAP);
        cache_init(&heap->cache, &process->central, heap);
    }
    copy_name(heap->name, name);
    lock_acquire(&process->heaps.lock);
    add_to_alive(&process->heaps, heap);
    lock_release(&process->heaps.lock);
    return heap;
}

static void remove_from_alive(struct heaps *heaps, struct neap_heap *heap) REQUIRES(heaps->lock)
{
    struct neap_heap **link = &heaps->alive;
    while (*link != heap)
        link = &(*link)->next;
    *link = heap->next;
}

void heap_destroy(struct neap_heap *heap)
{
    struct heap  *process = heap_get();
    struct heaps *heaps = &process->heaps;
    release_late_frees(process);
    lock_acquire(&heaps->lock);
    lock_acquire(&heap->lock);
    cache_discard(&heap->cache);
    while (heap->large != NULL) {
        struct span *span = heap->large;
        span_list_remove(&heap->large, span);
        release_run(process, span);
    }
    lock_release(&heap->lock);
    remove_from_alive(heaps, heap);
    heap->next = heaps->destroyed;
    heaps->destroyed = heap;
    lock_release(&heaps->lock);
}

// ---- objects ----------------------------------------------------------------------------------

static void *allocate_large_in(struct heap *process, struct neap_heap *heap, size_t alignment,
                               size_t n_bytes, bool *out_zero_known)
{
    struct span *span = allocate_run(process, alignment, n_bytes);
    if (span == NULL)
        return NULL;
    *out_zero_known = span->run.zero_known;
    lock_acquire(&heap->lock);
    store_release(&span->owner, &heap->cache.inbox);   // pairs with: heap_of_span
    span_list_add(&heap->large, span);
    lock_release(&heap->lock);
    return run_start(&span->run);
}

void *heap_allocate(struct neap_heap *heap, size_t alignment, size_t n_bytes, bool *out_zero_known)
{
    struct heap *process = heap_get();
    *out_zero_known = false;
    if (UNLIKELY(lock_this_thread_has_any()))   // in a signal handler; it outlives the heap there
        return reserve_allocate(&process->reserve, alignment, n_bytes);
    unsigned size_class = allocate_class_for(alignment, n_bytes);
    if (size_class == SPAN_LARGE)
        return allocate_large_in(process, heap, alignment, n_bytes, out_zero_known);
    size_t   span_bytes = pages_to_bytes(size_classes[size_class].span_pages);
    unsigned n_times = 0;
    void    *slot;
    do {
        lock_acquire(&heap->lock);
        slot = cache_allocate(&heap->cache, size_class);
        lock_release(&heap->lock);
    } while (UNLIKELY(slot == NULL) && allocate_try_again(process, span_bytes, ++n_times));
    heap_look_at_limits(process);
    return slot;
}

void heap_forget_large(struct neap_heap *heap, struct span *span)
{
    lock_acquire(&heap->lock);
    span_list_remove(&heap->large, span);
    lock_release(&heap->lock);
}

// ---- books ------------------------------------------------------------------------------------

static void add_span(void *context, struct span *span)
{
    struct heap_account *account = context;
    size_t               n_used = span_count_used(span);
    account->used_slots += n_used;
    account->used_bytes += n_used * span_class(span)->slot_bytes;
    account->span_bytes += run_bytes(&span->run);
}

void heap_account_read(struct neap_heap *heap, struct heap_account *out_account)
{
    *out_account = (struct heap_account){.used_slots = 0};
    lock_acquire(&heap->lock);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++)
        out_account->n_allocated += load_relaxed(&heap->cache.classes[i].n_allocated);   // counter
    cache_each_span(&heap->cache, add_span, out_account);
    for (struct span *span = heap->large; span != NULL; span = span->next) {
        out_account->large_objects++;
        out_account->large_bytes += run_bytes(&span->run);
    }
    lock_release(&heap->lock);
}

void heaps_add_counts(struct heaps *heaps, uint64_t *n_allocated, uint64_t *n_freed)
{
    for (struct neap_heap *heap = heaps->alive; heap != NULL; heap = heap->next)
        for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
            n_allocated[i] += load_relaxed(&heap->cache.classes[i].n_allocated);   // counter
            n_freed[i] += load_relaxed(&heap->cache.classes[i].n_freed);           // counter
        }
}

void heap_tidy(struct neap_heap *heap)
{
    lock_acquire(&heap->lock);
    cache_tidy(&heap->cache);
    lock_release(&heap->lock);
}

void heaps_tidy(struct heaps *heaps)
{
    lock_acquire(&heaps->lock);
    for (struct neap_heap *heap = heaps->alive; heap != NULL; heap = heap->next)
        heap_tidy(heap);
    lock_release(&heaps->lock);
}

const char *heaps_verify(struct heaps *heaps)
{
    const char *broken = NULL;
    lock_acquire(&heaps->lock);
    for (struct neap_heap *heap = heaps->alive; heap != NULL && broken == NULL; heap = heap->next) {
        lock_acquire(&heap->lock);
        broken = cache_verify(&heap->cache);
        for (struct span *span = heap->large; span != NULL; span = span->next)
            if (!span_is_large(span) || heap_of_span(span) != heap)
                broken = "H1 a span is in the list of a heap that it does not belong to";   // H1
        lock_release(&heap->lock);
    }
    lock_release(&heaps->lock);
    return broken;
}

// ---- fork -------------------------------------------------------------------------------------

NO_LOCK_ANALYSIS void heaps_lock_all(struct heaps *heaps)
{
    lock_acquire(&heaps->lock);
    for (struct neap_heap *heap = heaps->alive; heap != NULL; heap = heap->next)
        lock_acquire(&heap->lock);
}

NO_LOCK_ANALYSIS void heaps_unlock_all(struct heaps *heaps)
{
    for (struct neap_heap *heap = heaps->alive; heap != NULL; heap = heap->next)
        lock_release(&heap->lock);
    lock_release(&heaps->lock);
}

void heaps_reset_locks(struct heaps *heaps)
{
    for (struct neap_heap *heap = heaps->alive; heap != NULL; heap = heap->next)
        lock_init(&heap->lock, LOCK_RANK_HEAP);
    lock_init(&heaps->lock, LOCK_RANK_HEAPS);
}
