// What an operation may do: one row for every function under test and every way to look at it.
#ifndef NEAP_FUZZ_ACTIONS_H
#define NEAP_FUZZ_ACTIONS_H

#include "entry_points.h"
#include "objects.h"

#include <string.h>

// What goes into a call and what comes out of it.
struct call {
    size_t n_bytes, alignment;
    size_t n_objects, object_bytes;   // their product is n_bytes, unless it overflows
    void  *object;                    // to be resized or freed
    void  *result;
    int    error;       // of those that return one
    bool   is_thrown;   // out of operator new
};

enum action_kind {
    ACTION_LOOK,   // at one object; also what operations do that cannot do what they say
    ACTION_ALLOCATE,
    ACTION_RESIZE,
    ACTION_RELEASE,
    ACTION_USABLE_SIZE,
    ACTION_TRIM,
    ACTION_MALLINFO,
    ACTION_MALLOPT,
    ACTION_LOOK_AT_ALL,
    ACTION_VERIFY,
    ACTION_TIGHTEN,   // the kernel gives no more memory but a little
    ACTION_RELAX,
    ACTION_SEND,   // to another thread
    ACTION_RECEIVE,
};

enum {
    TAKES_COUNT = 1 << 0,       // n_objects * object_bytes
    TAKES_ALIGNMENT = 1 << 1,   // of any value, legal or not
    IS_CXX = 1 << 2,            // an illegal alignment may not be passed
    IS_POSIX = 1 << 3,          // posix_memalign's manners
    IS_ZEROED = 1 << 4,
    IS_ON_PAGE = 1 << 5,      // aligned to OS pages
    IS_ROUNDED_UP = 1 << 6,   // to whole OS pages
    MAY_THROW = 1 << 7,
    ROUNDS_ALIGNMENT = 1 << 8,   // up to a power of two
};

struct action {
    const char *name;
    size_t      entry_offset;   // of the function in struct entry_points; of malloc if it has none
    void (*call)(const struct entry_points *entry, struct call *call);
    enum action_kind kind;
    unsigned         traits;
    enum origin      origin;    // of what it allocates
    unsigned         origins;   // bits: of what it may resize or free
};

#define ACTIONS ((size_t)64)

// Rows keep their number for ever, since inputs in files mean them. Numbers not in use are
// ACTION_LOOK.
extern const struct action actions[ACTIONS];

// Does the allocator under test have the function?
static inline bool action_is_there(const struct action *action, const struct entry_points *entry)
{
    void (*function)(void);
    memcpy(&function, (const char *)entry + action->entry_offset, sizeof function);
    return function != NULL;
}

// The number of the function that takes back what came from `origin`, and of some others.
size_t action_to_release(enum origin origin);
size_t action_numbered(const char *name);

#endif
