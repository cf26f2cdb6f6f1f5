// Stopping a program that gives us a pointer we cannot have given it.
#ifndef NEAP_API_MISUSE_H
#define NEAP_API_MISUSE_H

#include "front/front.h"

// Writes one line, "neap: FUNCTION(POINTER): what is wrong", and aborts. Requires: `what` is not
// POINTER_TO_OBJECT. Allocates nothing, takes no lock.
NORETURN void misuse_stop(const char *function, const void *pointer, enum front_pointer what);

#endif
