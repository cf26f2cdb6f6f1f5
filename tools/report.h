// Reports of a trial: for people, and for programs.
#ifndef NEAP_TOOLS_REPORT_H
#define NEAP_TOOLS_REPORT_H

#include "trial.h"

#include <stdio.h>

#define REPORT_TITLE_BYTES 92   // of the command; fits a picture and a wide terminal

struct measure_info {
    const char *label;      // with its unit
    const char *sentence;   // for the verdict; NULL: not part of it
    const char *key;        // in JSON, with its unit
    double      scale;      // value / scale is what the label's unit says
    bool        is_time;    // varies more from run to run than memory
    bool        is_count;   // whole
};

extern const struct measure_info report_measures[N_MEASURES];

// Is a measure lower or higher than under the first allocator, by more than chance explains?
// Requires: trial_conclude has been called; for all functions here.
enum difference report_difference(const struct subject *first, const struct subject *subject,
                                  enum measure measure);

// Table of measures, timeline side by side, agreement of outputs, verdict.
void report_write_text(const struct trial *trial, FILE *out);

// One JSON object, schema "neap.try/1".
void report_write_json(const struct trial *trial, FILE *out);

// Picture of resident and mapped memory over time.
void report_write_svg(const struct trial *trial, FILE *out);

#endif
