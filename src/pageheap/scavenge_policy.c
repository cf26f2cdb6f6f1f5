// Goal and excess.
#include "pageheap/scavenge_policy.h"

size_t scavenge_goal_bytes(size_t used_bytes, unsigned retain_pct)
{
    // Divided first, so that no heap is large enough to overflow; exact to 100 bytes.
    return used_bytes / 100 * retain_pct + SCAVENGE_SLACK_BYTES;
}

size_t scavenge_excess_bytes(const struct page_account *account, size_t goal_bytes)
{
    size_t ready_bytes =
        page_account_used_bytes(account) + account->cached_ready_bytes + account->free_ready_bytes;
    return ready_bytes > goal_bytes ? ready_bytes - goal_bytes : 0;
}
