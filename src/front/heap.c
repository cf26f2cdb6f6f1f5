// Making the heap, reading its books, and carrying it through fork.
#include "front/heap.h"

#include "base/check.h"
#include "config/config.h"
#include "front/release.h"
#include "front/thread.h"
#include "os/host.h"
#include "os/vm.h"

struct heap process_heap = {.lock = LOCK_INITIALIZER(HEAP_INIT)};

// On growth nearly nothing idle is to stay beside what was in use lately: it did not serve what the
// heap grew for.
#define MARGIN_ON_GROWTH 5   // a fifth of it

static unsigned retain_pct_on_growth(const struct config *config)
{
    if (config->retain_pct == CONFIG_OFF)
        return RETAIN_PCT_NEVER;
    return (unsigned)(100 + (config->retain_pct - 100) / MARGIN_ON_GROWTH);
}

static struct page_heap_config page_heap_config_from(const struct config *config)
{
    return (struct page_heap_config){
        .arena_bytes = config->arena_bytes,
        .record_bytes = sizeof(struct span),
        .n_caches = (unsigned)config->page_caches,
        .retain_pct = retain_pct_on_growth(config),
        .hold_ns = config->return_delay_ns,
        .step_bytes_max = 32 * MIB,
        .random = host_random(),
    };
}

void heap_init_once(void)
{
    struct heap *heap = &process_heap;
    lock_acquire(&heap->lock);
    if (!load_relaxed(&heap->ready)) {   // owner: under the lock
        config_load_once();
        pressure_init();
        struct page_heap_config config = page_heap_config_from(config_get());
        page_heap_init(&heap->pages, &config);
        central_init(&heap->central, &heap->pages);
        caches_init(&heap->caches, &heap->central);
        heaps_init(&heap->heaps);
        background_init(&heap->background, heap);
        callbacks_init(&heap->callbacks);
        limits_init(&heap->limits, heap);
        store_release(&heap->ready, true);   // publishes the heap. pairs with: heap_get
    }
    lock_release(&heap->lock);
}

bool front_is_disabled(void)
{
    (void)heap_get();   // has read the options
    return config_get()->disable != 0;
}

void front_end(void)
{
    black_box_remove();
}

void front_enable_caches(void)
{
    heap_get();
    host_find_libc();
    thread_caches_enable();
}

void front_answer_alarm(const void *caller)
{
    struct heap *heap = heap_get();
    background_answer_alarm(&heap->background, heap, caller);
}

void heap_collect(struct heap *heap)
{
    release_late_frees(heap);
    central_tidy(&heap->central);   // what it finds to belong to others goes there
    caches_empty(&heap->caches);
    heaps_tidy(&heap->heaps);
    central_tidy(&heap->central);   // and the other way round
}

size_t front_trim(void)
{
    struct heap *heap = heap_get();
    if (lock_this_thread_has_any())
        return 0;
    heap_collect(heap);
    size_t n_bytes = central_cool_all(&heap->central) + page_heap_trim(&heap->pages);
    count(&heap->counters.returned_bytes[RETURN_REQUEST], n_bytes);
    limits_look_again(heap);
    return n_bytes;
}

// ---- books ------------------------------------------------------------------------------------

void slots_account_read(struct heap *heap, bool only_cooling, struct slots_account *out_account)
{
    struct caches_account sums = {.n_allocated = {0}};
    *out_account = (struct slots_account){
        .scavenged_bytes = load_relaxed(&heap->central.cooled_bytes)};   // counter
    caches_account_add(&heap->caches, &sums);
    lock_acquire(&heap->heaps.lock);
    heaps_add_counts(&heap->heaps, sums.n_allocated, sums.n_freed);
    lock_release(&heap->heaps.lock);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        struct central_list *list = &heap->central.lists[i];
        if (only_cooling && !size_class_may_cool(i))
            continue;
        size_t allocated = sums.n_allocated[i] + load_relaxed(&list->n_allocated);   // counter
        size_t freed = sums.n_freed[i] + load_relaxed(&list->n_freed);               // counter
        // Read at different instants: a free may have been seen and its allocation not.
        size_t used_slots = allocated > freed ? allocated - freed : 0;
        size_t used_bytes = used_slots * size_classes[i].slot_bytes;
        size_t span_bytes = load_relaxed(&list->n_spans) *   // counter
                            pages_to_bytes(size_classes[i].span_pages);
        out_account->n_allocated += allocated;
        out_account->n_freed += freed;
        out_account->used_slots += used_slots;
        out_account->used_bytes += used_bytes;
        size_t released_bytes = load_relaxed(&list->released_bytes);   // counter
        size_t taken_bytes = used_bytes + released_bytes;
        out_account->free_bytes += span_bytes > taken_bytes ? span_bytes - taken_bytes : 0;
        out_account->released_bytes += released_bytes;
    }
}

void front_account_read(struct front_account *out_account)
{
    struct heap *heap = heap_get();
    // What is in use may grow between these readings, never what is mapped: it is read last.
    size_t n_large_freed = load_relaxed(&heap->n_large_freed);                 // counter
    out_account->n_large_allocated = load_relaxed(&heap->n_large_allocated);   // counter
    out_account->large_objects = out_account->n_large_allocated - n_large_freed;
    out_account->large_bytes = load_relaxed(&heap->large_bytes);   // counter
    slots_account_read(heap, false, &out_account->slots);
    page_heap_account_read(&heap->pages, &out_account->pages);
}

// ---- standing still ---------------------------------------------------------------------------

NO_LOCK_ANALYSIS void heap_stand_still(struct heap *heap)
{
    lock_acquire(&heap->lock);
    lock_acquire(&heap->limits.lock);
    lock_acquire(&heap->callbacks.lock);
    heaps_lock_all(&heap->heaps);
    caches_fork_prepare(&heap->caches);
    central_lock_all(&heap->central);
    page_heap_fork_prepare(&heap->pages);
}

NO_LOCK_ANALYSIS void heap_go_on(struct heap *heap)
{
    page_heap_fork_parent(&heap->pages);
    central_unlock_all(&heap->central);
    caches_fork_parent(&heap->caches);
    heaps_unlock_all(&heap->heaps);
    lock_release(&heap->callbacks.lock);
    lock_release(&heap->limits.lock);
    lock_release(&heap->lock);
}

struct recount {
    size_t      n_used[SIZE_CLASSES];
    size_t      released_bytes;
    const char *broken;
};

static void count_used_slots(void *context, struct run *run)
{
    struct recount *recount = context;
    struct span    *span = span_of_run(run);
    if (span_is_large(span))
        return;
    recount->n_used[span->size_class] += span_count_used(span);
    recount->released_bytes += bits_count(span_released_os_pages(span)) * vm_page_bytes();
    if (span_released_os_pages(span) != 0 && !central_owns(&process_heap.central, span))
        recount->broken = "W4 OS pages are released in a span of no central list";   // W4
    const char *broken = span_verify(span, true);
    if (broken != NULL)
        recount->broken = broken;
}

// F1: what was counted when slots were allocated and freed, against the bits of all spans.
static NO_LOCK_ANALYSIS const char *slots_verify(struct heap *heap)
{
    struct recount        recount = {.broken = NULL};
    struct caches_account sums = {.n_allocated = {0}};
    size_t                released_bytes = 0;
    heap_stand_still(heap);
    page_heap_each_run_locked(&heap->pages, count_used_slots, &recount);
    caches_account_add_locked(&heap->caches, &sums);
    heaps_add_counts(&heap->heaps, sums.n_allocated, sums.n_freed);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        struct central_list *list = &heap->central.lists[i];
        size_t allocated = sums.n_allocated[i] + load_relaxed(&list->n_allocated);   // counter
        size_t freed = sums.n_freed[i] + load_relaxed(&list->n_freed);               // counter
        if (allocated - freed != recount.n_used[i])
            recount.broken = "F1 slots in use are not as counted";   // F1
        released_bytes += load_relaxed(&list->released_bytes);       // counter
    }
    if (released_bytes != recount.released_bytes || released_bytes != heap->pages.released_inside)
        recount.broken = "F2 OS pages released inside of spans are not as counted";   // F2
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
        broken = slots_verify(heap);
    return broken != NULL ? broken : page_heap_verify(&heap->pages);
}

// ---- fork -------------------------------------------------------------------------------------

// A fork in a signal handler that has interrupted this thread at work on the heap, which may be
// another fork's preparation: we would wait for ourselves. The child goes on where the handler ends
// and finds all as it left it.
static bool at_work_on_the_heap(void)
{
    struct cache *cache = this_thread.cache;
    return lock_this_thread_has_any() || this_thread.changing ||
           (cache != NULL && load_relaxed(&cache->inside));   // owner
}

void front_fork_prepare(void)
{
    struct heap *heap = heap_get();
    if (this_thread.n_forks_as_it_is > 0 || at_work_on_the_heap())
        this_thread.n_forks_as_it_is++;   // also in a handler that interrupts another fork
    else
        heap_stand_still(heap);
}

void front_fork_parent(void)
{
    if (this_thread.n_forks_as_it_is > 0)
        this_thread.n_forks_as_it_is--;
    else
        heap_go_on(heap_get());
}

void front_fork_child(void)
{
    if (this_thread.n_forks_as_it_is > 0) {
        this_thread.n_forks_as_it_is--;
        return;
    }
    struct heap *heap = heap_get();
    page_heap_fork_child(&heap->pages);
    central_reset_locks(&heap->central);
    caches_fork_child(&heap->caches, this_thread.cache);
    heaps_reset_locks(&heap->heaps);
    callbacks_fork_child(&heap->callbacks);
    lock_init(&heap->limits.lock, LOCK_RANK_LIMITS);
    lock_init(&heap->lock, LOCK_RANK_HEAP_INIT);
    background_fork_child(&heap->background, heap);
    history_fork_child(&heap->history);
    if (*config_get()->blackbox != '\0')
        black_box_fork_child(&heap->black_box);
    request_fork_child(&heap->request);
    // Last: a signal handler keeps to the reserve until all locks are new.
    lock_forget_all_of_this_thread();
}
