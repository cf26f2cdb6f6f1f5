// Threads get caches, keep them, and leave them when they end.
#include "front/thread.h"

#include "base/check.h"
#include "front/heap.h"
#include "os/host.h"

// So many caches per CPU are made without asking: more threads than this rarely run at once.
#define CACHES_PER_CPU 2

// A thread that has allocated so often without a cache is given one whatever their number. To
// allocate without one costs 50 ns; a cache takes a page for itself and one per class in use.
#define WORTH_A_CACHE 4096

THREAD_LOCAL struct thread_state this_thread;

static ATOMIC(size_t) n_caches_at_once;   // 0: none yet; see thread_caches_enable

static void leave_cache(void *cache)
{
    this_thread.cache = NULL;
    this_thread.ended = true;
    caches_orphan(&process_heap.caches, cache);
}

void thread_caches_enable(void)
{
    if (host_at_thread_end(leave_cache))
        store_release(&n_caches_at_once,
                      CACHES_PER_CPU * host_cpus());   // pairs with: thread_earn_cache
}

struct cache *thread_earn_cache(struct caches *caches)
{
    struct thread_state *thread = &this_thread;
    if (thread->cache != NULL)
        return thread_enter_cache();
    size_t n_at_once = load_acquire(&n_caches_at_once);   // pairs with: thread_caches_enable
    if (n_at_once == 0 || thread->ended || thread->earning || lock_this_thread_has_any())
        return NULL;
    size_t n_max = ++thread->n_without >= WORTH_A_CACHE ? SIZE_MAX : n_at_once;
    thread->earning = true;   // a signal handler between here and there must not get another
    compiler_barrier();
    thread->cache = caches_adopt(caches, n_max);
    compiler_barrier();
    thread->earning = false;
    if (thread->cache == NULL)
        return NULL;
    host_thread_end_argument(thread->cache);
    return thread_enter_cache();
}
