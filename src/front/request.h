// What others ask of this process, by writing into its memory: to give memory back, or to change a
// limit. Nobody but our own thread answers, as it may take a while; it is started for it by who
// comes by, where that is allowed.
//
// Who asks writes the argument first, then the kind, and finds the kind cleared and one more
// answered when it is done. There is room for one request.
#ifndef NEAP_FRONT_REQUEST_H
#define NEAP_FRONT_REQUEST_H

#include "base/atomic.h"

#include <stddef.h>
#include <stdint.h>

struct heap;

enum request_kind {
    REQUEST_NONE,
    REQUEST_TRIM,
    REQUEST_SOFT_LIMIT,   // argument: bytes, CONFIG_OFF or CONFIG_AUTO
    REQUEST_HARD_LIMIT,   // argument: bytes or CONFIG_OFF
};

struct request {
    ATOMIC(uint8_t)  kind;   // one byte, so that it is written whole
    uint64_t         argument;
    ATOMIC(uint64_t) n_answered;
    uint64_t         result;   // of the last one: bytes given back; of a limit 1, or 0: refused
};

// By our own thread, with no lock held: answers what is asked, if anything is.
void request_answer(struct heap *heap);

// By others: has the thread look, if anything is asked.
void request_pass_on(struct heap *heap);

// The child of a fork has not been asked.
void request_fork_child(struct request *request);

#endif
