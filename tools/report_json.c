// JSON report: bytes as integers, seconds as decimals, names with units; the timelines of
// all runs, thinned.
#include "report.h"
#include "text.h"

#include <inttypes.h>

#define JSON_POINTS_MAX 500   // of a timeline

static void write_values(const double values[N_MEASURES], FILE *out)
{
    for (size_t m = 0; m < N_MEASURES; m++) {
        (void)fprintf(out, "\"%s\": %.*f, ", report_measures[m].key,
                      report_measures[m].is_time ? 6 : 0, values[m]);
    }
}

static void write_timeline(const struct timeline *timeline, FILE *out)
{
    size_t stride = timeline->n_points / JSON_POINTS_MAX + 1;
    (void)fprintf(out, "\"timeline_columns\": [\"seconds\", \"resident_bytes\","
                       " \"mapped_bytes\"], \"timeline\": [");
    for (size_t i = 0; i < timeline->n_points; i += stride) {
        const struct timeline_point *point = &timeline->points[i];
        (void)fprintf(out, "%s[%.3f, %" PRIu64 ", %" PRIu64 "]", i > 0 ? ", " : "", point->at_s,
                      point->resident_bytes, point->mapped_bytes);
    }
    (void)fprintf(out, "]");
}

static void write_run(const struct trial_run *run, FILE *out)
{
    (void)fprintf(out, "      {");
    write_values(run->values, out);
    (void)fprintf(out,
                  "\"exit_code\": %d, \"settled\": %s, \"output_bytes\": %" PRIu64
                  ", \"output_fnv1a\": \"%016" PRIx64 "\",\n       ",
                  launch_exit_code(run->outcome.status), run->outcome.settled ? "true" : "false",
                  run->output_bytes, run->output_checksum);
    write_timeline(&run->timeline, out);
    (void)fprintf(out, "}");
}

// What the verdict of the text says, measure by measure.
static void write_differences(const struct subject *first, const struct subject *subject, FILE *out)
{
    static const char *const words[] = {"none", "lower", "higher"};
    (void)fprintf(out, "{");
    for (size_t m = 0; m < N_MEASURES; m++)
        (void)fprintf(out, "%s\"%s\": \"%s\"", m > 0 ? ", " : "", report_measures[m].key,
                      words[report_difference(first, subject, (enum measure)m)]);
    (void)fprintf(out, "}");
}

static void write_subject(const struct trial *trial, const struct subject *subject, FILE *out)
{
    double medians[N_MEASURES];
    for (size_t m = 0; m < N_MEASURES; m++)
        medians[m] = subject->spreads[m].median;

    (void)fprintf(out, "    {\"name\": ");
    text_write_json(out, subject->name);
    if (subject->library != NULL) {
        (void)fprintf(out, ", \"library\": ");
        text_write_json(out, subject->library);
    }
    (void)fprintf(out, ",\n     \"median\": {");
    write_values(medians, out);
    (void)fprintf(out, "\"typical_run\": %zu},\n", subject->typical_run);
    if (subject != &trial->subjects[0]) {
        (void)fprintf(out, "     \"difference\": ");
        write_differences(&trial->subjects[0], subject, out);
        (void)fprintf(out, ",\n");
    }
    (void)fprintf(out, "     \"runs\": [\n");
    for (size_t i = 0; i < trial->n_runs; i++) {
        write_run(&subject->runs[i], out);
        (void)fprintf(out, "%s\n", i + 1 < trial->n_runs ? "," : "");
    }
    (void)fprintf(out, "     ]}");
}

static const char *agreement_name(enum agreement agreement)
{
    switch (agreement) {
    case AGREEMENT_FULL:
        return "identical";
    case AGREEMENT_UNSTEADY:
        return "unsteady";
    case AGREEMENT_BROKEN:
        return "different";
    }
    return "different";
}

void report_write_json(const struct trial *trial, FILE *out)
{
    (void)fprintf(out, "{\"schema\": \"neap.try/1\", \"version\": \"" NEAP_VERSION "\",\n"
                       "  \"command\": [");
    for (size_t i = 0; trial->command[i] != NULL; i++) {
        (void)fprintf(out, "%s", i > 0 ? ", " : "");
        text_write_json(out, trial->command[i]);
    }
    (void)fprintf(out,
                  "],\n  \"runs\": %u, \"output\": \"%s\", \"status\": \"%s\",\n"
                  "  \"allocators\": [\n",
                  trial->n_runs, agreement_name(trial_output_agreement(trial)),
                  agreement_name(trial_status_agreement(trial)));
    for (size_t s = 0; s < trial->n_subjects; s++) {
        write_subject(trial, &trial->subjects[s], out);
        (void)fprintf(out, "%s\n", s + 1 < trial->n_subjects ? "," : "");
    }
    (void)fprintf(out, "  ]}\n");
}
