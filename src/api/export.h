// What leaves the library: everything else is hidden.
#ifndef NEAP_API_EXPORT_H
#define NEAP_API_EXPORT_H

#include <stddef.h>

#define NEAP_API __attribute__((visibility("default")))

// Declared here, not taken from libc's headers: those differ between libcs and versions.
void  *malloc(size_t n_bytes);
void  *calloc(size_t n_objects, size_t object_bytes);
void   free(void *object);
void   cfree(void *object);
void   free_sized(void *object, size_t n_bytes);
void   free_aligned_sized(void *object, size_t alignment, size_t n_bytes);
void  *realloc(void *object, size_t n_bytes);
void  *reallocarray(void *object, size_t n_objects, size_t object_bytes);
void  *aligned_alloc(size_t alignment, size_t n_bytes);
void  *memalign(size_t alignment, size_t n_bytes);
int    posix_memalign(void **out_object, size_t alignment, size_t n_bytes);
void  *valloc(size_t n_bytes);
void  *pvalloc(size_t n_bytes);
size_t malloc_usable_size(void *object);

#endif
