// The workloads by name, with their options and defaults.
#include "workload.h"

struct workload workloads[] = {
    {"warm", run_warm, {{"mib", 1536}}},
    {"start", run_start, {{"mallocs", 1}}},
    // giving back
    {"peak-idle",
     run_peak_idle,
     {{"mib", 1024}, {"max", 65536}, {"threads", 1}, {"other", 0}, {"seconds", 10}}},
    {"holes", run_holes, {{"mib", 240}, {"kib", 64}}},
    {"service", run_service, {{"seconds", 120}, {"mib", 512}, {"threads", 2}}},
    {"latency", run_latency, {{"mib", 2048}, {"threads", 2}}},
    {"steady", run_steady, {{"mib", 256}, {"seconds", 10}, {"threads", 2}}},
    // speed
    {"expressions", run_expressions, {{"times", 100}}},
    {"polynomials", run_polynomials, {{"times", 1000}}},
    {"free-runs", run_free_runs, {{"times", 5}, {"objects", 1000000}, {"order", 0}}},
    {"random", run_random, {{"times", 20}, {"objects", 100000}, {"max", 1024}, {"threads", 1}}},
    {"batches", run_batches, {{"times", 1000}, {"objects", 10000}}},
    {"fragment", run_fragment, {{"times", 40}, {"mib", 64}}},
    {"relay", run_relay, {{"times", 100}, {"lifespan", 10000}, {"max", 1024}, {"threads", 4}}},
    {"messages", run_messages, {{"times", 1000000}, {"max", 1024}, {"threads", 4}}},
    {"queue", run_queue, {{"times", 1000000}, {"max", 1024}, {"pairs", 1}}},
    {"vectors", run_vectors, {{"times", 5}, {"vectors", 200}, {"items", 20000}, {"growth", 150}}},
    {"large", run_large, {{"times", 200}, {"touch", 1}}},
    {"crowd", run_crowd, {{"times", 3}, {"threads", 1000}}},
    {"come-and-go", run_come_and_go, {{"times", 500}, {"threads", 4}}},
    {"sleepers", run_sleepers, {{"threads", 1000}}},
    {"scaling", run_scaling, {{"times", 40}, {"objects", 20000}, {"max", 1024}, {"threads", 0}}},
    {"sharing", run_sharing, {{"times", 1000000}, {"threads", 2}, {"passive", 0}}},
    {NULL, NULL, {{NULL, 0}}},
};
