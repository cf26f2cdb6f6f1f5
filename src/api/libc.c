// The names of libc: malloc and its family, on the process heap.
//
// Here and only here errno is set. Failing requests return NULL with ENOMEM (EINVAL for a bad
// alignment); free keeps errno. Pointers that are not ours go to libc's own functions: it hands
// some out before we are loaded.
#include "api/export.h"
#include "api/libc_fallback.h"
#include "api/misuse.h"
#include "api/sized_free.h"
#include "base/units.h"
#include "front/fast.h"
#include "front/front.h"
#include "neap/neap.h"
#include "os/vm.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

// The three ways to allocate, past the fast one, which succeeds only once these have gone to
// front. NEAP_DISABLE is heeded here, and where an object's size is asked.
static void *allocate(size_t n_bytes)
{
    return libc_fallback_is_on() ? libc_malloc(n_bytes) : front_allocate(n_bytes);
}

static void *allocate_zeroed(size_t n_bytes)
{
    return libc_fallback_is_on() ? libc_calloc(1, n_bytes) : front_allocate_zeroed(n_bytes);
}

static void *allocate_aligned(size_t alignment, size_t n_bytes)
{
    return libc_fallback_is_on() ? libc_memalign(alignment, n_bytes)
                                 : front_allocate_aligned(alignment, n_bytes);
}

static void *or_enomem(void *object)
{
    if (UNLIKELY(object == NULL))
        errno = ENOMEM;
    return object;
}

// Much is idle, and this call is a slow one already.
#define CALLER __builtin_return_address(0)
static inline void answer_alarm(const void *caller)
{
    if (fast_alarm_is_set())
        front_answer_alarm(caller);
}

static NOINLINE void *malloc_slowly(size_t n_bytes, const void *caller)
{
    answer_alarm(caller);
    void *object = fast_allocate_next(n_bytes);
    return LIKELY(object != NULL) ? object : or_enomem(allocate(n_bytes));
}

NEAP_API void *malloc(size_t n_bytes)
{
    void *object = fast_allocate(n_bytes);
    return LIKELY(object != NULL) ? object : malloc_slowly(n_bytes, CALLER);
}

static NOINLINE void *calloc_slowly(size_t n_bytes)
{
    return or_enomem(allocate_zeroed(n_bytes));
}

NEAP_API void *calloc(size_t n_objects, size_t object_bytes)
{
    size_t n_bytes;
    if (__builtin_mul_overflow(n_objects, object_bytes, &n_bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    void *object = fast_allocate(n_bytes);
    return LIKELY(object != NULL) ? memset(object, 0, n_bytes) : calloc_slowly(n_bytes);
}

static NORETURN NOINLINE void stop(const char *function, const void *pointer,
                                   enum front_pointer what, const void *caller)
{
    misuse_stop(&(struct misuse){function, pointer, what, 0, caller});
}

static NOINLINE void release_or_stop(const char *function, void *object, const void *caller)
{
    if (object == NULL)
        return;
    enum front_pointer what = front_release(object);
    if (LIKELY(what == POINTER_TO_OBJECT))
        return;
    int saved_errno = errno;
    if (what != POINTER_FOREIGN || !libc_free(object))
        stop(function, object, what, caller);
    errno = saved_errno;
}

static NOINLINE void free_slowly(const char *function, void *object, enum cache_freed freed,
                                 const void *caller)
{
    bool alarm = false;
    if (freed == CACHE_NOT_FREED)
        release_or_stop(function, object, caller);
    else
        alarm = fast_end_release(object, freed);
    if (alarm)
        front_answer_alarm(caller);
    else
        answer_alarm(caller);
}

NEAP_API void free(void *object)
{
    enum cache_freed freed = fast_release(object, ANY_SMALL_CLASS);
    if (UNLIKELY(freed != CACHE_FREED))
        free_slowly("free", object, freed, CALLER);
}

NEAP_API void cfree(void *object)
{
    release_or_stop("cfree", object, CALLER);
}

static bool size_may_be_right(const struct sized_free *call)
{
    size_t n_bytes;
    if (LIKELY(front_size_may_be_right(call->object, call->alignment, call->n_bytes)))
        return true;
    return call->function->may_tell_less &&
           front_usable_bytes(call->object, &n_bytes) == POINTER_TO_OBJECT &&
           call->n_bytes <= n_bytes;
}

NOINLINE void free_sized_slowly(const struct sized_free *call)
{
    const char *name = call->function->name;
    if (call->freed == CACHE_NOT_FREED && UNLIKELY(!size_may_be_right(call)))
        misuse_stop(
            &(struct misuse){name, call->object, POINTER_TO_OBJECT, call->n_bytes, call->caller});
    free_slowly(name, call->object, call->freed, call->caller);
}

NEAP_API void free_sized(void *object, size_t n_bytes)
{
    static const struct sized_function function = {.name = "free_sized"};
    free_sized_for(&function, object, n_bytes, CALLER);
}

NEAP_API void free_aligned_sized(void *object, size_t alignment, size_t n_bytes)
{
    static const struct sized_function function = {.name = "free_aligned_sized"};
    free_aligned_sized_for(&function, object, alignment, n_bytes, CALLER);
}

NEAP_API void *realloc(void *object, size_t n_bytes)
{
    if (object == NULL)
        return malloc(n_bytes);
    if (n_bytes == 0) {   // as glibc does: programs rely on it
        release_or_stop("realloc", object, CALLER);
        return NULL;
    }
    void              *resized = NULL;
    enum front_pointer what = front_resize(object, n_bytes, &resized);
    if (LIKELY(what == POINTER_TO_OBJECT)) {
        answer_alarm(CALLER);
        return or_enomem(resized);
    }
    if (what != POINTER_FOREIGN || !libc_realloc(object, n_bytes, &resized))
        stop("realloc", object, what, CALLER);
    return resized;
}

NEAP_API void *reallocarray(void *object, size_t n_objects, size_t object_bytes)
{
    size_t n_bytes;
    if (__builtin_mul_overflow(n_objects, object_bytes, &n_bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(object, n_bytes);
}

NEAP_API void *aligned_alloc(size_t alignment, size_t n_bytes)
{
    if (!is_power_of_two(alignment)) {
        errno = EINVAL;
        return NULL;
    }
    return or_enomem(allocate_aligned(alignment, n_bytes));
}

// As glibc does: the next power of two will do for any other alignment.
NEAP_API void *memalign(size_t alignment, size_t n_bytes)
{
    if (alignment > SIZE_MAX / 2 + 1) {
        errno = EINVAL;
        return NULL;
    }
    return or_enomem(allocate_aligned(power_of_two_from(alignment), n_bytes));
}

NEAP_API int posix_memalign(void **out_object, size_t alignment, size_t n_bytes)
{
    if (!is_power_of_two(alignment) || alignment % sizeof(void *) != 0)
        return EINVAL;
    void *object = allocate_aligned(alignment, n_bytes);
    if (object == NULL)
        return ENOMEM;
    *out_object = object;
    return 0;
}

NEAP_API void *valloc(size_t n_bytes)
{
    return or_enomem(allocate_aligned(vm_page_bytes(), n_bytes));
}

NEAP_API void *pvalloc(size_t n_bytes)
{
    size_t page_bytes = vm_page_bytes();
    if (n_bytes > OBJECT_BYTES_MAX - page_bytes) {
        errno = ENOMEM;
        return NULL;
    }
    return valloc(align_up(n_bytes, page_bytes));
}

NEAP_API size_t malloc_usable_size(void *object)
{
    size_t n_bytes = 0;
    if (object == NULL)
        return 0;
    enum front_pointer what = front_usable_bytes(object, &n_bytes);
    if (what == POINTER_FOREIGN && libc_fallback_is_on())
        return libc_malloc_usable_size(object);
    if (what == POINTER_FREED || what == POINTER_INSIDE)
        stop("malloc_usable_size", object, what, CALLER);
    return n_bytes;   // 0 for what is not ours: it may be anybody's
}

// The same under our own names; see neap/neap.h. libc's headers tell the compiler more about its
// names than ours tell about these: that is no fault.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmissing-attributes"
#endif
#define SAME_AS(name) __attribute__((alias(#name)))
NEAP_API void *neap_malloc(size_t n_bytes) SAME_AS(malloc);
NEAP_API void *neap_calloc(size_t n_objects, size_t object_bytes) SAME_AS(calloc);
NEAP_API void *neap_realloc(void *object, size_t n_bytes) SAME_AS(realloc);
NEAP_API void *neap_reallocarray(void *object, size_t n, size_t n_bytes) SAME_AS(reallocarray);
NEAP_API void *neap_aligned_alloc(size_t alignment, size_t n_bytes) SAME_AS(aligned_alloc);
NEAP_API void *neap_memalign(size_t alignment, size_t n_bytes) SAME_AS(memalign);
NEAP_API int   neap_posix_memalign(void **out, size_t alignment, size_t n) SAME_AS(posix_memalign);
NEAP_API void  neap_free(void *object) SAME_AS(free);
NEAP_API void  neap_free_sized(void *object, size_t n_bytes) SAME_AS(free_sized);
NEAP_API void  neap_free_aligned_sized(void *object, size_t alignment, size_t n_bytes)
    SAME_AS(free_aligned_sized);
NEAP_API size_t neap_malloc_usable_size(void *object) SAME_AS(malloc_usable_size);

NEAP_API size_t neap_trim(void)
{
    return front_trim();
}

NEAP_API const char *neap_check(void)
{
    return front_check();
}
