// Whom the program wants to be told that memory becomes short, and telling them.
//
// Whoever notices writes down what is to be told, whatever locks he holds. It is told later, with
// none: by our own thread or, where there is none, by who comes by (background.h). One is told at a
// time, never within himself; what is noticed meanwhile is told afterwards.
#ifndef NEAP_FRONT_CALLBACKS_H
#define NEAP_FRONT_CALLBACKS_H

#include "base/atomic.h"
#include "os/lock.h"

#include <stdbool.h>
#include <stddef.h>

#define CALLBACKS_MAX 8   // a program has one, and so may a few of its libraries

enum news_kind { NEWS_OF_LIMIT, NEWS_OF_SYSTEM, NEWS_KINDS };

struct news {
    unsigned level_pct;       // of the limit, that has been passed; of the system: 0
    size_t   counted_bytes;   // when it was noticed
    size_t   limit_bytes;     // or LIMIT_NONE
};

struct callback {
    // Calls `function`, whose type only the public API knows.
    void (*tell)(const struct callback *callback, const struct news *news);
    void (*function)(void);
    void *context;
};

struct callbacks {
    struct lock lock;   // rank CALLBACKS; around fork
    // Guarded by lock.
    struct callback entries[CALLBACKS_MAX];   // `function` of NULL: none
    struct news     news[NEWS_KINDS];
    bool            is_new[NEWS_KINDS];   // not told yet
    size_t          told;                 // the entry that is being told; CALLBACKS_MAX: none
    size_t          n_told;               // so often

    ATOMIC(unsigned) n;        // counter: of entries that are not empty
    ATOMIC(bool)     is_due;   // hint: something is new
    ATOMIC(uint32_t) is_telling;
};

void callbacks_init(struct callbacks *callbacks);
// In the child of a fork, if the parent held the lock.
void callbacks_fork_child(struct callbacks *callbacks);

// False: there is no room for one more.
NODISCARD bool callbacks_add(struct callbacks *callbacks, const struct callback *callback);

// When it returns, the callback with that function and context is not at work and will not be
// called, unless it is the caller itself. False: there is none.
NODISCARD bool callbacks_remove(struct callbacks *callbacks, void (*function)(void), void *context);

static inline bool callbacks_exist(struct callbacks *callbacks)
{
    return load_relaxed(&callbacks->n) > 0;   // counter
}

static inline bool callbacks_are_due(struct callbacks *callbacks)
{
    return load_relaxed(&callbacks->is_due);   // hint
}

// Writes down what is to be told. Takes the lock.
void callbacks_note(struct callbacks *callbacks, enum news_kind kind, const struct news *news);

// Tells all what is due. Does nothing if somebody is at it. Requires: the caller holds no lock.
void callbacks_tell(struct callbacks *callbacks);

#endif
