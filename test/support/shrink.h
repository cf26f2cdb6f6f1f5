// Making a failing sequence of operations short: delta debugging.
#ifndef NEAP_TEST_SHRINK_H
#define NEAP_TEST_SHRINK_H

#include <stdbool.h>
#include <stddef.h>

struct shrinking {
    // Set by the caller.
    void  *ops;   // changed in place
    size_t n_ops, op_bytes;
    bool (*fails)(void *context, const void *ops, size_t n_ops);   // does the sequence still fail?
    // Tries plainer operations in the place of the i-th, by shrink_replace(). May be NULL.
    void (*make_plainer)(struct shrinking *s, size_t i);
    void  *context;
    size_t n_trials_left;

    void *trial;   // the sequence being tried
};

// Drops operations, and makes those that stay plainer, as long as the sequence still fails and
// there are trials left. Requires: it fails.
void shrink_sequence(struct shrinking *s);

// Puts another operation in the place of the i-th, if it is another and the sequence still fails.
bool shrink_replace(struct shrinking *s, size_t i, const void *op);

#endif
