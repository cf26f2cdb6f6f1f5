// A mapping is a line as in maps, then lines "Name: number kB", the last of which is VmFlags.
#include "smaps.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 8192   // a path of 4096 bytes, each byte perhaps escaped
#define PATH_BYTES 64
#define PAGE_IS_PRESENT (UINT64_C(1) << 63)
#define ENTRIES_AT_ONCE 4096

static bool read_head(const char *line, struct smaps_mapping *out)
{
    int at = 0;
    *out = (struct smaps_mapping){.start = 0};
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*s %" SCNu64 " %n", &out->start, &out->end,
               out->permissions, &out->inode, &at) < 4)
        return false;
    (void)snprintf(out->path, sizeof out->path, "%.*s", (int)strcspn(line + at, "\n"), line + at);
    return true;
}

static void read_field(const char *line, struct smaps_mapping *mapping)
{
    char     name[32];
    uint64_t kib;
    if (sscanf(line, "%31[^:]: %" SCNu64, name, &kib) != 2)
        return;
    if (strcmp(name, "Rss") == 0)
        mapping->resident_bytes = kib * 1024;
    else if (strcmp(name, "Swap") == 0)
        mapping->swapped_bytes = kib * 1024;
    else if (strcmp(name, "AnonHugePages") == 0)
        mapping->huge_bytes = kib * 1024;
}

bool smaps_next(FILE *smaps, struct smaps_mapping *out_mapping)
{
    char line[LINE_BYTES];
    do
        if (fgets(line, sizeof line, smaps) == NULL)
            return false;
    while (!read_head(line, out_mapping));
    while (fgets(line, sizeof line, smaps) != NULL && strncmp(line, "VmFlags:", 8) != 0)
        read_field(line, out_mapping);
    return true;
}

bool smaps_count_present(pid_t pid, uint64_t start, uint64_t end, uint64_t *out_bytes)
{
    char     path[PATH_BYTES];
    uint64_t entries[ENTRIES_AT_ONCE], page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t n_present = 0, page = start / page_bytes, n_pages = (end - start) / page_bytes;
    (void)snprintf(path, sizeof path, "/proc/%d/pagemap", (int)pid);
    int     file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n_read = file >= 0 ? 1 : -1;
    while (n_pages > 0 && n_read > 0) {
        size_t n = n_pages < ENTRIES_AT_ONCE ? (size_t)n_pages : ENTRIES_AT_ONCE;
        n_read = pread(file, entries, n * sizeof *entries, (off_t)(page * sizeof *entries));
        n = n_read > 0 ? (size_t)n_read / sizeof *entries : 0;
        for (size_t i = 0; i < n; i++)
            n_present += (entries[i] & PAGE_IS_PRESENT) != 0;
        page += n;
        n_pages -= n;
    }
    if (file >= 0)
        (void)close(file);
    *out_bytes = n_present * page_bytes;
    return n_pages == 0;
}
