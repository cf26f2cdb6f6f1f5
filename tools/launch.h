// Starting a command, and waiting for it while its memory is sampled.
#ifndef NEAP_TOOLS_LAUNCH_H
#define NEAP_TOOLS_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct sampler;

#define LAUNCH_PATH_BYTES 4096

struct launch {
    char *const *argv;                  // NULL-terminated; argv[0] as the user typed it
    const char  *path;                  // the file to execute
    const char  *preload;               // LD_PRELOAD of the command; NULL: as it is
    const char  *exit_stats;            // NEAP_EXIT_STATS of the command; NULL: as it is
    int          stdin_fd, stdout_fd;   // -1: as they are
};

struct outcome {
    pid_t         pid;
    int           status;           // as wait(2) gives it
    int           interrupted_by;   // the last SIGINT or SIGTERM that came to neap; 0: none
    bool          settled;          // the sampler found the command idle, and it was stopped
    double        wall_s;           // from before fork to after the end
    struct rusage usage;            // of the command and the children it waited for
};

// Finds the file of command `name` as execvp would; a name with a slash is that file, there or not.
// Returns: 0, or an errno value.
int launch_locate(const char *name, char *out_path, size_t n_bytes);

// The same, and checks that preloading will work.
// Returns: 0 and the path in *out_path, or an exit code after one line on stderr.
int launch_find(const char *name, char *out_path, size_t n_bytes);

// Runs a command to its end. SIGINT, SIGTERM, SIGHUP, SIGQUIT and the two user signals that
// come to neap are passed on to it; it dies with neap. `sampler` may be NULL.
// Returns: 0, or an exit code after one line on stderr when it could not be started.
int launch_run(const struct launch *launch, struct sampler *sampler, struct outcome *out);

// The exit code that stands for a wait(2) status: the code, or 128 + signal.
int launch_exit_code(int status);

#endif
