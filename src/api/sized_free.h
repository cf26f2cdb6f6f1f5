// Frees that are told the object's size, for C23 and for C++.
#ifndef NEAP_API_SIZED_FREE_H
#define NEAP_API_SIZED_FREE_H

#include "base/bits.h"
#include "base/compiler.h"
#include "front/fast.h"

#include <stdlib.h>

struct sized_function {
    const char *name;
    bool        may_tell_less;   // than the object was allocated with
};

struct sized_free {
    const struct sized_function *function;   // that was called
    void                        *object;
    size_t                       alignment, n_bytes;
    enum cache_freed             freed;   // what fast_release has said
    const void                  *caller;
};

// Frees it, or ends that; stops the program if the object is of another size class.
void free_sized_slowly(const struct sized_free *call);

static ALWAYS_INLINE void free_sized_for(const struct sized_function *function, void *object,
                                         size_t n_bytes, const void *caller)
{
    enum cache_freed freed = CACHE_NOT_FREED;
    if (LIKELY(n_bytes <= SMALL_BYTES_MAX))
        freed = fast_release(object, size_class_for(n_bytes));
    if (UNLIKELY(freed != CACHE_FREED))
        free_sized_slowly(
            &(struct sized_free){function, object, OBJECT_ALIGN, n_bytes, freed, caller});
}

static inline void free_aligned_sized_for(const struct sized_function *function, void *object,
                                          size_t alignment, size_t n_bytes, const void *caller)
{
    // What no object can be aligned to is not looked at.
    if (is_power_of_two(alignment))
        free_sized_slowly(
            &(struct sized_free){function, object, alignment, n_bytes, CACHE_NOT_FREED, caller});
    else
        free(object);
}

#endif
