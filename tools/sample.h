// Sampler: resident and mapped memory of a command and its descendants, read from /proc
// while it runs.
#ifndef NEAP_TOOLS_SAMPLE_H
#define NEAP_TOOLS_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct timeline;

#define SAMPLER_PROCESSES_MAX 256   // further descendants are not counted

struct sampler {
    struct timeline *timeline;
    double           settle_s;   // idle time after which the command has settled; 0: never

    pid_t  root;
    double start_s;         // on the monotonic clock, as all times here
    double next_s;          // when memory is read next
    double next_survey_s;   // when descendants, mappings and CPU time are read next
    bool   stopped;

    pid_t    pids[SAMPLER_PROCESSES_MAX];
    size_t   n_pids;
    uint64_t mapped_bytes;   // of the last survey

    double idle_since_s;   // start of the window in which next to no CPU time was used
    double idle_cpu_s;     // CPU time used up to then
};

// Prepares a sampler that writes to `timeline`, which must outlive it.
void sampler_init(struct sampler *sampler, struct timeline *timeline, double settle_s);

// Starts to watch process `root`, which was started at `start_s`.
void sampler_begin(struct sampler *sampler, pid_t root, double start_s);

// Seconds until the next sample is due; 0 when it is.
double sampler_wait_s(const struct sampler *sampler);

// Takes a sample if one is due. A process that has just ended gives none.
void sampler_take(struct sampler *sampler);

// True when the command has used less than 5 % of one CPU during the last settle_s seconds.
bool sampler_has_settled(const struct sampler *sampler);

// Takes no more samples: what follows is the command's end, not its work.
void sampler_stop(struct sampler *sampler);

// Closes the timeline at `end_s`. `max_resident_kib` is the kernel's own maximum (ru_maxrss).
void sampler_end(struct sampler *sampler, double end_s, long max_resident_kib);

#endif
