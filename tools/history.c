// Copying a ring while its process may be writing to it.
#include "history.h"

#include "clock.h"
#include "neap/page.h"
#include "page_view_parts.h"

#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1e9

// A column of a row by name; 0 if there is none.
static uint64_t column_of(const struct page_table *table, const char *row, const char *name)
{
    uint64_t value = 0;
    for (size_t i = 0; i < table->n_columns; i++) {
        if (strcmp(table->columns[i].name, name) == 0)
            memcpy(&value, row + table->columns[i].offset, sizeof value);
    }
    return value;
}

static struct history_sample sample_of(const struct page_table *table, const char *row,
                                       double now_s)
{
    return (struct history_sample){
        .age_s = now_s - (double)column_of(table, row, "time_ns") / NS_PER_S,
        .resident_bytes = column_of(table, row, "resident_bytes"),
        .object_bytes = column_of(table, row, "object_bytes"),
        .free_ready_bytes = column_of(table, row, "free_ready_bytes"),
        .allocations = column_of(table, row, "allocations"),
        .returned_bytes = column_of(table, row, "returned_bytes"),
    };
}

static enum process_result read_count(const struct page_view      *view,
                                      const struct neap_page_ring *ring, uint64_t *out_n)
{
    return process_memory_read_one(view->pid, view->heap + ring->count_at, out_n, sizeof *out_n);
}

// What was written between the two counts is left out, and what is being written.
static void take_samples(const struct page_view *view, const struct neap_page_ring *ring,
                         const char *rows, const uint64_t n[2], struct history *out)
{
    double   now_s = clock_now_s();
    uint64_t first = n[1] + 1 > ring->n_rows ? n[1] + 1 - ring->n_rows : 0;
    for (uint64_t i = first; i < n[0]; i++)
        out->samples[out->n_samples++] =
            sample_of(&view->table, rows + i % ring->n_rows * ring->row_bytes, now_s);
}

static enum process_result read_ring(const struct page_view      *view,
                                     const struct neap_page_ring *ring, struct history *out)
{
    uint64_t            n[2];
    enum process_result result = read_count(view, ring, &n[0]);
    if (result != PROCESS_READ || n[0] == 0)
        return result;
    // Not more than there is: what was never written is not to be touched.
    size_t n_used = n[0] < ring->n_rows ? (size_t)n[0] : ring->n_rows;
    char  *rows = malloc(n_used * ring->row_bytes + 1);
    out->samples = calloc(n_used, sizeof *out->samples);
    result = PROCESS_DAMAGED;
    if (rows != NULL && out->samples != NULL)
        result = process_memory_read_one(view->pid, view->heap + ring->start, rows,
                                         n_used * ring->row_bytes);
    if (result == PROCESS_READ)
        result = read_count(view, ring, &n[1]);
    if (result == PROCESS_READ && n[1] >= n[0])
        take_samples(view, ring, rows, n, out);
    free(rows);
    return result;
}

enum process_result history_read(struct page_view *view, const char *ring, struct history *out)
{
    *out = (struct history){.n_samples = 0};
    for (size_t i = 0; i < view->table.n_rings; i++) {
        if (strcmp(view->table.rings[i].name, ring) == 0)
            return read_ring(view, &view->table.rings[i], out);
    }
    return PROCESS_READ;
}

void history_free(struct history *history)
{
    free(history->samples);
    *history = (struct history){.n_samples = 0};
}
