// Timeline: bounded points, exact peak and area.
#include "timeline.h"

#include "tool_kit.h"

static void add(struct timeline *timeline, double at_s, uint64_t resident, uint64_t mapped)
{
    timeline_add(timeline, (struct timeline_point){at_s, resident, mapped});
}

static void expect_near(double value, double expected)
{
    double distance = value > expected ? value - expected : expected - value;
    if (distance > 1e-6 * (expected > 1 ? expected : 1))
        fail_msg("%.9g instead of %.9g", value, expected);
}

static void peak_and_its_time_are_kept(void **state)
{
    struct timeline timeline;
    assert_true(timeline_init(&timeline));
    add(&timeline, 1, 100, 50);
    add(&timeline, 2, 300, 400);
    add(&timeline, 3, 200, 500);
    assert_int_equal(timeline.peak_resident_bytes, 300);
    assert_int_equal(timeline.peak_mapped_bytes, 500);
    expect_near(timeline.peak_resident_at_s, 2);
    timeline_raise_peak(&timeline, 250);
    assert_int_equal(timeline.peak_resident_bytes, 300);
    expect_near(timeline.peak_resident_at_s, 2);
    timeline_raise_peak(&timeline, 310);   // was a moment before or after
    assert_int_equal(timeline.peak_resident_bytes, 310);
    expect_near(timeline.peak_resident_at_s, 2);
    timeline_raise_peak(&timeline, 350);   // was another time
    assert_int_equal(timeline.peak_resident_bytes, 350);
    assert_true(timeline.peak_resident_at_s < 0);
    timeline_free(&timeline);
}

static void area_is_by_trapezoids(void **state)
{
    struct timeline timeline;
    assert_true(timeline_init(&timeline));
    add(&timeline, 0, 100, 0);
    add(&timeline, 2, 100, 0);      // 200
    add(&timeline, 4, 300, 0);      // 400
    timeline_close(&timeline, 5);   // 300
    expect_near(timeline.area_byte_s, 900);
    timeline_free(&timeline);
}

static void points_stay_bounded_and_spread_over_all_time(void **state)
{
    struct timeline timeline;
    assert_true(timeline_init(&timeline));
    size_t n_samples = 10 * TIMELINE_POINTS_MAX + 123;
    for (size_t i = 0; i < n_samples; i++)
        add(&timeline, (double)i, i == 12345 ? 1000000 : i, 0);

    assert_true(timeline.n_points <= TIMELINE_POINTS_MAX);
    assert_true(timeline.n_points >= TIMELINE_POINTS_MAX / 2);
    assert_int_equal(timeline.peak_resident_bytes, 1000000);   // though its point is gone
    expect_near(timeline.points[0].at_s, 0);
    for (size_t i = 1; i < timeline.n_points; i++)
        expect_near(timeline.points[i].at_s - timeline.points[i - 1].at_s, (double)timeline.stride);
    double last_at_s = timeline.points[timeline.n_points - 1].at_s;
    assert_true((double)n_samples - last_at_s <= 2 * (double)timeline.stride);
    timeline_free(&timeline);
}

static void a_time_finds_the_point_before_it(void **state)
{
    struct timeline timeline;
    assert_true(timeline_init(&timeline));
    assert_null(timeline_at(&timeline, 1));
    for (uint64_t i = 1; i <= 5; i++)
        add(&timeline, (double)i, 10 * i, 0);
    timeline_trim(&timeline);
    assert_null(timeline_at(&timeline, 0.99));
    assert_int_equal(timeline_at(&timeline, 1)->resident_bytes, 10);
    assert_int_equal(timeline_at(&timeline, 3.99)->resident_bytes, 30);
    assert_int_equal(timeline_at(&timeline, 5)->resident_bytes, 50);
    assert_null(timeline_at(&timeline, 5.01));
    expect_near(timeline_end_s(&timeline), 5);
    timeline_free(&timeline);
}

static void csv_has_a_header_and_a_line_per_point(void **state)
{
    struct timeline timeline;
    assert_true(timeline_init(&timeline));
    add(&timeline, 0.5, 4096, 8192);
    add(&timeline, 1.25, 12288, 8192);
    struct kit_text kit;
    timeline_write_csv(&timeline, kit_text_begin(&kit));
    assert_string_equal(kit_text_end(&kit), "seconds,resident_bytes,mapped_bytes\n"
                                            "0.5000,4096,8192\n"
                                            "1.2500,12288,8192\n");
    kit_text_free(&kit);
    timeline_free(&timeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peak_and_its_time_are_kept),
        cmocka_unit_test(area_is_by_trapezoids),
        cmocka_unit_test(points_stay_bounded_and_spread_over_all_time),
        cmocka_unit_test(a_time_finds_the_point_before_it),
        cmocka_unit_test(csv_has_a_header_and_a_line_per_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
