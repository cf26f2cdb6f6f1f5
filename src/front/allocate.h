// What the heaps' ways of allocating share.
#ifndef NEAP_FRONT_ALLOCATE_H
#define NEAP_FRONT_ALLOCATE_H

#include "front/heap.h"

// The class whose slots hold `n_bytes` at a multiple of `alignment`; SPAN_LARGE: none does.
unsigned allocate_class_for(size_t alignment, size_t n_bytes);

// The page heap had nothing for `n_bytes`, for the `n_times`-th time in a row. True: it is worth
// another attempt, as memory that lay idle elsewhere has been collected. Takes locks.
NODISCARD bool allocate_try_again(struct heap *heap, size_t n_bytes, unsigned n_times);

// A run for one large object, counted as such. NULL: no memory, or too large. Takes locks.
NODISCARD struct span *allocate_run(struct heap *heap, size_t alignment, size_t n_bytes);

#endif
