// An array of states and a hash table of their indices.
#include "state_table.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 1024

const void *state_table_at(const struct state_table *table, size_t index)
{
    return table->states + index * table->state_bytes;
}

static size_t slot_of(const struct state_table *table, const unsigned char *state)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);   // FNV-1a
    for (size_t i = 0; i < table->state_bytes; i++)
        hash = (hash ^ state[i]) * UINT64_C(0x100000001B3);
    size_t at = (hash ^ hash >> 32) % table->n_slots;
    while (table->slots[at] != 0 &&
           memcmp(state_table_at(table, table->slots[at] - 1), state, table->state_bytes) != 0)
        at = (at + 1) % table->n_slots;
    return at;
}

static void resize(struct state_table *table, size_t capacity)
{
    table->capacity = capacity;
    table->states = realloc(table->states, capacity * table->state_bytes);
    free(table->slots);
    table->n_slots = capacity * 2;
    table->slots = calloc(table->n_slots, sizeof *table->slots);
    if (table->states == NULL || table->slots == NULL)
        abort();
    for (size_t i = 0; i < table->n_states; i++)
        table->slots[slot_of(table, state_table_at(table, i))] = (uint32_t)i + 1;
}

void state_table_init(struct state_table *table, size_t state_bytes)
{
    *table = (struct state_table){.state_bytes = state_bytes};
    resize(table, CAPACITY_FIRST);
}

void state_table_destroy(struct state_table *table)
{
    free(table->states);
    free(table->slots);
}

bool state_table_add(struct state_table *table, const void *state)
{
    size_t at = slot_of(table, state);
    if (table->slots[at] != 0)
        return false;
    if (table->n_states == table->capacity) {
        resize(table, table->capacity * 2);
        at = slot_of(table, state);
    }
    memcpy(table->states + table->n_states * table->state_bytes, state, table->state_bytes);
    table->slots[at] = (uint32_t)++table->n_states;
    return true;
}
