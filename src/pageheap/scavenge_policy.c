// Goal and excess.
#include "pageheap/scavenge_policy.h"

#include "base/units.h"

size_t scavenge_goal_bytes(const struct page_account *account, unsigned retain_pct)
{
    size_t used_bytes = account->in_use_bytes + account->manual_bytes;
    // Divided first, so that no heap is large enough to overflow; exact to 100 bytes.
    return used_bytes / 100 * retain_pct + SCAVENGE_SLACK_BYTES;
}

size_t scavenge_after_growth_bytes(const struct page_account *account, size_t grown_bytes,
                                   unsigned retain_pct)
{
    size_t goal_bytes = scavenge_goal_bytes(account, retain_pct);
    size_t ready_bytes =
        account->mapped_bytes - account->free_released_bytes - account->cached_released_bytes;
    if (ready_bytes <= goal_bytes)
        return 0;
    return size_min(grown_bytes, ready_bytes - goal_bytes);
}
