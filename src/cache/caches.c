// Making caches, passing them on, closing them.
#include "cache/caches.h"

#include "base/check.h"
#include "os/host.h"

// How long a fork waits for threads to leave their caches: they are at work for microseconds, but
// may have lost the CPU. One that a signal handler keeps there may stay for ever; then its cache
// is lost to the child.
#define LEAVE_YIELDS_MAX 100
#define LEAVE_WAITS_MAX 5000
#define LEAVE_WAIT_NS 100000
#define RELIEVE_YIELDS_MAX 4   // by a thread that only wanted to free

void caches_init(struct caches *caches, struct central *central)
{
    caches->central = central;
    caches->n_kept = host_cpus();
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
    add_relaxed(&caches->n_caches, 1);   // counter
    return cache;
}

static void make_idle_locked(struct caches *caches, struct cache *cache) REQUIRES(caches->lock)
{
    cache->state = CACHE_IDLE;
    cache->next_idle = caches->idle;
    caches->idle = cache;
    add_relaxed(&caches->n_idle, 1);   // counter
}

static struct cache *take_idle_locked(struct caches *caches) REQUIRES(caches->lock)
{
    struct cache *cache = caches->idle;
    caches->idle = cache->next_idle;
    cache->state = CACHE_IN_USE;
    add_relaxed(&caches->n_idle, (size_t)0 - 1);   // counter
    return cache;
}

struct cache *caches_adopt(struct caches *caches, size_t n_max)
{
    // counter. Most who ask in vain are to be answered at once, and nobody is to wait for whoever
    // holds the lock for long: he does without a cache for this time.
    bool any = load_relaxed(&caches->n_idle) > 0 || load_relaxed(&caches->n_caches) < n_max;
    if (!any || !lock_try_acquire(&caches->lock))
        return NULL;
    struct cache *cache = NULL;
    if (caches->idle != NULL)
        cache = take_idle_locked(caches);
    else if (load_relaxed(&caches->n_caches) < n_max)   // counter
        cache = create_locked(caches);
    lock_release(&caches->lock);
    return cache;
}

void caches_orphan(struct caches *caches, struct cache *cache)
{
    lock_acquire(&caches->lock);
    if (load_relaxed(&cache->inside)) {   // owner: the caller's thread, and it will never leave
        cache->state = CACHE_LOST;
    } else {
        cache_take_in(cache);
        if (load_relaxed(&caches->n_idle) >= caches->n_kept)   // counter
            cache_empty(cache);
        make_idle_locked(caches, cache);
    }
    lock_release(&caches->lock);
}

// ---- closing ----------------------------------------------------------------------------------

// After the barrier that followed closing: may who closed the cache touch it?
static bool cache_is_quiet(struct cache *cache)
{
    return !load_acquire(&cache->inside);   // pairs with: cache_leave
}

static void cache_close(struct cache *cache)
{
    store_relaxed(&cache->closed, true);   // owner: the lock's holder; ordered by the barrier
}

static void cache_reopen(struct cache *cache)
{
    store_release(&cache->closed, false);   // pairs with: cache_enter
}

// Every thread is inside, and seen to be, or will see that its cache is closed. False: nothing is
// known of any thread.
static bool close_all_locked(struct caches *caches) REQUIRES(caches->lock)
{
    for (struct cache *cache = caches->first; cache != NULL; cache = cache->next)
        cache_close(cache);
    return caches->can_close && host_barrier_all_threads();
}

static void reopen_all_locked(struct caches *caches) REQUIRES(caches->lock)
{
    for (struct cache *cache = caches->first; cache != NULL; cache = cache->next)
        if (cache->state != CACHE_LOST)
            cache_reopen(cache);
}

// Waits until the thread has left, but not for ever. *waits counts up to `n_max` over many caches.
static bool wait_until_quiet(struct cache *cache, size_t *waits, size_t n_max)
{
    for (;; ++*waits) {
        if (cache_is_quiet(cache))
            return true;
        if (*waits >= n_max)
            return false;
        if (*waits < LEAVE_YIELDS_MAX)
            host_yield();
        else
            host_sleep_ns(LEAVE_WAIT_NS);
    }
}

// Does something to every cache that is quiet, or soon is.
static void each_quiet(struct caches *caches, void (*act)(struct cache *cache))
{
    size_t waits = 0;
    lock_acquire(&caches->lock);
    bool closed = close_all_locked(caches);
    for (struct cache *cache = caches->first; cache != NULL; cache = cache->next) {
        bool quiet =
            cache->state == CACHE_IDLE || (cache->state == CACHE_IN_USE && closed &&
                                           wait_until_quiet(cache, &waits, LEAVE_YIELDS_MAX));
        if (quiet)
            act(cache);
        if (cache->state != CACHE_LOST)
            cache_reopen(cache);
    }
    lock_release(&caches->lock);
}

void caches_take_in(struct caches *caches)
{
    each_quiet(caches, cache_take_in);
}

void caches_tidy(struct caches *caches)
{
    each_quiet(caches, cache_tidy);
}

void caches_empty(struct caches *caches)
{
    each_quiet(caches, cache_empty);
}

void caches_rest(struct caches *caches)
{
    each_quiet(caches, cache_rest);
}

#define HANDED_OVER_AT_ONCE 256   // spans: some ten microseconds, while the thread is locked out

static void hand_over(struct cache *cache)
{
    cache_hand_over(cache, HANDED_OVER_AT_ONCE);
}

void caches_hand_over(struct caches *caches)
{
    each_quiet(caches, hand_over);
}

void caches_relieve(struct caches *caches, struct span_inbox *inbox)
{
    struct cache *cache = (struct cache *)(void *)inbox;
    size_t        waits = 0;
    if (!lock_try_acquire(&caches->lock))
        return;
    cache_close(cache);
    bool quiet = cache->state == CACHE_IDLE ||
                 (cache->state == CACHE_IN_USE && caches->can_close && host_barrier_all_threads() &&
                  wait_until_quiet(cache, &waits, RELIEVE_YIELDS_MAX));
    if (quiet)
        cache_take_in(cache);
    if (cache->state != CACHE_LOST)
        cache_reopen(cache);
    lock_release(&caches->lock);
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
    bool closed = close_all_locked(caches);
    for (struct cache *cache = caches->first; cache != NULL && broken == NULL;
         cache = cache->next) {
        if (cache->state == CACHE_IDLE && !cache_is_quiet(cache))
            broken = "D1 somebody is inside an idle cache";   // D1
        else if (cache->state != CACHE_LOST && closed && cache_is_quiet(cache))
            broken = cache_verify(cache);
    }
    reopen_all_locked(caches);
    lock_release(&caches->lock);
    return broken;
}

// ---- fork -------------------------------------------------------------------------------------

NO_LOCK_ANALYSIS void caches_fork_prepare(struct caches *caches)
{
    size_t waits = 0;
    lock_acquire(&caches->lock);
    bool closed = close_all_locked(caches);
    // Each is asked until it is quiet, and not again: a thread that finds its cache closed is
    // inside for an instant, too.
    for (struct cache *cache = caches->first; cache != NULL; cache = cache->next)
        cache->whole_at_fork = cache->state == CACHE_IDLE ||
                               (closed && wait_until_quiet(cache, &waits, LEAVE_WAITS_MAX));
}

NO_LOCK_ANALYSIS void caches_fork_parent(struct caches *caches)
{
    reopen_all_locked(caches);
    lock_release(&caches->lock);
}

// A cache whose thread was inside at the fork is lost: what it was doing to it is half done.
void caches_fork_child(struct caches *caches, struct cache *own)
{
    lock_init(&caches->lock, LOCK_RANK_CACHES);
    lock_acquire(&caches->lock);
    caches->idle = NULL;
    store_relaxed(&caches->n_idle, 0);   // counter
    for (struct cache *cache = caches->first; cache != NULL; cache = cache->next) {
        if (cache->state == CACHE_LOST)
            continue;
        if (cache != own && !cache->whole_at_fork) {
            cache->state = CACHE_LOST;
            continue;
        }
        store_relaxed(&cache->inside, false);   // owner: there is no other thread
        cache_reopen(cache);
        if (cache != own)
            make_idle_locked(caches, cache);
    }
    lock_release(&caches->lock);
}
