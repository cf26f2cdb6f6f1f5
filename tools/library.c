// Library: finds libneap from the place of this program, so that a build tree, /usr/local and
// a packaged /usr all work without configuration.
#include "library.h"

#include "elf_check.h"
#include "exit_code.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// Debian's name for our architecture, as in /usr/lib/<multiarch>.
#if defined(__x86_64__) && !defined(__ILP32__)
#define MULTIARCH "x86_64-linux-gnu"
#elif defined(__aarch64__)
#define MULTIARCH "aarch64-linux-gnu"
#elif defined(__riscv) && __riscv_xlen == 64
#define MULTIARCH "riscv64-linux-gnu"
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define MULTIARCH "powerpc64le-linux-gnu"
#elif defined(__s390x__)
#define MULTIARCH "s390x-linux-gnu"
#elif defined(__i386__)
#define MULTIARCH "i386-linux-gnu"
#else
#define MULTIARCH "."
#endif

static const struct library_peer peers[] = {
    {"jemalloc", "libjemalloc.so.2", "libjemalloc2"},
    {"mimalloc", "libmimalloc.so.2.0", "libmimalloc2.0"},
    {"tcmalloc", "libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"},
    {"tbb", "libtbbmalloc_proxy.so.2", "libtbbmalloc2"},
};

const struct library_peer *library_find_peer(const char *name)
{
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
        if (strcmp(name, peers[i].name) == 0)
            return &peers[i];
    }
    return NULL;
}

bool library_folder_is_default(const char *folder)
{
    // What ld.so searches without configuration; /usr/local comes only through ld.so.conf.
    static const char short_multiarch[] = "/lib/" MULTIARCH, multiarch[] = "/usr/lib/" MULTIARCH;
    const char *const folders[] = {
        "/lib", "/usr/lib", "/lib64", "/usr/lib64", short_multiarch, multiarch,
    };
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (strcmp(folder, folders[i]) == 0)
            return true;
    }
    return false;
}

bool library_preload_text(const char *library, const char *present, char *out, size_t n_bytes)
{
    if (strpbrk(library, ": \t\n") != NULL)
        return false;
    bool has_present = present != NULL && *present != '\0';
    int  length = snprintf(out, n_bytes, "%s%s%s", library, has_present ? ":" : "",
                          has_present ? present : "");
    return length >= 0 && (size_t)length < n_bytes;
}

// Writes the folder of this program, links resolved. Returns false when /proc is not there.
static bool library_own_folder(char *out, size_t n_bytes)
{
    ssize_t length = readlink("/proc/self/exe", out, n_bytes - 1);
    if (length <= 0)
        return false;
    out[length] = '\0';
    char *slash = strrchr(out, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

// Names the library in `folder` if it is there: bare where the loader looks anyway.
static bool library_take_from(const char *folder, char *out_name, size_t n_bytes)
{
    char  path[LIBRARY_PATH_BYTES + sizeof LIBRARY_NAME];
    char *real = realpath(folder, NULL);
    if (real == NULL)
        return false;
    (void)snprintf(path, sizeof path, "%.*s/" LIBRARY_NAME, LIBRARY_PATH_BYTES - 1, real);

    bool found = access(path, F_OK) == 0;
    if (found && library_folder_is_default(real))
        (void)snprintf(out_name, n_bytes, "%s", LIBRARY_NAME);
    else if (found)
        (void)snprintf(out_name, n_bytes, "%s", path);
    free(real);
    return found;
}

int library_find(char *out_name, size_t n_bytes)
{
    char own[LIBRARY_PATH_BYTES];
    if (!library_own_folder(own, sizeof own))
        return message_exit(EXIT_CODE_NEAP, "cannot read /proc/self/exe: %s; is /proc mounted?",
                            strerror(errno));

    static const char multiarch[] = "/../lib/" MULTIARCH;
    const char *const places[] = {"", multiarch, "/../lib64", "/../lib"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char folder[LIBRARY_PATH_BYTES + 64];
        (void)snprintf(folder, sizeof folder, "%s%s", own, places[i]);
        if (!library_take_from(folder, out_name, n_bytes))
            continue;

        char path[LIBRARY_PATH_BYTES + 128];
        (void)snprintf(path, sizeof path, "%s/" LIBRARY_NAME, folder);
        struct elf_report report;
        elf_check_library(path, &report);
        if (report.verdict != ELF_FITS)
            return message_exit(EXIT_CODE_NEAP, "%s", report.reason);
        return 0;
    }
    return message_exit(EXIT_CODE_NEAP,
                        "no " LIBRARY_NAME " in %s or in ../lib beside it;"
                        " build or install the library",
                        own);
}

static int library_compare_object(struct dl_phdr_info *object, size_t n_bytes, void *wanted)
{
    (void)n_bytes;
    const char *library = wanted;
    const char *path = object->dlpi_name;   // as the loader opened it, links not resolved
    const char *slash = strrchr(path, '/');
    bool        is_path = strchr(library, '/') != NULL;
    const char *name = is_path || slash == NULL ? path : slash + 1;
    return strcmp(name, library) == 0;
}

bool library_is_loaded(const char *library)
{
    char name[LIBRARY_PATH_BYTES];
    (void)snprintf(name, sizeof name, "%s", library);
    return dl_iterate_phdr(library_compare_object, name) != 0;
}

bool library_can_be_preloaded(const char *preload, const char *library)
{
    char *argv[] = {(char *)"neap", (char *)"--loads", (char *)library, NULL};
    pid_t pid = fork();
    if (pid == 0) {
        int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);   // for the loader's own warning
        if (null_fd >= 0)
            (void)dup2(null_fd, STDERR_FILENO);
        if (setenv("LD_PRELOAD", preload, 1) == 0)
            (void)execv("/proc/self/exe", argv);
        _exit(EXIT_CODE_NEAP);
    }
    int status = 0;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == EXIT_CODE_DONE;
}
