// Operations on a page heap as data: made from a seed, recorded, replayed, printed.
//
// An operation that does not apply (freeing an empty slot) does nothing, so that any part of a
// sequence is a sequence too.
#ifndef NEAP_TEST_HEAP_OP_H
#define NEAP_TEST_HEAP_OP_H

#include "random.h"

#include <stdio.h>

struct model_config;

enum heap_op_kind {
    OP_ALLOC,   // slot, pages, detail: log2 of the alignment
    OP_ALLOC_MANUAL,
    OP_FREE,       // slot
    OP_RESIZE,     // slot, pages; detail: so many more
    OP_STEP,       // pages
    OP_SCAVENGE,   // pages
    OP_TRIM,
    OP_FLUSH,
    OP_REFUSE,         // pages: the n-th call from now; detail: and all after it
    OP_REFUSE_UNUSE,   // detail: on or off
    OP_LIMIT,          // pages: so much more address space, 0: no limit
    OP_OCCUPY,         // the place where the next arena would go
    OP_PLACE,          // pages: so far above its place lies the kernel's next choice
};

struct heap_op {
    uint8_t  kind;    // enum heap_op_kind
    uint8_t  cache;   // who asks: the thread of this cache
    uint8_t  slot;
    uint8_t  detail;
    uint32_t pages;
};

// The next operation of a sequence.
struct heap_op heap_op_random(struct random_source *random, const struct model_config *config);

void heap_op_print(FILE *file, const struct heap_op *op);

#endif
