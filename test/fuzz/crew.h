// Several threads at once on the allocator, each with a table of objects and operations of its own,
// that hand objects to one another; they come and go, and others inherit what they leave.
//
// Between rounds all stand still: then the books must show exactly what is alive, before and
// after some of the threads have ended.
#ifndef NEAP_FUZZ_CREW_H
#define NEAP_FUZZ_CREW_H

#include "entry_points.h"

#include <stdint.h>

#define CREW_SEATS_MAX 16

struct crew {
    // Set by the caller.
    const struct entry_points *entry;
    uint64_t                   seed, n_ops_wanted;
    unsigned                   n_seats;       // threads at most
    unsigned                   seconds_max;   // 0: no end but n_ops_wanted

    // Set by crew_run; n_ops counts while it runs.
    uint64_t n_ops, n_rounds, n_threads;
    double   seconds;
    char     message[320];   // what was found; "" if nothing was
};

// Runs in a child process. Returns whether everything was as it should be.
bool crew_run(struct crew *crew);

#endif
