// Readings and what follows from two of them.
#include "top_data.h"

#include "clock.h"
#include "history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const top_state_names[TOP_STATES] = {
    [TOP_STATE_OBJECTS] = "objects",   [TOP_STATE_FREE_SLOTS] = "free slots",
    [TOP_STATE_CACHED] = "cached",     [TOP_STATE_FREE_READY] = "free ready",
    [TOP_STATE_METADATA] = "metadata",
};

static const char *const state_statistics[TOP_STATES] = {
    [TOP_STATE_OBJECTS] = "object_bytes",    [TOP_STATE_FREE_SLOTS] = "free_slots_bytes",
    [TOP_STATE_CACHED] = "cached_bytes",     [TOP_STATE_FREE_READY] = "free_ready_bytes",
    [TOP_STATE_METADATA] = "metadata_bytes",
};

// ---- rows -------------------------------------------------------------------------------------

static void copy_printable(const char *name, char out[PROC_NAME_BYTES])
{
    size_t i = 0;
    for (; name[i] != '\0' && i + 1 < PROC_NAME_BYTES; i++)
        out[i] = name[i] > ' ' && name[i] < 0x7f ? name[i] : '?';
    out[i] = '\0';
}

static struct top_row row_of(const struct target *target)
{
    const struct page_view *view = target->view;
    struct top_row          row = {
                 .pid = target->pid,
                 .start_ticks = target->start_ticks,
                 .resident_bytes = proc_read_resident_bytes(target->pid),
                 .held_bytes = page_view_number(view, "resident_bytes"),
                 .object_bytes = page_view_number(view, "object_bytes"),
                 .counted_bytes = page_view_number(view, "counted_bytes"),
                 .allocations = page_view_number(view, "allocations"),
                 .frees = page_view_number(view, "frees"),
                 .returned_bytes = page_view_number(view, "returned_bytes"),
    };
    if (!page_view_get(view, "soft_limit_bytes", &row.limit_bytes))
        row.limit_bytes = 0;
    copy_printable(target->name, row.name);
    return row;
}

static double rate(uint64_t now, uint64_t before, double seconds)
{
    return now > before ? (double)(now - before) / seconds : 0;
}

static void add_rates(struct top_row *row, const struct top_row *before, double seconds)
{
    row->has_rates = seconds > 0;
    if (!row->has_rates)
        return;
    row->allocations_per_s = rate(row->allocations, before->allocations, seconds);
    row->frees_per_s = rate(row->frees, before->frees, seconds);
    row->returned_per_s = rate(row->returned_bytes, before->returned_bytes, seconds);
}

static const struct top_row *row_before(const struct top_data *data, const struct top_row *row)
{
    for (size_t i = 0; i < data->n_rows; i++) {
        if (data->rows[i].pid == row->pid && data->rows[i].start_ticks == row->start_ticks)
            return &data->rows[i];
    }
    return NULL;
}

bool top_data_refresh(struct top_data *data)
{
    if (!targets_refresh(&data->targets))
        return false;
    double          now_s = clock_now_s();
    size_t          n_rows = 0;
    struct top_row *rows = calloc(data->targets.n_all + 1, sizeof *rows);
    if (rows == NULL)
        return false;
    for (struct target *target = targets_next(&data->targets, NULL); target != NULL;
         target = targets_next(&data->targets, target)) {
        rows[n_rows] = row_of(target);
        const struct top_row *before = row_before(data, &rows[n_rows]);
        if (before != NULL)
            add_rates(&rows[n_rows], before, now_s - data->read_at_s);
        n_rows++;
    }
    free(data->rows);
    data->rows = rows;
    data->n_rows = n_rows;
    data->read_at_s = now_s;
    return true;
}

void top_data_free(struct top_data *data)
{
    targets_free(&data->targets);
    free(data->rows);
}

// ---- order ------------------------------------------------------------------------------------

static double key_of(const struct top_row *row, enum top_column column)
{
    switch (column) {
    case TOP_PID:
        return -(double)row->pid;
    case TOP_RESIDENT:
        return (double)row->resident_bytes;
    case TOP_HELD:
        return (double)row->held_bytes;
    case TOP_OBJECTS:
        return (double)row->object_bytes;
    case TOP_FREE:
        return (double)row->held_bytes - (double)row->object_bytes;
    case TOP_ALLOCATIONS:
        return row->allocations_per_s;
    case TOP_RETURNED:
        return row->returned_per_s;
    case TOP_LIMIT:
        return row->limit_bytes > 0 ? (double)row->counted_bytes / (double)row->limit_bytes : -1;
    case TOP_NAME:
    case TOP_COLUMNS:
        break;
    }
    return 0;
}

static int compare_rows(const void *a, const void *b, void *column)
{
    const struct top_row *first = a, *second = b;
    double                keys[] = {key_of(first, *(enum top_column *)column),
                                    key_of(second, *(enum top_column *)column)};
    int                   order = (keys[0] < keys[1]) - (keys[0] > keys[1]);
    if (order == 0 && *(enum top_column *)column == TOP_NAME)
        order = strcmp(first->name, second->name);
    return order != 0 ? order : (first->pid > second->pid) - (first->pid < second->pid);
}

void top_data_sort(struct top_data *data, enum top_column column)
{
    qsort_r(data->rows, data->n_rows, sizeof *data->rows, compare_rows, &column);
}

// ---- one process ------------------------------------------------------------------------------

static size_t column_of(double age_s, double past_s, size_t n_columns)
{
    double  from_left = (past_s - age_s) / past_s * (double)n_columns;
    ssize_t column = (ssize_t)from_left;
    return column < 0 ? 0 : (size_t)column >= n_columns ? n_columns - 1 : (size_t)column;
}

static void raise_to(uint64_t *column, uint64_t value)
{
    if (value > *column)
        *column = value;
}

// Columns from the ring of seconds. What has no sample, since the process took no pages then, is as
// it was before.
static void read_past(struct page_view *view, size_t n_columns, struct top_detail *detail)
{
    struct history      history = {.n_samples = 0};
    bool                is_known[TOP_PAST_MAX] = {false};
    enum process_result result = history_read(view, "seconds", &history);
    detail->n_past = n_columns < TOP_PAST_MAX ? n_columns : TOP_PAST_MAX;
    detail->past_s = history.n_samples > 0 && history.samples[0].age_s > TOP_PAST_YOUNG_S
                         ? TOP_PAST_S
                         : TOP_PAST_YOUNG_S;
    memset(detail->past_resident, 0, sizeof detail->past_resident);
    memset(detail->past_objects, 0, sizeof detail->past_objects);
    for (size_t i = 0; result == PROCESS_READ && i < history.n_samples; i++) {
        const struct history_sample *sample = &history.samples[i];
        size_t column = column_of(sample->age_s, detail->past_s, detail->n_past);
        raise_to(&detail->past_resident[column], sample->resident_bytes);
        raise_to(&detail->past_objects[column], sample->object_bytes);
        is_known[column] = true;
    }
    history_free(&history);
    size_t last = detail->n_past - 1;
    raise_to(&detail->past_resident[last], detail->row.held_bytes);
    raise_to(&detail->past_objects[last], detail->row.object_bytes);
    for (size_t i = 1; i < last; i++) {
        if (!is_known[i]) {
            detail->past_resident[i] = detail->past_resident[i - 1];
            detail->past_objects[i] = detail->past_objects[i - 1];
        }
    }
}

static const struct target *find_target(const struct top_data *data, pid_t pid)
{
    struct target *target = targets_next(&data->targets, NULL);
    while (target != NULL && target->pid != pid)
        target = targets_next(&data->targets, target);
    return target;
}

void top_detail_read(const struct top_data *data, pid_t pid, size_t n_columns,
                     struct top_detail *detail)
{
    const struct target *target = find_target(data, pid);
    bool                 is_other = detail->pid != pid;
    if (is_other)
        *detail = (struct top_detail){.pid = pid};
    detail->has_ended =
        target == NULL || (!is_other && target->start_ticks != detail->row.start_ticks);
    if (detail->has_ended)
        return;
    for (size_t i = 0; i < data->n_rows; i++) {
        if (data->rows[i].pid == pid)
            detail->row = data->rows[i];
    }
    (void)snprintf(detail->version, sizeof detail->version, "%s", page_view_version(target->view));
    for (int i = 0; i < TOP_STATES; i++)
        detail->state_bytes[i] = page_view_number(target->view, state_statistics[i]);
    detail->released_bytes = page_view_number(target->view, "released_bytes");
    detail->objects = page_view_number(target->view, "objects");
    detail->thread_caches = page_view_number(target->view, "thread_caches");
    read_past(target->view, n_columns, detail);
}
