// neap/pageheap.h on the page heap: bytes instead of pages, errno, and checks of what comes in.
#include "api/export.h"
#include "base/check.h"
#include "neap/pageheap.h"
#include "os/host.h"
#include "os/vm.h"
#include "pageheap/page_heap.h"

#include <errno.h>

#define RETAIN_PERCENT_DEFAULT 110
#define RETAIN_PERCENT_MAX 1000
#define ARENA_BYTES_MAX ((size_t)1 << 40)
#define ARENA_UNIT_BYTES (64 * KIB)   // the largest OS page: a multiple is one everywhere

struct neap_pageheap {
    uintptr_t        start;   // of the mapping this struct lies in
    size_t           mapping_bytes;
    struct page_heap pages;
};

// A run's record with the owner's word.
struct owned_run {
    struct run run;   // first
    void      *owner;
};

static bool fail(int error)
{
    errno = error;
    return false;
}

static bool config_translate(const struct neap_pageheap_config *config,
                             struct page_heap_config           *out)
{
    if (config->arena_bytes % ARENA_UNIT_BYTES != 0 || config->arena_bytes > ARENA_BYTES_MAX ||
        config->caches > PAGE_CACHES_MAX || config->retain_percent > RETAIN_PERCENT_MAX ||
        (config->retain_percent != 0 && config->retain_percent < 100))
        return fail(EINVAL);
    unsigned retain_pct =
        config->retain_percent != 0 ? config->retain_percent : RETAIN_PERCENT_DEFAULT;
    *out = (struct page_heap_config){
        .arena_bytes = config->arena_bytes,
        .record_bytes = sizeof(struct owned_run),
        .n_caches = config->caches,
        .retain_pct = config->retain_all ? RETAIN_PCT_NEVER : retain_pct,
        .random = host_random(),
    };
    return true;
}

NEAP_API neap_pageheap *neap_pageheap_create(const struct neap_pageheap_config *config)
{
    static const struct neap_pageheap_config defaults;
    struct page_heap_config                  internal;
    if (!config_translate(config != NULL ? config : &defaults, &internal))
        return NULL;
    size_t    n_bytes = align_up(sizeof(struct neap_pageheap), vm_page_bytes());
    uintptr_t start = vm_reserve_anywhere(n_bytes, vm_page_bytes(), VM_METADATA);
    if (start != 0 && !vm_prepare(start, n_bytes)) {
        vm_release_best_effort(start, n_bytes);
        start = 0;
    }
    if (start == 0) {
        errno = ENOMEM;
        return NULL;
    }
    vm_use(start, n_bytes);
    neap_pageheap *heap = (neap_pageheap *)start;
    heap->start = start;
    heap->mapping_bytes = n_bytes;
    page_heap_init(&heap->pages, &internal);
    return heap;
}

NEAP_API void neap_pageheap_destroy(neap_pageheap *heap)
{
    if (heap == NULL)
        return;
    uintptr_t start = heap->start;
    size_t    n_bytes = heap->mapping_bytes;
    page_heap_destroy(&heap->pages);
    vm_release_best_effort(start, n_bytes);
}

static struct owned_run *owned(struct run *run)
{
    return (struct owned_run *)(void *)run;
}

static void run_describe(struct run *run, struct neap_run *out_run)
{
    *out_run = (struct neap_run){
        .start = run_start(run),
        .bytes = run_bytes(run),
        .kind = run->kind == RUN_MANUAL ? NEAP_RUN_MANUAL : NEAP_RUN_IN_USE,
        .owner = owned(run)->owner,
        .zero_known = run->zero_known,
    };
}

NEAP_API void *neap_pageheap_alloc(neap_pageheap *heap, const struct neap_run_request *request,
                                   struct neap_run *out_run)
{
    size_t align_bytes = request->align_bytes != 0 ? request->align_bytes : 1;
    if (request->bytes == 0 || !is_power_of_two(align_bytes) ||
        (request->kind != NEAP_RUN_IN_USE && request->kind != NEAP_RUN_MANUAL)) {
        errno = EINVAL;
        return NULL;
    }
    struct run_request internal = {
        .n_pages = bytes_to_pages_up(request->bytes),
        .align_pages = bytes_to_pages_down(align_bytes),
        .kind = request->kind == NEAP_RUN_MANUAL ? RUN_MANUAL : RUN_IN_USE,
    };
    struct run *run = page_heap_alloc(&heap->pages, &internal);
    if (run == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    owned(run)->owner = request->owner;
    if (out_run != NULL)
        run_describe(run, out_run);
    return run_start(run);
}

// The run that starts at `start`, or NULL with EINVAL.
static struct run *run_starting_at(neap_pageheap *heap, const void *start)
{
    struct run *run = page_heap_find(&heap->pages, (uintptr_t)start);
    if (run != NULL && run_start(run) == start)
        return run;
    errno = EINVAL;
    return NULL;
}

NEAP_API bool neap_pageheap_free(neap_pageheap *heap, void *start)
{
    struct run *run = run_starting_at(heap, start);
    if (run == NULL)
        return false;
    page_heap_free(&heap->pages, run);
    return true;
}

NEAP_API bool neap_pageheap_resize(neap_pageheap *heap, void *start, size_t bytes,
                                   bool *out_zero_known)
{
    struct run *run = run_starting_at(heap, start);
    if (run == NULL)
        return false;
    if (bytes == 0)
        return fail(EINVAL);
    bool zero_known = false;
    if (!page_heap_resize(&heap->pages, run, bytes_to_pages_up(bytes), &zero_known))
        return fail(ENOMEM);
    if (out_zero_known != NULL)
        *out_zero_known = zero_known;
    return true;
}

NEAP_API bool neap_pageheap_find(neap_pageheap *heap, const void *address, struct neap_run *out_run)
{
    struct run *run = page_heap_find(&heap->pages, (uintptr_t)address);
    if (run != NULL && out_run != NULL)
        run_describe(run, out_run);
    return run != NULL;
}

NEAP_API size_t neap_pageheap_scavenge_step(neap_pageheap *heap, size_t max_bytes)
{
    return pages_to_bytes(page_heap_scavenge_step(&heap->pages, bytes_to_pages_down(max_bytes)));
}

NEAP_API size_t neap_pageheap_scavenge(neap_pageheap *heap, size_t bytes)
{
    return page_heap_scavenge(&heap->pages, bytes);
}

NEAP_API size_t neap_pageheap_trim(neap_pageheap *heap)
{
    return page_heap_trim(&heap->pages);
}

NEAP_API void neap_pageheap_stats_read(neap_pageheap *heap, struct neap_pageheap_stats *out_stats)
{
    struct page_account account;
    page_heap_account_read(&heap->pages, &account);
    *out_stats = (struct neap_pageheap_stats){
        .reserved = account.reserved_bytes,
        .mapped = account.mapped_bytes,
        .in_use = account.in_use_bytes,
        .manual = account.manual_bytes,
        .cached_ready = account.cached_ready_bytes,
        .cached_released = account.cached_released_bytes,
        .free_ready = account.free_ready_bytes,
        .free_released = account.free_released_bytes,
        .metadata = account.metadata_bytes,
        .grown_times = account.grown_times,
        .scavenged = account.scavenged_bytes,
        .scavenged_steps = account.scavenged_steps,
        .scavenge_refused = account.scavenge_refused_times,
    };
}

NEAP_API const char *neap_pageheap_verify(neap_pageheap *heap)
{
    return page_heap_verify(&heap->pages);
}

NEAP_API void neap_pageheap_fork_prepare(neap_pageheap *heap)
{
    page_heap_fork_prepare(&heap->pages);
}

NEAP_API void neap_pageheap_fork_parent(neap_pageheap *heap)
{
    page_heap_fork_parent(&heap->pages);
}

NEAP_API void neap_pageheap_fork_child(neap_pageheap *heap)
{
    page_heap_fork_child(&heap->pages);
}
