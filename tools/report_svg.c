// Picture of a trial: arranges the timelines, the typical run of each allocator first.
#include "format.h"
#include "report.h"
#include "svg.h"

void report_write_svg(const struct trial *trial, FILE *out)
{
    const struct timeline *timelines[TRIAL_SUBJECTS_MAX][TRIAL_RUNS_MAX];
    struct svg_series      series[TRIAL_SUBJECTS_MAX];
    for (size_t s = 0; s < trial->n_subjects; s++) {
        const struct subject *subject = &trial->subjects[s];
        size_t                n_timelines = 0;
        timelines[s][n_timelines++] = &subject->runs[subject->typical_run].timeline;
        for (size_t i = 0; i < trial->n_runs; i++) {
            if (i != subject->typical_run)
                timelines[s][n_timelines++] = &subject->runs[i].timeline;
        }
        series[s] = (struct svg_series){subject->name, timelines[s], n_timelines};
    }

    char title[REPORT_TITLE_BYTES], subtitle[160];
    format_command(trial->command, title, sizeof title);
    if (trial->n_runs > 1)
        (void)snprintf(subtitle, sizeof subtitle,
                       "neap try: the same command under each"
                       " allocator, %u runs each; bold: a typical run, faint: the others",
                       trial->n_runs);
    else
        (void)snprintf(subtitle, sizeof subtitle,
                       "neap try: the same command under each allocator, one run each");
    struct svg_picture picture = {title, subtitle, series, trial->n_subjects};
    svg_write(&picture, out);
}
