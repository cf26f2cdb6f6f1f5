// Objects of a MiB each, to have so much in use and to free some of it. Include it once in a test.
#ifndef NEAP_TEST_FRONT_LOAD_H
#define NEAP_TEST_FRONT_LOAD_H

#include "front/front.h"
#include "unit_kit.h"

#define OBJECTS_MAX 4096

static char  *objects[OBJECTS_MAX];
static size_t n_objects;

static inline void use(size_t n_bytes)
{
    for (size_t done = 0; done < n_bytes; done += MIB) {
        assert_true(n_objects < OBJECTS_MAX);
        objects[n_objects] = front_allocate(MIB);
        assert_non_null(objects[n_objects++]);
    }
}

// The last `n_bytes` of what is in use, from the end.
static inline void free_last(size_t n_bytes)
{
    for (size_t done = 0; done < n_bytes; done += MIB)
        assert_int_equal(front_release(objects[--n_objects]), POINTER_TO_OBJECT);
}

#endif
