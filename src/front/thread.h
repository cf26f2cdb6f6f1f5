// What a thread keeps: which cache is its own.
//
// A thread that has allocated a little has no cache: it goes to the central lists, and leaves
// nothing behind. The first few threads of a process, and whoever finds a cache that another
// thread has left, get one at once; others when they have shown that it is worth one. When a
// thread ends, its cache waits for the next.
#ifndef NEAP_FRONT_THREAD_H
#define NEAP_FRONT_THREAD_H

#include "cache/caches.h"

struct thread_state {
    struct cache *cache;              // NULL: none (yet)
    unsigned      n_without;          // allocations without a cache
    bool          changing;           // caches: one is being given or left
    bool          ended;              // the thread's end has passed us: no cache any more
    bool          is_telling;         // callbacks: it is within one
    unsigned      n_forks_as_it_is;   // depth of forks that leave the heap as it is; see heap.c
};

extern THREAD_LOCAL struct thread_state this_thread;

// From here on threads may have caches. Call it once, when libc is ready for thread-specific data.
void thread_caches_enable(void);

// The thread's cache, entered, or NULL: it has none, or is inside already, or it is closed.
static ALWAYS_INLINE struct cache *thread_enter_cache(void)
{
    struct cache *cache = this_thread.cache;
    return LIKELY(cache != NULL) && LIKELY(cache_enter(cache)) ? cache : NULL;
}

// The same for an allocation that takes its time: perhaps it is worth a cache now.
struct cache *thread_earn_cache(struct caches *caches);

#endif
