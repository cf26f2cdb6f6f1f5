// Stopping a program that gives us a pointer we cannot have given it, or one with a wrong size.
#ifndef NEAP_API_MISUSE_H
#define NEAP_API_MISUSE_H

#include "front/front.h"

struct misuse {
    const char        *function;   // that was called with it
    const void        *pointer;
    enum front_pointer what;      // POINTER_TO_OBJECT: the size is wrong
    size_t             n_bytes;   // that was given then
    const void        *caller;    // where the program's call returns to
};

// Writes one line and aborts: "neap: FUNCTION(POINTER): what is wrong; the slot or object it lies
// in; thread; caller". Allocates nothing, takes no lock, and needs less than 2 KiB of stack.
NORETURN void misuse_stop(const struct misuse *misuse);

#endif
