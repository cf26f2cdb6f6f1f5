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
#include <sys/stat.h>
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

// Starts this very program with LD_PRELOAD=`preload`, which then looks for `library`.
// `path_is_cleared`: without what LD_LIBRARY_PATH adds for the time being.
static bool library_is_loaded_by(const char *preload, const char *library, bool path_is_cleared)
{
    char *argv[] = {(char *)"neap", (char *)"--loads", (char *)library, NULL};
    pid_t pid = fork();
    if (pid == 0) {
        int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);   // for the loader's own warning
        if (null_fd >= 0)
            (void)dup2(null_fd, STDERR_FILENO);
        if (path_is_cleared)
            (void)unsetenv("LD_LIBRARY_PATH");
        if (setenv("LD_PRELOAD", preload, 1) == 0)
            (void)execv("/proc/self/exe", argv);
        _exit(EXIT_CODE_NEAP);
    }
    int status = 0;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == EXIT_CODE_DONE;
}

bool library_can_be_preloaded(const char *library)
{
    return library_is_loaded_by(library, library, false);
}

// Writes the path of the library in `folder`, links to the folder resolved. False: it is not there.
static bool library_take_from(const char *folder, char *out_path, size_t n_bytes)
{
    char *real = realpath(folder, NULL);
    int   length = real != NULL ? snprintf(out_path, n_bytes, "%s/" LIBRARY_NAME, real) : -1;
    free(real);
    return length > 0 && (size_t)length < n_bytes && access(out_path, F_OK) == 0;
}

int library_find(char *out_name, size_t n_bytes)
{
    char own[LIBRARY_PATH_BYTES];
    if (!library_own_folder(own, sizeof own))
        return message_exit(EXIT_CODE_NEAP, "cannot read /proc/self/exe: %s; is /proc mounted?",
                            strerror(errno));

    static const char multiarch[] = "/../lib/" MULTIARCH;
    const char *const places[] = {"", multiarch, "/../lib64", "/../lib"};
    bool              found = false;
    for (size_t i = 0; i < sizeof places / sizeof *places && !found; i++) {
        char folder[LIBRARY_PATH_BYTES + 64];
        (void)snprintf(folder, sizeof folder, "%s%s", own, places[i]);
        found = library_take_from(folder, out_name, n_bytes);
    }
    if (!found && !library_take_from(library_folder, out_name, n_bytes))
        return message_exit(EXIT_CODE_NEAP,
                            "no " LIBRARY_NAME " in %s or in ../lib beside it;"
                            " build or install the library",
                            own);

    struct elf_report report;
    elf_check_library(out_name, &report);
    if (report.verdict != ELF_FITS)
        return message_exit(EXIT_CODE_NEAP, "%s", report.reason);
    if (library_is_loaded_by(LIBRARY_NAME, out_name, true))
        (void)snprintf(out_name, n_bytes, "%s", LIBRARY_NAME);
    return 0;
}

// What dl_iterate_phdr is asked to find.
struct library_wanted {
    const char *name;
    bool        is_path;
    struct stat file;   // of a path
};

static int library_compare_object(struct dl_phdr_info *object, size_t n_bytes, void *argument)
{
    (void)n_bytes;
    const struct library_wanted *wanted = argument;
    const char                  *path = object->dlpi_name;
    const char                  *slash = strrchr(path, '/');
    if (!wanted->is_path)
        return strcmp(slash == NULL ? path : slash + 1, wanted->name) == 0;
    struct stat file;
    return slash != NULL && stat(path, &file) == 0 && file.st_dev == wanted->file.st_dev &&
           file.st_ino == wanted->file.st_ino;
}

bool library_is_loaded(const char *library)
{
    struct library_wanted wanted = {.name = library, .is_path = strchr(library, '/') != NULL};
    if (wanted.is_path && stat(library, &wanted.file) != 0)
        return false;
    return dl_iterate_phdr(library_compare_object, &wanted) != 0;
}
