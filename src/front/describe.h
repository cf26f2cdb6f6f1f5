// What lies at an address, and every object there is.
#ifndef NEAP_FRONT_DESCRIBE_H
#define NEAP_FRONT_DESCRIBE_H

#include <stdbool.h>
#include <stddef.h>

struct neap_heap;

enum place_state { PLACE_FOREIGN, PLACE_LIVE, PLACE_FREE };

struct place {
    enum place_state  state;
    void             *start;   // of the object or free slot; NULL where there is neither
    size_t            n_bytes;
    void             *span_start;
    size_t            span_bytes;
    struct neap_heap *heap;   // first-class; NULL: none
};

// Any value may be asked about. Takes a lock, unless the thread holds one.
void place_describe(const void *address, struct place *out_place);

// Visits all live objects, or those of one first-class heap, until `visit` says false. The heap
// stands still meanwhile. Returns whether all were visited.
bool places_walk(struct neap_heap *heap, bool (*visit)(void *context, const struct place *place),
                 void             *context);

#endif
