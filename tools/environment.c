// /proc/PID/environ: strings, one behind the other.
#include "environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 65536

// All of a stream and a NUL behind it; NULL: it cannot be read.
static char *read_all(FILE *stream, size_t *out_n_bytes)
{
    char  *bytes = NULL;
    size_t n = 0, got;
    do {
        char *longer = realloc(bytes, n + BLOCK_BYTES + 1);
        if (longer == NULL) {
            free(bytes);
            return NULL;
        }
        bytes = longer;
        got = fread(bytes + n, 1, BLOCK_BYTES, stream);
        n += got;
    } while (got > 0);
    bytes[n] = '\0';
    *out_n_bytes = n;
    return bytes;
}

static char **split(char *bytes, size_t n_bytes)
{
    size_t n_entries = 0;
    for (size_t at = 0; at < n_bytes; at += strlen(bytes + at) + 1)
        n_entries++;
    char **entries = calloc(n_entries + 1, sizeof *entries);
    if (entries == NULL)
        return NULL;
    char *at = bytes;
    for (size_t i = 0; i < n_entries; i++) {
        entries[i] = at;
        at += strlen(at) + 1;
    }
    return entries;
}

enum process_result environment_of(pid_t pid, char ***out_entries)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    errno = 0;
    FILE  *stream = fopen(path, "re");
    size_t n_bytes = 0;
    char  *bytes = stream != NULL ? read_all(stream, &n_bytes) : NULL;
    int    error = errno;
    if (stream != NULL)
        (void)fclose(stream);
    char **entries = bytes != NULL ? split(bytes, n_bytes) : NULL;
    if (entries == NULL) {
        free(bytes);
        return error == EACCES || error == EPERM ? PROCESS_FORBIDDEN : PROCESS_ABSENT;
    }
    *out_entries = entries;
    return PROCESS_READ;
}
