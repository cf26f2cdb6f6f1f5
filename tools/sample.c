// Sampler: one process is read from statm, which is exact and costs microseconds. Several
// processes share pages (after fork, nearly all), so for them the proportional share (Pss)
// is summed; that makes the kernel walk page tables, and the interval follows what it costs.
//
// Samples are dense at first (1 ms) and every 10 ms later: short commands get a picture too.
// Known limits: descendants whose parent has ended are no longer found; memory shared with
// strangers counts whole for one process and in part for several.
#include "sample.h"

#include "clock.h"
#include "proc_read.h"
#include "timeline.h"

#include <sys/resource.h>

#define INTERVAL_MIN_S 0.001
#define INTERVAL_MAX_S 0.010
#define INTERVAL_PER_ELAPSED 200.0   // at 0.2 s still every millisecond, from 2 s on every 10
#define SURVEY_INTERVALS 5.0         // mappings and descendants change more slowly
#define COST_SHARE 25.0              // reading may take 4 % of one CPU
#define IDLE_CPU_SHARE 0.05
#define SAMPLES_ENOUGH 10   // that one of them comes near the peak

void sampler_init(struct sampler *sampler, struct timeline *timeline, double settle_s)
{
    *sampler = (struct sampler){.timeline = timeline, .settle_s = settle_s};
}

void sampler_begin(struct sampler *sampler, pid_t root, double start_s)
{
    sampler->root = root;
    sampler->start_s = start_s;
    sampler->pids[0] = root;
    sampler->n_pids = 1;
    sampler->idle_since_s = start_s;
}

void sampler_stop(struct sampler *sampler)
{
    sampler->stopped = true;
}

double sampler_wait_s(const struct sampler *sampler)
{
    if (sampler->stopped)
        return INTERVAL_MAX_S;
    double wait_s = sampler->next_s - clock_now_s();
    return wait_s > 0 ? wait_s : 0;
}

bool sampler_has_settled(const struct sampler *sampler)
{
    return sampler->settle_s > 0 && !sampler->stopped &&
           clock_now_s() - sampler->idle_since_s >= sampler->settle_s;
}

// Starts a new idle window when too much CPU time was used since the old one began.
static void sampler_note_cpu(struct sampler *sampler, double now_s)
{
    double cpu_s = 0;
    for (size_t i = 0; i < sampler->n_pids; i++)
        cpu_s += proc_read_cpu_s(sampler->pids[i]);
    double used_s = cpu_s - sampler->idle_cpu_s;
    // A fall means that a process has ended, which is work as well.
    if (used_s < 0 || used_s > IDLE_CPU_SHARE * sampler->settle_s) {
        sampler->idle_since_s = now_s;
        sampler->idle_cpu_s = cpu_s;
    }
}

// When to read again: after `interval_s`, or later if reading has cost much CPU time.
static double sampler_next_s(double now_s, double interval_s, double cost_s)
{
    double by_cost_s = cost_s * COST_SHARE;
    return now_s + (by_cost_s > interval_s ? by_cost_s : interval_s);
}

static void sampler_survey(struct sampler *sampler, double interval_s)
{
    double now_s = clock_now_s(), cpu_before_s = clock_own_cpu_s();
    sampler->n_pids = proc_read_tree(sampler->root, sampler->pids, SAMPLER_PROCESSES_MAX);
    uint64_t mapped_bytes = 0;
    for (size_t i = 0; i < sampler->n_pids; i++)
        mapped_bytes += proc_read_mapped_bytes(sampler->pids[i]);
    if (mapped_bytes > 0)   // else it has just ended
        sampler->mapped_bytes = mapped_bytes;
    if (sampler->settle_s > 0)
        sampler_note_cpu(sampler, now_s);
    sampler->next_survey_s =
        sampler_next_s(now_s, interval_s * SURVEY_INTERVALS, clock_own_cpu_s() - cpu_before_s);
}

static uint64_t sampler_resident_bytes(const struct sampler *sampler)
{
    uint64_t root_bytes = proc_read_resident_bytes(sampler->root);
    if (sampler->n_pids == 1 || root_bytes == 0)
        return root_bytes;

    uint64_t sum_bytes = 0;
    for (size_t i = 0; i < sampler->n_pids; i++)
        sum_bytes += proc_read_share_bytes(sampler->pids[i]);
    return sum_bytes;
}

void sampler_take(struct sampler *sampler)
{
    double before_s = clock_now_s();
    if (sampler->stopped || before_s < sampler->next_s)
        return;

    double interval_s = (before_s - sampler->start_s) / INTERVAL_PER_ELAPSED;
    if (interval_s < INTERVAL_MIN_S)
        interval_s = INTERVAL_MIN_S;
    if (interval_s > INTERVAL_MAX_S)
        interval_s = INTERVAL_MAX_S;
    if (before_s >= sampler->next_survey_s)
        sampler_survey(sampler, interval_s);

    double                at_s = clock_now_s(), cpu_before_s = clock_own_cpu_s();
    struct timeline_point point = {.at_s = at_s - sampler->start_s,
                                   .resident_bytes = sampler_resident_bytes(sampler),
                                   .mapped_bytes = sampler->mapped_bytes};
    if (point.resident_bytes > 0)   // else it has just ended
        timeline_add(sampler->timeline, point);
    sampler->next_s = sampler_next_s(before_s, interval_s, clock_own_cpu_s() - cpu_before_s);
}

void sampler_end(struct sampler *sampler, double end_s, long max_resident_kib)
{
    // The kernel's maximum includes that of neap itself before exec, so only above it does it
    // speak of the command. With next to no samples it is the better figure all the same.
    struct rusage own;
    bool          is_short = sampler->timeline->n_samples < SAMPLES_ENOUGH;
    if (is_short || (getrusage(RUSAGE_SELF, &own) == 0 && max_resident_kib > own.ru_maxrss))
        timeline_raise_peak(sampler->timeline, (uint64_t)max_resident_kib * 1024);
    if (!sampler->stopped)
        timeline_close(sampler->timeline, end_s - sampler->start_s);
}
