// A table by pid, merged with what /proc lists now.
#include "targets.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_AGAIN 10   // refreshes until a process without neap is asked again
#define STAT_BYTES 1024

bool target_read_times(pid_t pid, struct target_times *out)
{
    char path[64], text[STAT_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t n = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[n] = '\0';
    const char *rest = strrchr(text, ')');   // the name before it may hold anything
    // Behind the name: the state, and 18 numbers.
    return rest != NULL &&
           sscanf(rest + 1,
                  " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
                  " %" SCNu64 " %" SCNu64,
                  &out->start_ticks, &out->virtual_bytes) == 2;
}

static int compare_targets(const void *a, const void *b)
{
    const struct target *first = a, *second = b;
    return (first->pid > second->pid) - (first->pid < second->pid);
}

static struct target *find(const struct targets *targets, size_t n_sorted, pid_t pid)
{
    struct target wanted = {.pid = pid};
    return bsearch(&wanted, targets->all, n_sorted, sizeof wanted, compare_targets);
}

static struct target *add(struct targets *targets, pid_t pid)
{
    if (targets->n_all == targets->n_max) {
        size_t         n_max = 2 * targets->n_max + 64;
        struct target *all = realloc(targets->all, n_max * sizeof *all);
        if (all == NULL)
            return NULL;
        targets->all = all;
        targets->n_max = n_max;
    }
    struct target *target = &targets->all[targets->n_all++];
    *target = (struct target){.pid = pid, .result = PROCESS_WITHOUT};
    return target;
}

static void forget_view(struct target *target)
{
    page_view_close(target->view);
    target->view = NULL;
}

// Is it still the process that it was? Looked at from time to time: pids come again late, and a
// view of another process's memory makes no sense, which shows.
static void identify(struct target *target)
{
    struct target_times times = {0};
    (void)target_read_times(target->pid, &times);
    if (times.start_ticks != target->start_ticks)
        forget_view(target);
    target->start_ticks = times.start_ticks;
    (void)proc_read_name(target->pid, target->name);
}

static void look_at(struct target *target)
{
    target->is_seen = true;
    if (target->age % ASK_AGAIN == 0) {
        identify(target);
        if (target->view == NULL)
            target->result = page_view_open(target->pid, NULL, &target->view);
        if (target->result != PROCESS_READ)
            target->view = NULL;
    }
    target->age++;
    if (target->view == NULL)
        return;
    target->result = page_view_read(target->view);
    if (target->result != PROCESS_READ) {
        forget_view(target);
        target->age = 0;   // it may have become another program
    }
}

static bool look_for(struct targets *targets, size_t n_sorted, pid_t pid)
{
    struct target *target = n_sorted > 0 ? find(targets, n_sorted, pid) : NULL;
    if (target == NULL)
        target = add(targets, pid);
    if (target != NULL)
        look_at(target);
    return target != NULL;
}

// Every process that /proc lists.
static bool look_at_all(struct targets *targets, size_t n_sorted)
{
    DIR                 *folder = opendir("/proc");
    const struct dirent *entry;
    bool                 is_good = folder != NULL;
    while (is_good && (entry = readdir(folder)) != NULL) {
        char *end;
        long  pid = strtol(entry->d_name, &end, 10);
        if (*end == '\0' && pid > 0)
            is_good = look_for(targets, n_sorted, (pid_t)pid);
    }
    if (folder != NULL)
        (void)closedir(folder);
    return is_good;
}

bool targets_refresh(struct targets *targets)
{
    size_t n_sorted = targets->n_all;
    bool   is_good = true;
    for (size_t i = 0; i < targets->n_all; i++)
        targets->all[i].is_seen = false;
    for (size_t i = 0; is_good && i < targets->n_wanted; i++)
        is_good = look_for(targets, n_sorted, targets->wanted[i]);
    if (targets->wanted == NULL)
        is_good = look_at_all(targets, n_sorted);

    size_t n_kept = 0;
    for (size_t i = 0; i < targets->n_all; i++) {
        if (targets->all[i].is_seen)
            targets->all[n_kept++] = targets->all[i];
        else
            forget_view(&targets->all[i]);
    }
    targets->n_all = n_kept;
    if (n_kept > 0)
        qsort(targets->all, n_kept, sizeof *targets->all, compare_targets);
    return is_good;
}

void targets_free(struct targets *targets)
{
    for (size_t i = 0; i < targets->n_all; i++)
        forget_view(&targets->all[i]);
    free(targets->all);
    *targets = (struct targets){.n_all = 0};
}

struct target *targets_next(const struct targets *targets, struct target *previous)
{
    struct target *end = targets->all + targets->n_all;
    for (struct target *at = previous != NULL ? previous + 1 : targets->all; at < end; at++) {
        if (at->view != NULL)
            return at;
    }
    return NULL;
}

size_t targets_n_forbidden(const struct targets *targets)
{
    size_t n = 0;
    for (size_t i = 0; i < targets->n_all; i++)
        n += targets->all[i].result == PROCESS_FORBIDDEN;
    return n;
}
