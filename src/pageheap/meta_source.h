// Memory for the page heap's own books, apart from the memory it hands out.
//
// Taken from the kernel in reservations of their own with an inaccessible OS page at both ends,
// so that nothing written past an object reaches them. Cut from the front, prepared in steps,
// never given back while the heap lives: whoever finds an old pointer to a record may still read
// it. Small records of one size are recycled by a meta_pool.
//
// No lock of its own: the page heap's lock guards it.
#ifndef NEAP_PAGEHEAP_META_SOURCE_H
#define NEAP_PAGEHEAP_META_SOURCE_H

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

// Stands at the start of what it describes.
struct meta_reservation {
    struct meta_reservation *older;
    uintptr_t                start;   // with the guards
    size_t                   n_bytes;
};

struct meta_source {
    uintptr_t next;           // where the next piece is cut
    uintptr_t prepared_end;   // of the present reservation: readable and writable up to here
    uintptr_t reserved_end;   // without the guard behind it
    struct meta_reservation *newest;         // all reservations, newest first
    size_t                   mapped_bytes;   // prepared so far
};

// A piece of `n_bytes`, zero, aligned to a cache line. NULL: the OS has no more.
NODISCARD void *meta_alloc(struct meta_source *source, size_t n_bytes);

// Gives every reservation back; best effort, the kernel may refuse some.
void meta_release_all(struct meta_source *source);

// Records of one size.
struct meta_pool {
    size_t    record_bytes;   // constant; a multiple of 16
    void     *free_records;   // linked through their first word
    uintptr_t batch_next, batch_end;
    size_t    n_handed_out;
};

void meta_pool_init(struct meta_pool *pool, size_t record_bytes);

// A record of undefined contents. NULL: the OS has no more.
NODISCARD void *meta_pool_take(struct meta_pool *pool, struct meta_source *source);

void meta_pool_give(struct meta_pool *pool, void *record);

#endif
