// Files that the user names for results.
#ifndef NEAP_TOOLS_OUT_FILE_H
#define NEAP_TOOLS_OUT_FILE_H

#include <stdbool.h>
#include <stdio.h>

struct out_file {
    const char *path;   // NULL: not wanted
    FILE       *stream;
    bool        created;   // there was no such file before
};

// Opens `path` for writing before the work starts, so that a wrong path costs no time; what
// it holds stays until out_file_start. `option` is named in the message. path NULL is fine.
// Returns: 0, or an exit code after one line on stderr.
int out_file_open(struct out_file *file, const char *path, const char *option);

// Empties the file and returns its stream.
FILE *out_file_start(struct out_file *file);

// Closes the file. Returns: 0, or an exit code after one line when not all could be written.
int out_file_finish(struct out_file *file);

// Closes the file unwritten, and removes it if it was created.
void out_file_discard(struct out_file *file);

#endif
