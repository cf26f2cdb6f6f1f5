// Making a failing sequence of operations short: delta debugging.
#ifndef NEAP_TEST_SHRINK_H
#define NEAP_TEST_SHRINK_H

#include "heap_op.h"

// Does the sequence still fail?
typedef bool (*sequence_fails)(void *context, const struct heap_op *ops, size_t n_ops);

// Drops operations, and makes those that stay plainer, as long as the sequence still fails and
// `n_trials_max` allows. Changes `ops`. Returns how many are left. Requires: it fails.
size_t shrink_sequence(struct heap_op *ops, size_t n_ops, sequence_fails fails, void *context,
                       size_t n_trials_max);

#endif
