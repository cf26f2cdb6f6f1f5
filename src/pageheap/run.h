// A run: consecutive pages handed out by a page heap, and the record that describes them.
#ifndef NEAP_PAGEHEAP_RUN_H
#define NEAP_PAGEHEAP_RUN_H

#include "base/units.h"

#include <stdbool.h>
#include <stddef.h>

enum run_kind {
    RUN_FREE,     // the record describes nothing: not handed out, or not any more
    RUN_IN_USE,   // memory of the heap's users
    RUN_MANUAL,   // memory the owner of the heap uses for himself, in a book of its own
};

// In which of the kernel's mappings the first `mapping_pages` of a run lie.
enum run_mapping {
    MAPPING_SHARED,   // the one that all pages lie in, as far as the kernel can make it one
    MAPPING_OWN,      // one of their own: they were moved here
    MAPPING_FRESH,    // the shared one again, and prepared: they were moved away
    MAPPING_LOST,     // somebody else's: nothing in the run may be touched any more
};

// Records lie outside the memory they describe and are never unmapped. An owner who wants room
// for his own fields makes this the first member of a larger struct and says so in the
// page_heap_config; those fields are zero when the run is handed out.
struct run {
    page_id  first;
    size_t   n_pages;
    uint8_t  kind;            // enum run_kind
    bool     zero_known;      // when handed out, every byte of it was zero
    uint8_t  mapping;         // enum run_mapping
    uint32_t mapping_pages;   // whole OS pages; at most n_pages
};

static inline void *run_start(const struct run *run)
{
    return (void *)page_address(run->first);
}

static inline size_t run_bytes(const struct run *run)
{
    return pages_to_bytes(run->n_pages);
}

#endif
