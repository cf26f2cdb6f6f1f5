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

static void begin_change(struct thread_state *thread)
{
    thread->changing = true;   // a signal handler in between must not get a cache, nor fork
    compiler_barrier();
}

static void end_change(struct thread_state *thread)
{
    compiler_barrier();
    thread->changing = false;
}

static void leave_cache(void *cache)
{
    struct thread_state *thread = &this_thread;
    begin_change(thread);
    thread->cache = NULL;
    thread->ended = true;
    caches_orphan(&process_heap.caches, cache);
    end_change(thread);
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
    size_t n_at_once = load_acquire(&n_caches_at_once);   // pairs with: thread_caches_enable
    if (thread->cache != NULL)
        return thread_enter_cache();
    if (n_at_once == 0 || thread->ended || thread->changing || lock_this_thread_has_any())
        return NULL;
    begin_change(thread);
    bool given = false;
    if (thread->cache == NULL) {   // no signal handler has been here just now
        size_t n_max = ++thread->n_without >= WORTH_A_CACHE ? SIZE_MAX : n_at_once;
        thread->cache = caches_adopt(caches, n_max);
        given = thread->cache != NULL;
    }
    end_change(thread);
    if (given)
        host_thread_end_argument(thread->cache);
    return thread_enter_cache();
}
