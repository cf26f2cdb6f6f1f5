// Control groups: which group we are in stands in /proc/self/cgroup, one line for each tree. A
// limit on any group above ours counts as much as our own.
//
// In a container the tree may be mounted from our own group on, while the line names it from the
// root: then its folders are not found, and all that is, on the way up, is the mount point itself.
// With a namespace of its own the line says "/", or "/.." for what lies outside.
#include "os/memory_limit.h"

#include "base/units.h"
#include "os/host.h"

#include <stdbool.h>
#include <string.h>

#define PATH_BYTES 4096
#define FILE_BYTES (16 * 1024)             // /proc/self/cgroup has a dozen lines
#define NO_LIMIT_BYTES ((size_t)1 << 60)   // version 1 says "none" by a number near 2^63

static struct {
    char path[PATH_BYTES];
    char folder[PATH_BYTES];
    char text[FILE_BYTES];
} buffer;

#define FILES_MAX 2

struct tree {
    const char *controller;   // in its line; "": version 2 names none
    const char *mount_point;
    const char *files[FILES_MAX];
};

static const struct tree trees[] = {
    {"", "/sys/fs/cgroup", {"memory.max", "memory.high"}},
    {"", "/sys/fs/cgroup/unified", {"memory.max", "memory.high"}},   // beside version 1
    {"memory", "/sys/fs/cgroup/memory", {"memory.limit_in_bytes", NULL}},
};

// Appends up to the `n_bytes` at `piece`. False: it would not fit.
static bool append(char *path, const char *piece, size_t n_bytes)
{
    size_t length = strlen(path);
    if (n_bytes >= PATH_BYTES - length)
        return false;
    memcpy(path + length, piece, n_bytes);
    path[length + n_bytes] = '\0';
    return true;
}

// Reads a file into buffer.text, and a NUL behind it.
static bool read_text(const char *root, const char *folder, const char *name)
{
    size_t n_bytes;
    buffer.path[0] = '\0';
    if (!append(buffer.path, root, strlen(root)) || !append(buffer.path, folder, strlen(folder)) ||
        !append(buffer.path, "/", 1) || !append(buffer.path, name, strlen(name)) ||
        host_read_file(buffer.path, buffer.text, FILE_BYTES - 1, &n_bytes) != HOST_FILE_READ)
        return false;
    buffer.text[n_bytes] = '\0';
    return true;
}

// The number that a text begins with; a large one is NO_LIMIT_BYTES at least. False: there is none.
static bool read_number(const char *text, size_t *out_number)
{
    size_t i = 0;
    *out_number = 0;
    for (; text[i] >= '0' && text[i] <= '9'; i++)
        if (*out_number < NO_LIMIT_BYTES)
            *out_number = *out_number * 10 + (size_t)(text[i] - '0');
    return i > 0;
}

// The limit in a file of the group in buffer.folder. "max" is no number.
static size_t limit_in_file(const char *root, const char *name)
{
    size_t limit_bytes;
    if (!read_text(root, buffer.folder, name) || !read_number(buffer.text, &limit_bytes))
        return MEMORY_LIMIT_NONE;
    return limit_bytes < NO_LIMIT_BYTES ? limit_bytes : MEMORY_LIMIT_NONE;
}

// Is `word` one of the words with commas between them at `list`? "": is the list empty?
static bool list_holds(const char *list, size_t n_bytes, const char *word)
{
    size_t length = strlen(word);
    if (length == 0 || n_bytes == 0)
        return length == n_bytes;
    for (size_t at = 0; at < n_bytes; at++) {
        size_t n = 0;
        while (at + n < n_bytes && list[at + n] != ',')
            n++;
        if (n == length && memcmp(list + at, word, n) == 0)
            return true;
        at += n;
    }
    return false;
}

// Puts the folder of our group in a tree, from its line "NUMBER:CONTROLLERS:PATH", into
// buffer.folder. False: there is no such line, and we are in no group of the tree.
static bool find_folder(const char *root, const struct tree *tree)
{
    if (!read_text(root, "/proc/self", "cgroup"))
        return false;
    for (const char *line = buffer.text; *line != '\0';) {
        size_t      n_bytes = strcspn(line, "\n");
        const char *end = line + n_bytes;
        const char *controllers = memchr(line, ':', n_bytes);
        const char *group = controllers != NULL
                                ? memchr(controllers + 1, ':', (size_t)(end - controllers) - 1)
                                : NULL;
        if (group != NULL &&
            list_holds(controllers + 1, (size_t)(group - controllers) - 1, tree->controller)) {
            buffer.folder[0] = '\0';
            bool is_outside = strncmp(group + 1, "/..", 3) == 0;
            return append(buffer.folder, tree->mount_point, strlen(tree->mount_point)) &&
                   append(buffer.folder, group + 1, is_outside ? 0 : (size_t)(end - group) - 1);
        }
        line = *end != '\0' ? end + 1 : end;
    }
    return false;
}

// The least limit in the files of the group in buffer.folder.
static size_t limit_of_group(const char *root, const struct tree *tree)
{
    size_t least_bytes = MEMORY_LIMIT_NONE;
    for (size_t i = 0; i < FILES_MAX && tree->files[i] != NULL; i++)
        least_bytes = size_min(least_bytes, limit_in_file(root, tree->files[i]));
    return least_bytes;
}

static size_t limit_in_tree(const char *root, const struct tree *tree)
{
    size_t least_bytes = MEMORY_LIMIT_NONE;
    if (!find_folder(root, tree))
        return MEMORY_LIMIT_NONE;
    for (;;) {
        least_bytes = size_min(least_bytes, limit_of_group(root, tree));
        char *slash = strrchr(buffer.folder, '/');
        if (slash < buffer.folder + strlen(tree->mount_point))
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
    if (!read_text(root, "/proc", "meminfo"))
        return 0;
    const char *line = strstr(buffer.text, name);
    if (line == NULL)
        return 0;
    line += strlen(name);
    line += strspn(line, " ");
    return read_number(line, &n_kib) && n_kib < NO_LIMIT_BYTES / KIB ? n_kib * KIB : 0;
}
