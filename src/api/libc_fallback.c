// Internal names are weak references; public ones are asked for in libc alone, because the next
// library behind us may be another allocator.
#include "api/libc_fallback.h"

#include "base/atomic.h"
#include "front/front.h"

#include <dlfcn.h>
#include <gnu/lib-names.h>

// Absent from other libcs than glibc, and from static programs, where ours is the only malloc.
extern void *__libc_malloc(size_t n_bytes) __attribute__((weak));
extern void *__libc_calloc(size_t n_objects, size_t object_bytes) __attribute__((weak));
extern void *__libc_memalign(size_t alignment, size_t n_bytes) __attribute__((weak));
extern void *__libc_realloc(void *object, size_t n_bytes) __attribute__((weak));
extern void  __libc_free(void *object) __attribute__((weak));
#pragma weak dlsym   // a strong reference would draw the loader into static programs

bool libc_fallback_is_on(void)
{
    return UNLIKELY(front_is_disabled()) && __libc_malloc != NULL;
}

void *libc_malloc(size_t n_bytes)
{
    return __libc_malloc(n_bytes);
}

void *libc_calloc(size_t n_objects, size_t object_bytes)
{
    return __libc_calloc(n_objects, object_bytes);
}

void *libc_memalign(size_t alignment, size_t n_bytes)
{
    return __libc_memalign(alignment, n_bytes);
}

bool libc_free(void *object)
{
    if (__libc_free == NULL)
        return false;
    __libc_free(object);
    return true;
}

bool libc_realloc(void *object, size_t n_bytes, void **out_object)
{
    if (__libc_realloc == NULL)
        return false;
    *out_object = __libc_realloc(object, n_bytes);
    return true;
}

// The loader's handle of libc, or NULL. dlopen too is asked for by name: a reference to it, even a
// weak one, makes the linker of static programs warn.
static void *libc_handle(void)
{
    void *(*open_library)(const char *, int) =
        (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");
    return open_library != NULL ? open_library(LIBC_SO, RTLD_LAZY | RTLD_NOLOAD) : NULL;
}

// A function of libc by its public name, or NULL. Looks it up the first time.
static void *libc_function(ATOMIC(void *) *known, const char *name)
{
    void *function = load_relaxed(known);   // hint: whoever misses it asks again
    if (function != NULL || dlsym == NULL)
        return function;
    void *libc = libc_handle();
    function = libc != NULL ? dlsym(libc, name) : NULL;
    store_relaxed(known, function);   // hint
    return function;
}

// Defines libc_NAME, which calls libc's NAME, or returns `otherwise`.
#define FORWARD(type, name, parameters, arguments, otherwise)                                      \
    type libc_##name parameters                                                                    \
    {                                                                                              \
        static ATOMIC(void *) known;                                                               \
        type(*function) parameters = (type(*) parameters)libc_function(&known, #name);             \
        if (function == NULL)                                                                      \
            return otherwise;                                                                      \
        return function arguments;                                                                 \
    }

FORWARD(size_t, malloc_usable_size, (void *object), (object), 0)
FORWARD(int, malloc_trim, (size_t keep_bytes), (keep_bytes), 0)
FORWARD(struct mallinfo2, mallinfo2, (void), (), (struct mallinfo2){0})
FORWARD(int, malloc_info, (int options, FILE *out), (options, out), 0)
FORWARD(int, mallopt, (int parameter, int value), (parameter, value), 0)

void libc_malloc_stats(void)
{
    static ATOMIC(void *) known;
    void (*function)(void) = (void (*)(void))libc_function(&known, "malloc_stats");
    if (function != NULL)
        function();
}
