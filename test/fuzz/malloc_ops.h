// The interpreter: carries operations out, on the allocator under test and on its model, and
// compares the two after each.
#ifndef NEAP_FUZZ_MALLOC_OPS_H
#define NEAP_FUZZ_MALLOC_OPS_H

#include "mailbox.h"
#include "op_code.h"

struct malloc_ops {
    // Set by the caller before start, then constant.
    const struct entry_points *entry;
    uint64_t                   seed;   // of what objects are filled with; of each thread its own
    bool                       has_books;     // nobody else uses the allocator: its books are ours
    bool                       may_tighten;   // the process's memory may be limited
    uint32_t                   look_ops;      // every so many operations at all objects; 0: never
    uint32_t        verify_ops;   // every so many the allocator verifies itself; 0: never
    struct mailbox *mailbox;      // NULL: nobody to send anything to

    // Set by start.
    struct object_table table;
    uint16_t            index_mask;
    size_t              budget_bytes;
    bool                is_tight;
    uint64_t            n_ops, n_books;   // done; how often the books were compared
    uint64_t            n_verified;
    uint64_t            verified_at;   // n_ops then
};

// `options` is the first byte of a sequence.
void malloc_ops_start(struct malloc_ops *ops, uint8_t options);

// All return false if the allocator and the model differ; ops->table.message says in what.
bool malloc_ops_apply(struct malloc_ops *ops, const uint8_t bytes[OP_BYTES]);
bool malloc_ops_verify(struct malloc_ops *ops);
// Looks at everything, frees it, looks at the books, and verifies if that is done at all.
bool malloc_ops_end(struct malloc_ops *ops);

// A whole sequence: start, all operations, end.
bool malloc_ops_run(struct malloc_ops *ops, const uint8_t *bytes, size_t n_bytes);

// Prints the operation as the interpreter understands it.
void malloc_ops_print(FILE *out, const struct malloc_ops *ops, const uint8_t bytes[OP_BYTES]);

#endif
