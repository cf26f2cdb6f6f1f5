// Which group we are in stands in /proc/self/cgroup, one line for each tree.
//
// In a container the tree may be mounted from our own group on, while the line names it from the
// root: then its folders are not found, and all that is, on the way up, is the mount point itself.
// With a namespace of its own the line says "/", or "/.." for what lies outside.
#include "os/control_group.h"

#include "os/host.h"

#include <string.h>

// Appends up to the `n_bytes` at `piece`. False: it would not fit.
static bool append(char *path, const char *piece, size_t n_bytes)
{
    size_t length = strlen(path);
    if (n_bytes >= GROUP_PATH_BYTES - length)
        return false;
    memcpy(path + length, piece, n_bytes);
    path[length + n_bytes] = '\0';
    return true;
}

bool group_read(struct group_files *files, const char *root, const char *folder, const char *name)
{
    size_t n_bytes;
    files->path[0] = '\0';
    if (!append(files->path, root, strlen(root)) || !append(files->path, folder, strlen(folder)) ||
        !append(files->path, "/", 1) || !append(files->path, name, strlen(name)) ||
        host_read_file(files->path, files->text, GROUP_TEXT_BYTES - 1, &n_bytes) != HOST_FILE_READ)
        return false;
    files->text[n_bytes] = '\0';
    return true;
}

bool group_number(const char *text, size_t *out_number)
{
    size_t i = 0;
    *out_number = 0;
    for (; text[i] >= '0' && text[i] <= '9'; i++)
        if (*out_number < GROUP_NUMBER_LARGE)
            *out_number = *out_number * 10 + (size_t)(text[i] - '0');
    return i > 0;
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

// From its line "NUMBER:CONTROLLERS:PATH".
bool group_find(struct group_files *files, const char *root, const char *controller,
                const char *mount_point)
{
    if (!group_read(files, root, "/proc/self", "cgroup"))
        return false;
    for (const char *line = files->text; *line != '\0';) {
        size_t      n_bytes = strcspn(line, "\n");
        const char *end = line + n_bytes;
        const char *controllers = memchr(line, ':', n_bytes);
        const char *group = controllers != NULL
                                ? memchr(controllers + 1, ':', (size_t)(end - controllers) - 1)
                                : NULL;
        if (group != NULL &&
            list_holds(controllers + 1, (size_t)(group - controllers) - 1, controller)) {
            files->folder[0] = '\0';
            bool is_outside = strncmp(group + 1, "/..", 3) == 0;
            return append(files->folder, mount_point, strlen(mount_point)) &&
                   append(files->folder, group + 1, is_outside ? 0 : (size_t)(end - group) - 1);
        }
        line = *end != '\0' ? end + 1 : end;
    }
    return false;
}
