// What the workloads share: options, figures, memory of their own, what is resident, threads.
//
// A workload is a function in a table (table.c). It prints lines for bench/malloc/run to read:
//   figure NAME UNIT VALUE     what it measured itself
//   note NAME UNIT VALUE       the same, but not to be compared
//   checksum NUMBER            must be the same under every malloc
// It prints, and keeps its books, without malloc.
#ifndef NEAP_BENCH_MALLOC_WORKLOAD_H
#define NEAP_BENCH_MALLOC_WORKLOAD_H

#include "bench.h"

#include <pthread.h>
#include <string.h>
#ifndef __cplusplus
#include <stdatomic.h>
#include <stdbool.h>
#endif

#define OPTIONS_MAX 6
#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

#ifdef __cplusplus
extern "C" {
#endif

struct option {
    const char *name;
    uint64_t    value;   // the default, then what the command line says
};

struct workload {
    const char *name;
    void (*run)(void);
    struct option options[OPTIONS_MAX];
};

// Those of this program; the last one has no name.
extern struct workload workloads[];

// The value of an option of the workload that runs. Slow: not for loops.
uint64_t option(const char *name);

void figure(const char *name, const char *unit, double value);
void note(const char *name, const char *unit, double value);
void checksum(uint64_t value);

// Zeroed and resident, so that what it holds is no part of what malloc makes resident.
void *own_memory(size_t n_bytes);

// What /proc says is resident: by walking the page tables, or as the kernel counts it, which is
// quick and wrong by less than a MiB. The file for the quick one is opened once, by the first call.
size_t resident_exact_bytes(void);
size_t resident_quick_bytes(void);

// CPU time of the process, and its minor page faults.
double cpu_seconds(void);
size_t minor_faults(void);

void sleep_until_ns(uint64_t moment_ns);

// A table of sizes, log-uniform between two bounds; pick one with a random number.
#define SIZES 4096
struct sizes {
    uint32_t bytes[SIZES];
};
void sizes_fill(struct sizes *sizes, size_t smallest_bytes, size_t largest_bytes);

static inline size_t sizes_pick(const struct sizes *sizes, uint64_t random)
{
    return sizes->bytes[random >> 32 & (SIZES - 1)];
}

// malloc that must not fail.
void *take(size_t n_bytes);

// Writes all of an object, and later looks whether it is still there. `mark` is any number.
void object_write(void *object, size_t n_bytes, uint64_t mark);
void object_check(const void *object, size_t n_bytes, uint64_t mark);

// Runs a function in `n_threads` threads with the numbers 0 to n_threads - 1, waits for all.
void in_threads(size_t n_threads, void (*work)(size_t number));

// ---- the workloads ----------------------------------------------------------------------------

void run_warm(void);
void run_start(void);

void run_peak_idle(void);
void run_holes(void);
void run_service(void);
void run_latency(void);
void run_steady(void);

void run_expressions(void);
void run_polynomials(void);
void run_free_runs(void);
void run_random(void);
void run_batches(void);
void run_fragment(void);
void run_relay(void);
void run_messages(void);
void run_queue(void);
void run_vectors(void);
void run_large(void);
void run_crowd(void);
void run_come_and_go(void);
void run_sharing(void);
void run_sleepers(void);
void run_scaling(void);

#ifdef __cplusplus
}
#endif

#endif
