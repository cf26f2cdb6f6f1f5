// Reading /proc: every function opens, reads and closes; nothing is kept, so a process may
// end at any moment without harm.
#include "proc_read.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kcmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PROC_PATH_BYTES 64
#define PROC_TEXT_BYTES 4096   // statm, stat and smaps_rollup are far shorter
#define MAPS_LINE_BYTES 8192   // a path of 4096 bytes, each byte perhaps escaped

// Reads a small file of a process as text. Returns false when it cannot be read.
static bool proc_read_text(pid_t pid, const char *name, char *out, size_t n_bytes)
{
    char path[PROC_PATH_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, out, n_bytes - 1);
    (void)close(fd);
    out[got > 0 ? got : 0] = '\0';
    return got > 0;
}

char *proc_read_name(pid_t pid, char out[PROC_NAME_BYTES])
{
    if (!proc_read_text(pid, "comm", out, PROC_NAME_BYTES))
        out[0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    return out;
}

uint64_t proc_read_resident_bytes(pid_t pid)
{
    char     text[PROC_TEXT_BYTES];
    uint64_t size_pages, resident_pages;
    if (!proc_read_text(pid, "statm", text, sizeof text) ||
        sscanf(text, "%" SCNu64 " %" SCNu64, &size_pages, &resident_pages) != 2)
        return 0;
    return resident_pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t proc_read_share_bytes(pid_t pid)
{
    char text[PROC_TEXT_BYTES];
    if (proc_read_text(pid, "smaps_rollup", text, sizeof text)) {
        const char *line = strstr(text, "\nPss:");
        uint64_t    share_kib;
        if (line != NULL && sscanf(line, "\nPss: %" SCNu64, &share_kib) == 1)
            return share_kib * 1024;
    }
    return proc_read_resident_bytes(pid);
}

uint64_t proc_mapped_bytes_of_line(const char *line, uint64_t *io_end)
{
    // start-end perms offset device inode path
    uint64_t start, end, inode;
    char     permissions[5];
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %" SCNu64, &start, &end, permissions,
               &inode) != 4)
        return 0;
    uint64_t from = start > *io_end ? start : *io_end;
    if (end <= from)
        return 0;
    *io_end = end;
    bool is_writable = permissions[1] == 'w', is_private = permissions[3] == 'p';
    return is_writable && is_private && inode == 0 ? end - from : 0;
}

uint64_t proc_read_mapped_bytes(pid_t pid)
{
    char path[PROC_PATH_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    if (maps == NULL)
        return 0;

    uint64_t sum_bytes = 0, end = 0;
    char     line[MAPS_LINE_BYTES];
    while (fgets(line, sizeof line, maps) != NULL)
        sum_bytes += proc_mapped_bytes_of_line(line, &end);
    (void)fclose(maps);
    return sum_bytes;
}

double proc_read_cpu_s(pid_t pid)
{
    char text[PROC_TEXT_BYTES];
    if (!proc_read_text(pid, "stat", text, sizeof text))
        return 0;
    const char *after_name = strrchr(text, ')');   // the name may hold spaces and brackets
    uint64_t    user, system, child_user, child_system;
    if (after_name == NULL || sscanf(after_name + 1,
                                     " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64
                                     " %" SCNu64 " %" SCNu64 " %" SCNu64,
                                     &user, &system, &child_user, &child_system) != 4)
        return 0;
    return (double)(user + system + child_user + child_system) / (double)sysconf(_SC_CLK_TCK);
}

static bool shares_memory(pid_t a, pid_t b)
{
    return syscall(SYS_kcmp, a, b, KCMP_VM, 0, 0) == 0;
}

// Appends the children that one thread of `parent` has started.
static size_t proc_append_children(pid_t parent, const char *thread, pid_t *pids, size_t n_pids,
                                   size_t n_max)
{
    char name[PROC_PATH_BYTES], text[PROC_TEXT_BYTES];
    (void)snprintf(name, sizeof name, "task/%.16s/children", thread);
    if (!proc_read_text(parent, name, text, sizeof text))
        return n_pids;

    char *at = text;
    while (n_pids < n_max) {
        char *end;
        long  child = strtol(at, &end, 10);
        if (end == at)
            break;
        if (!shares_memory(parent, (pid_t)child))
            pids[n_pids++] = (pid_t)child;
        at = end;
    }
    return n_pids;
}

size_t proc_read_tree(pid_t root, pid_t *out_pids, size_t n_max)
{
    size_t n_pids = 0;
    out_pids[n_pids++] = root;
    for (size_t i = 0; i < n_pids; i++) {
        char path[PROC_PATH_BYTES];
        (void)snprintf(path, sizeof path, "/proc/%d/task", (int)out_pids[i]);
        DIR *threads = opendir(path);
        if (threads == NULL)
            continue;
        struct dirent *entry;
        while ((entry = readdir(threads)) != NULL) {
            if (isdigit((unsigned char)entry->d_name[0]))
                n_pids = proc_append_children(out_pids[i], entry->d_name, out_pids, n_pids, n_max);
        }
        (void)closedir(threads);
    }
    return n_pids;
}
