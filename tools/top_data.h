// What neap top shows, without how: a row for each process, and details of one.
#ifndef NEAP_TOOLS_TOP_DATA_H
#define NEAP_TOOLS_TOP_DATA_H

#include "targets.h"

#define TOP_PAST_S 600.0        // how far pictures go back,
#define TOP_PAST_YOUNG_S 60.0   // or of a process that is younger than this
#define TOP_PAST_MAX 256        // columns of a picture

enum top_column {
    TOP_PID,
    TOP_NAME,
    TOP_RESIDENT,
    TOP_HELD,
    TOP_OBJECTS,
    TOP_FREE,
    TOP_ALLOCATIONS,
    TOP_RETURNED,
    TOP_LIMIT,
    TOP_COLUMNS
};

struct top_row {
    pid_t    pid;
    uint64_t start_ticks;
    char     name[PROC_NAME_BYTES];        // only what can be printed
    uint64_t resident_bytes;               // the kernel's number
    uint64_t held_bytes, object_bytes;     // neap's
    uint64_t limit_bytes, counted_bytes;   // 0: no limit
    uint64_t allocations, frees, returned_bytes;
    double   allocations_per_s, frees_per_s, returned_per_s;
    bool     has_rates;   // there was a reading before
};

enum top_state {
    TOP_STATE_OBJECTS,
    TOP_STATE_FREE_SLOTS,
    TOP_STATE_CACHED,
    TOP_STATE_FREE_READY,
    TOP_STATE_METADATA,
    TOP_STATES
};

extern const char *const top_state_names[TOP_STATES];

// One process, closer.
struct top_detail {
    pid_t          pid;   // 0: none has been looked at
    bool           has_ended;
    struct top_row row;
    char           version[16];
    uint64_t       state_bytes[TOP_STATES], released_bytes, objects, thread_caches;
    double         past_s;   // how far the pictures go back
    size_t         n_past;   // columns, oldest first; each the most of its time
    uint64_t       past_resident[TOP_PAST_MAX], past_objects[TOP_PAST_MAX];
};

struct top_data {
    struct targets  targets;
    struct top_row *rows;
    size_t          n_rows;
    double          read_at_s;
};

// Reads all processes again. Requires: memory is zero at first, or targets.wanted is set.
bool top_data_refresh(struct top_data *data);
void top_data_free(struct top_data *data);

// Sorts rows: names upwards, what counts something downwards.
void top_data_sort(struct top_data *data, enum top_column column);

// Looks at one of the processes; its past becomes `n_columns`. If it is not there any more, what
// was known stays.
void top_detail_read(const struct top_data *data, pid_t pid, size_t n_columns,
                     struct top_detail *detail);

#endif
