// Timeline: resident and mapped memory over time, in a bounded number of points.
#ifndef NEAP_TOOLS_TIMELINE_H
#define NEAP_TOOLS_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TIMELINE_POINTS_MAX 4096   // even; 96 KiB, four times what a wide picture can show

struct timeline_point {
    double   at_s;             // since the command was started
    uint64_t resident_bytes;   // sum over the processes
    uint64_t mapped_bytes;     // private writable anonymous memory, sum over the processes
};

struct timeline {
    struct timeline_point *points;
    size_t                 n_points;
    size_t                 stride;   // one of this many samples becomes a point; power of two
    size_t                 n_samples;
    // Exact over all samples, also those that are no points any more.
    struct timeline_point last;
    uint64_t              peak_resident_bytes, peak_mapped_bytes;
    double                peak_resident_at_s;   // negative: not known
    double                area_byte_s;          // under the resident curve, by trapezoids
};

// Returns false when there is no memory.
bool timeline_init(struct timeline *timeline);
void timeline_free(struct timeline *timeline);

// Gives back the room for further points; none may be added after this.
void timeline_trim(struct timeline *timeline);

// Adds a sample; times must not fall.
void timeline_add(struct timeline *timeline, struct timeline_point point);

// Extends the last sample to `at_s`, the end of the command. Adds no point.
void timeline_close(struct timeline *timeline, double at_s);

// Raises the peak to what the kernel has counted between two samples.
void timeline_raise_peak(struct timeline *timeline, uint64_t peak_resident_bytes);

// The last point at or before `at_s`; NULL before the first and after the end of the command.
const struct timeline_point *timeline_at(const struct timeline *timeline, double at_s);

// When the last sample was taken; 0 without samples.
double timeline_end_s(const struct timeline *timeline);

// Writes all points as CSV with a header line. Errors stay in the stream.
void timeline_write_csv(const struct timeline *timeline, FILE *out);

#endif
