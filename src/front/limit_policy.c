// Margins, shares and steps.
#include "front/limit_policy.h"

#include "base/units.h"
#include "config/config.h"

// What is in the group beside our memory: stacks, data of libraries, files in the page cache that
// the kernel can drop. These do not grow with the heap, so neither does this beyond 16 MiB; in
// small groups a twentieth is what can be spared. The kernel's page tables do grow: 8 bytes for
// 4 KiB.
#define MARGIN_SHARE 20
#define MARGIN_BYTES_MAX (16 * MIB)
#define PAGE_TABLES_SHARE 512

#define STEP_SHARE 64
#define STEP_BYTES_MAX MIB

// A heap whose limit may change is looked at when it has grown by an eighth.
#define LOOK_SHARE 8

static size_t without_margin(size_t system_bytes)
{
    if (system_bytes == LIMIT_NONE)
        return LIMIT_NONE;
    return system_bytes - size_min(system_bytes / MARGIN_SHARE, MARGIN_BYTES_MAX) -
           system_bytes / PAGE_TABLES_SHARE;
}

size_t limit_resolve(size_t setting, size_t system_bytes, size_t machine_bytes)
{
    unsigned share_pct = config_share_pct(setting);
    if (setting == CONFIG_AUTO)
        return without_margin(system_bytes);
    if (setting == CONFIG_OFF)
        return LIMIT_NONE;
    if (share_pct == 0)
        return setting;
    size_t whole_bytes = system_bytes != LIMIT_NONE ? system_bytes : machine_bytes;
    return whole_bytes > 0 ? whole_bytes / 100 * share_pct : LIMIT_NONE;
}

bool limit_is_relative(size_t setting)
{
    return setting == CONFIG_AUTO || config_share_pct(setting) != 0;
}

size_t limit_step_bytes(size_t limit_bytes)
{
    return size_min(limit_bytes / STEP_SHARE, STEP_BYTES_MAX);
}

size_t limit_excess_bytes(size_t counted_bytes, size_t limit_bytes)
{
    return counted_bytes > limit_bytes ? counted_bytes - limit_bytes + limit_step_bytes(limit_bytes)
                                       : 0;
}

size_t limit_background_bytes(size_t limit_bytes)
{
    return limit_bytes == LIMIT_NONE ? LIMIT_NONE : limit_bytes - limit_bytes / MARGIN_SHARE;
}

size_t limit_next_watch(size_t counted_bytes, size_t limit_bytes, bool is_relative)
{
    size_t watch_bytes = limit_bytes;
    if (counted_bytes >= limit_bytes)
        watch_bytes = counted_bytes + limit_step_bytes(limit_bytes);
    if (is_relative)
        watch_bytes = size_min(watch_bytes,
                               counted_bytes + counted_bytes / LOOK_SHARE + LIMIT_FIRST_LOOK_BYTES);
    return watch_bytes;
}

static const unsigned levels_pct[] = {75, 90, 100};
#define LEVELS (sizeof levels_pct / sizeof levels_pct[0])
#define LEVEL_KEPT_PCT 5   // so that what goes up and down a little is not told again and again

static size_t pct_of(size_t n_bytes, unsigned pct)
{
    return n_bytes / 100 * pct + n_bytes % 100 * pct / 100;
}

unsigned limit_level_pct(size_t counted_bytes, size_t limit_bytes, unsigned before_pct)
{
    for (size_t i = LEVELS; i > 0 && limit_bytes != LIMIT_NONE; i--) {
        unsigned level_pct = levels_pct[i - 1];
        unsigned kept_pct = before_pct >= level_pct ? LEVEL_KEPT_PCT : 0;
        if (counted_bytes > pct_of(limit_bytes, level_pct - kept_pct))
            return level_pct;
    }
    return 0;
}

size_t limit_level_watch(size_t limit_bytes, unsigned level_pct)
{
    for (size_t i = 0; i < LEVELS && limit_bytes != LIMIT_NONE; i++)
        if (levels_pct[i] > level_pct)
            return pct_of(limit_bytes, levels_pct[i]);
    return LIMIT_NONE;
}
