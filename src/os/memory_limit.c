// A limit on any group above ours counts as much as our own.
#include "os/memory_limit.h"

#include "base/units.h"
#include "os/control_group.h"

#include <string.h>

static struct group_files files;

#define FILES_MAX 2

struct tree {
    const char *controller;   // in its line; "": version 2 names none
    const char *mount_point;
    const char *names[FILES_MAX];
};

static const struct tree trees[] = {
    {"", "/sys/fs/cgroup", {"memory.max", "memory.high"}},
    {"", "/sys/fs/cgroup/unified", {"memory.max", "memory.high"}},   // beside version 1
    {"memory", "/sys/fs/cgroup/memory", {"memory.limit_in_bytes", NULL}},
};

// The limit in a file of the group in files.folder. "max" is no number; version 1 says "none" by
// one near 2^63.
static size_t limit_in_file(const char *root, const char *name)
{
    size_t limit_bytes;
    if (!group_read(&files, root, files.folder, name) || !group_number(files.text, &limit_bytes))
        return MEMORY_LIMIT_NONE;
    return limit_bytes < GROUP_NUMBER_LARGE ? limit_bytes : MEMORY_LIMIT_NONE;
}

// The least limit in the files of the group in files.folder.
static size_t limit_of_group(const char *root, const struct tree *tree)
{
    size_t least_bytes = MEMORY_LIMIT_NONE;
    for (size_t i = 0; i < FILES_MAX && tree->names[i] != NULL; i++)
        least_bytes = size_min(least_bytes, limit_in_file(root, tree->names[i]));
    return least_bytes;
}

static size_t limit_in_tree(const char *root, const struct tree *tree)
{
    size_t least_bytes = MEMORY_LIMIT_NONE;
    if (!group_find(&files, root, tree->controller, tree->mount_point))
        return MEMORY_LIMIT_NONE;
    for (;;) {
        least_bytes = size_min(least_bytes, limit_of_group(root, tree));
        char *slash = strrchr(files.folder, '/');
        if (slash < files.folder + strlen(tree->mount_point))
            return least_bytes;   // that was the root of the tree
        *slash = '\0';
    }
}

size_t memory_limit_read(const char *root)
{
    size_t least_bytes = MEMORY_LIMIT_NONE;
    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++)
        least_bytes = size_min(least_bytes, limit_in_tree(root, &trees[i]));
    return least_bytes;
}

size_t memory_of_machine(const char *root)
{
    static const char name[] = "MemTotal:";
    size_t            n_kib;
    if (!group_read(&files, root, "/proc", "meminfo"))
        return 0;
    const char *line = strstr(files.text, name);
    if (line == NULL)
        return 0;
    line += strlen(name);
    line += strspn(line, " ");
    return group_number(line, &n_kib) && n_kib < GROUP_NUMBER_LARGE / KIB ? n_kib * KIB : 0;
}
