// Answering.
#include "front/request.h"

#include "config/config.h"
#include "front/heap.h"

// As of neap_limit_set: between a size that no machine has and the words lie shares.
static bool is_limit(enum limit_kind kind, uint64_t n_bytes)
{
    return n_bytes == CONFIG_OFF || (n_bytes == CONFIG_AUTO && kind == LIMIT_SOFT) ||
           (n_bytes > 0 && n_bytes <= PTRDIFF_MAX);
}

static uint64_t set_limit(enum limit_kind kind, uint64_t n_bytes)
{
    if (!is_limit(kind, n_bytes))
        return 0;
    limit_set(kind, n_bytes);
    return 1;
}

static uint64_t result_of(uint8_t kind, uint64_t argument)
{
    switch (kind) {
    case REQUEST_TRIM:
        return front_trim();
    case REQUEST_SOFT_LIMIT:
        return set_limit(LIMIT_SOFT, argument);
    case REQUEST_HARD_LIMIT:
        return set_limit(LIMIT_HARD, argument);
    default:
        return 0;   // by a program newer than we are
    }
}

void request_answer(struct heap *heap)
{
    struct request *request = &heap->request;
    uint8_t         kind = load_acquire(&request->kind);   // pairs with: stats_page
    if (kind == REQUEST_NONE)
        return;
    request->result = result_of(kind, request->argument);
    uint64_t n_answered = load_relaxed(&request->n_answered) + 1;   // owner: our one thread
    store_relaxed(&request->n_answered, n_answered);                // owner
    store_release(&request->kind, REQUEST_NONE);                    // pairs with: stats_page
}

void request_pass_on(struct heap *heap)
{
    if (load_relaxed(&heap->request.kind) != REQUEST_NONE)   // hint
        store_relaxed(&heap->pages.alarm, true);             // hint
}

void request_fork_child(struct request *request)
{
    store_relaxed(&request->kind, REQUEST_NONE);   // owner: there is no other thread
}
