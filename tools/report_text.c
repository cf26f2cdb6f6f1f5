// Text report: plain ASCII, no colour; numbers of one measure stand in one row.
#include "format.h"
#include "report.h"

#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#define MIB 1048576.0
#define SHORT_S 0.05   // shorter commands give too few samples for a verdict
#define TIMELINE_ROWS 12
#define MAPPED_SUBJECTS_MAX 3   // more would make the lines too wide
#define LABEL_WIDTH 22
#define CELL_WIDTH 26
#define CELL_BYTES 64

// Times of the same program differ by a tenth from run to run for reasons that are not the
// allocator's, and by 10 ms for the scheduler's; memory hardly differs at all.
static const struct tolerance time_tolerance = {0.10, 0.010}, memory_tolerance = {0.05, 0};

const struct measure_info report_measures[N_MEASURES] = {
    [MEASURE_WALL_S] = {"wall s", "wall time", "wall_seconds", 1, true, false},
    [MEASURE_CPU_S] = {"CPU s", "CPU time", "cpu_seconds", 1, true, false},
    [MEASURE_PEAK_RESIDENT_BYTES] = {"peak resident MiB", "peak resident", "peak_resident_bytes",
                                     MIB, false, false},
    [MEASURE_END_RESIDENT_BYTES] = {"resident at end MiB", "resident at the end",
                                    "end_resident_bytes", MIB, false, false},
    [MEASURE_AREA_BYTE_S] = {"resident area MiB*s", "resident area", "resident_byte_seconds", MIB,
                             false, false},
    [MEASURE_PEAK_MAPPED_BYTES] = {"peak mapped MiB", NULL, "peak_mapped_bytes", MIB, false, false},
    [MEASURE_MINOR_FAULTS] = {"minor faults", NULL, "minor_faults", 1, false, true},
};

enum difference report_difference(const struct subject *first, const struct subject *subject,
                                  enum measure measure)
{
    return spread_difference(&first->spreads[measure], &subject->spreads[measure],
                             report_measures[measure].is_time ? time_tolerance : memory_tolerance);
}

// "0.0213", "6.21", "41.3", "412": three digits where there are decimals at all.
static int decimals_of(double value)
{
    static const double ends[] = {99.95, 9.995, 0.9995, 0.09995};   // below: one decimal more
    int                 n_decimals = 0;
    while (n_decimals < (int)(sizeof ends / sizeof *ends) && value < ends[n_decimals])
        n_decimals++;
    return value > 0 ? n_decimals : 0;
}

// "6.21 (6.10-6.35)"; without the range when there was one run.
static const char *cell_spread(const struct spread *spread, const struct measure_info *info,
                               unsigned n_runs, char out[CELL_BYTES])
{
    int n_decimals = info->is_count ? 0 : decimals_of(spread->median / info->scale);
    int length = snprintf(out, CELL_BYTES, "%.*f", n_decimals, spread->median / info->scale);
    if (n_runs > 1)
        (void)snprintf(out + length, CELL_BYTES - (size_t)length, " (%.*f-%.*f)", n_decimals,
                       spread->smallest / info->scale, n_decimals, spread->largest / info->scale);
    return out;
}

// One row for each measure, one column for each allocator: as wide as a page for two of them.
static void write_measures_as_columns(const struct trial *trial, FILE *out)
{
    (void)fprintf(out, "%-*s%-*s%-*sratio\n", LABEL_WIDTH, "", CELL_WIDTH, trial->subjects[0].name,
                  CELL_WIDTH, trial->subjects[1].name);
    for (size_t m = 0; m < N_MEASURES; m++) {
        const struct spread *a = &trial->subjects[0].spreads[m];
        const struct spread *b = &trial->subjects[1].spreads[m];
        char                 a_cell[CELL_BYTES], b_cell[CELL_BYTES];
        (void)fprintf(out, "%-*s%-*s%-*s%.2f\n", LABEL_WIDTH, report_measures[m].label, CELL_WIDTH,
                      cell_spread(a, &report_measures[m], trial->n_runs, a_cell), CELL_WIDTH,
                      cell_spread(b, &report_measures[m], trial->n_runs, b_cell),
                      spread_ratio(a, b));
    }
}

// One row for each allocator below each measure.
static void write_measures_as_rows(const struct trial *trial, FILE *out)
{
    for (size_t m = 0; m < N_MEASURES; m++) {
        const struct spread *first = &trial->subjects[0].spreads[m];
        (void)fprintf(out, "%s\n", report_measures[m].label);
        for (size_t s = 0; s < trial->n_subjects; s++) {
            const struct spread *spread = &trial->subjects[s].spreads[m];
            char                 cell[CELL_BYTES];
            (void)fprintf(out, "  %-*.*s", LABEL_WIDTH - 2, LABEL_WIDTH - 3,
                          trial->subjects[s].name);
            if (s == 0)
                (void)fprintf(out, "%s\n",
                              cell_spread(spread, &report_measures[m], trial->n_runs, cell));
            else
                (void)fprintf(out, "%-*s%.2f\n", CELL_WIDTH,
                              cell_spread(spread, &report_measures[m], trial->n_runs, cell),
                              spread_ratio(first, spread));
        }
    }
}

static const struct timeline *typical_timeline(const struct subject *subject)
{
    return &subject->runs[subject->typical_run].timeline;
}

// The names, one to each column, for the columns of one kind of memory.
static void write_timeline_names(const struct trial *trial, FILE *out)
{
    for (size_t s = 0; s < trial->n_subjects; s++)
        (void)fprintf(out, " %9.9s", s == 0 ? "present" : trial->subjects[s].name);
}

// One column for each allocator, of one kind of memory.
static void write_timeline_cells(const struct trial *trial, double at_s, bool is_mapped, FILE *out)
{
    for (size_t s = 0; s < trial->n_subjects; s++) {
        const struct timeline_point *point =
            timeline_at(typical_timeline(&trial->subjects[s]), at_s);
        if (point == NULL)
            (void)fprintf(out, " %9s", "-");
        else
            (void)fprintf(out, " %9.1f",
                          (double)(is_mapped ? point->mapped_bytes : point->resident_bytes) / MIB);
    }
}

static void write_timeline(const struct trial *trial, FILE *out)
{
    double end_s = 0;
    for (size_t s = 0; s < trial->n_subjects; s++) {
        double subject_end_s = timeline_end_s(typical_timeline(&trial->subjects[s]));
        end_s = subject_end_s > end_s ? subject_end_s : end_s;
    }
    double step_s = end_s / TIMELINE_ROWS;
    int    n_decimals = step_s < 0.01 ? 4 : step_s < 0.1 ? 3 : 2;
    bool   shows_mapped = trial->n_subjects <= MAPPED_SUBJECTS_MAX;
    (void)fprintf(out, "\n%11sresident MiB", "");
    if (shows_mapped)
        (void)fprintf(out, "%*smapped MiB", 10 * (int)trial->n_subjects - 10, "");
    (void)fprintf(out, "\n%8s  ", "time s");
    write_timeline_names(trial, out);
    if (shows_mapped) {
        (void)fprintf(out, "  ");
        write_timeline_names(trial, out);
    }
    for (int row = 1; row <= TIMELINE_ROWS; row++) {
        (void)fprintf(out, "\n%8.*f  ", n_decimals, step_s * row);
        write_timeline_cells(trial, step_s * row, false, out);
        if (shows_mapped) {
            (void)fprintf(out, "  ");
            write_timeline_cells(trial, step_s * row, true, out);
        }
    }
    (void)fprintf(out, "\n");
}

// The first run, other than the very first, whose output differs; NULL when none does.
static const struct trial_run *find_different_output(const struct trial *trial,
                                                     const char        **out_name)
{
    for (size_t s = 0; s < trial->n_subjects; s++) {
        for (size_t i = 0; i < trial->n_runs; i++) {
            if (trial->subjects[s].runs[i].output_differs) {
                *out_name = trial->subjects[s].name;
                return &trial->subjects[s].runs[i];
            }
        }
    }
    return NULL;
}

static void write_output_agreement(const struct trial *trial, FILE *out)
{
    const struct trial_run *first = &trial->subjects[0].runs[0];
    char                    a[FORMAT_BYTES], b[FORMAT_BYTES], c[FORMAT_BYTES];
    const char             *name = NULL;
    const struct trial_run *other = find_different_output(trial, &name);
    if (other == NULL) {
        (void)fprintf(out, "\noutput: identical in all runs (%s bytes, fnv1a %016" PRIx64 ")\n",
                      format_count(first->output_bytes, a), first->output_checksum);
        return;
    }
    (void)fprintf(out,
                  "\noutput: NOT identical: first difference at byte %s, under %s"
                  " (%s bytes against %s)\n",
                  format_count(other->output_offset, a), name, format_count(other->output_bytes, b),
                  format_count(first->output_bytes, c));
    if (trial_output_agreement(trial) == AGREEMENT_UNSTEADY)
        (void)fprintf(out,
                      "        it changes from run to run under %s alone, so the allocator"
                      " is not the reason\n",
                      trial->subjects[0].name);
}

static void write_status_agreement(const struct trial *trial, FILE *out)
{
    char           text[64];
    enum agreement agreement = trial_status_agreement(trial);
    if (agreement == AGREEMENT_FULL) {
        const struct outcome *outcome = &trial->subjects[0].runs[0].outcome;
        format_status(outcome->status, text, sizeof text);
        (void)fprintf(out, "status: %s in all runs%s\n", text,
                      outcome->settled ? " (settled, then stopped by neap)" : "");
        return;
    }
    (void)fprintf(out, "status: NOT the same:");
    for (size_t s = 0; s < trial->n_subjects; s++) {
        for (size_t i = 0; i < trial->n_runs; i++) {
            format_status(trial->subjects[s].runs[i].outcome.status, text, sizeof text);
            (void)fprintf(out, "%s %s: %s", s + i > 0 ? "," : "", trial->subjects[s].name, text);
        }
    }
    (void)fprintf(out, "\n");
}

// By how much: "23 %"; from twice as much on as a multiple, which is easier to imagine.
static void write_distance(double ratio, FILE *out)
{
    if (ratio >= 2)
        (void)fprintf(out, " %.1f times as much", ratio);
    else
        (void)fprintf(out, " %.0f %%", 100 * (ratio < 1 ? 1 - ratio : ratio - 1));
}

// One line of the verdict: the measures that differ in this direction, if there are any.
static void write_verdict_line(const struct subject *first, const struct subject *subject,
                               enum difference wanted, FILE *out)
{
    static const char *const words[] = {"no difference", "lower", "higher"};
    bool                     is_empty = true;
    for (size_t m = 0; m < N_MEASURES; m++) {
        const struct measure_info *info = &report_measures[m];
        if (info->sentence == NULL || report_difference(first, subject, (enum measure)m) != wanted)
            continue;
        if (is_empty)
            (void)fprintf(out, "  %-15s ", words[wanted]);
        (void)fprintf(out, "%s%s", is_empty ? "" : ", ", info->sentence);
        if (wanted != DIFFERENCE_NONE)
            write_distance(spread_ratio(&first->spreads[m], &subject->spreads[m]), out);
        is_empty = false;
    }
    if (!is_empty)
        (void)fprintf(out, "\n");
}

static void write_verdict(const struct trial *trial, const struct subject *subject, FILE *out)
{
    const struct subject *first = &trial->subjects[0];
    (void)fprintf(out, "\nverdict: %s against %s%s\n", subject->name, first->name,
                  trial->n_runs > 1 ? "" : " (from one run each: no more than a hint)");
    write_verdict_line(first, subject, DIFFERENCE_LOWER, out);
    write_verdict_line(first, subject, DIFFERENCE_HIGHER, out);
    write_verdict_line(first, subject, DIFFERENCE_NONE, out);
}

void report_write_text(const struct trial *trial, FILE *out)
{
    char title[REPORT_TITLE_BYTES];
    format_command(trial->command, title, sizeof title);
    (void)fprintf(out, "neap try  %s\n", title);
    if (trial->n_runs > 1)
        (void)fprintf(out, "%u runs each, interleaved; median (smallest-largest); ratio to %s\n\n",
                      trial->n_runs, trial->subjects[0].name);
    else
        (void)fprintf(out, "one run each, so the spread is not known; ratio to %s\n\n",
                      trial->subjects[0].name);
    if (trial->n_subjects == 2)
        write_measures_as_columns(trial, out);
    else
        write_measures_as_rows(trial, out);
    bool is_short = trial->subjects[0].spreads[MEASURE_WALL_S].median < SHORT_S;
    if (!is_short)
        write_timeline(trial, out);
    write_output_agreement(trial, out);
    write_status_agreement(trial, out);
    if (is_short) {
        (void)fprintf(out,
                      "\nno verdict: a command of %.0f ms is over before its memory can be"
                      " sampled well; give it more to do\n",
                      1000 * trial->subjects[0].spreads[MEASURE_WALL_S].median);
        return;
    }
    for (size_t s = 1; s < trial->n_subjects; s++)
        write_verdict(trial, &trial->subjects[s], out);
    (void)fprintf(out,
                  "(no difference: memory within 5 %%, time within 10 %% or 10 ms, or ranges that"
                  " touch)\n");
}
