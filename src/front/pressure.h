// Follows what the system says about its memory, for our own thread (background.h): when it is
// short, nothing idle is kept for a while.
#ifndef NEAP_FRONT_PRESSURE_H
#define NEAP_FRONT_PRESSURE_H

#include "os/memory_pressure.h"

struct heap;

#define PRESSURE_LASTS_NS UINT64_C(10000000000)   // after it was last said

// Memory of zeros is one that has not begun.
struct pressure {
    bool                   has_begun;   // the rest is made when it is first asked
    struct memory_pressure source;
    uint64_t               asked_at_ns;
    uint64_t               until_ns;   // memory counts as short
};

// When the heap is made: keeps what the environment says.
void pressure_init(void);

// Is memory short? Has the callbacks told when it becomes so.
bool pressure_follow(struct pressure *pressure, struct heap *heap, uint64_t now_ns);

// Does anybody say whether it is?
static inline bool pressure_is_followed(const struct pressure *pressure)
{
    return pressure->has_begun && pressure->source.source != PRESSURE_SOURCE_NONE;
}

// Our own thread ends; pressure_follow begins anew.
void pressure_end(struct pressure *pressure);

#endif
