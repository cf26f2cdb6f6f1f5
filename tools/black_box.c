// Reading black boxes.
#include "black_box.h"

#include "neap/page.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROWS_MAX 65536
#define NS_PER_S 1e9
#define FILE_PREFIX "neap-"

static bool head_makes_sense(const struct neap_box *head)
{
    return head->box_bytes >= sizeof *head && head->box_bytes <= ROWS_MAX && head->n_rows > 0 &&
           head->n_rows <= ROWS_MAX && head->row_bytes >= sizeof(struct neap_box_sample) &&
           head->row_bytes <= ROWS_MAX && head->pid > 0 && head->pid <= INT32_MAX;
}

static uint64_t limit_of(uint64_t n_bytes)
{
    return n_bytes == UINT64_MAX ? 0 : n_bytes;
}

static void take_head(const struct neap_box *head, struct black_box *out)
{
    (void)snprintf(out->name, sizeof out->name, "%.16s", head->name);
    (void)snprintf(out->version, sizeof out->version, "%.16s", head->version);
    out->pid = (pid_t)head->pid;
    out->wall_time_s = (double)head->wall_time_ns / NS_PER_S;
    out->soft_limit_bytes = limit_of(head->soft_limit_bytes);
    out->hard_limit_bytes = limit_of(head->hard_limit_bytes);
    out->refused_requests = head->refused_requests;
    out->shortages = head->shortages;
}

static bool take_sample(int file, const struct neap_box *head, uint64_t number,
                        struct history *history)
{
    struct neap_box_sample row;
    off_t at = (off_t)(head->box_bytes + number % head->n_rows * (uint64_t)head->row_bytes);
    if (pread(file, &row, sizeof row, at) != (ssize_t)sizeof row || row.time_ns > head->time_ns)
        return false;
    history->samples[history->n_samples++] =
        (struct history_sample){.age_s = (double)(head->time_ns - row.time_ns) / NS_PER_S,
                                .resident_bytes = row.resident_bytes,
                                .object_bytes = row.object_bytes,
                                .free_ready_bytes = row.free_ready_bytes,
                                .allocations = row.allocations,
                                .returned_bytes = row.returned_bytes};
    return true;
}

// The process may have been killed between writing a sample and writing that it is there: then it
// stands where the oldest one was, and is later than the head says.
static bool take_samples(int file, const struct neap_box *head, struct history *out)
{
    uint64_t n_rows = head->n_samples < head->n_rows ? head->n_samples : head->n_rows;
    out->samples = calloc((size_t)n_rows + 1, sizeof *out->samples);
    if (out->samples == NULL)
        return false;
    for (uint64_t i = head->n_samples - n_rows; i < head->n_samples; i++) {
        bool is_taken = take_sample(file, head, i, out);
        if (!is_taken && i != head->n_samples - n_rows)
            return false;
    }
    return out->n_samples > 0;
}

static enum black_box_result read_open(int file, struct black_box *out)
{
    struct neap_box head;
    if (pread(file, &head, sizeof head, 0) != (ssize_t)sizeof head ||
        memcmp(head.magic, NEAP_BOX_MAGIC, sizeof head.magic) != 0)
        return BLACK_BOX_NONE;
    if (head.layout > NEAP_BOX_LAYOUT)
        return BLACK_BOX_NEWER;
    if (!head_makes_sense(&head))
        return BLACK_BOX_NONE;
    take_head(&head, out);
    return take_samples(file, &head, &out->history) ? BLACK_BOX_READ : BLACK_BOX_NONE;
}

enum black_box_result black_box_read(const char *path, struct black_box *out)
{
    *out = (struct black_box){.pid = 0};
    (void)snprintf(out->path, sizeof out->path, "%s", path);
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return BLACK_BOX_ABSENT;
    enum black_box_result result = read_open(file, out);
    (void)close(file);
    return result;
}

void black_box_free(struct black_box *box)
{
    history_free(&box->history);
}

// Keeps the later one in *best.
static void keep_later(struct black_box *best, struct black_box *found)
{
    bool is_later = best->pid == 0 || found->wall_time_s > best->wall_time_s;
    black_box_free(is_later ? best : found);
    if (is_later)
        *best = *found;
}

bool black_box_find(const char *folder, const char *name, struct black_box *out)
{
    DIR *entries = opendir(folder);
    *out = (struct black_box){.pid = 0};
    if (entries == NULL)
        return false;
    const struct dirent *entry;
    while ((entry = readdir(entries)) != NULL) {
        char             path[BLACK_BOX_PATH_BYTES];
        struct black_box found;
        if (strncmp(entry->d_name, FILE_PREFIX, sizeof FILE_PREFIX - 1) != 0)
            continue;
        (void)snprintf(path, sizeof path, "%.240s/%.255s", folder, entry->d_name);
        if (black_box_read(path, &found) == BLACK_BOX_READ && strcmp(found.name, name) == 0)
            keep_later(out, &found);
        else
            black_box_free(&found);
    }
    (void)closedir(entries);
    return out->pid != 0;
}
