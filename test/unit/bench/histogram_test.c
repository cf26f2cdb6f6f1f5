// The histogram of durations in bench/malloc: places, values read back, percentiles.
#include "../../../bench/malloc/histogram.h"
#include "unit_kit.h"

static void every_place_holds_its_own_value(void **state)
{
    (void)state;
    for (size_t place = 0; place < HISTOGRAM_PLACES; place++)
        assert_int_equal(histogram_place(histogram_value(place)), place);
    assert_int_equal(histogram_value(HISTOGRAM_PLACES - 1), UINT64_MAX);
}

static void values_read_back_are_at_most_three_percent_larger(void **state)
{
    (void)state;
    for (uint64_t value = 1; value < UINT64_C(1) << 60; value += value / 7 + 1) {
        uint64_t back = histogram_value(histogram_place(value));
        assert_true(back >= value);
        assert_true(back - value <= value / HISTOGRAM_STEPS);
    }
}

static void percentiles_of_thirty_values(void **state)
{
    (void)state;
    static struct histogram histogram;
    assert_int_equal(histogram_percentile(&histogram, 0.5), 0);
    for (uint64_t value = 1; value <= 30; value++)
        histogram_add(&histogram, value);
    assert_int_equal(histogram_percentile(&histogram, 0.5), 15);
    assert_int_equal(histogram_percentile(&histogram, 0.1), 3);
    assert_int_equal(histogram_percentile(&histogram, 1), 30);
}

static void merging_adds(void **state)
{
    (void)state;
    static struct histogram one, other;
    histogram_add(&one, 5);
    histogram_add(&other, 7000000);
    histogram_merge(&one, &other);
    assert_int_equal(histogram_percentile(&one, 0.5), 5);
    assert_int_equal(histogram_percentile(&one, 1), 7000000);   // exact, as the largest
}

static const struct unit_sentence sentences[] = {
    {"every place holds its own value", every_place_holds_its_own_value},
    {"values read back are at most 3 % larger", values_read_back_are_at_most_three_percent_larger},
    {"percentiles of thirty values", percentiles_of_thirty_values},
    {"merging adds", merging_adds},
};

int main(void)
{
    ADD_SENTENCES("histogram", sentences, 0);
    return cmocka_run_group_tests_name("histogram", unit_tests, NULL, NULL);
}
