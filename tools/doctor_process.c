// neap doctor about a running process: has it neap, which, and if not, why?
#include "cgroup.h"
#include "diagnosis.h"
#include "elf_check.h"
#include "environment.h"
#include "format.h"
#include "library.h"
#include "page_view.h"
#include "proc_read.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES (PATH_MAX + 128)

// What is mapped into the process, by name.
struct mapped {
    char neap[PATH_MAX];    // "": none
    char other[PATH_MAX];   // the last of other allocators' libraries
    bool is_deleted;        // the file of neap, since it was mapped
};

static void note_file(const char *path, struct mapped *mapped)
{
    static const char *const others[] = {"libjemalloc", "libtcmalloc", "libmimalloc",
                                         "libtbbmalloc"};
    const char              *slash = strrchr(path, '/');
    const char              *base = slash != NULL ? slash + 1 : path;
    if (strncmp(base, "libneap.so", strlen("libneap.so")) == 0) {
        (void)snprintf(mapped->neap, sizeof mapped->neap, "%s", path);
        mapped->is_deleted = strstr(path, " (deleted)") != NULL;
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strncmp(base, others[i], strlen(others[i])) == 0)
            (void)snprintf(mapped->other, sizeof mapped->other, "%s", path);
    }
}

static bool read_mapped(pid_t pid, struct mapped *out)
{
    char line[LINE_BYTES];
    *out = (struct mapped){.is_deleted = false};
    (void)snprintf(line, sizeof line, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(line, "re");
    if (maps == NULL)
        return false;
    while (fgets(line, sizeof line, maps) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        const char *path = strchr(line, '/');
        if (path != NULL)
            note_file(path, out);
    }
    (void)fclose(maps);
    return true;
}

static void diagnose_mapped(struct diagnosis *diagnosis, const struct mapped *mapped,
                            const char *version)
{
    if (mapped->is_deleted) {
        diagnosis_add(diagnosis, FINDING_WARN, "version",
                      "its library was replaced or removed since: it runs neap %s from %s", version,
                      mapped->neap);
        diagnosis_fix(diagnosis, "restart it when it suits; until then it goes on as it was");
    } else if (strcmp(version, NEAP_VERSION) != 0) {
        diagnosis_add(diagnosis, FINDING_WARN, "version", "it runs neap %s, this is %s", version,
                      NEAP_VERSION);
        diagnosis_fix(diagnosis, "restart it to have the new one");
    }
    if (mapped->other[0] != '\0')
        diagnosis_add(diagnosis, FINDING_WARN, "allocator", "another allocator is loaded too: %s",
                      mapped->other);
}

// The process has no neap: does its program allow it?
static void diagnose_program(struct diagnosis *diagnosis, pid_t pid)
{
    char root[64], link[64], path[PATH_MAX];
    (void)snprintf(root, sizeof root, "/proc/%d/root", (int)pid);
    (void)snprintf(link, sizeof link, "/proc/%d/exe", (int)pid);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    if (length > 0)
        diagnose_command(diagnosis, root, path);
}

static void diagnose_limit(struct diagnosis *diagnosis, pid_t pid)
{
    char folder[64], text[FORMAT_BYTES];
    (void)snprintf(folder, sizeof folder, "/proc/%d", (int)pid);
    uint64_t limit_bytes = cgroup_limit_bytes(folder);
    if (limit_bytes > 0)
        diagnosis_add(diagnosis, FINDING_OK, "limit", "its control group allows %s",
                      format_bytes((double)limit_bytes, text));
}

static void diagnose_absence(struct diagnosis *diagnosis, pid_t pid, enum process_result result)
{
    switch (result) {
    case PROCESS_FORBIDDEN:
        diagnosis_add(diagnosis, FINDING_FAIL, "process",
                      "process %d: the system does not let us look into it", (int)pid);
        diagnosis_fix(diagnosis, "sudo neap doctor %d", (int)pid);
        break;
    case PROCESS_NEWER:
        diagnosis_add(diagnosis, FINDING_FAIL, "version",
                      "process %d runs a newer neap than this program can read", (int)pid);
        diagnosis_fix(diagnosis, "install the same version of the package neap");
        break;
    case PROCESS_ABSENT:
        diagnosis_add(diagnosis, FINDING_FAIL, "process", "process %d has ended", (int)pid);
        break;
    default:
        diagnosis_add(diagnosis, FINDING_FAIL, "process", "process %d does not run neap", (int)pid);
        diagnosis_fix(diagnosis, "start it again: neap run -- CMD, or LD_PRELOAD=%s", LIBRARY_NAME);
        diagnose_program(diagnosis, pid);
    }
}

void diagnose_process(struct diagnosis *diagnosis, pid_t pid)
{
    char                name[PROC_NAME_BYTES], root[64];
    char              **entries;
    struct mapped       mapped;
    struct page_view   *view = NULL;
    enum process_result result = page_view_open(pid, NULL, &view);
    if (result == PROCESS_READ) {
        bool has_maps = read_mapped(pid, &mapped);
        diagnosis_add(diagnosis, FINDING_OK, "process", "process %d (%s) runs neap %s%s%s",
                      (int)pid, proc_read_name(pid, name), page_view_version(view),
                      has_maps && mapped.neap[0] != '\0' ? ", " : "",
                      has_maps && mapped.neap[0] != '\0' ? mapped.neap : "");
        if (has_maps)
            diagnose_mapped(diagnosis, &mapped, page_view_version(view));
    } else {
        diagnose_absence(diagnosis, pid, result);
    }
    page_view_close(view);
    if (environment_of(pid, &entries) == PROCESS_READ) {
        (void)snprintf(root, sizeof root, "/proc/%d/root", (int)pid);
        diagnose_environment(diagnosis, (const char *const *)entries, root);
    }
    diagnose_limit(diagnosis, pid);
}
