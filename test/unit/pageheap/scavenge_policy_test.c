// How much to give back: the goal, and the smaller of growth and excess.
#include "pageheap/scavenge_policy.h"
#include "unit_kit.h"

#define SLACK SCAVENGE_SLACK_BYTES

struct goal_row {
    const char *name;
    size_t      used_bytes;
    unsigned    retain_pct;
    size_t      goal_bytes;
};

static const struct goal_row goal_rows[] = {
    {"nothing in use", 0, 110, SLACK},
    {"a hundred pages at 110 %", 100 * PAGE_BYTES, 110, 110 * PAGE_BYTES + SLACK},
    {"nothing spare", 100 * PAGE_BYTES, 100, 100 * PAGE_BYTES + SLACK},
    {"twice", 100 * PAGE_BYTES, 200, 200 * PAGE_BYTES + SLACK},
    {"fifty TiB do not overflow", (size_t)50 << 40, 1000, ((size_t)50 << 40) / 100 * 1000 + SLACK},
};

static void goal_is_what_may_stay(void **state)
{
    const struct goal_row *row = unit_case_of(state)->row;
    assert_int_equal(scavenge_goal_bytes(row->used_bytes, row->retain_pct), row->goal_bytes);
}

// In use 100 MiB at 110 %: the goal is 110 MiB and the slack.
struct growth_row {
    const char *name;
    size_t      free_ready_bytes, cached_ready_bytes, released_bytes, cached_released_bytes;
    size_t      grown_bytes, expected;
};

static const struct growth_row growth_rows[] = {
    {"nothing idle", 0, 0, 0, 0, 5 * MIB, 0},
    {"exactly at the goal", 10 * MIB + SLACK, 0, 0, 0, 5 * MIB, 0},
    {"one page above", 10 * MIB + SLACK + PAGE_BYTES, 0, 0, 0, 5 * MIB, PAGE_BYTES},
    {"one page below", 10 * MIB + SLACK - PAGE_BYTES, 0, 0, 0, 5 * MIB, 0},
    {"growth is the smaller", 40 * MIB, 0, 0, 0, 5 * MIB, 5 * MIB},
    {"excess is the smaller", 12 * MIB + SLACK, 0, 0, 0, 5 * MIB, 2 * MIB},
    {"released memory does not count", 12 * MIB + SLACK, 0, 500 * MIB, 0, 5 * MIB, 2 * MIB},
    {"nor if cached", 12 * MIB + SLACK, 0, 0, 500 * MIB, 5 * MIB, 2 * MIB},
    {"cached ready memory counts", 10 * MIB + SLACK, 2 * MIB, 0, 0, 5 * MIB, 2 * MIB},
    {"no growth", 40 * MIB, 0, 0, 0, 0, 0},
};

static void gives_back_the_smaller_of_growth_and_excess(void **state)
{
    const struct growth_row *row = unit_case_of(state)->row;
    struct page_account      account = {
             .in_use_bytes = 100 * MIB,
             .free_ready_bytes = row->free_ready_bytes,
             .cached_ready_bytes = row->cached_ready_bytes,
             .free_released_bytes = row->released_bytes,
             .cached_released_bytes = row->cached_released_bytes,
             .mapped_bytes = 100 * MIB + row->free_ready_bytes + row->cached_ready_bytes +
                             row->released_bytes + row->cached_released_bytes,
    };
    // 100 MiB is not a multiple of 100: the goal is that much less than 110 MiB.
    size_t goal_bytes = scavenge_goal_bytes(100 * MIB, 110);
    size_t rounding = 110 * MIB + SLACK - goal_bytes;
    assert_true(rounding < 110);
    size_t expected = row->expected;
    if (expected < row->grown_bytes && row->free_ready_bytes >= 10 * MIB + SLACK)
        expected += rounding;
    assert_int_equal(scavenge_after_growth_bytes(&account, row->grown_bytes, goal_bytes), expected);
}

int main(void)
{
    unit_add_table(UNIT_TABLE("scav_goal", goal_rows, 0, goal_is_what_may_stay));
    unit_add_table(
        UNIT_TABLE("scav_growth", growth_rows, 0, gives_back_the_smaller_of_growth_and_excess));
    return cmocka_run_group_tests_name("scavenge_policy", unit_tests, NULL, NULL);
}
