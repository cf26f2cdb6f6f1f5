// Atomic operations named by their order; nothing else in src/ may touch stdatomic.h.
//
// Acquire and release uses name their partner in a comment; relaxed ones say which of three they
// are: counter (a number nobody synchronises on), hint (a wrong value costs time only), owner
// (only one thread writes, or a lock is held).
#ifndef NEAP_BASE_ATOMIC_H
#define NEAP_BASE_ATOMIC_H

#include <stdatomic.h>

#define ATOMIC(type) _Atomic(type)

#define load_relaxed(object) atomic_load_explicit((object), memory_order_relaxed)
#define load_acquire(object) atomic_load_explicit((object), memory_order_acquire)
#define store_relaxed(object, value) atomic_store_explicit((object), (value), memory_order_relaxed)
#define store_release(object, value) atomic_store_explicit((object), (value), memory_order_release)
#define add_relaxed(object, value)                                                                 \
    atomic_fetch_add_explicit((object), (value), memory_order_relaxed)
#define exchange_relaxed(object, value)                                                            \
    atomic_exchange_explicit((object), (value), memory_order_relaxed)
#define exchange_acquire(object, value)                                                            \
    atomic_exchange_explicit((object), (value), memory_order_acquire)
#define exchange_release(object, value)                                                            \
    atomic_exchange_explicit((object), (value), memory_order_release)
#define cas_acquire(object, expected, desired)                                                     \
    atomic_compare_exchange_strong_explicit((object), (expected), (desired), memory_order_acquire, \
                                            memory_order_relaxed)

#endif
