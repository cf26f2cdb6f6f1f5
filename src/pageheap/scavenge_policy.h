// How much memory to give back: arithmetic only. No clock, no lock, no globals.
#ifndef NEAP_PAGEHEAP_SCAVENGE_POLICY_H
#define NEAP_PAGEHEAP_SCAVENGE_POLICY_H

#include "base/units.h"
#include "pageheap/page_account.h"

// Kept whatever the goal says: what one page cache may hide. Giving back less saves nothing that
// anybody can see and costs a system call and the faults to get it again.
#define SCAVENGE_SLACK_BYTES ((size_t)512 << 10)

// How much may stay resident: what is used, times `retain_pct` (100: nothing spare), and the slack.
// In bytes.
size_t scavenge_goal_bytes(size_t used_bytes, unsigned retain_pct);

// How much is resident beyond that.
size_t scavenge_excess_bytes(const struct page_account *account, size_t goal_bytes);

// How much to give back after the heap grew by `grown_bytes`: min(growth, excess over the goal).
static inline size_t scavenge_after_growth_bytes(const struct page_account *account,
                                                 size_t grown_bytes, size_t goal_bytes)
{
    return size_min(grown_bytes, scavenge_excess_bytes(account, goal_bytes));
}

#endif
