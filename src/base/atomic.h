// Atomic operations named by their order; nothing else in src/ may touch stdatomic.h.
//
// Acquire and release uses name their partner in a comment; relaxed ones say which of three they
// are: counter (a number nobody synchronises on), hint (a wrong value costs time only), owner
// (only one thread writes, or a lock is held).
//
// What is changed by more than loading and storing has 32 or 64 bits: for less, gcc 12 calls
// libatomic on riscv64, and we depend on libc alone.
#ifndef NEAP_BASE_ATOMIC_H
#define NEAP_BASE_ATOMIC_H

#include <stdatomic.h>
#include <stdint.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NEAP_THREAD_SANITIZER 1
#endif
#endif

#define ATOMIC(type) _Atomic(type)

#define load_relaxed(object) atomic_load_explicit((object), memory_order_relaxed)
#define load_acquire(object) atomic_load_explicit((object), memory_order_acquire)
#define store_relaxed(object, value) atomic_store_explicit((object), (value), memory_order_relaxed)
#define store_release(object, value) atomic_store_explicit((object), (value), memory_order_release)

// The pointer; does not compile for less than 32 bits.
#define WIDE(object) ((object) + 0 * sizeof(char[sizeof *(object) >= 4 ? 1 : -1]))

#define add_relaxed(object, value)                                                                 \
    atomic_fetch_add_explicit(WIDE(object), (value), memory_order_relaxed)
#define exchange_relaxed(object, value)                                                            \
    atomic_exchange_explicit(WIDE(object), (value), memory_order_relaxed)
#define exchange_acquire(object, value)                                                            \
    atomic_exchange_explicit(WIDE(object), (value), memory_order_acquire)
#define exchange_release(object, value)                                                            \
    atomic_exchange_explicit(WIDE(object), (value), memory_order_release)
#define exchange_acq_rel(object, value)                                                            \
    atomic_exchange_explicit(WIDE(object), (value), memory_order_acq_rel)
#define add_acq_rel(object, value)                                                                 \
    atomic_fetch_add_explicit(WIDE(object), (value), memory_order_acq_rel)
#define or_acq_rel(object, value)                                                                  \
    atomic_fetch_or_explicit(WIDE(object), (value), memory_order_acq_rel)
#define and_release(object, value)                                                                 \
    atomic_fetch_and_explicit(WIDE(object), (value), memory_order_release)
#define cas_release(object, expected, desired)                                                     \
    atomic_compare_exchange_strong_explicit(WIDE(object), (expected), (desired),                   \
                                            memory_order_release, memory_order_relaxed)
#define cas_acq_rel(object, expected, desired)                                                     \
    atomic_compare_exchange_strong_explicit(WIDE(object), (expected), (desired),                   \
                                            memory_order_acq_rel, memory_order_acquire)
#define cas_acquire(object, expected, desired)                                                     \
    atomic_compare_exchange_strong_explicit(WIDE(object), (expected), (desired),                   \
                                            memory_order_acquire, memory_order_relaxed)

// Counts up a number that only one thread writes at a time and others may read: one instruction
// without a lock prefix where there is one. A sanitizer is to see an atomic access.
static inline void count_up_owned(ATOMIC(uint64_t) *counter)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(NEAP_THREAD_SANITIZER)
    __asm__("incq %0" : "+m"(*counter));
#else
    store_relaxed(counter, load_relaxed(counter) + 1);   // owner
#endif
}

// Keeps the compiler from moving accesses across it; the CPU may. Enough towards a signal handler
// of the same thread, and towards a thread that calls host_barrier_all_threads().
#define compiler_barrier() atomic_signal_fence(memory_order_seq_cst)

#endif
