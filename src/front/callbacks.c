// A short table, and one teller at a time.
#include "front/callbacks.h"

#include "base/check.h"
#include "front/thread.h"
#include "os/host.h"

#define WAIT_NS 1000000   // for a callback to return, between looks

void callbacks_init(struct callbacks *callbacks)
{
    lock_init(&callbacks->lock, LOCK_RANK_CALLBACKS);
    callbacks->told = CALLBACKS_MAX;
}

void callbacks_fork_child(struct callbacks *callbacks)
{
    lock_init(&callbacks->lock, LOCK_RANK_CALLBACKS);
    lock_acquire(&callbacks->lock);
    callbacks->told = CALLBACKS_MAX;
    for (int kind = 0; kind < NEWS_KINDS; kind++)
        callbacks->is_new[kind] = false;
    store_relaxed(&callbacks->is_due, false);       // hint
    store_relaxed(&callbacks->is_telling, false);   // owner: there is no other thread
    lock_release(&callbacks->lock);
}

static size_t find_locked(const struct callbacks *callbacks, void (*function)(void), void *context)
    REQUIRES(callbacks->lock)
{
    size_t i = 0;
    while (i < CALLBACKS_MAX &&
           (callbacks->entries[i].function != function || callbacks->entries[i].context != context))
        i++;
    return i;
}

bool callbacks_add(struct callbacks *callbacks, const struct callback *callback)
{
    lock_acquire(&callbacks->lock);
    size_t i = 0;
    while (i < CALLBACKS_MAX && callbacks->entries[i].function != NULL)
        i++;
    if (i < CALLBACKS_MAX) {
        callbacks->entries[i] = *callback;
        add_relaxed(&callbacks->n, 1);   // counter
    }
    lock_release(&callbacks->lock);
    return i < CALLBACKS_MAX;
}

// Its place may have another callback meanwhile.
static void wait_until_told_locked(struct callbacks *callbacks, size_t i) REQUIRES(callbacks->lock)
{
    size_t n_told = callbacks->n_told;
    while (callbacks->told == i && callbacks->n_told == n_told && !this_thread.is_telling) {
        lock_release(&callbacks->lock);
        host_sleep_ns(WAIT_NS);
        lock_acquire(&callbacks->lock);
    }
}

bool callbacks_remove(struct callbacks *callbacks, void (*function)(void), void *context)
{
    lock_acquire(&callbacks->lock);
    size_t i = find_locked(callbacks, function, context);
    if (i < CALLBACKS_MAX) {
        callbacks->entries[i] = (struct callback){.function = NULL};
        add_relaxed(&callbacks->n, (unsigned)-1);   // counter
        wait_until_told_locked(callbacks, i);
    }
    lock_release(&callbacks->lock);
    return i < CALLBACKS_MAX;
}

void callbacks_note(struct callbacks *callbacks, enum news_kind kind, const struct news *news)
{
    lock_acquire(&callbacks->lock);
    if (!callbacks->is_new[kind] || news->level_pct > callbacks->news[kind].level_pct)
        callbacks->news[kind] = *news;
    callbacks->is_new[kind] = true;
    store_relaxed(&callbacks->is_due, true);   // hint
    lock_release(&callbacks->lock);
}

static size_t take_news(struct callbacks *callbacks, struct news out_news[NEWS_KINDS])
{
    size_t n = 0;
    lock_acquire(&callbacks->lock);
    for (int kind = 0; kind < NEWS_KINDS; kind++) {
        if (callbacks->is_new[kind])
            out_news[n++] = callbacks->news[kind];
        callbacks->is_new[kind] = false;
    }
    store_relaxed(&callbacks->is_due, false);   // hint
    lock_release(&callbacks->lock);
    return n;
}

static void tell_one(struct callbacks *callbacks, size_t i, const struct news *news)
{
    lock_acquire(&callbacks->lock);
    struct callback callback = callbacks->entries[i];
    if (callback.function != NULL) {
        callbacks->told = i;
        callbacks->n_told++;
        lock_release(&callbacks->lock);
        callback.tell(&callback, news);
        lock_acquire(&callbacks->lock);
        callbacks->told = CALLBACKS_MAX;
    }
    lock_release(&callbacks->lock);
}

void callbacks_tell(struct callbacks *callbacks)
{
    struct news news[NEWS_KINDS];
    DCHECK(!lock_this_thread_has_any());
    // pairs with: callbacks_tell
    if (!callbacks_are_due(callbacks) || exchange_acquire(&callbacks->is_telling, true))
        return;
    this_thread.is_telling = true;
    size_t n = take_news(callbacks, news);
    for (size_t i = 0; i < n * CALLBACKS_MAX; i++)
        tell_one(callbacks, i % CALLBACKS_MAX, &news[i / CALLBACKS_MAX]);
    this_thread.is_telling = false;
    store_release(&callbacks->is_telling, false);   // pairs with: callbacks_tell
}
