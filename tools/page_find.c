// ELF headers and notes, read from the process's memory: the file itself may be in another file
// system, replaced or deleted. Nothing in them is believed.
#include "page_find.h"

#include "neap/page.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PATH_BYTES 64
#define LINE_BYTES 8192   // of maps: a path of 4096 bytes, each byte perhaps escaped
#define PROGRAM_HEADERS_MAX 32
#define NOTES_BYTES_MAX 4096

static uint64_t aligned_to_4(uint64_t n)
{
    return (n + 3) / 4 * 4;
}

// Looks for our note in a segment of notes that lies at `address` in the process.
static bool find_note(const char *notes, size_t n_bytes, uint64_t address,
                      struct page_place *out_place)
{
    for (size_t at = 0; n_bytes - at >= sizeof(Elf64_Nhdr);) {
        Elf64_Nhdr            header;
        struct neap_page_note content;
        memcpy(&header, notes + at, sizeof header);
        uint64_t name_bytes = aligned_to_4(header.n_namesz);
        uint64_t content_bytes = aligned_to_4(header.n_descsz);
        at += sizeof header;
        if (name_bytes + content_bytes > n_bytes - at)
            return false;
        size_t content_at = at + (size_t)name_bytes;
        if (header.n_type == NEAP_PAGE_NOTE && header.n_namesz == sizeof NEAP_PAGE_NOTE_NAME &&
            header.n_descsz == sizeof content &&
            memcmp(notes + at, NEAP_PAGE_NOTE_NAME, sizeof NEAP_PAGE_NOTE_NAME) == 0) {
            memcpy(&content, notes + content_at, sizeof content);
            out_place->page = address + content_at + (uint64_t)content.page;
            out_place->heap = address + content_at + (uint64_t)content.heap;
            return true;
        }
        at = content_at + (size_t)content_bytes;
    }
    return false;
}

// An object whose first page is mapped at `start`: goes through its segments of notes.
static enum process_result find_in_object(pid_t pid, uint64_t start, struct page_place *out_place)
{
    Elf64_Ehdr header;
    Elf64_Phdr segments[PROGRAM_HEADERS_MAX];
    char       notes[NOTES_BYTES_MAX];

    enum process_result result = process_memory_read_one(pid, start, &header, sizeof header);
    if (result != PROCESS_READ)
        return result == PROCESS_DAMAGED ? PROCESS_WITHOUT : result;
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_phentsize != sizeof segments[0] || header.e_phnum > PROGRAM_HEADERS_MAX ||
        process_memory_read_one(pid, start + header.e_phoff, segments,
                                header.e_phnum * sizeof segments[0]) != PROCESS_READ)
        return PROCESS_WITHOUT;

    uint64_t bias = start;   // what is added to the addresses in the file
    for (size_t i = 0; i < header.e_phnum; i++) {
        if (segments[i].p_type == PT_LOAD && segments[i].p_offset == 0)
            bias = start - segments[i].p_vaddr;
    }
    for (size_t i = 0; i < header.e_phnum; i++) {
        uint64_t address = bias + segments[i].p_vaddr;
        if (segments[i].p_type == PT_NOTE && segments[i].p_filesz <= sizeof notes &&
            process_memory_read_one(pid, address, notes, segments[i].p_filesz) == PROCESS_READ &&
            find_note(notes, segments[i].p_filesz, address, out_place))
            return PROCESS_READ;
    }
    return PROCESS_WITHOUT;
}

// A line of maps about the first page of a file? Where it is mapped, or 0.
static uint64_t object_start(const char *line)
{
    uint64_t start, offset, inode;
    char     may_read;
    if (sscanf(line, "%" SCNx64 "-%*x %c%*3s %" SCNx64 " %*s %" SCNu64, &start, &may_read, &offset,
               &inode) != 4)
        return 0;
    return may_read == 'r' && offset == 0 && inode != 0 ? start : 0;
}

enum process_result page_find(pid_t pid, struct page_place *out_place)
{
    char path[PATH_BYTES], line[LINE_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    if (maps == NULL)
        return errno == EACCES || errno == EPERM ? PROCESS_FORBIDDEN : PROCESS_ABSENT;

    enum process_result result = PROCESS_WITHOUT;
    errno = 0;
    while (result == PROCESS_WITHOUT && fgets(line, sizeof line, maps) != NULL) {
        uint64_t start = object_start(line);
        if (start != 0)
            result = find_in_object(pid, start, out_place);
    }
    if (result == PROCESS_WITHOUT && (errno == EACCES || errno == EPERM))   // told on reading
        result = PROCESS_FORBIDDEN;
    (void)fclose(maps);
    return result;
}
