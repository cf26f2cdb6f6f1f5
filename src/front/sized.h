// Frees that come with a size: is it the object's? For most a comparison with the page map's tag.
#ifndef NEAP_FRONT_SIZED_H
#define NEAP_FRONT_SIZED_H

#include "front/heap.h"

// True: it is, of a small object as of front_allocate. False: ask front_size_may_be_right.
static inline bool sized_is_right_at_once(const void *object, size_t n_bytes)
{
    unsigned size_class;
    (void)page_map_find_tagged(&process_heap.pages.map, (uintptr_t)object, &size_class);
    return n_bytes <= SMALL_BYTES_MAX && size_class == size_class_for(n_bytes);
}

#endif
