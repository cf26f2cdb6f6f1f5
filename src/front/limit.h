// The soft and the hard limit: near the first more goes back, beyond the second nothing is granted.
//
// The page heap counts, refuses what is beyond the hard limit, and rings when it has grown to where
// the limits have to be thought of (page_heap_set_watch). Then whoever grew looks, once he holds no
// lock: what the system allows may have changed, and above the soft limit he gives back as much as
// is above it. What he has taken since the last time he gives back at no one's account, which costs
// less than the taking; the rest is paced, to half of one CPU.
#ifndef NEAP_FRONT_LIMIT_H
#define NEAP_FRONT_LIMIT_H

#include "base/atomic.h"
#include "base/compiler.h"
#include "front/callbacks.h"
#include "front/limit_policy.h"
#include "front/pacer.h"
#include "os/lock.h"

struct heap;

enum limit_kind { LIMIT_SOFT, LIMIT_HARD, LIMIT_KINDS };

// What tells whether anything has been freed: frees so far, and how much large objects hold, which
// may become shorter.
struct limit_frees {
    size_t n_freed, large_bytes;
};

struct limits {
    struct lock lock;   // rank LIMITS: who gives back because of a limit; around fork
    // Guarded by lock.
    size_t       settings[LIMIT_KINDS];     // bytes, CONFIG_OFF, CONFIG_AUTO, a share
    size_t       bytes[LIMIT_KINDS];        // what that is at present; LIMIT_NONE
    size_t       told_bytes[LIMIT_KINDS];   // the same; LIMIT_NONE also until it is known
    bool         has_looked;
    uint64_t     looked_at_ns;   // into the system's files
    bool         has_begun;      // the rest is made when something first goes back
    struct pacer pacer;
    size_t       settled_bytes;   // counted when something was last given back
    // Not before are caches emptied once more: one of both.
    uint64_t deep_at_ns;
    size_t   deep_at_bytes;   // counted
    uint64_t deep_wait_ns;    // longer after each time that it was of little use
    unsigned level_pct;       // noted for callbacks; see limit_level_pct
    // Everything idle had gone back when only so much had been freed, and it did not suffice.
    bool               is_exhausted;
    struct limit_frees exhausted_at;
    // Constant after init.
    ATOMIC(bool) is_hard;   // hint: there is, or was, a hard limit
};

// When the heap is made; reads nothing.
void limits_init(struct limits *limits, struct heap *heap);

// The heap has passed its watch. Does nothing if somebody is at it or the calling thread holds a
// lock. Requires: the caller is inside no cache.
void limits_answer_watch(struct heap *heap);

// Is there a hard limit, or was there one?
static inline bool limits_have_hard(struct limits *limits)
{
    return load_relaxed(&limits->is_hard);   // hint
}

// The page heap has refused `n_bytes` for the `n_times`-th time in a row. True: it is worth another
// attempt; idle memory has been given back, wherever it was. Where that was in vain, and nothing
// has been freed since, it is not done again. Requires: limits_have_hard.
NODISCARD bool limits_make_room(struct heap *heap, size_t n_bytes, unsigned n_times);

// By our own thread in each round, and by others who gave memory back: what the system allows, and
// idle runs shortly before the limit.
void limits_look_again(struct heap *heap);

// Sets a limit: bytes, CONFIG_OFF, or of LIMIT_SOFT CONFIG_AUTO. What is above goes back now.
void limit_set(enum limit_kind kind, size_t setting);

// The limit at present, in bytes, or LIMIT_NONE.
size_t limit_read(enum limit_kind kind);

// A new callback for news of limits. False: there is no room for one more.
NODISCARD bool limit_add_callback(const struct callback *callback);

// As callbacks_remove.
NODISCARD bool limit_remove_callback(void (*function)(void), void *context);

// What is counted at present.
size_t limit_counted_bytes(void);

#endif
