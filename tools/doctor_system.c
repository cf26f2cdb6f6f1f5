// neap doctor about a machine, or about the root of one that does not run.
#include "cgroup.h"
#include "diagnosis.h"
#include "elf_check.h"
#include "format.h"
#include "library.h"

#include <limits.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ADDRESS_SPACE_LITTLE ((rlim_t)1 << 30)
#define TEXT_BYTES 256

// The first line of a small file; false: it cannot be read.
static bool read_line(const char *path, char *out, size_t n_bytes)
{
    FILE *file = fopen(path, "re");
    bool  is_read = file != NULL && fgets(out, (int)n_bytes, file) != NULL;
    if (file != NULL)
        (void)fclose(file);
    if (is_read)
        out[strcspn(out, "\n")] = '\0';
    return is_read;
}

static void diagnose_library(struct diagnosis *diagnosis)
{
    char library[LIBRARY_PATH_BYTES];
    if (library_find(library, sizeof library) != 0) {   // which says what is wrong
        diagnosis_add(diagnosis, FINDING_FAIL, "library", "%s is not there", LIBRARY_NAME);
        diagnosis_fix(diagnosis, "apt-get install libneap0, or make install");
    } else if (strchr(library, '/') == NULL) {
        diagnosis_add(diagnosis, FINDING_OK, "library", "the loader finds %s without a path",
                      library);
    } else {
        diagnosis_add(diagnosis, FINDING_WARN, "library",
                      "the loader does not find %s without its path, %s", LIBRARY_NAME, library);
        diagnosis_fix(diagnosis, "ldconfig, or LD_PRELOAD=%s", library);
    }
}

// Huge pages that are given without being asked for make half-empty ones resident.
static void diagnose_huge_pages(struct diagnosis *diagnosis)
{
    static const char path[] = "/sys/kernel/mm/transparent_hugepage/enabled";
    char              line[TEXT_BYTES];
    if (!read_line(path, line, sizeof line))
        return;
    if (strstr(line, "[always]") == NULL) {
        diagnosis_add(diagnosis, FINDING_OK, "huge pages", "transparent huge pages: %s", line);
        return;
    }
    diagnosis_add(diagnosis, FINDING_WARN, "huge pages",
                  "transparent huge pages are given to everybody: more may be resident than the"
                  " books say");
    diagnosis_fix(diagnosis, "echo madvise >%s", path);
}

static void diagnose_overcommit(struct diagnosis *diagnosis)
{
    char line[TEXT_BYTES];
    if (!read_line("/proc/sys/vm/overcommit_memory", line, sizeof line) || strcmp(line, "2") != 0)
        return;
    diagnosis_add(diagnosis, FINDING_WARN, "overcommit",
                  "the kernel counts address space that may be written to; neap takes it in small"
                  " steps, but requests may fail sooner");
    diagnosis_fix(diagnosis, "sysctl vm.overcommit_memory=0");
}

static void diagnose_limits(struct diagnosis *diagnosis)
{
    char          text[FORMAT_BYTES];
    struct rlimit limit;
    uint64_t      group_bytes = cgroup_limit_bytes("/proc/self");
    if (group_bytes > 0)
        diagnosis_add(diagnosis, FINDING_OK, "limit",
                      "the control group allows %s, which neap keeps clear of",
                      format_bytes((double)group_bytes, text));
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return;
    format_bytes((double)limit.rlim_cur, text);
    if (limit.rlim_cur >= ADDRESS_SPACE_LITTLE) {
        diagnosis_add(diagnosis, FINDING_OK, "limit", "address space is limited to %s", text);
        return;
    }
    diagnosis_add(diagnosis, FINDING_WARN, "limit",
                  "address space is limited to %s; neap reserves 64 MiB at a time", text);
    diagnosis_fix(diagnosis, "NEAP_ARENA=4MiB, or ulimit -v unlimited");
}

static void diagnose_kernel(struct diagnosis *diagnosis)
{
    char line[TEXT_BYTES];
    long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    if (commands < 0 || (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0)
        diagnosis_add(diagnosis, FINDING_WARN, "kernel",
                      "no memory barrier for other threads (membarrier): what sleeping threads"
                      " have cached stays with them");
    if (access("/proc/pressure/memory", R_OK) != 0)
        diagnosis_add(diagnosis, FINDING_WARN, "kernel",
                      "it does not say when memory is short (/proc/pressure/memory)");
    if (read_line("/proc/sys/kernel/yama/ptrace_scope", line, sizeof line) &&
        strcmp(line, "0") != 0 && geteuid() != 0) {
        diagnosis_add(diagnosis, FINDING_WARN, "looking",
                      "only root may look into running processes here (ptrace_scope %s)", line);
        diagnosis_fix(diagnosis, "sudo neap stat PID, or sysctl kernel.yama.ptrace_scope=0");
    }
    diagnosis_add(diagnosis, FINDING_OK, "kernel", "pages of %ld KiB",
                  sysconf(_SC_PAGESIZE) / 1024);
}

// /etc/ld.so.preload of a system: every line is loaded into everything.
static void diagnose_preload_file(struct diagnosis *diagnosis, const char *path)
{
    char line[PATH_MAX];
    if (!read_line(path, line, sizeof line) || line[0] == '\0')
        return;
    diagnosis_add(diagnosis, FINDING_WARN, "preload", "%s loads %s into every program", path, line);
    diagnosis_fix(diagnosis, "name it in LD_PRELOAD of the programs that are to have it");
}

void diagnose_system(struct diagnosis *diagnosis)
{
    diagnose_library(diagnosis);
    diagnose_kernel(diagnosis);
    diagnose_huge_pages(diagnosis);
    diagnose_overcommit(diagnosis);
    diagnose_limits(diagnosis);
    diagnose_preload_file(diagnosis, "/etc/ld.so.preload");
}

// ---- an image ---------------------------------------------------------------------------------

// The first of some places that is in the image; NULL ends the list.
static bool find_in(const char *root, const char *const *places, char *out, size_t n_bytes)
{
    for (; *places != NULL; places++) {
        if (elf_resolve_in(root, *places, out, n_bytes))
            return true;
    }
    return false;
}

void diagnose_image(struct diagnosis *diagnosis, const char *root)
{
    static const char *const glibc[] = {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1",
                                        NULL};
    static const char *const musl[] = {"/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-aarch64.so.1",
                                       NULL};
    static const char *const libraries[] = {"/usr/lib/x86_64-linux-gnu/" LIBRARY_NAME,
                                            "/usr/lib/aarch64-linux-gnu/" LIBRARY_NAME,
                                            "/usr/lib64/" LIBRARY_NAME,
                                            "/usr/lib/" LIBRARY_NAME,
                                            "/usr/local/lib/" LIBRARY_NAME,
                                            NULL};
    char                     path[PATH_MAX];
    struct elf_report        report;
    if (find_in(root, glibc, path, sizeof path)) {
        diagnosis_add(diagnosis, FINDING_OK, "image", "has the GNU C library's loader, %s", path);
    } else {
        bool is_musl = find_in(root, musl, path, sizeof path);
        diagnosis_add(diagnosis, FINDING_FAIL, "image", "%s: %s", root,
                      is_musl ? "is built on musl, but libneap.so.0 needs glibc"
                              : "has no loader, so nothing can be preloaded in it");
        diagnosis_fix(diagnosis, is_musl ? "FROM debian:12-slim, or link with a libneap.a for musl"
                                         : "link the program with -lneap");
    }
    if (find_in(root, libraries, path, sizeof path)) {
        elf_check_library(path, &report);
        diagnosis_add(diagnosis, report.verdict == ELF_FITS ? FINDING_OK : FINDING_FAIL, "library",
                      "%s", report.verdict == ELF_FITS ? path : report.reason);
    } else {
        diagnosis_add(diagnosis, FINDING_FAIL, "library", "%s is not in the image", LIBRARY_NAME);
        diagnosis_fix(diagnosis, "RUN apt-get install -y libneap0, then ENV LD_PRELOAD=%s",
                      LIBRARY_NAME);
    }
    (void)snprintf(path, sizeof path, "%s/etc/ld.so.preload", root);
    diagnose_preload_file(diagnosis, path);
}
