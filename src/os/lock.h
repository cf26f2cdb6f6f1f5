// A mutex on a futex: one word, no allocation, usable before constructors and after main.
//
// States: 0 free, 1 held, 2 held and somebody may sleep. A thread spins briefly, since our locks
// are held for tens of nanoseconds, then sleeps. Debug builds keep the ranks held by each thread
// and abort on an acquisition against the order of os/lock_rank.def.
#ifndef NEAP_OS_LOCK_H
#define NEAP_OS_LOCK_H

#include "base/atomic.h"
#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

enum lock_rank {
#define LOCK_RANK(name) LOCK_RANK_##name,
#include "os/lock_rank.def"
#undef LOCK_RANK
    LOCK_RANKS
};

struct CAPABILITY("mutex") lock {
    ATOMIC(uint32_t) state;
    uint32_t         rank;   // enum lock_rank; constant after init
};

#define LOCK_INITIALIZER(rank_name)                                                                \
    {                                                                                              \
        .rank = LOCK_RANK_##rank_name                                                              \
    }

// Requires: nobody uses the lock. Also makes a lock usable again in the child of a fork.
void lock_init(struct lock *lock, enum lock_rank rank);

void           lock_acquire(struct lock *lock) ACQUIRES(*lock);
NODISCARD bool lock_try_acquire(struct lock *lock) TRY_ACQUIRES(*lock);
void           lock_release(struct lock *lock) RELEASES(*lock);

// Is the lock held, by anybody? For DCHECKs at the head of `_locked` functions.
static inline bool lock_is_held(struct lock *lock)
{
    return load_relaxed(&lock->state) != 0;   // hint: whoever asks should hold it himself
}

// Does the calling thread hold a lock, or wait for one? Only a signal handler can ask without
// knowing: it must not take a lock then.
extern THREAD_LOCAL unsigned lock_n_of_this_thread;
static inline bool           lock_this_thread_has_any(void)
{
    return lock_n_of_this_thread != 0;
}
// While a thread is at something without a lock that must not be interrupted by more of the kind.
static inline void lock_begin_as_if_held(void)
{
    lock_n_of_this_thread++;
    compiler_barrier();
}
static inline void lock_end_as_if_held(void)
{
    compiler_barrier();
    lock_n_of_this_thread--;
}
// In the child of a fork whose locks are made anew.
static inline void lock_forget_all_of_this_thread(void)
{
    lock_n_of_this_thread = 0;
}

// Debug builds: ends the process unless a lock of this rank may be taken now.
void lock_order_note_acquire(const struct lock *lock);
void lock_order_note_release(const struct lock *lock);
// Debug builds: the lock was made anew, so the calling thread does not hold it any more.
void lock_order_forget(const struct lock *lock);

#endif
