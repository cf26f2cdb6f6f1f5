// What malloc means: requests become slots or runs, pointers become objects again.
//
// One heap for the process, made at the first request. Nothing here sets errno or prints; the
// names and manners of libc are api's. All functions may be called by any thread.
#ifndef NEAP_FRONT_FRONT_H
#define NEAP_FRONT_FRONT_H

#include "base/compiler.h"
#include "pageheap/page_account.h"

#define OBJECT_ALIGN ((size_t)16)                // of every object, tiny ones too
#define OBJECT_BYTES_MAX ((size_t)PTRDIFF_MAX)   // sizes beyond are never granted

// An object of at least `n_bytes`, aligned to OBJECT_ALIGN. NULL: no memory, or too large.
NODISCARD void *front_allocate(size_t n_bytes);

// The same, all bytes zero.
NODISCARD void *front_allocate_zeroed(size_t n_bytes);

// The same, at a multiple of `alignment`. Requires: a power of two.
NODISCARD void *front_allocate_aligned(size_t alignment, size_t n_bytes);

enum front_pointer {
    POINTER_TO_OBJECT,   // the start of an object of ours that is handed out
    POINTER_FOREIGN,     // not in memory of ours
    POINTER_FREED,       // in memory of ours that is free: freed already, or never an object
    POINTER_INSIDE,      // in memory of ours, but not where an object starts
};

// Takes an object back; does nothing unless the answer is POINTER_TO_OBJECT.
NODISCARD enum front_pointer front_release(void *object);

// Makes an object at least `n_bytes` long, in place or elsewhere, with its contents kept.
// *out_object: where it is now; NULL: no memory, and the object is as before.
NODISCARD enum front_pointer front_resize(void *object, size_t n_bytes, void **out_object);

// How many bytes the owner of an object may use.
NODISCARD enum front_pointer front_usable_bytes(const void *object, size_t *out_n_bytes);

// Has the user asked that nothing be allocated here (NEAP_DISABLE)? Constant; api heeds it.
bool front_is_disabled(void);

// Gives back everything idle. Returns how much, in bytes.
size_t front_trim(void);

struct slots_account {
    size_t n_allocated, n_freed;     // since the heap began
    size_t used_slots, used_bytes;   // in slots handed out
    size_t free_bytes;               // in spans, but not in slots handed out, nor released
    size_t released_bytes;           // OS pages inside of spans that hold no memory
    size_t scavenged_bytes;          // of such pages, since the heap began
};

// The books of pages are read at one instant, those of objects one after the other: they are exact
// when nobody allocates meanwhile.
struct front_account {
    struct page_account  pages;
    struct slots_account slots;
    size_t               n_large_allocated, large_objects, large_bytes;
};
void front_account_read(struct front_account *out_account);

// Perhaps much is idle (fast.h says when). `caller`: where the program's call
// of a function of malloc's family returns to. May start a thread, and so allocate.
void front_answer_alarm(const void *caller);

// The process exits, by exit or from main: what it kept for after its death is of no use.
void front_end(void);

// From here on threads may have caches of their own. Once, when libc has been initialised.
void front_enable_caches(void);

// Returns NULL, or the invariant found broken ("P2 ..."). Requires: no thread that has no cache
// is freeing at this moment.
const char *front_verify(void);

// Around fork: all locks are taken before, let go in the parent, made anew in the child.
void front_fork_prepare(void);
void front_fork_parent(void);
void front_fork_child(void);

#endif
