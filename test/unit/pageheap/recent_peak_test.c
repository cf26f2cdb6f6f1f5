// The most that was in use lately: what is held and for how long, how it goes down, against tables
// and against a model that remembers everything. pageheap/recent_peak.c.
#include "pageheap/recent_peak.h"

#include "base/units.h"
#include "unit_kit.h"

#define HOLD_NS UINT64_C(1000000000)
#define HALVING_NS (HOLD_NS / 8)
#define PERIOD_NS (HOLD_NS / PEAK_PERIODS)
#define START_NS (UINT64_C(12345) * HOLD_NS)   // of a machine that is up for some hours
#define NOTHING_AFTER_NS (HOLD_NS + PERIOD_NS + WORD_BITS * HALVING_NS)

static size_t peak_at(struct recent_peak *peak, size_t used_bytes, uint64_t ns)
{
    return recent_peak_update(peak, used_bytes, START_NS + ns, HOLD_NS);
}

// ---- tables -----------------------------------------------------------------------------------

// 100 MiB are in use at a moment within the first period, 10 MiB later.
struct decay_row {
    const char *name;
    uint64_t    later_ns;
    size_t      at_least, at_most;
};

static const struct decay_row decay_rows[] = {
    {"at the same moment", 0, 100 * MIB, 100 * MIB},
    {"half of the time", HOLD_NS / 2, 100 * MIB, 100 * MIB},
    {"nearly all of the time", HOLD_NS / 10 * 9, 100 * MIB, 100 * MIB},
    {"all of the time", HOLD_NS, 100 * MIB, 100 * MIB},
    {"a halving and a period later", HOLD_NS + HALVING_NS + PERIOD_NS, 32 * MIB, 55 * MIB},
    {"three halvings and a period later", HOLD_NS + 3 * HALVING_NS + PERIOD_NS, 15 * MIB, 22 * MIB},
    {"as long again", 2 * HOLD_NS + PERIOD_NS, 10 * MIB, 11 * MIB},
    {"after a jump of the clock", 1000 * HOLD_NS, 10 * MIB, 10 * MIB},
    {"after a jump by years", UINT64_C(1) << 60, 10 * MIB, 10 * MIB},
};

static void expect_decay(const struct decay_row *row, uint64_t begun_ns, uint64_t every_ns)
{
    struct recent_peak peak = {.period = 0};
    assert_int_equal(peak_at(&peak, 100 * MIB, begun_ns), 100 * MIB);
    for (uint64_t ns = every_ns; ns < row->later_ns; ns += every_ns)
        peak_at(&peak, 10 * MIB, begun_ns + ns);
    assert_in_range(peak_at(&peak, 10 * MIB, begun_ns + row->later_ns), row->at_least,
                    row->at_most);
}

// Wherever in its period the peak was, and whether somebody looks often or only at the end.
static void what_was_needed_is_held_and_then_goes_down_by_halves(void **state)
{
    const struct decay_row *row = unit_case_of(state)->row;
    for (uint64_t begun_ns = 0; begun_ns < PERIOD_NS; begun_ns += PERIOD_NS / 10) {
        expect_decay(row, begun_ns, UINT64_MAX / 2);
        if (row->later_ns <= 1000 * HOLD_NS)
            expect_decay(row, begun_ns, HOLD_NS / 20);
    }
}

// ---- sentences --------------------------------------------------------------------------------

static void a_rise_counts_at_once(void **state)
{
    struct recent_peak peak = {.period = 0};
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(peak_at(&peak, i * MIB, i * HOLD_NS / 100), i * MIB);
    assert_int_equal(peak_at(&peak, 0, HOLD_NS), 99 * MIB);
}

static void a_need_that_comes_again_within_the_time_is_kept(void **state)
{
    struct recent_peak peak = {.period = 0};
    for (uint64_t i = 0; i < 1000; i++) {
        size_t used_bytes = i % 10 == 0 ? 100 * MIB : i * KIB;
        assert_int_equal(peak_at(&peak, used_bytes, i * HOLD_NS / 10), 100 * MIB);
    }
}

static void the_time_begins_when_it_was_last_needed(void **state)
{
    struct recent_peak peak = {.period = 0};
    for (uint64_t i = 0; i <= 50; i++)
        peak_at(&peak, 100 * MIB, i * HOLD_NS / 20);
    uint64_t           last_ns = 50 * HOLD_NS / 20;
    struct recent_peak other = peak;
    assert_int_equal(peak_at(&peak, 0, last_ns + HOLD_NS), 100 * MIB);
    assert_in_range(peak_at(&other, 0, last_ns + HOLD_NS + HALVING_NS), 50 * MIB, 100 * MIB);
    assert_in_range(peak_at(&peak, 0, last_ns + HOLD_NS + HALVING_NS), 50 * MIB, 100 * MIB);
}

static void between_two_halvings_the_way_is_straight(void **state)
{
    struct recent_peak peak = {.period = 0};
    uint64_t           held_ns = HOLD_NS + PERIOD_NS;
    peak_at(&peak, 128 * MIB, 0);
    for (uint64_t i = 0; i <= 32; i++)
        assert_int_equal(peak_at(&peak, 0, held_ns + i * HALVING_NS / 32), (128 - 2 * i) * MIB);
    for (uint64_t i = 0; i <= 32; i++)
        assert_int_equal(peak_at(&peak, 0, held_ns + HALVING_NS + i * HALVING_NS / 32),
                         (64 - i) * MIB);
}

static void how_often_it_is_asked_does_not_matter(void **state)
{
    struct recent_peak often = {.period = 0}, rarely = {.period = 0};
    peak_at(&often, 100 * MIB, 0);
    peak_at(&rarely, 100 * MIB, 0);
    for (uint64_t i = 1; i <= 3000; i++) {
        size_t now_bytes = peak_at(&often, MIB, i * HOLD_NS / 1000);
        if (i % 700 == 0)
            assert_int_equal(peak_at(&rarely, MIB, i * HOLD_NS / 1000), now_bytes);
    }
}

static void without_a_time_nothing_is_remembered(void **state)
{
    const uint64_t holds_ns[] = {0, 1, PEAK_PERIODS - 1};
    for (size_t i = 0; i < LENGTH_OF(holds_ns); i++) {
        struct recent_peak peak = {.period = 0};
        assert_int_equal(recent_peak_update(&peak, GIB, START_NS, holds_ns[i]), GIB);
        assert_int_equal(recent_peak_update(&peak, 5, START_NS, holds_ns[i]), 5);
        assert_int_equal(recent_peak_update(&peak, 0, START_NS + 1, holds_ns[i]), 0);
    }
}

static void the_longest_time_and_the_largest_heap_do_not_overflow(void **state)
{
    const uint64_t     hold_ns = UINT64_C(3600) * 1000000000;
    const size_t       huge = SIZE_MAX / 2;
    struct recent_peak peak = {.period = 0};
    assert_int_equal(recent_peak_update(&peak, huge, START_NS, hold_ns), huge);
    assert_int_equal(recent_peak_update(&peak, MIB, START_NS + hold_ns, hold_ns), huge);
    size_t before = huge;
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t ns = START_NS + hold_ns + hold_ns / PEAK_PERIODS + i * hold_ns / 8;
        size_t   now_bytes = recent_peak_update(&peak, MIB, ns, hold_ns);
        assert_in_range(now_bytes, MIB, before);
        assert_true(i < 2 || now_bytes == MIB || now_bytes <= before / 2 + MIB);
        before = now_bytes;
    }
    assert_int_equal(before, MIB);
}

static void a_clock_that_has_just_begun_is_a_clock(void **state)
{
    struct recent_peak peak = {.period = 0};
    assert_int_equal(recent_peak_update(&peak, GIB, 0, HOLD_NS), GIB);
    assert_int_equal(recent_peak_update(&peak, MIB, 1, HOLD_NS), GIB);
    assert_int_equal(recent_peak_update(&peak, MIB, HOLD_NS, HOLD_NS), GIB);
    assert_int_equal(recent_peak_update(&peak, MIB, NOTHING_AFTER_NS, HOLD_NS), MIB);
}

// ---- a steady fall ----------------------------------------------------------------------------

// In use in one period after the other, in MiB, and what counts as needed within the last one.
#define FALL_PERIODS 8
static const struct fall_row {
    const char *name;
    size_t      used_mib[FALL_PERIODS];   // 0: no more
    size_t      needed_mib;
} fall_rows[] = {
    {"by a half in three periods", {1000, 800, 650, 500, 400}, 500},
    {"by less", {1000, 800, 650, 510, 400}, 1000},
    {"in two periods", {1000, 700, 400, 300}, 1000},
    {"in more periods", {1000, 900, 800, 700, 600, 500, 400}, 500},
    {"that goes on", {1000, 700, 500, 400, 300, 200, 100}, 200},
    {"that has ended", {1000, 700, 500, 400, 400, 400}, 400},
    {"with a period that is level", {1000, 700, 700, 500, 400, 300}, 1000},
    {"that is level once it is steady", {1000, 700, 500, 400, 400, 300, 200}, 300},
    {"and a rise", {1000, 700, 500, 400, 600, 300}, 600},
    {"two steps, up and down", {1000, 700, 500, 800, 500, 300, 700}, 1000},
    {"at once", {1000, 100, 100, 100, 100, 100, 100}, 1000},
    {"at once, and then slowly", {1000, 100, 99, 98, 97}, 98},
};

static void a_steady_fall_is_followed(void **state)
{
    const struct fall_row *row = unit_case_of(state)->row;
    for (uint64_t looks = 1; looks <= 4; looks++) {
        struct recent_peak peak = {.period = 0};
        size_t             answer = 0;
        for (uint64_t i = 0; i < FALL_PERIODS && row->used_mib[i] > 0; i++)
            for (uint64_t k = 0; k < looks; k++)
                answer =
                    peak_at(&peak, row->used_mib[i] * MIB, (i * looks + k) * PERIOD_NS / looks);
        assert_int_equal(answer, row->needed_mib * MIB);
    }
}

static void a_fall_with_a_pause_in_looking_is_none(void **state)
{
    struct recent_peak peak = {.period = 0};
    for (uint64_t i = 0; i < 7; i++)
        peak_at(&peak, (1000 - 100 * i) * MIB, (i < 4 ? i : i + 1) * PERIOD_NS);
    assert_int_equal(peak_at(&peak, 100 * MIB, 8 * PERIOD_NS), 1000 * MIB);
}

// ---- a model that remembers everything --------------------------------------------------------

#define NOTES_MAX 400

static struct {
    size_t   n, used_bytes[NOTES_MAX];
    uint64_t at_ns[NOTES_MAX];
} notes;

static size_t most_within(uint64_t period)
{
    size_t most = 0;
    for (size_t i = 0; i < notes.n; i++)
        if (notes.at_ns[i] / PERIOD_NS == period)
            most = size_max(most, notes.used_bytes[i]);
    return most;
}

// In every third period more is needed than in the one before: so nothing falls steadily.
static size_t more_now_and_then(size_t used_bytes, uint64_t now_ns)
{
    uint64_t period = now_ns / PERIOD_NS;
    return period % 3 == 0 ? size_max(used_bytes, most_within(period - 1) + 1) : used_bytes;
}

static size_t most_since(uint64_t ns)
{
    size_t most = 0;
    for (size_t i = 0; i < notes.n; i++)
        if (notes.at_ns[i] >= ns)
            most = size_max(most, notes.used_bytes[i]);
    return most;
}

// What can be left of any note, by the slowest decay there may be: half after a full halving.
static size_t most_with_decay(uint64_t now_ns)
{
    size_t most = 0;
    for (size_t i = 0; i < notes.n; i++) {
        uint64_t held_ns = notes.at_ns[i] + HOLD_NS + PERIOD_NS;
        uint64_t n_halvings = now_ns > held_ns ? (now_ns - held_ns) / HALVING_NS : 0;
        most = size_max(most, n_halvings >= WORD_BITS ? 0 : notes.used_bytes[i] >> n_halvings);
    }
    return most;
}

static void expect_as_remembered(struct recent_peak *peak, size_t used_bytes, uint64_t now_ns)
{
    notes.used_bytes[notes.n] = used_bytes;
    notes.at_ns[notes.n++] = now_ns;
    size_t answer = recent_peak_update(peak, used_bytes, now_ns, HOLD_NS);
    size_t needed = most_since(now_ns - HOLD_NS);
    if (answer < needed ||
        answer > most_since(now_ns - HOLD_NS - PERIOD_NS) + most_with_decay(now_ns))
        fail_msg("%zu: answers %zu, needed within the time %zu, earlier %zu", notes.n, answer,
                 needed, most_with_decay(now_ns));
}

static void it_is_as_by_one_who_remembers_everything(void **state)
{
    struct unit_random random = unit_random_start();
    for (size_t round = 0; round < 500; round++) {
        struct recent_peak peak = {.period = 0};
        uint64_t           now_ns = START_NS + unit_random_below(&random, HOLD_NS);
        uint64_t           step_ns = HOLD_NS / 20 << unit_random_below(&random, 5);
        notes.n = 0;
        while (notes.n < NOTES_MAX) {
            size_t log_bytes = unit_random_below(&random, 46);
            size_t used_bytes = unit_random_below(&random, (size_t)1 << log_bytes);
            expect_as_remembered(&peak, more_now_and_then(used_bytes, now_ns), now_ns);
            now_ns += unit_random_below(&random, step_ns);
            if (unit_random_below(&random, 50) == 0)
                now_ns += unit_random_below(&random, 10 * HOLD_NS);
        }
    }
}

static const struct unit_sentence sentences[] = {
    {"a rise counts at once", a_rise_counts_at_once},
    {"a need that comes again within the time is kept",
     a_need_that_comes_again_within_the_time_is_kept},
    {"the time begins when it was last needed", the_time_begins_when_it_was_last_needed},
    {"between two halvings the way is straight", between_two_halvings_the_way_is_straight},
    {"how often it is asked does not matter", how_often_it_is_asked_does_not_matter},
    {"without a time nothing is remembered", without_a_time_nothing_is_remembered},
    {"the longest time and the largest heap do not overflow",
     the_longest_time_and_the_largest_heap_do_not_overflow},
    {"a clock that has just begun is a clock", a_clock_that_has_just_begun_is_a_clock},
    {"a fall with a pause in looking is none", a_fall_with_a_pause_in_looking_is_none},
    {"it is as by one who remembers everything", it_is_as_by_one_who_remembers_everything},
};

int main(void)
{
    unit_add_table(
        UNIT_TABLE("decay", decay_rows, 0, what_was_needed_is_held_and_then_goes_down_by_halves));
    unit_add_table(UNIT_TABLE("a fall", fall_rows, 0, a_steady_fall_is_followed));
    ADD_SENTENCES("peak:", sentences, 0);
    return cmocka_run_group_tests_name("recent_peak", unit_tests, NULL, NULL);
}
