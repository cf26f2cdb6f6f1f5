// Going through the mappings of a process and telling whose they are.
#include "explanation.h"

#include "format.h"
#include "smaps.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 64
#define GUARD_BYTES_MAX (1 << 20)   // in front of a thread's stack
#define STACK_BYTES_MIN (16 << 10)

const struct part_info explanation_parts[PARTS] = {
    [PART_OBJECTS] = {"objects", "object_bytes", "asked for by the program, and rounding"},
    [PART_FREE_SLOTS] = {"free slots", "free_slots_bytes", "in spans that hold a live object"},
    [PART_CACHED] = {"cached", "cached_bytes", "set aside for the next small runs"},
    [PART_FREE_READY] = {"free ready", "free_ready_bytes", "goes back unless it is used soon"},
    [PART_METADATA] = {"metadata", "metadata_bytes", "neap's own books"},
    [PART_UNTOUCHED] = {"never touched", "untouched_bytes", "of the above, so not in memory"},
    [PART_LIBRARIES] = {"libraries", "library_bytes", "and the program itself"},
    [PART_STACKS] = {"stacks", "stack_bytes", "of its threads"},
    [PART_FILES] = {"files", "file_bytes", "mapped by the program"},
    [PART_SHARED] = {"shared", "shared_bytes", "memory shared with other processes"},
    [PART_OTHER] = {"other", "other_bytes", "anonymous memory that neap does not know"},
};

// What was before a mapping tells what it is.
struct walk {
    const struct range_list *ranges;
    struct explanation      *explanation;
    pid_t                    pid;
    int64_t                  heap_bytes;   // resident, by the kernel
    char                     program[SMAPS_PATH_BYTES];
    struct smaps_mapping     previous;
    enum explanation_part    previous_part;
    uint64_t                 neaps_end;   // of the last mapping that is, or is in part, neap's
};

static bool is_shared_memory(const struct smaps_mapping *mapping)
{
    return mapping->permissions[3] == 's' || strncmp(mapping->path, "/memfd:", 7) == 0 ||
           strncmp(mapping->path, "/dev/shm/", 9) == 0;
}

// What lies behind the guard of neap's books is not a stack.
static bool is_behind_guard(const struct walk *walk, const struct smaps_mapping *mapping)
{
    const struct smaps_mapping *guard = &walk->previous;
    return guard->end == mapping->start && guard->start != walk->neaps_end &&
           strncmp(guard->permissions, "---", 3) == 0 && guard->inode == 0 &&
           guard->end - guard->start <= GUARD_BYTES_MAX &&
           mapping->end - mapping->start >= STACK_BYTES_MIN;
}

// Of a mapping that is not neap's.
static enum explanation_part part_of(const struct walk *walk, const struct smaps_mapping *mapping)
{
    bool follows = walk->previous.end == mapping->start && walk->previous.inode != 0;
    if (mapping->inode != 0) {
        if (is_shared_memory(mapping))
            return PART_SHARED;
        // Data of a library comes behind its code.
        bool is_of_previous = follows && strcmp(walk->previous.path, mapping->path) == 0;
        if (mapping->permissions[2] == 'x' || strstr(mapping->path, ".so") != NULL ||
            strcmp(mapping->path, walk->program) == 0)
            return PART_LIBRARIES;
        return is_of_previous ? walk->previous_part : PART_FILES;
    }
    if (strcmp(mapping->path, "[stack]") == 0)
        return PART_STACKS;
    if (mapping->path[0] != '\0')
        return PART_OTHER;
    if (follows && walk->previous_part == PART_LIBRARIES)
        return PART_LIBRARIES;   // what a library has that is zero at first
    return is_behind_guard(walk, mapping) ? PART_STACKS : PART_OTHER;
}

static int64_t *sum_of_range(struct walk *walk, const struct range *range)
{
    return range->use == RANGE_METADATA ? &walk->explanation->bytes[PART_METADATA]
                                        : &walk->heap_bytes;
}

// Adds what of a mapping is neap's to its sums and returns how much of what is resident is not.
static int64_t take_neaps(struct walk *walk, const struct smaps_mapping *mapping)
{
    int64_t left_bytes = (int64_t)mapping->resident_bytes;
    for (size_t i = 0; i < walk->ranges->n_ranges && left_bytes > 0; i++) {
        const struct range *range = &walk->ranges->ranges[i];
        uint64_t            start = range->start > mapping->start ? range->start : mapping->start;
        uint64_t            end = range->end < mapping->end ? range->end : mapping->end;
        uint64_t            present_bytes = 0;
        if (start >= end)
            continue;
        walk->neaps_end = mapping->end;
        if (start == mapping->start && end == mapping->end)
            present_bytes = (uint64_t)left_bytes;
        else
            (void)smaps_count_present(walk->pid, start, end, &present_bytes);
        if (present_bytes > (uint64_t)left_bytes)
            present_bytes = (uint64_t)left_bytes;
        *sum_of_range(walk, range) += (int64_t)present_bytes;
        left_bytes -= (int64_t)present_bytes;
    }
    return left_bytes;
}

static void add_mapping(struct walk *walk, const struct smaps_mapping *mapping)
{
    struct explanation   *explanation = walk->explanation;
    enum explanation_part part = part_of(walk, mapping);
    explanation->resident_bytes += (int64_t)mapping->resident_bytes;
    explanation->swapped_bytes += (int64_t)mapping->swapped_bytes;
    explanation->huge_bytes += (int64_t)mapping->huge_bytes;
    explanation->bytes[part] += take_neaps(walk, mapping);
    walk->previous = *mapping;
    walk->previous_part = part;
}

static void read_program(struct walk *walk)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%d/exe", (int)walk->pid);
    ssize_t n_bytes = readlink(path, walk->program, sizeof walk->program - 1);
    walk->program[n_bytes > 0 ? n_bytes : 0] = '\0';
}

static void take_books(const struct page_view *view, struct explanation *out)
{
    for (int i = PART_OBJECTS; i <= PART_FREE_READY; i++)
        out->bytes[i] = (int64_t)page_view_number(view, explanation_parts[i].key);
    out->released_bytes = (int64_t)page_view_number(view, "released_bytes");
}

static enum process_result walk_mappings(struct walk *walk)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%d/smaps", (int)walk->pid);
    FILE *smaps = fopen(path, "re");
    if (smaps == NULL)
        return errno == EACCES || errno == EPERM ? PROCESS_FORBIDDEN : PROCESS_ABSENT;
    struct smaps_mapping mapping;
    while (smaps_next(smaps, &mapping))
        add_mapping(walk, &mapping);
    (void)fclose(smaps);
    return walk->explanation->resident_bytes > 0 ? PROCESS_READ : PROCESS_ABSENT;
}

static enum process_result add_up(pid_t pid, struct page_view *view, struct explanation *out)
{
    struct range_list ranges = {.n_ranges = 0};
    struct walk       walk = {.ranges = &ranges, .explanation = out, .pid = pid};
    *out = (struct explanation){.resident_bytes = 0};
    (void)proc_read_name(pid, out->name);
    read_program(&walk);
    take_books(view, out);
    enum process_result result = ranges_read(view, &ranges);
    if (result == PROCESS_READ)
        result = walk_mappings(&walk);
    ranges_free(&ranges);

    int64_t booked_bytes = 0;
    for (int i = PART_OBJECTS; i <= PART_FREE_READY; i++)
        booked_bytes += out->bytes[i];
    out->bytes[PART_UNTOUCHED] = walk.heap_bytes - booked_bytes;
    out->neap_bytes = walk.heap_bytes + out->bytes[PART_METADATA];
    return result;
}

enum process_result explanation_read(pid_t pid, struct page_view **out_view,
                                     struct explanation *out)
{
    enum process_result result = page_view_open(pid, NULL, out_view);
    if (result == PROCESS_READ)
        result = page_view_read(*out_view);
    return result == PROCESS_READ ? add_up(pid, *out_view, out) : result;
}

// ---- the finding ------------------------------------------------------------------------------

#define WORTH_BYTES (16 << 20)   // less is not worth a sentence

static bool is_worth(int64_t n_bytes, int64_t of_bytes, int64_t pct)
{
    return n_bytes >= WORTH_BYTES && n_bytes * 100 >= of_bytes * pct;
}

static void say(struct explanation_finding *out, const char *key, int64_t n_bytes,
                const char *sentence)
{
    char text[FORMAT_BYTES];
    out->key = key;
    (void)snprintf(out->sentence, sizeof out->sentence, "%s %s",
                   format_bytes((double)n_bytes, text), sentence);
}

// The largest part that could be less, else what most of it is.
void explanation_find(const struct explanation *explanation, pid_t pid,
                      struct explanation_finding *out)
{
    const int64_t *bytes = explanation->bytes;
    int64_t        foreign_bytes = explanation->resident_bytes - explanation->neap_bytes;
    int64_t        idle_bytes = bytes[PART_FREE_READY] + bytes[PART_CACHED];
    (void)snprintf(out->next, sizeof out->next, "neap stat %d 1", (int)pid);
    if (is_worth(bytes[PART_FREE_SLOTS], explanation->neap_bytes, 20) &&
        bytes[PART_FREE_SLOTS] >= idle_bytes) {
        say(out, "free_slots", bytes[PART_FREE_SLOTS],
            "are free, but lie between live objects: few, small and old ones keep whole spans.");
    } else if (is_worth(idle_bytes, explanation->neap_bytes, 20)) {
        say(out, "idle", idle_bytes,
            "are free and resident: what is not used for a second goes back while the program"
            " works, or at once by malloc_trim.");
    } else if (is_worth(foreign_bytes, explanation->resident_bytes, 50)) {
        say(out, "foreign", foreign_bytes,
            "are not neap's: libraries, stacks, files, and memory that the program maps itself.");
        (void)snprintf(out->next, sizeof out->next, "pmap -X %d", (int)pid);
    } else {
        say(out, "objects", bytes[PART_OBJECTS],
            "are the program's own objects; neap keeps little beside them.");
    }
}
