// States found in a search, in the order found, each once. A state is a few plain bytes.
#ifndef NEAP_TEST_STATE_TABLE_H
#define NEAP_TEST_STATE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state_table {
    size_t         state_bytes;
    unsigned char *states;
    size_t         n_states, capacity;
    uint32_t      *slots;   // hash table of indices + 1
    size_t         n_slots;
};

// Requires: states have no padding.
void state_table_init(struct state_table *table, size_t state_bytes);
void state_table_destroy(struct state_table *table);

// Adds a state. Returns whether it is new.
bool state_table_add(struct state_table *table, const void *state);

// Valid until the next state is added. Requires: index < n_states.
const void *state_table_at(const struct state_table *table, size_t index);

#endif
