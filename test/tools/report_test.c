// Reports: a trial made up by hand, so that every word of them is known.
#include "report.h"
#include "svg.h"

#include "tool_kit.h"

#define MIB 1048576.0

static char *command[] = {(char *)"./job", (char *)"<in>", NULL};

// A run that climbs to `peak_mib` in two seconds and falls to a half.
static struct trial_run made_run(double peak_mib, double wall_s)
{
    struct trial_run run = {.output_bytes = 1234, .output_checksum = 0xabc};
    assert_true(timeline_init(&run.timeline));
    for (int i = 0; i <= 20; i++) {
        double   share = i <= 10 ? i / 10.0 : i < 20 ? 1 : 0.5;
        uint64_t resident = (uint64_t)(peak_mib * share * MIB);
        timeline_add(&run.timeline, (struct timeline_point){i * wall_s / 20, resident,
                                                            (uint64_t)(peak_mib * MIB)});
    }
    run.outcome.wall_s = wall_s;
    run.values[MEASURE_WALL_S] = wall_s;
    run.values[MEASURE_CPU_S] = 1.5;
    run.values[MEASURE_PEAK_RESIDENT_BYTES] = (double)run.timeline.peak_resident_bytes;
    run.values[MEASURE_END_RESIDENT_BYTES] = (double)run.timeline.last.resident_bytes;
    run.values[MEASURE_AREA_BYTE_S] = run.timeline.area_byte_s;
    run.values[MEASURE_PEAK_MAPPED_BYTES] = (double)run.timeline.peak_mapped_bytes;
    run.values[MEASURE_MINOR_FAULTS] = 88;
    return run;
}

#define SUBJECTS_MAX 4

static struct trial made_trial(double first_peak_mib, double second_peak_mib, double wall_s)
{
    struct trial trial = {.command = command, .path = "./job", .n_runs = 2, .n_subjects = 2};
    trial.subjects = calloc(SUBJECTS_MAX, sizeof *trial.subjects);
    assert_non_null(trial.subjects);
    trial.subjects[0].name = "present malloc";
    trial.subjects[1].name = "neap";
    trial.subjects[1].library = "libneap.so.0";
    for (size_t i = 0; i < 2; i++) {
        trial.subjects[0].runs[i] = made_run(first_peak_mib + (double)i, wall_s);
        trial.subjects[1].runs[i] = made_run(second_peak_mib + (double)i, wall_s);
    }
    trial_conclude(&trial);
    return trial;
}

static void expect_text(struct trial *trial, const char *const *parts, size_t n_parts)
{
    struct kit_text kit;
    report_write_text(trial, kit_text_begin(&kit));
    const char *text = kit_text_end(&kit);
    for (size_t i = 0; i < n_parts; i++)
        expect_holds(text, parts[i]);
    kit_text_free(&kit);
    trial_free(trial);
}

static void the_verdict_names_what_is_lower_and_what_is_not_different(void **state)
{
    struct trial             trial = made_trial(200, 100, 2);
    static const char *const parts[] = {
        "2 runs each, interleaved",
        "peak resident MiB     200 (200-201)",
        "output: identical in all runs (1 234 bytes, fnv1a 0000000000000abc)",
        "status: exit 0 in all runs",
        "verdict: neap against present malloc\n",
        "  lower           peak resident 50 %, resident at the end 50 %, resident area 50 %\n",
        "  no difference   wall time, CPU time\n",
    };
    expect_text(&trial, parts, LENGTH_OF(parts));
}

static void the_verdict_does_not_hide_what_is_worse(void **state)
{
    struct trial             trial = made_trial(100, 300, 2);
    static const char *const parts[] = {"  higher          peak resident 3.0 times as much"};
    expect_text(&trial, parts, LENGTH_OF(parts));
}

static void three_digits_are_shown_of_every_number(void **state)
{
    struct trial             trial = made_trial(0.5, 41.26, 0.0812);
    static const char *const parts[] = {
        "wall s                0.0812 (0.0812-0.0812)    0.0812 (0.0812-0.0812)    1.00\n",
        "CPU s                 1.50 (1.50-1.50)          1.50 (1.50-1.50)          1.00\n",
        "peak resident MiB     1.00 (0.50-1.50)          41.8 (41.3-42.3)          41.76\n",
        "minor faults          88 (88-88)                88 (88-88)                1.00\n",
        "  0.0068  ",
    };
    expect_text(&trial, parts, LENGTH_OF(parts));
}

static void many_allocators_stand_one_below_the_other(void **state)
{
    static const char *const names[] = {"jemalloc", "an-allocator-with-a-long-name"};
    struct trial             trial = made_trial(200, 100, 2);
    for (size_t s = 0; s < LENGTH_OF(names); s++) {
        trial.subjects[2 + s].name = names[s];
        for (size_t i = 0; i < 2; i++)
            trial.subjects[2 + s].runs[i] = made_run(150, 2);
    }
    trial.n_subjects = 4;
    trial_conclude(&trial);
    static const char *const parts[] = {
        ("\npeak resident MiB\n"
         "  present malloc      200 (200-201)\n"
         "  neap                100 (100-101)             0.50\n"
         "  jemalloc            150 (150-150)             0.75\n"
         "  an-allocator-with-a 150 (150-150)             0.75\n"),
        ("\n           resident MiB\n"
         "  time s     present      neap  jemalloc an-alloca\n"),
        "\nverdict: jemalloc against present malloc\n",
    };
    expect_text(&trial, parts, LENGTH_OF(parts));
}

static void a_short_command_gets_no_verdict(void **state)
{
    struct trial             trial = made_trial(100, 300, 0.02);
    static const char *const parts[] = {"no verdict: a command of 20 ms"};
    expect_text(&trial, parts, LENGTH_OF(parts));
}

static void one_run_is_no_more_than_a_hint(void **state)
{
    struct trial trial = made_trial(200, 100, 2);
    timeline_free(&trial.subjects[0].runs[1].timeline);
    timeline_free(&trial.subjects[1].runs[1].timeline);
    trial.n_runs = 1;
    trial_conclude(&trial);
    static const char *const parts[] = {"one run each, so the spread is not known",
                                        "(from one run each: no more than a hint)"};
    expect_text(&trial, parts, LENGTH_OF(parts));
}

static void an_output_that_differs_is_told_with_its_place(void **state)
{
    struct trial trial = made_trial(200, 100, 2);
    trial.subjects[1].runs[1].output_differs = true;
    trial.subjects[1].runs[1].output_offset = 17;
    assert_int_equal(trial_output_agreement(&trial), AGREEMENT_BROKEN);
    static const char *const parts[] = {
        "output: NOT identical: first difference at byte 17, under neap"};
    expect_text(&trial, parts, LENGTH_OF(parts));
}

static void an_output_that_always_changes_is_not_blamed_on_neap(void **state)
{
    struct trial trial = made_trial(200, 100, 2);
    trial.subjects[0].runs[1].output_differs = true;
    trial.subjects[1].runs[0].output_differs = true;
    assert_int_equal(trial_output_agreement(&trial), AGREEMENT_UNSTEADY);
    static const char *const parts[] = {"so the allocator is not the reason"};
    expect_text(&trial, parts, LENGTH_OF(parts));
}

static void a_crash_under_one_allocator_is_told(void **state)
{
    struct trial trial = made_trial(200, 100, 2);
    trial.subjects[1].runs[0].outcome.status = 11;
    assert_int_equal(trial_status_agreement(&trial), AGREEMENT_BROKEN);
    static const char *const parts[] = {"status: NOT the same:", "neap: signal 11"};
    expect_text(&trial, parts, LENGTH_OF(parts));
}

static void json_names_its_schema_and_units(void **state)
{
    struct trial    trial = made_trial(200, 100, 2);
    struct kit_text kit;
    report_write_json(&trial, kit_text_begin(&kit));
    const char *text = kit_text_end(&kit);
    expect_holds(text, "\"schema\": \"neap.try/1\"");
    expect_holds(text, "\"command\": [\"./job\", \"<in>\"]");
    expect_holds(text, "\"output\": \"identical\", \"status\": \"identical\"");
    expect_holds(text, "\"library\": \"libneap.so.0\"");
    expect_holds(text, "\"peak_resident_bytes\": 209715200, ");
    expect_holds(text, "\"wall_seconds\": 2.000000, ");
    expect_holds(text, "[2.000, 104857600, 209715200]]");
    expect_holds(text, "\"difference\": {\"wall_seconds\": \"none\", \"cpu_seconds\": \"none\","
                       " \"peak_resident_bytes\": \"lower\", ");
    kit_text_free(&kit);
    trial_free(&trial);
}

static void the_picture_is_self_contained_and_escaped(void **state)
{
    struct trial    trial = made_trial(200, 100, 2);
    struct kit_text kit;
    report_write_svg(&trial, kit_text_begin(&kit));
    const char *text = kit_text_end(&kit);
    expect_holds(text, "<svg xmlns=\"http://www.w3.org/2000/svg\"");
    expect_holds(text, "prefers-color-scheme: dark");
    expect_holds(text, "&lt;in&gt;");
    expect_holds(text, "Resident memory, MiB");
    expect_holds(text, "Mapped memory, MiB");
    expect_holds(text, "seconds since the start");
    expect_holds(text, "class=\"faint s1\"");
    expect_holds(text, "</svg>\n");
    expect_lacks(text, "href");
    expect_lacks(text, "nan");
    expect_lacks(text, "inf\"");
    kit_text_free(&kit);
    trial_free(&trial);
}

static void a_picture_without_samples_is_still_a_picture(void **state)
{
    struct timeline empty;
    assert_true(timeline_init(&empty));
    const struct timeline *timelines[] = {&empty};
    struct svg_series      series = {"neap", timelines, 1};
    struct svg_picture     picture = {"true", "neap run", &series, 1};
    struct kit_text        kit;
    svg_write(&picture, kit_text_begin(&kit));
    expect_lacks(kit_text_end(&kit), "nan");
    expect_holds(kit.text, "</svg>\n");
    kit_text_free(&kit);
    timeline_free(&empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_verdict_names_what_is_lower_and_what_is_not_different),
        cmocka_unit_test(the_verdict_does_not_hide_what_is_worse),
        cmocka_unit_test(three_digits_are_shown_of_every_number),
        cmocka_unit_test(many_allocators_stand_one_below_the_other),
        cmocka_unit_test(a_short_command_gets_no_verdict),
        cmocka_unit_test(one_run_is_no_more_than_a_hint),
        cmocka_unit_test(an_output_that_differs_is_told_with_its_place),
        cmocka_unit_test(an_output_that_always_changes_is_not_blamed_on_neap),
        cmocka_unit_test(a_crash_under_one_allocator_is_told),
        cmocka_unit_test(json_names_its_schema_and_units),
        cmocka_unit_test(the_picture_is_self_contained_and_escaped),
        cmocka_unit_test(a_picture_without_samples_is_still_a_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
