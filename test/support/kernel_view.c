// Reading /proc/self/maps and pagemap into static arrays.
#include "kernel_view.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAPPINGS_MAX 20000
#define TEXT_BYTES ((size_t)4 << 20)
#define PAGEMAP_ENTRIES 8192   // read at a time
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_SWAPPED (UINT64_C(1) << 62)

static struct kernel_mapping mappings[MAPPINGS_MAX];
static size_t                n_mappings;

static void give_up(const char *what)
{
    fprintf(stderr, "kernel_view: %s\n", what);
    abort();
}

static size_t read_text(char *text)
{
    int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        give_up("no /proc/self/maps");
    size_t  length = 0;
    ssize_t n;
    while ((n = read(file, text + length, TEXT_BYTES - 1 - length)) > 0)
        length += (size_t)n;
    close(file);
    text[length] = '\0';
    return length;
}

void kernel_view_read(void)
{
    static char text[TEXT_BYTES];
    (void)read_text(text);
    n_mappings = 0;
    for (char *line = text; *line != '\0';) {
        char *line_end = strchr(line, '\n');
        if (line_end == NULL || n_mappings == MAPPINGS_MAX)
            give_up("too many mappings");
        *line_end = '\0';
        char     *at;
        uintptr_t start = strtoull(line, &at, 16);
        uintptr_t end = strtoull(at + 1, &at, 16);
        mappings[n_mappings++] = (struct kernel_mapping){start, end, at[1] == 'r' && at[2] == 'w',
                                                         strstr(at, "[stack]") != NULL};
        line = line_end + 1;
    }
}

// The part of the mapping in [start, end).
static size_t bytes_within(const struct kernel_mapping *mapping, uintptr_t start, uintptr_t end)
{
    uintptr_t low = mapping->start > start ? mapping->start : start;
    uintptr_t high = mapping->end < end ? mapping->end : end;
    return high > low ? high - low : 0;
}

size_t kernel_view_mappings(uintptr_t start, uintptr_t end)
{
    size_t n = 0;
    for (size_t i = 0; i < n_mappings; i++)
        n += bytes_within(&mappings[i], start, end) > 0;
    return n;
}

size_t kernel_view_writable_bytes(uintptr_t start, uintptr_t end)
{
    size_t n_bytes = 0;
    for (size_t i = 0; i < n_mappings; i++)
        n_bytes += mappings[i].writable ? bytes_within(&mappings[i], start, end) : 0;
    return n_bytes;
}

size_t kernel_view_all_writable_bytes(void)
{
    size_t n_bytes = 0;
    for (size_t i = 0; i < n_mappings; i++) {
        if (mappings[i].writable && !mappings[i].is_stack)
            n_bytes += mappings[i].end - mappings[i].start;
    }
    return n_bytes;
}

size_t kernel_resident_bytes(uintptr_t start, uintptr_t end)
{
    static uint64_t entries[PAGEMAP_ENTRIES];
    size_t          page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    int             file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        give_up("no /proc/self/pagemap");
    size_t n_pages = (end - start) / page_bytes;
    size_t n_resident = 0;
    for (size_t done = 0; done < n_pages;) {
        size_t  wanted = n_pages - done < PAGEMAP_ENTRIES ? n_pages - done : PAGEMAP_ENTRIES;
        off_t   offset = (off_t)((start / page_bytes + done) * sizeof entries[0]);
        ssize_t n = pread(file, entries, wanted * sizeof entries[0], offset);
        if (n <= 0)
            give_up("pagemap cannot be read");
        size_t n_read = (size_t)n / sizeof entries[0];
        for (size_t i = 0; i < n_read; i++)
            n_resident += (entries[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED)) != 0;
        done += n_read;
    }
    close(file);
    return n_resident * page_bytes;
}
