// Trial: runs are interleaved so that a machine that grows slower meets all allocators alike,
// and the order is rotated so that none always follows the same other one.
#include "trial.h"

#include "exit_code.h"
#include "library.h"
#include "message.h"
#include "sample.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Opens what the command reads as stdin: a regular file from its start in every run, else
// nothing, because what came through a pipe or terminal once cannot come again.
static int trial_open_stdin(void)
{
    struct stat status;
    bool        is_file = fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode);
    int         fd = is_file ? open("/proc/self/fd/0", O_RDONLY | O_CLOEXEC) : -1;
    return fd >= 0 ? fd : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static void trial_take_values(struct trial_run *run)
{
    const struct rusage   *usage = &run->outcome.usage;
    const struct timeline *timeline = &run->timeline;
    run->values[MEASURE_WALL_S] = run->outcome.wall_s;
    run->values[MEASURE_CPU_S] = seconds_of(usage->ru_utime) + seconds_of(usage->ru_stime);
    run->values[MEASURE_PEAK_RESIDENT_BYTES] = (double)timeline->peak_resident_bytes;
    run->values[MEASURE_END_RESIDENT_BYTES] = (double)timeline->last.resident_bytes;
    run->values[MEASURE_AREA_BYTE_S] = timeline->area_byte_s;
    run->values[MEASURE_PEAK_MAPPED_BYTES] = (double)timeline->peak_mapped_bytes;
    run->values[MEASURE_MINOR_FAULTS] = (double)usage->ru_minflt;
}

// Runs the command once. `run` gets everything but the comparison of the output.
static int trial_run_once(const struct trial *trial, const struct subject *subject,
                          struct trial_run *run, const struct capture *output)
{
    char          preload[2 * LIBRARY_PATH_BYTES];
    struct launch launch = {.argv = trial->command,
                            .path = trial->path,
                            .stdin_fd = trial_open_stdin(),
                            .stdout_fd = output->fd};
    if (subject->library != NULL) {
        if (!library_preload_text(subject->library, getenv("LD_PRELOAD"), preload, sizeof preload))
            return message_exit(EXIT_CODE_NEAP,
                                "%s: a path with a space or colon, or a very long"
                                " one, cannot stand in LD_PRELOAD; move it",
                                subject->library);
        launch.preload = preload;
    }
    if (!timeline_init(&run->timeline))
        return message_exit(EXIT_CODE_NEAP, "out of memory");

    struct sampler sampler;
    sampler_init(&sampler, &run->timeline, trial->settle_s);
    int exit_code = launch_run(&launch, &sampler, &run->outcome);
    if (launch.stdin_fd >= 0)
        (void)close(launch.stdin_fd);
    if (exit_code != 0)
        return exit_code;
    timeline_trim(&run->timeline);
    trial_take_values(run);
    if (run->outcome.interrupted_by != 0)
        return message_exit(EXIT_CODE_SIGNAL + run->outcome.interrupted_by,
                            "interrupted; no result");
    return 0;
}

static void trial_show_progress(const struct trial *trial, unsigned n_done, const char *name)
{
    if (isatty(STDERR_FILENO) == 0)
        return;
    if (name != NULL)
        (void)fprintf(stderr, "\r\033[Kneap try: run %u of %zu (%s) ", n_done + 1,
                      trial->n_runs * trial->n_subjects, name);
    else
        (void)fprintf(stderr, "\r\033[K");
}

// Runs once and compares the output with that of the first run, which stays open.
static int trial_run_compared(struct trial *trial, struct subject *subject, struct trial_run *run,
                              struct capture *first)
{
    struct capture output;
    if (!capture_open(&output))
        return message_exit(EXIT_CODE_NEAP, "cannot create a temporary file: %s; set TMPDIR",
                            strerror(errno));
    int exit_code = trial_run_once(trial, subject, run, &output);
    if (exit_code == 0 && !capture_seal(&output))
        exit_code = message_exit(EXIT_CODE_NEAP, "cannot read the command's output back: %s",
                                 strerror(errno));
    run->output_bytes = output.n_bytes;
    run->output_checksum = output.checksum;
    if (first->fd < 0) {
        *first = output;
        return exit_code;
    }

    int comparison = capture_compare(first, &output, &run->output_offset);
    run->output_differs = comparison == 0;
    if (exit_code == 0 && comparison < 0)
        exit_code = message_exit(EXIT_CODE_NEAP, "cannot compare the command's output: %s",
                                 strerror(errno));
    capture_close(&output);
    return exit_code;
}

static int trial_warm_up(struct trial *trial)
{
    int exit_code = 0;
    for (size_t i = 0; i < trial->n_subjects && exit_code == 0; i++) {
        struct capture   first = {.fd = -1};
        struct trial_run run = {0};
        exit_code = trial_run_compared(trial, &trial->subjects[i], &run, &first);
        capture_close(&first);
        timeline_free(&run.timeline);
    }
    return exit_code;
}

int trial_perform(struct trial *trial)
{
    struct capture first = {.fd = -1};
    int            exit_code = trial->warm_up ? trial_warm_up(trial) : 0;
    unsigned       n_done = 0;
    for (unsigned round = 0; round < trial->n_runs && exit_code == 0; round++) {
        for (size_t i = 0; i < trial->n_subjects && exit_code == 0; i++) {
            struct subject *subject = &trial->subjects[(round + i) % trial->n_subjects];
            trial_show_progress(trial, n_done++, subject->name);
            exit_code = trial_run_compared(trial, subject, &subject->runs[round], &first);
        }
    }
    trial_show_progress(trial, n_done, NULL);
    capture_close(&first);
    return exit_code;
}

// The run whose area is nearest to the median.
static size_t trial_choose_typical(const struct subject *subject, unsigned n_runs)
{
    double median = subject->spreads[MEASURE_AREA_BYTE_S].median;
    size_t best = 0;
    double best_distance = -1;
    for (size_t i = 0; i < n_runs; i++) {
        double distance = subject->runs[i].values[MEASURE_AREA_BYTE_S] - median;
        if (distance < 0)
            distance = -distance;
        if (best_distance < 0 || distance < best_distance) {
            best = i;
            best_distance = distance;
        }
    }
    return best;
}

void trial_conclude(struct trial *trial)
{
    for (size_t s = 0; s < trial->n_subjects; s++) {
        struct subject *subject = &trial->subjects[s];
        for (size_t m = 0; m < N_MEASURES; m++) {
            double values[TRIAL_RUNS_MAX];
            for (size_t i = 0; i < trial->n_runs; i++)
                values[i] = subject->runs[i].values[m];
            subject->spreads[m] = spread_of(values, trial->n_runs);
        }
        subject->typical_run = trial_choose_typical(subject, trial->n_runs);
    }
}

enum agreement trial_output_agreement(const struct trial *trial)
{
    for (size_t s = 0; s < trial->n_subjects; s++) {
        for (size_t i = 0; i < trial->n_runs; i++) {
            if (trial->subjects[s].runs[i].output_differs)
                return s == 0 ? AGREEMENT_UNSTEADY : AGREEMENT_BROKEN;
        }
    }
    return AGREEMENT_FULL;
}

enum agreement trial_status_agreement(const struct trial *trial)
{
    int status = trial->subjects[0].runs[0].outcome.status;
    for (size_t s = 0; s < trial->n_subjects; s++) {
        for (size_t i = 0; i < trial->n_runs; i++) {
            if (trial->subjects[s].runs[i].outcome.status != status)
                return s == 0 ? AGREEMENT_UNSTEADY : AGREEMENT_BROKEN;
        }
    }
    return AGREEMENT_FULL;
}

void trial_free(struct trial *trial)
{
    for (size_t s = 0; s < trial->n_subjects; s++) {
        for (size_t i = 0; i < trial->n_runs; i++)
            timeline_free(&trial->subjects[s].runs[i].timeline);
    }
    free(trial->subjects);
    trial->subjects = NULL;
    trial->n_subjects = 0;
}
