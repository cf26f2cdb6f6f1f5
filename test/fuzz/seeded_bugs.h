// Bugs on purpose, between the fuzzer and the allocator: what the fuzzer must be able to find.
//
// Compiled into the tests of the fuzzer alone. Most strike at a condition that an allocator's real
// bugs have too: a certain size, every so many calls, memory that was used before.
#ifndef NEAP_FUZZ_SEEDED_BUGS_H
#define NEAP_FUZZ_SEEDED_BUGS_H

#include "entry_points.h"

struct seeded_bug {
    const char *name;
    void (*plant)(struct entry_points *entry);   // replaces functions
};

extern const struct seeded_bug seeded_bugs[];
extern const size_t            n_seeded_bugs;

// Those that only show with several threads.
extern const struct seeded_bug seeded_thread_bugs[];
extern const size_t            n_seeded_thread_bugs;

#endif
