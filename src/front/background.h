// The thread that gives memory back while the program works or sleeps.
//
// There is none until the page heap's alarm says that much is idle, and none any more when nothing
// is left to give back. While memory waits that would go back if the system were short of it, the
// thread stays and looks now and then whether it is. Where none can be had, those who come by when
// the alarm is set do a little of its work.
#ifndef NEAP_FRONT_BACKGROUND_H
#define NEAP_FRONT_BACKGROUND_H

#include "base/atomic.h"
#include "front/give_back.h"
#include "front/pressure.h"

struct span_inbox;

enum background_state {
    BACKGROUND_NONE,      // and one may be started
    BACKGROUND_RUNNING,   // or being started
    BACKGROUND_NEVER,     // not wanted, or not to be had
};

struct background {
    ATOMIC(uint32_t) state;     // enum background_state
    ATOMIC(uint32_t) is_busy;   // somebody makes a round
    long             process;   // id of the process whose thread it is; constant but for forks
    ATOMIC(uint64_t) next_guest_round_ns;
    struct give_back give_back;   // of who is busy
    ATOMIC(bool)     is_parked;   // hint: the thread rests until the alarm is raised
    struct pressure  pressure;    // the thread's
};

// When the heap is made, and once more in the child of a fork.
void background_init(struct background *background, struct heap *heap);
void background_fork_child(struct background *background, struct heap *heap);

// Perhaps the alarm is set, or much is in free slots. `caller`: the address that the program's call
// of malloc or free returns to. May start a thread, and so allocate. Does nothing if the calling
// thread holds a lock.
void background_answer_alarm(struct background *background, struct heap *heap, const void *caller);

// The heap has grown for a request of `n_bytes`, perhaps, and not been paid for in full. Does
// nothing if somebody gives back already or the calling thread holds a lock.
void background_answer_growth(struct background *background, struct heap *heap, size_t n_bytes);

// The inbox of a cache has grown crowded. Returns whether the thread is there and will look at it
// within a round; else the caller does.
NODISCARD bool background_answer_crowd(struct background *background, struct span_inbox *inbox);

// There is somebody who wants to know when memory becomes short: the next one who comes by starts
// the thread.
void background_wake(struct background *background, struct heap *heap);

#endif
