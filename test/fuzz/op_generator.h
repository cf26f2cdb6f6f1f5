// Makes operations at random, knowing the model: frees what is alive, in phases of growing,
// shrinking, coming and going, with sizes of changing kinds and functions of changing families.
#ifndef NEAP_FUZZ_OP_GENERATOR_H
#define NEAP_FUZZ_OP_GENERATOR_H

#include "malloc_ops.h"
#include "random.h"

struct op_generator {
    struct random_source random;
    bool                 has_mailbox;   // send and receive too

    // The phase under way.
    size_t                        ops_left;
    const struct op_phase        *phase;
    const struct op_size_profile *sizes;
    enum op_family { FAMILY_C, FAMILY_NEAP, FAMILY_CXX, FAMILY_ANY } family;
    size_t n_indices;        // objects that come and go
    size_t tight_ops_left;   // until memory is to be had again
};

void op_generator_start(struct op_generator *generator, uint64_t seed, bool has_mailbox);

// The first byte of a sequence.
uint8_t op_generator_options(struct op_generator *generator);

// The next operation on what `ops` has now.
void op_generator_next(struct op_generator *generator, const struct malloc_ops *ops,
                       uint8_t out_bytes[OP_BYTES]);

#endif
