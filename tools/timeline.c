// Timeline: when the points are full, every second one is dropped and from then on only every
// second sample becomes a point. So a command may run for days, early and late parts are
// shown equally well, and peak and area stay exact because they are kept sample by sample.
#include "timeline.h"

#include <stdlib.h>

bool timeline_init(struct timeline *timeline)
{
    *timeline = (struct timeline){.stride = 1};
    timeline->points = calloc(TIMELINE_POINTS_MAX, sizeof *timeline->points);
    return timeline->points != NULL;
}

void timeline_free(struct timeline *timeline)
{
    free(timeline->points);
    *timeline = (struct timeline){0};
}

void timeline_trim(struct timeline *timeline)
{
    size_t                 n_points = timeline->n_points > 0 ? timeline->n_points : 1;
    struct timeline_point *points = realloc(timeline->points, n_points * sizeof *points);
    if (points != NULL)   // else the old ones stay
        timeline->points = points;
}

static void timeline_thin(struct timeline *timeline)
{
    for (size_t i = 0; i < TIMELINE_POINTS_MAX / 2; i++)
        timeline->points[i] = timeline->points[2 * i];
    timeline->n_points = TIMELINE_POINTS_MAX / 2;
    timeline->stride *= 2;
}

static void timeline_add_area(struct timeline *timeline, double at_s, uint64_t resident_bytes)
{
    double width_s = at_s - timeline->last.at_s;
    double height_bytes = ((double)timeline->last.resident_bytes + (double)resident_bytes) / 2;
    timeline->area_byte_s += width_s * height_bytes;
}

void timeline_add(struct timeline *timeline, struct timeline_point point)
{
    // Before the first sample the command has next to nothing: last is zero then.
    timeline_add_area(timeline, point.at_s, point.resident_bytes);
    timeline->last = point;
    if (point.resident_bytes > timeline->peak_resident_bytes) {
        timeline->peak_resident_bytes = point.resident_bytes;
        timeline->peak_resident_at_s = point.at_s;
    }
    if (point.mapped_bytes > timeline->peak_mapped_bytes)
        timeline->peak_mapped_bytes = point.mapped_bytes;

    if (timeline->n_points == TIMELINE_POINTS_MAX)
        timeline_thin(timeline);
    if (timeline->n_samples % timeline->stride == 0)
        timeline->points[timeline->n_points++] = point;
    timeline->n_samples++;
}

void timeline_close(struct timeline *timeline, double at_s)
{
    timeline_add_area(timeline, at_s, timeline->last.resident_bytes);
}

void timeline_raise_peak(struct timeline *timeline, uint64_t peak_resident_bytes)
{
    if (peak_resident_bytes <= timeline->peak_resident_bytes)
        return;
    // A little more than the highest sample came a little before or after it.
    if (peak_resident_bytes - timeline->peak_resident_bytes > peak_resident_bytes / 20)
        timeline->peak_resident_at_s = -1;
    timeline->peak_resident_bytes = peak_resident_bytes;
}

const struct timeline_point *timeline_at(const struct timeline *timeline, double at_s)
{
    if (timeline->n_points == 0 || at_s < timeline->points[0].at_s || at_s > timeline->last.at_s)
        return NULL;

    size_t low = 0, high = timeline->n_points;   // points[low].at_s <= at_s < points[high].at_s
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (timeline->points[middle].at_s <= at_s)
            low = middle;
        else
            high = middle;
    }
    return &timeline->points[low];
}

double timeline_end_s(const struct timeline *timeline)
{
    return timeline->last.at_s;
}

void timeline_write_csv(const struct timeline *timeline, FILE *out)
{
    (void)fprintf(out, "seconds,resident_bytes,mapped_bytes\n");
    for (size_t i = 0; i < timeline->n_points; i++) {
        const struct timeline_point *point = &timeline->points[i];
        (void)fprintf(out, "%.4f,%ju,%ju\n", point->at_s, (uintmax_t)point->resident_bytes,
                      (uintmax_t)point->mapped_bytes);
    }
}
