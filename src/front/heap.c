// Making the heap, reading its books, and carrying it through fork.
#include "front/heap.h"

#include "base/check.h"
#include "os/host.h"

#define RETAIN_PCT_DEFAULT 110   // Go's rule: a tenth more than what is in use may stay resident

struct heap process_heap = {.lock = LOCK_INITIALIZER(HEAP_INIT)};

void heap_init_once(void)
{
    struct heap *heap = &process_heap;
    lock_acquire(&heap->lock);
    if (!load_relaxed(&heap->ready)) {   // owner: under the lock
        struct page_heap_config config = {
            .record_bytes = sizeof(struct span),
            .retain_pct = RETAIN_PCT_DEFAULT,
            .random = host_random(),
        };
        page_heap_init(&heap->pages, &config);
        central_init(&heap->central, &heap->pages);
        store_release(&heap->ready, true);   // publishes the heap. pairs with: heap_get
    }
    lock_release(&heap->lock);
}

size_t front_trim(void)
{
    return page_heap_trim(&heap_get()->pages);
}

void front_account_read(struct front_account *out_account)
{
    struct heap *heap = heap_get();
    // What is in use may grow between these readings, never what is mapped: it is read last.
    out_account->large_objects = load_relaxed(&heap->large_objects);   // counter
    out_account->large_bytes = load_relaxed(&heap->large_bytes);       // counter
    central_account_read(&heap->central, &out_account->slots);
    page_heap_account_read(&heap->pages, &out_account->pages);
}

const char *front_verify(void)
{
    struct heap *heap = heap_get();
    const char  *broken = central_verify(&heap->central);
    return broken != NULL ? broken : page_heap_verify(&heap->pages);
}

NO_LOCK_ANALYSIS void front_fork_prepare(void)
{
    struct heap *heap = heap_get();
    lock_acquire(&heap->lock);
    central_lock_all(&heap->central);
    page_heap_fork_prepare(&heap->pages);
}

NO_LOCK_ANALYSIS void front_fork_parent(void)
{
    struct heap *heap = heap_get();
    page_heap_fork_parent(&heap->pages);
    central_unlock_all(&heap->central);
    lock_release(&heap->lock);
}

void front_fork_child(void)
{
    struct heap *heap = heap_get();
    page_heap_fork_child(&heap->pages);
    central_reset_locks(&heap->central);
    lock_init(&heap->lock, LOCK_RANK_HEAP_INIT);
}
