/* neap/neap.h: malloc's family under names of neap's own.
 *
 * libneap also offers these functions under libc's names; a program that is linked with it or
 * runs with it preloaded needs nothing from here. The names below are for programs that want
 * neap beside another malloc and say so at each call. An object may be freed under either name.
 *
 * Thread safety: every function may be called by any thread. Not from a signal handler that
 * may have interrupted one of them.
 * Errors: NULL with errno ENOMEM when there is no memory or the size is beyond PTRDIFF_MAX, EINVAL
 * for an alignment that is no power of two. Freeing keeps errno. A pointer that is not the start
 * of an object, or of one freed already, stops the program with one line on stderr.
 * Units: bytes. */
#ifndef NEAP_NEAP_H
#define NEAP_NEAP_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An object of at least `size` bytes, aligned to 16. Of size 0: unique, and to be freed. */
void *neap_malloc(size_t size);

/* Room for `count` objects of `size` bytes, all zero. ENOMEM also if the product overflows. */
void *neap_calloc(size_t count, size_t size);

/* Changes the size of an object, moving it if need be; what fits of its contents is kept. NULL:
 * the object is as before. `object` may be NULL (neap_malloc); a size of 0 frees it, NULL. */
void *neap_realloc(void *object, size_t size);
void *neap_reallocarray(void *object, size_t count, size_t size);

/* An object at a multiple of `alignment`, a power of two. */
void *neap_aligned_alloc(size_t alignment, size_t size);
void *neap_memalign(size_t alignment, size_t size);

/* Returns 0, or ENOMEM, or EINVAL (a power of two, at least sizeof(void *)), with *out_object as
 * it was and errno untouched. */
int neap_posix_memalign(void **out_object, size_t alignment, size_t size);

/* `object` may be NULL. The sizes given to the latter two are not relied on. */
void neap_free(void *object);
void neap_free_sized(void *object, size_t size);
void neap_free_aligned_sized(void *object, size_t alignment, size_t size);

/* How much of the object may be used: at least what was asked for. 0 for NULL. */
size_t neap_malloc_usable_size(void *object);

/* Gives everything idle back to the kernel, at once. Returns bytes given back. */
size_t neap_trim(void);

#ifdef __cplusplus
}
#endif

#endif
