#include "actions.h"

#include "base/check.h"

#include <string.h>

#define CALL(name, statement)                                                                      \
    static void call_##name(const struct entry_points *e, struct call *c)                          \
    {                                                                                              \
        statement;                                                                                 \
    }

CALL(malloc, c->result = e->malloc(c->n_bytes))
CALL(calloc, c->result = e->calloc(c->n_objects, c->object_bytes))
CALL(realloc, c->result = e->realloc(c->object, c->n_bytes))
CALL(reallocarray, c->result = e->reallocarray(c->object, c->n_objects, c->object_bytes))
CALL(aligned_alloc, c->result = e->aligned_alloc(c->alignment, c->n_bytes))
CALL(memalign, c->result = e->memalign(c->alignment, c->n_bytes))
CALL(posix_memalign, c->error = e->posix_memalign(&c->result, c->alignment, c->n_bytes))
CALL(valloc, c->result = e->valloc(c->n_bytes))
CALL(pvalloc, c->result = e->pvalloc(c->n_bytes))
CALL(free, e->free(c->object))
CALL(cfree, e->cfree(c->object))
CALL(free_sized, e->free_sized(c->object, c->n_bytes))
CALL(free_aligned_sized, e->free_aligned_sized(c->object, c->alignment, c->n_bytes))

CALL(neap_malloc, c->result = e->neap_malloc(c->n_bytes))
CALL(neap_calloc, c->result = e->neap_calloc(c->n_objects, c->object_bytes))
CALL(neap_realloc, c->result = e->neap_realloc(c->object, c->n_bytes))
CALL(neap_reallocarray, c->result = e->neap_reallocarray(c->object, c->n_objects, c->object_bytes))
CALL(neap_aligned_alloc, c->result = e->neap_aligned_alloc(c->alignment, c->n_bytes))
CALL(neap_memalign, c->result = e->neap_memalign(c->alignment, c->n_bytes))
CALL(neap_posix_memalign, c->error = e->neap_posix_memalign(&c->result, c->alignment, c->n_bytes))
CALL(neap_free, e->neap_free(c->object))
CALL(neap_free_sized, e->neap_free_sized(c->object, c->n_bytes))
CALL(neap_free_aligned_sized, e->neap_free_aligned_sized(c->object, c->alignment, c->n_bytes))

CALL(usable_size, c->n_bytes = e->usable_size(c->object))
CALL(neap_usable_size, c->n_bytes = e->neap_usable_size(c->object))
CALL(malloc_trim, c->n_bytes = (size_t)e->malloc_trim(c->n_bytes))
CALL(neap_trim, c->n_bytes = e->neap_trim())
CALL(mallinfo2, c->n_bytes = e->mallinfo2().uordblks)
CALL(mallopt, c->error = e->mallopt((int)c->alignment, (int)c->n_bytes))

static const char nothrow;   // stands for std::nothrow, of which only the address is passed

#define CALL_MAY_THROW(name, expression)                                                           \
    static void call_##name(const struct entry_points *e, struct call *c)                          \
    {                                                                                              \
        if (_setjmp(new_watch.thrown) == 0) {                                                      \
            c->result = (expression);                                                              \
        } else {                                                                                   \
            c->is_thrown = true;                                                                   \
            c->result = NULL;                                                                      \
        }                                                                                          \
    }
CALL_MAY_THROW(new_one, e->new_one(c->n_bytes))
CALL_MAY_THROW(new_one_aligned, e->new_one_aligned(c->n_bytes, c->alignment))
CALL_MAY_THROW(new_array, e->new_array(c->n_bytes))
CALL_MAY_THROW(new_array_aligned, e->new_array_aligned(c->n_bytes, c->alignment))
CALL(new_one_nothrow, c->result = e->new_one_nothrow(c->n_bytes, &nothrow))
CALL(new_one_aligned_nothrow,
     c->result = e->new_one_aligned_nothrow(c->n_bytes, c->alignment, &nothrow))
CALL(new_array_nothrow, c->result = e->new_array_nothrow(c->n_bytes, &nothrow))
CALL(new_array_aligned_nothrow,
     c->result = e->new_array_aligned_nothrow(c->n_bytes, c->alignment, &nothrow))

CALL(delete_one, e->delete_one(c->object))
CALL(delete_one_sized, e->delete_one_sized(c->object, c->n_bytes))
CALL(delete_one_nothrow, e->delete_one_nothrow(c->object, &nothrow))
CALL(delete_one_aligned, e->delete_one_aligned(c->object, c->alignment))
CALL(delete_one_aligned_sized, e->delete_one_aligned_sized(c->object, c->n_bytes, c->alignment))
CALL(delete_one_aligned_nothrow, e->delete_one_aligned_nothrow(c->object, c->alignment, &nothrow))
CALL(delete_array, e->delete_array(c->object))
CALL(delete_array_sized, e->delete_array_sized(c->object, c->n_bytes))
CALL(delete_array_nothrow, e->delete_array_nothrow(c->object, &nothrow))
CALL(delete_array_aligned, e->delete_array_aligned(c->object, c->alignment))
CALL(delete_array_aligned_sized, e->delete_array_aligned_sized(c->object, c->n_bytes, c->alignment))
CALL(delete_array_aligned_nothrow,
     e->delete_array_aligned_nothrow(c->object, c->alignment, &nothrow))

#define FROM(origin) (1u << ORIGIN_##origin)
#define FROM_C (FROM(PLAIN) | FROM(ALIGNED) | FROM(MEMALIGN))

#define HEAD(name) #name, offsetof(struct entry_points, name), call_##name
#define ALLOCATE(name, from, how)                                                                  \
    {                                                                                              \
        HEAD(name), ACTION_ALLOCATE, .traits = (how), .origin = ORIGIN_##from                      \
    }
#define RESIZE(name, how)                                                                          \
    {                                                                                              \
        HEAD(name), ACTION_RESIZE, .traits = (how), .origin = ORIGIN_PLAIN, .origins = FROM_C      \
    }
#define RELEASE(name, from)                                                                        \
    {                                                                                              \
        HEAD(name), ACTION_RELEASE, .origins = (from)                                              \
    }
#define ASK(name, of_kind)                                                                         \
    {                                                                                              \
        HEAD(name), ACTION_##of_kind                                                               \
    }
#define OTHER(name, of_kind)                                                                       \
    {                                                                                              \
#name, 0, NULL, ACTION_##of_kind                                                           \
    }

const struct action actions[ACTIONS] = {
    [0] = ALLOCATE(malloc, PLAIN, 0),
    [1] = RELEASE(free, FROM_C),
    [2] = RESIZE(realloc, 0),
    [3] = ALLOCATE(calloc, PLAIN, TAKES_COUNT | IS_ZEROED),
    [4] = RESIZE(reallocarray, TAKES_COUNT),
    [5] = ALLOCATE(aligned_alloc, ALIGNED, TAKES_ALIGNMENT),
    [6] = ALLOCATE(memalign, MEMALIGN, TAKES_ALIGNMENT | ROUNDS_ALIGNMENT),
    [7] = ALLOCATE(posix_memalign, MEMALIGN, TAKES_ALIGNMENT | IS_POSIX),
    [8] = ALLOCATE(valloc, MEMALIGN, IS_ON_PAGE),
    [9] = ALLOCATE(pvalloc, MEMALIGN, IS_ON_PAGE | IS_ROUNDED_UP),
    [10] = RELEASE(cfree, FROM_C),
    [11] = RELEASE(free_sized, FROM(PLAIN)),
    [12] = RELEASE(free_aligned_sized, FROM(ALIGNED)),
    [13] = ASK(usable_size, USABLE_SIZE),
    [14] = ASK(malloc_trim, TRIM),
    [15] = ASK(mallinfo2, MALLINFO),
    [16] = ASK(mallopt, MALLOPT),

    [17] = ALLOCATE(neap_malloc, PLAIN, 0),
    [18] = RELEASE(neap_free, FROM_C),
    [19] = RESIZE(neap_realloc, 0),
    [20] = ALLOCATE(neap_calloc, PLAIN, TAKES_COUNT | IS_ZEROED),
    [21] = RESIZE(neap_reallocarray, TAKES_COUNT),
    [22] = ALLOCATE(neap_aligned_alloc, ALIGNED, TAKES_ALIGNMENT),
    [23] = ALLOCATE(neap_memalign, MEMALIGN, TAKES_ALIGNMENT | ROUNDS_ALIGNMENT),
    [24] = ALLOCATE(neap_posix_memalign, MEMALIGN, TAKES_ALIGNMENT | IS_POSIX),
    [25] = RELEASE(neap_free_sized, FROM(PLAIN)),
    [26] = RELEASE(neap_free_aligned_sized, FROM(ALIGNED)),
    [27] = ASK(neap_usable_size, USABLE_SIZE),
    [28] = ASK(neap_trim, TRIM),

    [29] = ALLOCATE(new_one, NEW, IS_CXX | MAY_THROW),
    [30] = ALLOCATE(new_one_nothrow, NEW, IS_CXX),
    [31] = ALLOCATE(new_one_aligned, NEW_ALIGNED, IS_CXX | MAY_THROW | TAKES_ALIGNMENT),
    [32] = ALLOCATE(new_one_aligned_nothrow, NEW_ALIGNED, IS_CXX | TAKES_ALIGNMENT),
    [33] = ALLOCATE(new_array, NEW_ARRAY, IS_CXX | MAY_THROW),
    [34] = ALLOCATE(new_array_nothrow, NEW_ARRAY, IS_CXX),
    [35] = ALLOCATE(new_array_aligned, NEW_ARRAY_ALIGNED, IS_CXX | MAY_THROW | TAKES_ALIGNMENT),
    [36] = ALLOCATE(new_array_aligned_nothrow, NEW_ARRAY_ALIGNED, IS_CXX | TAKES_ALIGNMENT),
    [37] = RELEASE(delete_one, FROM(NEW)),
    [38] = RELEASE(delete_one_sized, FROM(NEW)),
    [39] = RELEASE(delete_one_nothrow, FROM(NEW)),
    [40] = RELEASE(delete_one_aligned, FROM(NEW_ALIGNED)),
    [41] = RELEASE(delete_one_aligned_sized, FROM(NEW_ALIGNED)),
    [42] = RELEASE(delete_one_aligned_nothrow, FROM(NEW_ALIGNED)),
    [43] = RELEASE(delete_array, FROM(NEW_ARRAY)),
    [44] = RELEASE(delete_array_sized, FROM(NEW_ARRAY)),
    [45] = RELEASE(delete_array_nothrow, FROM(NEW_ARRAY)),
    [46] = RELEASE(delete_array_aligned, FROM(NEW_ARRAY_ALIGNED)),
    [47] = RELEASE(delete_array_aligned_sized, FROM(NEW_ARRAY_ALIGNED)),
    [48] = RELEASE(delete_array_aligned_nothrow, FROM(NEW_ARRAY_ALIGNED)),

    [49] = OTHER(look, LOOK),
    [50] = OTHER(look_at_all, LOOK_AT_ALL),
    [51] = OTHER(verify, VERIFY),
    [52] = OTHER(tighten, TIGHTEN),
    [53] = OTHER(relax, RELAX),
    [54] = OTHER(send, SEND),
    [55] = OTHER(receive, RECEIVE),
};

size_t action_numbered(const char *name)
{
    size_t number = 0;
    while (number < ACTIONS && (actions[number].name == NULL || strcmp(actions[number].name, name)))
        number++;
    CHECK(number < ACTIONS);
    return number;
}

size_t action_to_release(enum origin origin)
{
    static const unsigned char by_origin[ORIGINS] = {
        [ORIGIN_PLAIN] = 1,
        [ORIGIN_ALIGNED] = 1,
        [ORIGIN_MEMALIGN] = 1,
        [ORIGIN_NEW] = 37,
        [ORIGIN_NEW_ALIGNED] = 40,
        [ORIGIN_NEW_ARRAY] = 43,
        [ORIGIN_NEW_ARRAY_ALIGNED] = 46,
    };
    return by_origin[origin];
}
