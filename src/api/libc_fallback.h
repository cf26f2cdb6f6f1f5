// libc's own allocator, which libneap's names stand in front of.
//
// Used for NEAP_DISABLE, and always for objects that are not neap's: libc gives some out before
// libneap is loaded. glibc has the four main functions under internal names too; the others are
// looked up in libc when first asked for. Any thread; errno as libc leaves it.
#ifndef NEAP_API_LIBC_FALLBACK_H
#define NEAP_API_LIBC_FALLBACK_H

#include "base/compiler.h"

#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

// Does every request go to libc? Constant; cheap, but meant for slow paths. Needs NEAP_DISABLE=1
// and a libc with the internal names. Frees need not ask: libc's objects are foreign anyway.
bool libc_fallback_is_on(void);

// Requires, of the next three: libc_fallback_is_on().
NODISCARD void *libc_malloc(size_t n_bytes);
NODISCARD void *libc_calloc(size_t n_objects, size_t object_bytes);
NODISCARD void *libc_memalign(size_t alignment, size_t n_bytes);

// False: this libc has no such function to be found, and the object is as before.
NODISCARD bool libc_free(void *object);
NODISCARD bool libc_realloc(void *object, size_t n_bytes, void **out_object);

// The following are 0, or do nothing, where libc's function cannot be found (in a static program).
size_t           libc_malloc_usable_size(void *object);
int              libc_malloc_trim(size_t keep_bytes);
struct mallinfo2 libc_mallinfo2(void);
int              libc_malloc_info(int options, FILE *out);
void             libc_malloc_stats(void);
int              libc_mallopt(int parameter, int value);

#endif
