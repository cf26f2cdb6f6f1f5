// How much CPU time giving back may take: arithmetic only. No clock, no lock, no globals.
//
// It earns a share of the time that goes by, in credit, and pays for what it was measured to
// spend. Credit that is not used is saved up to a limit, so that a large peak can be given back
// at once; over any time T it spends at most share x T and the limit.
#ifndef NEAP_FRONT_PACER_H
#define NEAP_FRONT_PACER_H

#include <stdint.h>

#define PACER_SAVED_NS_MAX 300000000   // what giving back 2 GiB costs, at 0.5 us per 4 KiB
#define PACER_WORTH_NS 1000000         // with less credit it is not worth to begin

struct pacer {
    unsigned share_pct;      // of one CPU; constant
    int64_t  saved_ns_max;   // constant
    int64_t  credit_ns;      // less than 0: more was spent than earned
    uint64_t at_ns;          // up to when was earned
};

// Begins with all the credit there can be.
void pacer_init(struct pacer *pacer, unsigned share_pct, uint64_t now_ns);
// The same with another limit on it than PACER_SAVED_NS_MAX.
void pacer_init_saving(struct pacer *pacer, unsigned share_pct, int64_t saved_ns_max,
                       uint64_t now_ns);

// CPU time that may be spent now, in ns; 0: not worth to begin. Requires: the clock does not go
// back.
uint64_t pacer_allowance_ns(struct pacer *pacer, uint64_t now_ns);

// Pays for what was spent.
void pacer_spend(struct pacer *pacer, uint64_t cpu_ns);

#endif
