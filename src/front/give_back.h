// What giving back does in one go: when it is due, how much, and in which order.
//
// Memory of zeros is one that has not begun. Rounds are made by one thread at a time, a thread of
// our own (background.h) or, where there is none, whoever comes by. Each takes no more CPU time
// than the pacer allows.
#ifndef NEAP_FRONT_GIVE_BACK_H
#define NEAP_FRONT_GIVE_BACK_H

#include "base/atomic.h"
#include "front/pacer.h"
#include "pageheap/page_heap.h"

#include <stdbool.h>

struct heap;

#define ROUND_EVERY_NS 50000000          // so often is looked
#define ROUND_EVERY_NS_GROWING 5000000   // the same while the program grows
#define ROUND_CPU_NS_MAX 25000000        // of a round of our own thread: a third of a CPU at most
#define ROUND_CPU_NS_MAX_GUEST 1000000   // of one by a thread of the program
#define ALARM_BYTES_MIN (16 * MIB)       // less idle memory is not worth a thread

struct give_back {
    bool               has_begun;    // the rest is made at the first round
    bool               is_pressed;   // memory is short: nothing idle counts as needed
    struct pacer       pacer;
    struct recent_peak slots_peak;      // bytes of slots in use, where spans may cool
    uint64_t           tidied_at_ns;    // when caches were last looked through
    size_t             n_requests;      // allocations and frees so far, when that was
    unsigned           n_asleep;        // times in a row that nothing had been asked for since
    bool               is_in_the_way;   // what is idle could not go back when it was last tried
    unsigned           n_calm;          // rounds in a row that found nothing to do
    ATOMIC(size_t)     free_at_rest;    // hint: what free slots held when nothing more went back
    // hint: growth that is worth a look inside of spans; more after looks that found little
    ATOMIC(size_t)   worth_bytes;
    ATOMIC(uint32_t) is_crowded;   // hint: some cache's inbox, and our thread is to take it in
};

// One round. Returns whether there may be more to do soon; if not, the alarm is set for when there
// is. Requires: one caller at a time, who holds no lock.
bool give_back_round(struct give_back *give_back, struct heap *heap, uint64_t cpu_ns_max);

// The same by our own thread, which knows whether memory is short, and first pays for growth: that
// is no part of its budget, as it is bounded by what the program takes.
enum give_back_result {
    GIVE_BACK_SOON,   // the program is growing
    GIVE_BACK_LATER,
    GIVE_BACK_AT_REST,
};
enum give_back_result give_back_own_round(struct give_back *give_back, struct heap *heap,
                                          bool is_pressed);

// Do free slots hold so much that a thread is worth it? Any thread may ask.
bool give_back_is_worth_it(struct give_back *give_back, struct heap *heap);

// Pays for growth that idle runs did not suffice for, inside of spans: a part, or as much as the
// caller's request of `n_bytes`. Returns whether anything was due. Requires: as of give_back_round.
bool give_back_on_growth(struct give_back *give_back, struct heap *heap, size_t n_bytes);

#endif
