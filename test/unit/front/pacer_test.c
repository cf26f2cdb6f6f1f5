// How much CPU time giving back may take: over any time the share and what was saved, in the long
// run the share to within half a percent of it. front/pacer.c.
#include "front/pacer.h"

#include "unit_kit.h"

#define MS_NS UINT64_C(1000000)
#define S_NS (1000 * MS_NS)
#define START_NS (UINT64_C(98765) * S_NS)

struct pacer_row {
    const char *name;
    unsigned    share_pct;
    uint64_t    asked_every_ns;     // at random, up to twice that
    uint64_t    spent_at_most_ns;   // of what is allowed
};

static const struct pacer_row pacer_rows[] = {
    {"1 % by our own thread", 1, 50 * MS_NS, 10 * MS_NS},
    {"1 % by threads that come by", 1, 50 * MS_NS, MS_NS},
    {"1 % asked without end", 1, 200000, 10 * MS_NS},
    {"1 % asked rarely", 1, 5 * S_NS, 1000 * S_NS},
    {"1 % and all of it at once", 1, 50 * MS_NS, 1000 * S_NS},
    {"3 %", 3, 50 * MS_NS, 10 * MS_NS},
    {"10 %", 10, 10 * MS_NS, 10 * MS_NS},
    {"50 % asked at odd times", 50, 7777777, 1000 * S_NS},
    {"100 %", 100, MS_NS, 1000 * S_NS},
};

// What is saved at the beginning is spent on top of the share. So much goes over an allowance that
// its holder only looks at the clock now and then.
#define OVER_NS (MS_NS / 2)

struct run_of_spending {
    struct pacer pacer;
    uint64_t     now_ns, spent_ns;
};

static void spend_for(struct run_of_spending *run, const struct pacer_row *row, uint64_t until_ns,
                      struct unit_random *random)
{
    while (run->now_ns < until_ns) {
        uint64_t allowance_ns = pacer_allowance_ns(&run->pacer, run->now_ns);
        assert_true(allowance_ns == 0 || allowance_ns >= PACER_WORTH_NS);
        assert_true(allowance_ns <= PACER_SAVED_NS_MAX);
        if (allowance_ns > row->spent_at_most_ns)
            allowance_ns = row->spent_at_most_ns;
        if (allowance_ns > 0) {
            uint64_t spent_ns = allowance_ns + unit_random_below(random, OVER_NS);
            pacer_spend(&run->pacer, spent_ns);
            run->spent_ns += spent_ns;
            run->now_ns += spent_ns;
        }
        run->now_ns += unit_random_below(random, 2 * row->asked_every_ns);
        // Never more than it earned and had saved, and what one allowance was exceeded by.
        uint64_t elapsed_ns = run->now_ns - START_NS;
        assert_true(run->spent_ns <=
                    elapsed_ns / 100 * row->share_pct + PACER_SAVED_NS_MAX + OVER_NS);
    }
}

static void in_the_long_run_it_spends_its_share(void **state)
{
    const struct pacer_row *row = unit_case_of(state)->row;
    struct unit_random      random = unit_random_start();
    struct run_of_spending  run = {.now_ns = START_NS};
    pacer_init(&run.pacer, row->share_pct, START_NS);
    spend_for(&run, row, START_NS + 500 * S_NS, &random);   // away with what is saved
    uint64_t begun_ns = run.now_ns, before_ns = run.spent_ns;
    spend_for(&run, row, begun_ns + 5000 * S_NS, &random);
    double share_pct = 100.0 * (double)(run.spent_ns - before_ns) / (double)(run.now_ns - begun_ns);
    double error = share_pct / row->share_pct - 1;
    if (error > 0.005 || error < -0.005)
        fail_msg("spends %.4f %% of a CPU", share_pct);
}

static void all_that_can_be_saved_is_there_at_first(void **state)
{
    struct pacer pacer;
    pacer_init(&pacer, 1, START_NS);
    assert_int_equal(pacer_allowance_ns(&pacer, START_NS), PACER_SAVED_NS_MAX);
}

static void a_long_rest_saves_no_more_than_the_limit(void **state)
{
    const uint64_t rests_ns[] = {S_NS, 1000 * S_NS, UINT64_C(1) << 60};
    for (size_t i = 0; i < LENGTH_OF(rests_ns); i++) {
        struct pacer pacer;
        pacer_init(&pacer, 100, START_NS);
        pacer_spend(&pacer, 100 * MS_NS);
        assert_int_equal(pacer_allowance_ns(&pacer, START_NS + rests_ns[i]), PACER_SAVED_NS_MAX);
    }
}

static void what_is_not_worth_to_begin_is_saved(void **state)
{
    struct pacer pacer;
    pacer_init(&pacer, 1, START_NS);
    pacer_spend(&pacer, PACER_SAVED_NS_MAX);
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(pacer_allowance_ns(&pacer, START_NS + i * MS_NS), 0);
    assert_int_equal(pacer_allowance_ns(&pacer, START_NS + 100 * MS_NS), PACER_WORTH_NS);
}

static void asking_without_end_loses_nothing(void **state)
{
    struct pacer pacer;
    pacer_init(&pacer, 1, START_NS);
    pacer_spend(&pacer, PACER_SAVED_NS_MAX);
    for (uint64_t ns = 0; ns < 200 * MS_NS; ns += 33)
        pacer_allowance_ns(&pacer, START_NS + ns);
    assert_int_equal(pacer_allowance_ns(&pacer, START_NS + 200 * MS_NS), 2 * MS_NS);
}

static void what_was_spent_too_much_is_paid_back_first(void **state)
{
    struct pacer pacer;
    pacer_init(&pacer, 10, START_NS);
    pacer_spend(&pacer, PACER_SAVED_NS_MAX + S_NS);   // one call took a second more
    assert_int_equal(pacer_allowance_ns(&pacer, START_NS + 10 * S_NS), 0);
    assert_int_equal(pacer_allowance_ns(&pacer, START_NS + 10 * S_NS + 10 * MS_NS), PACER_WORTH_NS);
}

static const struct unit_sentence sentences[] = {
    {"all that can be saved is there at first", all_that_can_be_saved_is_there_at_first},
    {"a long rest saves no more than the limit", a_long_rest_saves_no_more_than_the_limit},
    {"what is not worth to begin is saved", what_is_not_worth_to_begin_is_saved},
    {"asking without end loses nothing", asking_without_end_loses_nothing},
    {"what was spent too much is paid back first", what_was_spent_too_much_is_paid_back_first},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("share", pacer_rows, 0, in_the_long_run_it_spends_its_share));
    ADD_SENTENCES("pacer:", sentences, 0);
    return cmocka_run_group_tests_name("pacer", unit_tests, NULL, NULL);
}
