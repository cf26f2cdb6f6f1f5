// Frees that are told the object's size, for C23 and for C++.
#ifndef NEAP_API_SIZED_FREE_H
#define NEAP_API_SIZED_FREE_H

#include "base/bits.h"
#include "base/compiler.h"
#include "front/sized.h"

#include <stdlib.h>

struct sized_free {
    const char *function;   // that was called
    void       *object;
    size_t      alignment, n_bytes;
    const void *caller;
};

// Frees it, or stops the program if the object is of another size class.
void free_sized_slowly(const struct sized_free *call);

static inline void free_sized_for(const char *function, void *object, size_t n_bytes,
                                  const void *caller)
{
    if (LIKELY(sized_is_right_at_once(object, n_bytes)))
        free(object);
    else
        free_sized_slowly(&(struct sized_free){function, object, OBJECT_ALIGN, n_bytes, caller});
}

static inline void free_aligned_sized_for(const char *function, void *object, size_t alignment,
                                          size_t n_bytes, const void *caller)
{
    // What no object can be aligned to is not looked at.
    if (is_power_of_two(alignment))
        free_sized_slowly(&(struct sized_free){function, object, alignment, n_bytes, caller});
    else
        free(object);
}

#endif
