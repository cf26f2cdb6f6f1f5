// All caches of a heap: who has one, who gets one, and how to stop them. The face of this folder.
//
// A cache outlives its thread: it waits, with its spans as they are, for the next thread that
// needs one. There are rarely more than threads that allocate much at the same time; threads that
// allocate little go without (front/thread.h).
#ifndef NEAP_CACHE_CACHES_H
#define NEAP_CACHE_CACHES_H

#include "cache/cache.h"

struct caches {
    // Constant after init.
    struct central *central;
    bool            can_close;   // the kernel offers the barrier; else caches are their threads'
    size_t          n_kept;      // so many idle caches keep their free slots

    struct lock lock;   // rank CACHES
    // Guarded by lock.
    struct cache *first;   // all, newest first
    struct cache *idle;    // without a thread; D1

    ATOMIC(size_t) n_caches, n_idle;   // counter
};
// Invariants:
//   D1  an idle cache has no thread: nobody is inside, and who holds the lock may touch it

// Requires: memory of `caches` is zero.
void caches_init(struct caches *caches, struct central *central);

// A cache for the calling thread: an idle one, or else a new one if there are fewer than `n_max`.
// NULL: there is none, or no memory for one, or somebody has the lock. Waits for nobody.
NODISCARD struct cache *caches_adopt(struct caches *caches, size_t n_max);

// The calling thread needs its cache no more. Requires: it is not inside.
void caches_orphan(struct caches *caches, struct cache *cache);

// Takes in what was freed elsewhere, in all caches. Of threads and of those that come meanwhile as
// caches_tidy.
void caches_take_in(struct caches *caches);

// Takes in what was freed elsewhere, in all caches, and gives idle spans back. Threads that stay
// inside are passed over. A thread that comes meanwhile does without its cache.
void caches_tidy(struct caches *caches);

// The same, and hands spans that no cache has used since the last call to the central lists, where
// OS pages inside of them may be given back.
void caches_rest(struct caches *caches);

// Hands some spans of each cache over in any case.
void caches_hand_over(struct caches *caches);

// Hands the free slots of all caches to the central lists, so that any thread finds them.
void caches_empty(struct caches *caches);

// Takes in what was freed elsewhere for one cache, given by its inbox, whose thread seems not to.
// Does nothing if somebody is inside. Requires: the caller is inside no cache.
void caches_relieve(struct caches *caches, struct span_inbox *inbox);

// Slots allocated and freed through caches so far, by size class. Counters: exact when no thread
// is inside.
struct caches_account {
    uint64_t n_allocated[SIZE_CLASSES], n_freed[SIZE_CLASSES];
};
void caches_account_add(struct caches *caches, struct caches_account *account);
void caches_account_add_locked(struct caches *caches, struct caches_account *account)
    REQUIRES(caches->lock);

// Returns NULL, or the invariant found broken. Threads inside are passed over.
const char *caches_verify(struct caches *caches);

// Around fork. Prepare takes the lock and waits until no thread is inside. In the child the caches
// of all threads but `own` have no thread any more.
void caches_fork_prepare(struct caches *caches);
void caches_fork_parent(struct caches *caches);
void caches_fork_child(struct caches *caches, struct cache *own);

#endif
