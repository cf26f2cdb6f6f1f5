// The futex mutex and, in debug builds, the order in which its locks may be taken.
#include "os/lock.h"

#include "base/check.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOCK_FREE 0u
#define LOCK_HELD 1u
#define LOCK_CONTENDED 2u

#define SPINS_MAX 64         // about 2 us; a holder off the CPU is not worth more
#define LOCKS_HELD_MAX 256   // fork holds every central list and page cache at once

THREAD_LOCAL unsigned lock_n_of_this_thread;

static void futex_wait(struct lock *lock)
{
    int saved_errno = errno;
    syscall(SYS_futex, &lock->state, FUTEX_WAIT_PRIVATE, LOCK_CONTENDED, NULL, NULL, 0);
    errno = saved_errno;
}

static void futex_wake_one(struct lock *lock)
{
    int saved_errno = errno;
    syscall(SYS_futex, &lock->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = saved_errno;
}

static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("" ::: "memory");
#endif
}

void lock_init(struct lock *lock, enum lock_rank rank)
{
    store_relaxed(&lock->state, LOCK_FREE);   // owner: nobody else knows the lock yet
    lock->rank = (uint32_t)rank;
    DCHECK_IF(lock_order_forget(lock));
}

NO_LOCK_ANALYSIS void lock_acquire(struct lock *lock)
{
    lock_n_of_this_thread++;
    compiler_barrier();   // a signal handler finds it counted before it is noted or held
    DCHECK_IF(lock_order_note_acquire(lock));
    for (int spin = 0; spin < SPINS_MAX; spin++) {
        uint32_t seen = LOCK_FREE;
        if (LIKELY(cas_acquire(&lock->state, &seen, LOCK_HELD)))   // pairs with: lock_release
            return;
        if (seen == LOCK_CONTENDED)
            break;   // others sleep already: queue behind them
        cpu_relax();
    }
    // From here on we claim the lock as contended, so that our release wakes the next sleeper.
    // pairs with: lock_release
    while (exchange_acquire(&lock->state, LOCK_CONTENDED) != LOCK_FREE)
        futex_wait(lock);
}

NO_LOCK_ANALYSIS bool lock_try_acquire(struct lock *lock)
{
    uint32_t seen = LOCK_FREE;
    lock_n_of_this_thread++;
    compiler_barrier();
    if (!cas_acquire(&lock->state, &seen, LOCK_HELD)) {   // pairs with: lock_release
        lock_n_of_this_thread--;
        return false;
    }
    DCHECK_IF(lock_order_note_acquire(lock));
    return true;
}

NO_LOCK_ANALYSIS void lock_release(struct lock *lock)
{
    DCHECK_IF(lock_order_note_release(lock));
    uint32_t before = exchange_release(&lock->state, LOCK_FREE);   // pairs with: lock_acquire
    if (UNLIKELY(before == LOCK_CONTENDED))
        futex_wake_one(lock);
    compiler_barrier();
    lock_n_of_this_thread--;
}

#if NEAP_DEBUG
static _Thread_local const struct lock *locks_held[LOCKS_HELD_MAX];
static _Thread_local size_t             n_locks_held;

void lock_order_note_acquire(const struct lock *lock)
{
    for (size_t i = 0; i < n_locks_held; i++) {
        const struct lock *held = locks_held[i];
        CHECK_LE(held->rank, lock->rank);
        if (held->rank == lock->rank)
            CHECK((uintptr_t)held < (uintptr_t)lock);
    }
    CHECK(n_locks_held < LOCKS_HELD_MAX);
    locks_held[n_locks_held++] = lock;
}

// One more than the lock's place in the list; 0 if it is not there.
static size_t place_of(const struct lock *lock)
{
    size_t i = n_locks_held;
    while (i > 0 && locks_held[i - 1] != lock)
        i--;
    return i;
}

void lock_order_forget(const struct lock *lock)
{
    size_t i = place_of(lock);
    if (i == 0)
        return;
    for (; i < n_locks_held; i++)
        locks_held[i - 1] = locks_held[i];
    n_locks_held--;
}

void lock_order_note_release(const struct lock *lock)
{
    CHECK(place_of(lock) > 0);   // else it releases a lock that this thread does not hold
    lock_order_forget(lock);
}
#else
void lock_order_forget(const struct lock *lock)
{
    (void)lock;
}

void lock_order_note_acquire(const struct lock *lock)
{
    (void)lock;
}

void lock_order_note_release(const struct lock *lock)
{
    (void)lock;
}
#endif
