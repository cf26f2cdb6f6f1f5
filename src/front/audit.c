// The audit: everything that is known of the heap, worked out anew and compared.
#include "front/heap.h"
#include "os/vm.h"

// What the page map's spans say of themselves.
struct recount {
    size_t      n_used[SIZE_CLASSES];
    size_t      released_bytes;
    size_t      n_listed;
    const char *broken;   // the first
};

static void note(struct recount *recount, bool holds, const char *broken)
{
    if (!holds && recount->broken == NULL)
        recount->broken = broken;
}

static void recount_span(void *context, struct run *run)
{
    struct recount *recount = context;
    struct span    *span = span_of_run(run);
    if (span_is_large(span))
        return;
    const char *broken = span_verify(span, true);
    note(recount, broken == NULL, broken);
    recount->n_used[span->size_class] += span_count_used(span);
    recount->released_bytes += bits_count(span_released_os_pages(span)) * vm_page_bytes();
    recount->n_listed += span->listed;
    bool has_free = span_count_free(span) > 0;
    if (central_owns(&process_heap.central, span)) {
        note(recount, span->listed == (has_free && !span->is_cooling),
             "T1 a span is in no list although it has a slot free");   // T1
    } else {
        note(recount, span_released_os_pages(span) == 0,
             "W4 OS pages are released in a span of no central list");   // W4
        note(recount, span->listed || !has_free,
             "K2 a span is in no list although it has a slot free");   // K2
    }
}

static size_t length_of(const struct span *span)
{
    size_t n = 0;
    for (; span != NULL; span = span->next)
        n++;
    return n;
}

static size_t n_listed_by_cache(const struct cache *cache)
{
    size_t n = 0;
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++)
        n += length_of(cache->classes[i].partial) + (cache->classes[i].current != NULL);
    return n;
}

// T1, K2: as many spans say that they are in a list as are in one.
static NO_LOCK_ANALYSIS void lists_verify(struct heap *heap, struct recount *recount)
{
    size_t n = 0;
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++)
        n += length_of(heap->central.lists[i].first) + length_of(heap->central.lists[i].cooled);
    for (const struct cache *cache = heap->caches.first; cache != NULL; cache = cache->next) {
        if (cache->state == CACHE_LOST)
            return;   // its lists may be anything
        n += n_listed_by_cache(cache);
    }
    for (const struct neap_heap *own = heap->heaps.alive; own != NULL; own = own->next)
        n += n_listed_by_cache(&own->cache);
    note(recount, n == recount->n_listed, "T1 K2 a span is in no list that should be");   // T1, K2
}

// F1, F2: what was counted when slots were allocated and freed, against the bits of all spans.
static NO_LOCK_ANALYSIS void counts_verify(struct heap *heap, struct recount *recount)
{
    struct caches_account sums = {.n_allocated = {0}};
    size_t                released_bytes = 0;
    caches_account_add_locked(&heap->caches, &sums);
    heaps_add_counts(&heap->heaps, sums.n_allocated, sums.n_freed);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        struct central_list *list = &heap->central.lists[i];
        size_t allocated = sums.n_allocated[i] + load_relaxed(&list->n_allocated);   // counter
        size_t freed = sums.n_freed[i] + load_relaxed(&list->n_freed);               // counter
        note(recount, allocated - freed == recount->n_used[i],
             "F1 slots in use are not as counted");              // F1
        released_bytes += load_relaxed(&list->released_bytes);   // counter
    }
    note(recount,
         released_bytes == recount->released_bytes && released_bytes == heap->pages.released_inside,
         "F2 OS pages released inside of spans are not as counted");   // F2
}

static NO_LOCK_ANALYSIS const char *spans_verify(struct heap *heap)
{
    struct recount recount = {.broken = NULL};
    heap_stand_still(heap);
    page_heap_each_run_locked(&heap->pages, recount_span, &recount);
    lists_verify(heap, &recount);
    counts_verify(heap, &recount);
    heap_go_on(heap);
    return recount.broken;
}

const char *front_verify(void)
{
    struct heap *heap = heap_get();
    const char  *broken = central_verify(&heap->central);
    if (broken == NULL)
        broken = caches_verify(&heap->caches);
    if (broken == NULL)
        broken = heaps_verify(&heap->heaps);
    if (broken == NULL)
        broken = page_heap_verify(&heap->pages);
    return broken != NULL ? broken : spans_verify(heap);
}
