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
    unsigned          size_class;   // of the span; 0: one large object
    void             *span_start;
    size_t            span_bytes;
    struct neap_heap *heap;   // first-class; NULL: none
};

// Any value may be asked about. Takes a lock, unless the thread holds one.
void place_describe(const void *address, struct place *out_place);

// The same for memory in a span; false: it is in none. Takes no lock. Of a span that others free at
// the same moment it may say anything.
bool place_describe_in_span(const void *address, struct place *out_place);

// Visits all live objects, or those of one first-class heap, until `visit` says false. The heap
// stands still meanwhile. Returns whether all were visited.
bool places_walk(struct neap_heap *heap, bool (*visit)(void *context, const struct place *place),
                 void             *context);

#endif
