// Trial: the same command under several allocators, several times each.
#ifndef NEAP_TOOLS_TRIAL_H
#define NEAP_TOOLS_TRIAL_H

#include "capture.h"
#include "launch.h"
#include "options.h"
#include "spread.h"
#include "timeline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRIAL_SUBJECTS_MAX (2 + OPTION_LIST_MAX)   // present malloc, neap, --with
#define TRIAL_RUNS_MAX 99

enum measure {
    MEASURE_WALL_S,
    MEASURE_CPU_S,
    MEASURE_PEAK_RESIDENT_BYTES,
    MEASURE_END_RESIDENT_BYTES,
    MEASURE_AREA_BYTE_S,   // under the resident curve
    MEASURE_PEAK_MAPPED_BYTES,
    MEASURE_MINOR_FAULTS,
    N_MEASURES
};

// One run of the command under one allocator.
struct trial_run {
    struct outcome  outcome;
    struct timeline timeline;
    double          values[N_MEASURES];
    uint64_t        output_bytes, output_checksum;
    bool            output_differs;   // from the very first run of the trial
    uint64_t        output_offset;    // where, if it does
};

// One allocator.
struct subject {
    const char      *name;      // as shown
    const char      *library;   // preloaded; NULL: the environment as it is
    struct trial_run runs[TRIAL_RUNS_MAX];
    struct spread    spreads[N_MEASURES];   // after trial_conclude
    size_t           typical_run;           // the one with the median area: shown in pictures
};

struct trial {
    // What is asked for.
    char *const *command;
    const char  *path;
    unsigned     n_runs;
    bool         warm_up;
    double       settle_s;   // 0: the command ends by itself

    struct subject *subjects;   // [0] is the one that others are compared with
    size_t          n_subjects;
};

// What the outputs and exit codes of all runs say.
enum agreement {
    AGREEMENT_FULL,       // the same in all runs
    AGREEMENT_UNSTEADY,   // already the first subject's runs differ from one another
    AGREEMENT_BROKEN,     // the first subject's runs agree, another's do not
};

// Runs everything, interleaved, the order rotated from round to round. Progress goes to
// stderr when that is a terminal.
// Returns: 0, or an exit code after one line on stderr (128 + signal when interrupted).
int trial_perform(struct trial *trial);

// Fills the spreads and chooses the typical runs.
void trial_conclude(struct trial *trial);

enum agreement trial_output_agreement(const struct trial *trial);
enum agreement trial_status_agreement(const struct trial *trial);

void trial_free(struct trial *trial);

#endif
