// Frees that could not be finished at once.
#ifndef NEAP_FRONT_RELEASE_H
#define NEAP_FRONT_RELEASE_H

#include "front/heap.h"

// Gives the run of a large object back to the page heap.
void release_run(struct heap *heap, struct span *span);

void release_late_frees_now(struct heap *heap);

// Gives back the large objects that signal handlers have freed while a lock was held.
static inline void release_late_frees(struct heap *heap)
{
    if (UNLIKELY(load_relaxed(&heap->late_frees.first) != NULL))   // hint: later is soon enough
        release_late_frees_now(heap);
}

#endif
