// Black boxes: files that processes under neap leave when they are killed (struct neap_box of
// neap/page.h). Nothing in them is believed before it has been looked at.
#ifndef NEAP_TOOLS_BLACK_BOX_H
#define NEAP_TOOLS_BLACK_BOX_H

#include "history.h"

#include <stdbool.h>

#define BLACK_BOX_PATH_BYTES 512

struct black_box {
    char           path[BLACK_BOX_PATH_BYTES];
    char           name[17], version[17];
    pid_t          pid;
    double         wall_time_s;                          // of the last sample, since 1970
    uint64_t       soft_limit_bytes, hard_limit_bytes;   // 0: none
    uint64_t       refused_requests, shortages;
    struct history history;   // ages are before the last sample
};

enum black_box_result {
    BLACK_BOX_READ,
    BLACK_BOX_ABSENT,   // errno says why
    BLACK_BOX_NONE,     // the file is something else, or damaged
    BLACK_BOX_NEWER,
};

// Reads a file. Whatever comes of it, black_box_free is to be called.
enum black_box_result black_box_read(const char *path, struct black_box *out);
void                  black_box_free(struct black_box *box);

// The one written last in a folder by a process of that name. False: there is none.
bool black_box_find(const char *folder, const char *name, struct black_box *out);

#endif
