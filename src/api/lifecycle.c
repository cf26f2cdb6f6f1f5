// What happens to the heap when the process forks, and when it exits.
//
// The child has one thread. Whatever the others were doing to the heap must be complete, so all
// locks are taken before the fork. A thread may hold one of stdio's locks and wait for one of
// ours, while fork, after our handler, waits for stdio's: so stdio's list lock is taken first.
#include "api/exit_stats.h"
#include "front/front.h"

#include <pthread.h>
#include <stddef.h>

// glibc's; recursive, and taken by its own fork after the handlers. Absent from other libcs.
extern void _IO_list_lock(void) __attribute__((weak));
extern void _IO_list_unlock(void) __attribute__((weak));
extern void _IO_list_resetlock(void) __attribute__((weak));

// Of this thread, begun and not over: more than one where a signal handler that has interrupted a
// fork forks, too. Its child may return from the handler and end the outer fork, so the inner one
// leaves stdio's lock as it is.
static THREAD_LOCAL unsigned n_forks_under_way;

static void before_fork(void)
{
    if (n_forks_under_way++ == 0 && _IO_list_lock != NULL)
        _IO_list_lock();
    front_fork_prepare();
}

static void after_fork_in_parent(void)
{
    front_fork_parent();
    if (n_forks_under_way == 1 && _IO_list_unlock != NULL)
        _IO_list_unlock();
    n_forks_under_way--;
}

static void after_fork_in_child(void)
{
    front_fork_child();
    if (--n_forks_under_way > 0)
        return;
    // The lock's owner was the parent's thread. glibc makes it anew only if the parent had more
    // than one.
    if (_IO_list_resetlock != NULL)
        _IO_list_resetlock();
}

// First of all (the library is linked with -z initfirst), so that our handler runs last before a
// fork: the handlers of others may allocate. So is the exit record's, which is then the last.
__attribute__((constructor(101))) static void begin(void)
{
    exit_stats_begin();
    // Fails only without memory; then a child of a threaded process may find a lock held.
    (void)pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    front_enable_caches();
}
