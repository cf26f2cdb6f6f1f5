// Noting samples.
#include "front/history.h"

#include "front/heap.h"
#include "os/host.h"

// Those who come by ask for the time about so often, whatever they do.
#define LOOK_EVERY_NS UINT64_C(100000000)
#define LOOKS_APART_MAX ((size_t)64)   // so that who takes pages rarely now is not looked at late

static struct history_sample sample_of(struct heap *heap, uint64_t now_ns)
{
    struct slots_account slots;
    struct page_account  pages;
    slots_account_read(heap, false, &slots);
    page_heap_account_read(&heap->pages, &pages);
    return (struct history_sample){
        .time_ns = now_ns,
        .resident_bytes = page_account_counted_bytes(&pages) - sizeof heap->pages,
        .object_bytes = slots.used_bytes + load_relaxed(&heap->large_bytes),   // counter
        .free_ready_bytes = pages.free_ready_bytes,
        .allocations = slots.n_allocated + load_relaxed(&heap->n_large_allocated),   // counter
        .returned_bytes = pages.scavenged_bytes + slots.scavenged_bytes,
    };
}

static void put(struct history_sample *ring, size_t n_rows, ATOMIC(uint64_t) *n,
                const struct history_sample *sample)
{
    uint64_t number = load_relaxed(n);   // owner: who is busy
    ring[number % n_rows] = *sample;
    store_release(n, number + 1);   // pairs with: stats_page
}

static bool is_of_another_minute(const struct history_sample *a, uint64_t now_ns)
{
    return a->time_ns / HISTORY_MINUTE_NS != now_ns / HISTORY_MINUTE_NS;
}

static void note(struct heap *heap, uint64_t now_ns)
{
    struct history       *history = &heap->history;
    struct history_sample sample = sample_of(heap, now_ns);
    put(heap->rings.seconds, HISTORY_SECONDS, &history->n_seconds, &sample);
    black_box_write(heap, &sample, load_relaxed(&history->n_seconds) - 1);   // owner: who is busy
    if (history->most.time_ns != 0 && is_of_another_minute(&history->most, now_ns)) {
        put(heap->rings.minutes, HISTORY_MINUTES, &history->n_minutes, &history->most);
        history->most.time_ns = 0;
    }
    if (history->most.time_ns == 0 || sample.resident_bytes > history->most.resident_bytes)
        history->most = sample;
    history->noted_at_ns = now_ns;
}

// The page heap calls on us less often if it was too soon, and more often if it was late.
static void adapt(struct heap *heap, uint64_t since_ns)
{
    size_t looks_apart = load_relaxed(&heap->pages.looks_apart);   // hint
    if (since_ns < LOOK_EVERY_NS / 2)
        looks_apart = size_min(2 * looks_apart, LOOKS_APART_MAX);
    else if (since_ns > 2 * LOOK_EVERY_NS)
        looks_apart = size_max(looks_apart * LOOK_EVERY_NS / since_ns, 1);
    store_relaxed(&heap->pages.looks_apart, looks_apart);   // hint
}

static void look(struct heap *heap, bool has_moved)
{
    struct history *history = &heap->history;
    // pairs with: look
    if (lock_this_thread_has_any() || exchange_acquire(&history->is_busy, true))
        return;
    uint64_t now_ns = host_now_ns();
    if (has_moved && history->looked_at_ns != 0)
        adapt(heap, now_ns - history->looked_at_ns);
    if (history->looked_at_ns == 0)
        history->noted_at_ns = now_ns;
    history->looked_at_ns = now_ns;
    if (now_ns - history->noted_at_ns >= HISTORY_SECOND_NS)
        note(heap, now_ns);
    store_release(&history->is_busy, false);   // pairs with: look
}

void history_look(struct heap *heap)
{
    look(heap, false);
}

void history_answer(struct heap *heap)
{
    store_relaxed(&heap->pages.has_moved, false);   // hint
    look(heap, true);
    request_pass_on(heap);
}

void history_fork_child(struct history *history)
{
    *history = (struct history){.looked_at_ns = 0};
}
