// Making caches, passing them on, closing them.
#include "cache/caches.h"

#include "base/check.h"
#include "os/host.h"

// How long a fork waits for threads to leave their caches: they are at work for microseconds, but
// may have lost the CPU. One that a signal handler keeps there may stay for ever; then its cache
// is lost to the child.
#define LEAVE_YIELDS_MAX 100
#define LEAVE_WAITS_MAX 20000
#define LEAVE_WAIT_NS 100000

void caches_init(struct caches *caches, struct central *central)
{
    caches->central = central;
    caches->can_close = host_barrier_register();
    lock_init(&caches->lock, LOCK_RANK_CACHES);
}

// ---- one thread after the other ---------------------------------------------------------------

static struct cache *create_locked(struct caches *caches) REQUIRES(caches->lock)
{
    struct cache *cache = page_heap_metadata_take(caches->central->page_heap, sizeof(struct cache));
    if (cache == NULL)
        return NULL;
    cache_init(cache, caches->central, NULL);
    cache->next = caches->first;
    caches->first = cache;
    caches->n_caches++;
    return cache;
}

struct cache *caches_adopt(struct caches *caches, size_t n_max)
{
    lock_acquire(&caches->lock);
    struct cache *cache = caches->idle;
    if (cache != NULL)
        caches->idle = cache->next_idle;
    else if (caches->n_caches < n_max)
        cache = create_locked(caches);
    lock_release(&caches->lock);
    return cache;
}

void caches_orphan(struct caches *caches, struct cache *cache)
{
    lock_acquire(&caches->lock);
    cache->next_idle = caches->idle;
    caches->idle = cache;
    lock_release(&caches->lock);
}

// ---- closing ----------------------------------------------------------------------------------

// After the barrier of close_all: may who closed the cache touch it?
static bool cache_is_quiet(struct cache *cache)
{
    return !load_acquire(&cache->inside);   // pairs with: cache_leave
}

// Every thread is inside, and seen to be, or will see that its cache is closed.
static void close_all_locked(struct caches *caches) REQUIRES(caches->lock)
{
    for (struct cache *cache = caches->first; cache != NULL; cache = cache->next)
        store_relaxed(&cache->closed, true);   // owner: the lock's holder; ordered by the barrier
    host_barrier_all_threads();
}

static void caches_reopen_locked(struct caches *caches) REQUIRES(caches->lock)
{
    for (struct cache *cache = caches->first; cache != NULL; cache = cache->next)
        store_release(&cache->closed, false);   // pairs with: cache_enter
}

// Does something to every cache that is quiet.
static void each_quiet(struct caches *caches, void (*act)(struct cache *cache))
{
    if (!caches->can_close)
        return;
    lock_acquire(&caches->lock);
    close_all_locked(caches);
    for (struct cache *cache = caches->first; cache != NULL; cache = cache->next)
        if (cache_is_quiet(cache))
            act(cache);
    caches_reopen_locked(caches);
    lock_release(&caches->lock);
}

void caches_tidy(struct caches *caches)
{
    each_quiet(caches, cache_tidy);
}

void caches_empty(struct caches *caches)
{
    each_quiet(caches, cache_empty);
}

// ---- books ------------------------------------------------------------------------------------

void caches_account_add_locked(struct caches *caches, struct caches_account *account)
{
    for (struct cache *cache = caches->first; cache != NULL; cache = cache->next)
        for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
            account->n_allocated[i] += load_relaxed(&cache->classes[i].n_allocated);   // counter
            account->n_freed[i] += load_relaxed(&cache->classes[i].n_freed);           // counter
        }
}

void caches_account_add(struct caches *caches, struct caches_account *account)
{
    lock_acquire(&caches->lock);
    caches_account_add_locked(caches, account);
    lock_release(&caches->lock);
}

const char *caches_verify(struct caches *caches)
{
    const char *broken = NULL;
    lock_acquire(&caches->lock);
    close_all_locked(caches);
    for (struct cache *cache = caches->first; cache != NULL && broken == NULL; cache = cache->next)
        if (cache_is_quiet(cache))
            broken = cache_verify(cache);
    for (struct cache *cache = caches->idle; cache != NULL; cache = cache->next_idle)
        if (!cache_is_quiet(cache))
            broken = "D1 somebody is inside an idle cache";   // D1
    caches_reopen_locked(caches);
    lock_release(&caches->lock);
    return broken;
}

// ---- fork -------------------------------------------------------------------------------------

static void wait_until_quiet(struct cache *cache)
{
    for (size_t i = 0; !cache_is_quiet(cache) && i < LEAVE_WAITS_MAX; i++) {
        if (i < LEAVE_YIELDS_MAX)
            host_yield();
        else
            host_sleep_ns(LEAVE_WAIT_NS);
    }
    // Asked once: a thread that finds the cache closed is inside for an instant, too.
    cache->whole_at_fork = cache_is_quiet(cache);
}

NO_LOCK_ANALYSIS void caches_fork_prepare(struct caches *caches)
{
    lock_acquire(&caches->lock);
    close_all_locked(caches);
    for (struct cache *cache = caches->first; cache != NULL; cache = cache->next)
        wait_until_quiet(cache);
}

NO_LOCK_ANALYSIS void caches_fork_parent(struct caches *caches)
{
    caches_reopen_locked(caches);
    lock_release(&caches->lock);
}

// A cache whose thread was inside at the fork stays closed for ever: what it was doing to it is
// half done. Without the barrier that can be said of none but our own.
void caches_fork_child(struct caches *caches, struct cache *own)
{
    lock_init(&caches->lock, LOCK_RANK_CACHES);
    lock_acquire(&caches->lock);
    caches->idle = NULL;
    for (struct cache *cache = caches->first; cache != NULL; cache = cache->next) {
        bool whole = caches->can_close && cache->whole_at_fork;
        if (!whole && cache != own)
            continue;
        store_relaxed(&cache->inside, false);   // owner: there is no other thread
        store_release(&cache->closed, false);   // pairs with: cache_enter
        if (cache != own) {
            cache->next_idle = caches->idle;
            caches->idle = cache;
        }
    }
    lock_release(&caches->lock);
}
