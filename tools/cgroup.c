// Control groups: which group we are in stands in PROCESS/cgroup, where its files are in
// PROCESS/mountinfo. A limit on any group above ours counts as much as our own.
#include "cgroup.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 4096
#define LINE_BYTES (2 * PATH_BYTES)
#define NO_LIMIT_BYTES ((uint64_t)1 << 60)   // version 1 says "none" by a number near 2^63

// One of the two versions: how its lines look, and which file has the limit.
struct cgroup_version {
    const char *type;         // of the file system
    const char *controller;   // in the fields of the mount and of the group's line; NULL: none
    const char *limit_file;
};

static const struct cgroup_version versions[] = {
    {"cgroup2", NULL, "memory.max"},
    {"cgroup", "memory", "memory.limit_in_bytes"},
};

// Is `word` one of the words of a list with commas?
static bool list_holds(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (;; list++) {
        size_t n = strcspn(list, ",");
        if (n == length && strncmp(list, word, n) == 0)
            return true;
        list += n;
        if (*list == '\0')
            return false;
    }
}

static FILE *open_in(const char *folder, const char *name)
{
    char path[PATH_BYTES];
    int  length = snprintf(path, sizeof path, "%s/%s", folder, name);
    return length > 0 && (size_t)length < sizeof path ? fopen(path, "re") : NULL;
}

// Our group, from a line "NUMBER:CONTROLLERS:PATH"; version 2 names no controllers.
static bool find_group(const char *process_folder, const struct cgroup_version *version,
                       char out_group[PATH_BYTES])
{
    FILE *file = open_in(process_folder, "cgroup");
    char  line[LINE_BYTES];
    bool  found = false;
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (path == NULL)
            continue;
        *path++ = '\0';
        controllers++;
        found = version->controller == NULL ? *controllers == '\0'
                                            : list_holds(controllers, version->controller);
        if (found)
            (void)snprintf(out_group, PATH_BYTES, "%.*s", PATH_BYTES - 1, path);
    }
    if (file != NULL)
        (void)fclose(file);
    return found;
}

// Where the tree is mounted, and which group of it is the mount's root. From a line
// "ID PARENT DEVICE ROOT MOUNT-POINT ... - TYPE SOURCE OPTIONS".
static bool find_mount(const char *process_folder, const struct cgroup_version *version,
                       char out_root[PATH_BYTES], char out_point[PATH_BYTES])
{
    FILE *file = open_in(process_folder, "mountinfo");
    char  line[LINE_BYTES];
    bool  found = false;
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        char        type[64], options[1024];
        const char *rest = strstr(line, " - ");
        if (rest == NULL || sscanf(rest, " - %63s %*s %1023s", type, options) != 2 ||
            sscanf(line, "%*s %*s %*s %4095s %4095s", out_root, out_point) != 2)
            continue;
        found = strcmp(type, version->type) == 0 &&
                (version->controller == NULL || list_holds(options, version->controller));
    }
    if (file != NULL)
        (void)fclose(file);
    return found;
}

// The limit of the group whose files are in `folder`; NO_LIMIT_BYTES when it has none.
static uint64_t read_limit(const char *folder, const char *name)
{
    FILE    *file = open_in(folder, name);
    uint64_t limit_bytes = NO_LIMIT_BYTES;   // "max" is no number
    if (file == NULL)
        return NO_LIMIT_BYTES;
    if (fscanf(file, "%" SCNu64, &limit_bytes) != 1)
        limit_bytes = NO_LIMIT_BYTES;
    (void)fclose(file);
    return limit_bytes < NO_LIMIT_BYTES ? limit_bytes : NO_LIMIT_BYTES;
}

// The least limit of `group` and the groups above it, down to the mount point.
static uint64_t least_limit(const char *point, char *group, const char *limit_file)
{
    uint64_t least_bytes = NO_LIMIT_BYTES;
    for (;;) {
        char folder[2 * PATH_BYTES];
        (void)snprintf(folder, sizeof folder, "%s%s", point, group);
        uint64_t limit_bytes = read_limit(folder, limit_file);
        if (limit_bytes < least_bytes)
            least_bytes = limit_bytes;
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return least_bytes;
        *slash = '\0';
    }
}

uint64_t cgroup_limit_bytes(const char *process_folder)
{
    uint64_t least_bytes = NO_LIMIT_BYTES;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        char group[PATH_BYTES], root[PATH_BYTES], point[PATH_BYTES];
        if (!find_group(process_folder, &versions[i], group) ||
            !find_mount(process_folder, &versions[i], root, point))
            continue;
        // In a container the mount may begin at our own group: what is above is not to be seen.
        size_t   n_hidden = strcmp(root, "/") != 0 ? strlen(root) : 0;
        bool     is_below = strncmp(group, root, n_hidden) == 0;
        uint64_t limit_bytes =
            least_limit(point, group + (is_below ? n_hidden : 0), versions[i].limit_file);
        if (limit_bytes < least_bytes)
            least_bytes = limit_bytes;
    }
    return least_bytes < NO_LIMIT_BYTES ? least_bytes : 0;
}
