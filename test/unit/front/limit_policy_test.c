// What limits come to in bytes, how much goes back, and when limits are thought of again.
#include "front/limit_policy.h"

#include "base/units.h"
#include "config/config.h"
#include "unit_kit.h"

#define SHARE(pct) (((size_t)1 << 63) + (pct))   // as config/value.h reads "80%"

struct resolved_row {
    const char *name;
    size_t      setting, system_bytes, machine_bytes, bytes;
};

static const struct resolved_row resolved_rows[] = {
    {"off", CONFIG_OFF, 256 * MIB, GIB, LIMIT_NONE},
    {"a size", 100 * MIB, 50 * MIB, GIB, 100 * MIB},
    {"auto without a limit of the system's", CONFIG_AUTO, LIMIT_NONE, GIB, LIMIT_NONE},
    {"auto: a twentieth of a small one stays free, and room for page tables", CONFIG_AUTO,
     200 * MIB, GIB, 190 * MIB - 200 * MIB / 512},
    {"auto: 16 MiB of a large one stay free, and room for page tables", CONFIG_AUTO, 64 * GIB, GIB,
     64 * GIB - 16 * MIB - 128 * MIB},
    {"auto: of nothing", CONFIG_AUTO, 0, GIB, 0},
    {"a share of the system's limit", SHARE(80), 200 * MIB, GIB, 160 * MIB},
    {"a share of the machine's memory", SHARE(50), LIMIT_NONE, 4000 * MIB, 2000 * MIB},
    {"a share of what nobody knows", SHARE(50), LIMIT_NONE, 0, LIMIT_NONE},
    {"all of it", SHARE(100), 100 * MIB, GIB, 100 * MIB},
};

static void it_resolves(void **state)
{
    const struct resolved_row *row = unit_case_of(state)->row;
    size_t bytes = limit_resolve(row->setting, row->system_bytes, row->machine_bytes);
    assert_true(bytes <= row->bytes && row->bytes - bytes < 100);   // shares are exact to that
}

static void only_shares_and_auto_need_to_know_the_system(void **state)
{
    assert_true(limit_is_relative(CONFIG_AUTO));
    assert_true(limit_is_relative(SHARE(1)));
    assert_true(limit_is_relative(SHARE(100)));
    assert_false(limit_is_relative(CONFIG_OFF));
    assert_false(limit_is_relative(16 * MIB));
}

static void above_the_limit_a_little_more_than_the_excess_goes_back(void **state)
{
    assert_int_equal(limit_excess_bytes(100 * MIB, LIMIT_NONE), 0);
    assert_int_equal(limit_excess_bytes(100 * MIB, 100 * MIB), 0);
    assert_int_equal(limit_excess_bytes(100 * MIB + 1, 100 * MIB), MIB + 1);
    assert_int_equal(limit_excess_bytes(20 * MIB, 16 * MIB), 4 * MIB + 256 * KIB);
    assert_int_equal(limit_background_bytes(100 * MIB), 95 * MIB);
    assert_int_equal(limit_background_bytes(LIMIT_NONE), LIMIT_NONE);
}

struct watch_row {
    const char *name;
    size_t      counted_bytes, limit_bytes;
    bool        is_relative;
    size_t      watch_bytes;
};

static const struct watch_row watch_rows[] = {
    {"no limit: never", 100 * MIB, LIMIT_NONE, false, LIMIT_NONE},
    {"below the limit: at it", 20 * MIB, 100 * MIB, false, 100 * MIB},
    {"at the limit: a step beyond", 100 * MIB, 100 * MIB, false, 101 * MIB},
    {"beyond a small limit: a smaller step", 20 * MIB, 16 * MIB, false, 20 * MIB + 256 * KIB},
    {"a limit that may change: an eighth on", 80 * MIB, LIMIT_NONE, true, 98 * MIB},
    {"a limit that may change and is nearer than that", 80 * MIB, 90 * MIB, true, 90 * MIB},
};

static void it_is_watched(void **state)
{
    const struct watch_row *row = unit_case_of(state)->row;
    assert_int_equal(limit_next_watch(row->counted_bytes, row->limit_bytes, row->is_relative),
                     row->watch_bytes);
}

struct level_row {
    const char *name;
    size_t      counted_bytes;
    unsigned    before_pct, level_pct;
};

static const struct level_row level_rows[] = {
    // of 100 MiB
    {"nothing", 75 * MIB, 0, 0},
    {"75 %", 75 * MIB + 1, 0, 75},
    {"still 75 %", 90 * MIB, 75, 75},
    {"90 %", 90 * MIB + 1, 75, 90},
    {"all", 100 * MIB + 1, 0, 100},
    {"not quite all", 100 * MIB, 90, 90},
    {"a little below 100 %", 95 * MIB + 1, 100, 100},
    {"a twentieth below 100 %", 95 * MIB, 100, 90},
    {"a twentieth below 90 %", 85 * MIB, 90, 75},
    {"a little below 75 %", 70 * MIB + 1, 75, 75},
    {"a twentieth below 75 %", 70 * MIB, 75, 0},
    {"far below all", 1, 100, 0},
};

static void it_is_the_level(void **state)
{
    const struct level_row *row = unit_case_of(state)->row;
    assert_int_equal(limit_level_pct(row->counted_bytes, 100 * MIB, row->before_pct),
                     row->level_pct);
    assert_int_equal(limit_level_pct(row->counted_bytes, LIMIT_NONE, row->before_pct), 0);
}

static void the_next_level_is_watched(void **state)
{
    assert_int_equal(limit_level_watch(100 * MIB, 0), 75 * MIB);
    assert_int_equal(limit_level_watch(100 * MIB, 75), 90 * MIB);
    assert_int_equal(limit_level_watch(100 * MIB, 90), 100 * MIB);
    assert_int_equal(limit_level_watch(100 * MIB, 100), LIMIT_NONE);
    assert_int_equal(limit_level_watch(LIMIT_NONE, 0), LIMIT_NONE);
    assert_int_equal(limit_level_watch(199, 0), 149);   // 149.25
    assert_int_equal(limit_level_pct(150, 199, 0), 75);
}

static const struct unit_sentence sentences[] = {
    {"the next level is watched", the_next_level_is_watched},
    {"only shares and auto need to know the system", only_shares_and_auto_need_to_know_the_system},
    {"above the limit a little more than the excess goes back",
     above_the_limit_a_little_more_than_the_excess_goes_back},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("a limit resolves:", resolved_rows, 0, it_resolves));
    unit_add_table(UNIT_TABLE("the watch is set:", watch_rows, 0, it_is_watched));
    unit_add_table(UNIT_TABLE("the level passed is", level_rows, 0, it_is_the_level));
    ADD_SENTENCES("limit_policy", sentences, 0);
    return cmocka_run_group_tests_name("limit_policy", unit_tests, NULL, NULL);
}
