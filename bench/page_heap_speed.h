// Timing the patterns of page_heap_shapes.h on heaps of several sizes side by side.
//
// All sizes take part in every repetition, in turns, so that whatever else the machine does meets
// them alike and their ratio means something. Under callgrind the instructions of each cell are
// counted instead, one dump of the profile per cell.
#ifndef NEAP_BENCH_PAGE_HEAP_SPEED_H
#define NEAP_BENCH_PAGE_HEAP_SPEED_H

#include "page_heap_shapes.h"

#if defined(__has_include)
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif
#endif
#ifndef CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_START_INSTRUMENTATION (void)0
#define CALLGRIND_STOP_INSTRUMENTATION (void)0
#define CALLGRIND_ZERO_STATS (void)0
#define CALLGRIND_DUMP_STATS_AT(label) (void)(label)
#endif

#define PAIRS_COUNTED 256   // with callgrind: every pair costs the same, so few will do

struct speed_config {
    const char         *kernel;   // "real" or "fake"
    struct shaped_heap *heaps;
    size_t              n_heaps;
    size_t              n_repetitions;
    bool                count_instructions;
};

struct cell {
    enum shape              shape;
    const struct pattern   *pattern;
    const struct operation *op;
};

static inline bool cell_exists(const struct cell *cell)
{
    return !cell->pattern->at_random_places || cell->op->pick < PICK_SIZES;
}

// Brings the heap to where the pattern leaves it each time: grown for it, and no pages of
// another place in the cache.
static inline void cell_warm_up(const struct cell *cell, struct shaped_heap *shaped)
{
    page_heap_flush_caches(shaped->heap);
    (void)cell->pattern->run(shaped, cell->op, cell->pattern->pairs_to_warm_up);
}

static inline void cell_print(const struct speed_config *config, const struct cell *cell,
                              const struct shaped_heap *shaped, size_t placement, const char *name,
                              double value)
{
    printf("speed kernel=%s shape=%s pattern=%s op=%s heap=%s placement=%zu %s=%.2f\n",
           config->kernel, shape_names[cell->shape], cell->pattern->name, cell->op->name,
           shaped->size_name, placement, name, value);
}

static inline void cell_time(const struct speed_config *config, const struct cell *cell,
                             size_t placement)
{
    for (size_t repetition = 0; repetition < config->n_repetitions; repetition++) {
        for (size_t i = 0; i < config->n_heaps; i++) {
            struct shaped_heap *shaped = &config->heaps[bench_turn(repetition, i, config->n_heaps)];
            cell_warm_up(cell, shaped);
            size_t   n_pairs = cell->pattern->pairs_timed;
            uint64_t ns = cell->pattern->run(shaped, cell->op, n_pairs);
            cell_print(config, cell, shaped, placement, "ns", (double)ns / (double)n_pairs);
        }
    }
}

static inline void cell_count(const struct speed_config *config, const struct cell *cell)
{
    for (size_t i = 0; i < config->n_heaps; i++) {
        struct shaped_heap *shaped = &config->heaps[i];
        char                label[128];
        snprintf(label, sizeof label, "speed shape=%s pattern=%s op=%s heap=%s pairs=%d",
                 shape_names[cell->shape], cell->pattern->name, cell->op->name, shaped->size_name,
                 PAIRS_COUNTED);
        cell_warm_up(cell, shaped);
        CALLGRIND_ZERO_STATS;
        (void)cell->pattern->run(shaped, cell->op, PAIRS_COUNTED);
        CALLGRIND_DUMP_STATS_AT(label);
    }
}

// Patterns outermost: requests for one page at random places, which end by filling the lowest
// holes, come last.
static inline void shape_measure(const struct speed_config *config, enum shape shape,
                                 size_t placement)
{
    for (size_t p = 0; p < PATTERNS; p++) {
        for (size_t o = OPERATIONS; o-- > 0;) {
            struct cell cell = {shape, &patterns[p], &operations[o]};
            if (!cell_exists(&cell))
                continue;
            if (config->count_instructions && cell.pattern->run != run_cold)
                cell_count(config, &cell);
            else if (!config->count_instructions)
                cell_time(config, &cell, placement);
        }
    }
}

static inline void speed_measure(const struct speed_config *config, size_t placement,
                                 uint64_t placement_number)
{
    for (enum shape shape = 0; shape < SHAPES; shape++) {
        for (size_t i = 0; i < config->n_heaps; i++) {
            uint64_t start_ns = bench_clock_ns();
            shaped_heap_fill(&config->heaps[i], shape, placement_number);
            fprintf(stderr, "%s %s: filled in %.1f s\n", config->heaps[i].size_name,
                    shape_names[shape], (double)(bench_clock_ns() - start_ns) / 1e9);
        }
        CALLGRIND_START_INSTRUMENTATION;
        shape_measure(config, shape, placement);
        CALLGRIND_STOP_INSTRUMENTATION;
        for (size_t i = 0; i < config->n_heaps; i++)
            shaped_heap_empty(&config->heaps[i]);
    }
}

#endif
