// ELF check: reads the head of a file and its program headers, in either byte order of the
// file and for both classes, and compares it with what neap itself was built for.
//
// The header is read at fixed offsets of the ELF specification, because a foreign file may
// differ from us in class or byte order; <elf.h> gives only the constants.
#include "elf_check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define HEAD_BYTES 512            // the kernel reads 256 for "#!"; ELF headers fit as well
#define SCRIPT_DEPTH_MAX 4        // interpreters of interpreters, as in the kernel
#define PROGRAM_HEADERS_MAX 256   // a real program has about a dozen

// A file to look at.
struct place {
    char path[PATH_MAX];
};

// What this program, and so the library beside it, was built for.
struct elf_kind {
    unsigned class, data, machine;
};

static struct elf_kind elf_kind_own(void)
{
    extern const char __ehdr_start[] __attribute__((visibility("hidden")));
    struct elf_kind   kind = {(unsigned char)__ehdr_start[EI_CLASS],
                              (unsigned char)__ehdr_start[EI_DATA], 0};
    Elf64_Half        machine;   // same size and place in both classes
    memcpy(&machine, __ehdr_start + 18, sizeof machine);
    kind.machine = machine;
    return kind;
}

static void report(struct elf_report *out, enum elf_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void report(struct elf_report *out, enum elf_verdict verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(out->reason, sizeof out->reason, format, arguments);
    va_end(arguments);
    out->verdict = verdict;
}

const char *elf_machine_name(unsigned machine, char *buffer, size_t n_bytes)
{
    switch (machine) {
    case EM_386:
        return "i386";
    case EM_X86_64:
        return "x86-64";
    case EM_ARM:
        return "arm";
    case EM_AARCH64:
        return "aarch64";
    case EM_RISCV:
        return "riscv";
    case EM_PPC64:
        return "ppc64";
    case EM_S390:
        return "s390x";
    case EM_MIPS:
        return "mips";
    case EM_LOONGARCH:
        return "loongarch";
    default:
        break;
    }
    (void)snprintf(buffer, n_bytes, "machine %u", machine);
    return buffer;
}

// Reads an unsigned number of `n_bytes` in the byte order of the file.
static uint64_t read_number(const unsigned char *at, size_t n_bytes, unsigned data)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n_bytes; i++) {
        size_t from_top = data == ELFDATA2MSB ? i : n_bytes - 1 - i;
        value = value << 8 | at[from_top];
    }
    return value;
}

// Says so and returns false when class, byte order or machine is not ours.
static bool check_kind(const char *path, const unsigned char *head, struct elf_report *out)
{
    struct elf_kind own = elf_kind_own();
    unsigned        machine = (unsigned)read_number(head + 18, 2, head[EI_DATA]);
    if (head[EI_CLASS] == own.class && head[EI_DATA] == own.data && machine == own.machine)
        return true;

    char theirs[32], ours[32];
    report(out, ELF_FOREIGN,
           "%s: built for %d-bit %s, but this neap and its library are for"
           " %d-bit %s; use a neap of that architecture",
           path, head[EI_CLASS] == ELFCLASS64 ? 64 : 32,
           elf_machine_name(machine, theirs, sizeof theirs), own.class == ELFCLASS64 ? 64 : 32,
           elf_machine_name(own.machine, ours, sizeof ours));
    return false;
}

// Reads the name of the loader (PT_INTERP) of a file of our own kind.
// Returns: 1 found, 0 the program has none, -1 the headers cannot be read.
static int read_loader(int fd, const unsigned char *head, char *out_loader, size_t n_bytes)
{
    bool     is_64 = head[EI_CLASS] == ELFCLASS64;
    unsigned data = head[EI_DATA];
    uint64_t table = is_64 ? read_number(head + 32, 8, data) : read_number(head + 28, 4, data);
    uint64_t row_bytes = read_number(head + (is_64 ? 54 : 42), 2, data);
    uint64_t n_rows = read_number(head + (is_64 ? 56 : 44), 2, data);
    if (n_rows == 0 || n_rows > PROGRAM_HEADERS_MAX || row_bytes < (is_64 ? 56 : 32))
        return -1;

    for (uint64_t i = 0; i < n_rows; i++) {
        unsigned char row[56];
        size_t        wanted = is_64 ? 56 : 32;
        if (pread(fd, row, wanted, (off_t)(table + i * row_bytes)) != (ssize_t)wanted)
            return -1;
        if (read_number(row, 4, data) != PT_INTERP)
            continue;
        uint64_t at = is_64 ? read_number(row + 8, 8, data) : read_number(row + 4, 4, data);
        ssize_t  got = pread(fd, out_loader, n_bytes - 1, (off_t)at);
        if (got <= 0)
            return -1;
        out_loader[got] = '\0';   // PT_INTERP ends with a zero byte of its own
        return 1;
    }
    return 0;
}

// The loader itself can be the command ("ld.so ./program"); it has no PT_INTERP, yet preloads.
static bool is_loader(const char *path)
{
    char       *real = realpath(path, NULL);
    const char *slash = real != NULL ? strrchr(real, '/') : NULL;
    bool        result = slash != NULL && strncmp(slash, "/ld-linux", 9) == 0;
    free(real);
    return result;
}

bool elf_resolve_in(const char *root, const char *path, char *out, size_t n_bytes)
{
    char link[64];
    int  folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return false;
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
    int             fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
    (void)close(folder);
    if (fd < 0)
        return false;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, out, n_bytes - 1);
    (void)close(fd);
    out[length > 0 ? length : 0] = '\0';
    return length > 0;
}

// Is a file there, of our own system (root NULL) or of another one?
static bool exists_in(const char *root, const char *path)
{
    char place[PATH_MAX];
    return root == NULL ? access(path, F_OK) == 0 : elf_resolve_in(root, path, place, sizeof place);
}

static void check_program(const char *root, const char *path, int fd, const unsigned char *head,
                          struct elf_report *out)
{
    if (!check_kind(path, head, out))
        return;

    char loader[256];
    int  found = read_loader(fd, head, loader, sizeof loader);
    if (found < 0)
        report(out, ELF_NOT_EXECUTABLE,
               "%s: a damaged ELF file: its program headers cannot be"
               " read",
               path);
    else if (found == 0 && !is_loader(path))
        report(out, ELF_STATIC,
               "%s: statically linked, so no library can be preloaded; link it"
               " with -lneap instead",
               path);
    else if (found == 1 && strstr(loader, "musl") != NULL)
        report(out, ELF_OTHER_LOADER,
               "%s: started by %s, but libneap is built for glibc; link it with a libneap.a built"
               " for that C library",
               path, loader);
    else if (found == 1 && !exists_in(root, loader))
        report(out, ELF_NOT_EXECUTABLE,
               "%s: its loader is missing: %s; it was built for another system", path, loader);
}

// Says so and returns true when the loader will ignore LD_PRELOAD for this file.
static bool check_privileged(const char *path, int fd, struct elf_report *out)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return false;

    const char *what = NULL;
    if ((status.st_mode & S_ISUID) != 0)
        what = "set-uid";
    else if ((status.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
        what = "set-gid";
    else if (fgetxattr(fd, "security.capability", NULL, 0) > 0)
        what = "given file capabilities";
    if (what == NULL)
        return false;
    report(out, ELF_PRIVILEGED,
           "%s: %s, and for such files the loader drops LD_PRELOAD; use a"
           " copy without that, or link it with -lneap",
           path, what);
    return true;
}

// Reads the interpreter named by a "#!" line. Returns false when the line is unusable.
static bool read_interpreter(const char *head, char *out_path, size_t n_bytes)
{
    const char *start = head + 2;
    start += strspn(start, " \t");
    size_t length = strcspn(start, " \t\n");
    if (length == 0 || length >= n_bytes)
        return false;
    memcpy(out_path, start, length);
    out_path[length] = '\0';
    return true;
}

// Opens a file that is about to be executed, and says so when that is not possible.
// Returns: the descriptor, or -1.
static int open_executable(const char *path, struct elf_report *out)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        bool is_missing = errno == ENOENT || errno == ENOTDIR;
        report(out, is_missing ? ELF_MISSING : ELF_NOT_EXECUTABLE, "%s: %s", path, strerror(errno));
        return -1;
    }
    if (!S_ISREG(status.st_mode)) {
        report(out, ELF_NOT_EXECUTABLE, "%s: not a file that can be executed", path);
        return -1;
    }
    if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) != 0) {
        bool has_bit = (status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
        report(out, ELF_NOT_EXECUTABLE, "%s: %s; %s", path, strerror(errno),
               has_bit ? "others may execute it, or its file system is mounted noexec"
                       : "chmod +x makes it executable");
        return -1;
    }
    // A file may be executable but not readable; then it is executed unchecked.
    return open(path, O_RDONLY | O_CLOEXEC);
}

// Checks one file. Returns true when `out_next` names an interpreter to check as well.
static bool check_file(const char *root, const char *path, struct place *out_next,
                       struct elf_report *out)
{
    int fd = open_executable(path, out);
    if (fd < 0)
        return false;

    char    head[HEAD_BYTES + 1] = {0};
    ssize_t got = pread(fd, head, HEAD_BYTES, 0);
    bool    is_script = got > 2 && head[0] == '#' && head[1] == '!';
    bool    is_elf = got >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0;
    bool    follow = false;
    if (is_script) {
        follow = read_interpreter(head, out_next->path, sizeof out_next->path);
        if (!follow)
            report(out, ELF_NOT_EXECUTABLE, "%s: its #! line names no interpreter", path);
    } else if (is_elf && got < (ssize_t)sizeof(Elf32_Ehdr)) {
        report(out, ELF_NOT_EXECUTABLE, "%s: a damaged ELF file: its header is cut off", path);
    } else if (is_elf && !check_privileged(path, fd, out)) {
        check_program(root, path, fd, (const unsigned char *)head, out);
    }
    (void)close(fd);
    return follow;
}

// Where an interpreter lies for us. What is not there is left as it is.
static void enter_root(const char *root, struct place *place)
{
    char found[PATH_MAX];
    if (root != NULL && elf_resolve_in(root, place->path, found, sizeof found))
        (void)snprintf(place->path, sizeof place->path, "%s", found);
}

void elf_check_command(const char *path, struct elf_report *out)
{
    elf_check_command_in(NULL, path, out);
}

void elf_check_command_in(const char *root, const char *path, struct elf_report *out)
{
    *out = (struct elf_report){.verdict = ELF_FITS};
    struct place current, next;
    bool         follow = check_file(root, path, &next, out);
    for (int depth = 0; follow && depth < SCRIPT_DEPTH_MAX; depth++) {
        current = next;
        enter_root(root, &current);
        follow = check_file(root, current.path, &next, out);
    }
    if (out->verdict != ELF_MISSING || strncmp(out->reason, path, strlen(path)) == 0)
        return;

    // What is missing is the interpreter; the user asked for the script.
    char reason[ELF_REASON_BYTES];
    memcpy(reason, out->reason, sizeof reason);
    report(out, ELF_NOT_EXECUTABLE, "%.400s: its interpreter is missing: %.500s", path, reason);
}

void elf_check_library(const char *path, struct elf_report *out)
{
    *out = (struct elf_report){.verdict = ELF_FITS};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        report(out, ELF_MISSING, "%s: %s", path, strerror(errno));
        return;
    }

    unsigned char head[sizeof(Elf32_Ehdr)] = {0};
    ssize_t       got = pread(fd, head, sizeof head, 0);
    (void)close(fd);
    if (got != (ssize_t)sizeof head || memcmp(head, ELFMAG, SELFMAG) != 0)
        report(out, ELF_NOT_EXECUTABLE, "%s: not an ELF library", path);
    else
        (void)check_kind(path, head, out);
}
