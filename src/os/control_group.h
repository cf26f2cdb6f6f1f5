// The control groups of this process: in which folder ours is, and what its files say.
//
// `root` goes before every path: "" for the system's own files. Nothing here allocates or keeps
// anything; who calls brings the memory, as a stack may be small. errno is kept.
#ifndef NEAP_OS_CONTROL_GROUP_H
#define NEAP_OS_CONTROL_GROUP_H

#include <stdbool.h>
#include <stddef.h>

#define GROUP_PATH_BYTES 4096
#define GROUP_TEXT_BYTES (16 * 1024)           // /proc/self/cgroup has a dozen lines
#define GROUP_NUMBER_LARGE ((size_t)1 << 60)   // and all beyond

struct group_files {
    char path[GROUP_PATH_BYTES];
    char folder[GROUP_PATH_BYTES];   // of the group at hand
    char text[GROUP_TEXT_BYTES];     // of the file read last, and a NUL
};

// Puts the folder of our group in the tree of `controller`, which is mounted at `mount_point`, into
// files->folder. "": version 2's. False: we are in no group of that tree.
bool group_find(struct group_files *files, const char *root, const char *controller,
                const char *mount_point);

// Reads the file `name` in `folder` into files->text.
bool group_read(struct group_files *files, const char *root, const char *folder, const char *name);

// The number that a text begins with; a large one is GROUP_NUMBER_LARGE at least. False: there is
// none.
bool group_number(const char *text, size_t *out_number);

#endif
