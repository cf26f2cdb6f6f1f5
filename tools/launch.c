// Launch: fork, exec, and one loop that waits for whichever comes first: the command's end,
// a signal to pass on, or the time of the next sample.
//
// All of them are awaited with blocked signals and sigtimedwait: no handler, so no race
// between looking and sleeping. The command gets the signal mask that neap was started with.
#include "launch.h"

#include "clock.h"
#include "elf_check.h"
#include "exit_code.h"
#include "exit_record.h"
#include "message.h"
#include "sample.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STOP_PATIENCE_S 10.0    // from SIGTERM to SIGKILL for a command that has settled
#define WAIT_FOREVER_S 3600.0   // without a sampler nothing is due; waking hourly costs nothing

static const int passed_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

// Signal state to give back to the command.
struct signal_state {
    sigset_t         mask;
    struct sigaction child_action;
};

int launch_exit_code(int status)
{
    return WIFSIGNALED(status) ? EXIT_CODE_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

// Writes the first place in PATH where `name` can be executed, else the first where it exists.
// Returns 0, or an errno value when there is none.
static int launch_search_path(const char *name, char *out_path, size_t n_bytes)
{
    const char *folders = getenv("PATH");
    if (folders == NULL)
        folders = "/bin:/usr/bin";

    int  result = ENOENT;
    char candidate[LAUNCH_PATH_BYTES];
    for (const char *start = folders;; start++) {
        size_t length = strcspn(start, ":");
        int    written = snprintf(candidate, sizeof candidate, "%.*s%s%s", (int)length, start,
                               length > 0 ? "/" : "./", name);
        start += length;
        bool fits = written > 0 && (size_t)written < n_bytes;
        if (fits && access(candidate, X_OK) == 0) {
            (void)snprintf(out_path, n_bytes, "%s", candidate);
            return 0;
        }
        if (fits && result == ENOENT && access(candidate, F_OK) == 0) {
            (void)snprintf(out_path, n_bytes, "%s", candidate);
            result = EACCES;
        }
        if (*start == '\0')
            return result == EACCES ? 0 : result;   // the check below says why it cannot
    }
}

int launch_locate(const char *name, char *out_path, size_t n_bytes)
{
    bool is_path = strchr(name, '/') != NULL;
    if (!is_path)
        return *name == '\0' ? ENOENT : launch_search_path(name, out_path, n_bytes);
    int length = snprintf(out_path, n_bytes, "%s", name);
    return length >= 0 && (size_t)length < n_bytes ? 0 : ENAMETOOLONG;
}

int launch_find(const char *name, char *out_path, size_t n_bytes)
{
    int error = launch_locate(name, out_path, n_bytes);
    if (error == ENAMETOOLONG)
        return message_exit(EXIT_CODE_NOT_FOUND, "%.60s...: %s", name, strerror(ENAMETOOLONG));
    if (error != 0)
        return message_exit(EXIT_CODE_NOT_FOUND, "'%s': no such command in PATH", name);

    struct elf_report report;
    elf_check_command(out_path, &report);
    if (report.verdict == ELF_FITS)
        return 0;
    int exit_code = EXIT_CODE_NEAP;
    if (report.verdict == ELF_MISSING)
        exit_code = EXIT_CODE_NOT_FOUND;
    else if (report.verdict == ELF_NOT_EXECUTABLE)
        exit_code = EXIT_CODE_NOT_EXECUTABLE;
    return message_exit(exit_code, "%s", report.reason);
}

static void signals_take_over(struct signal_state *out_before, sigset_t *out_awaited)
{
    (void)sigemptyset(out_awaited);
    (void)sigaddset(out_awaited, SIGCHLD);
    for (size_t i = 0; i < sizeof passed_signals / sizeof *passed_signals; i++)
        (void)sigaddset(out_awaited, passed_signals[i]);
    // An inherited "ignore" for SIGCHLD would let the command's status vanish.
    struct sigaction default_action = {.sa_handler = SIG_DFL};
    (void)sigaction(SIGCHLD, &default_action, &out_before->child_action);
    (void)sigprocmask(SIG_BLOCK, out_awaited, &out_before->mask);
}

static void signals_give_back(const struct signal_state *before)
{
    (void)sigaction(SIGCHLD, &before->child_action, NULL);
    (void)sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

// In the child. Does not return; what fails goes to the parent as an errno value.
static _Noreturn void launch_become(const struct launch *launch, const struct signal_state *signals,
                                    int report_fd)
{
    signals_give_back(signals);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);   // no command is left behind when neap is killed
    bool ready = true;
    if (launch->stdin_fd >= 0)
        ready = dup2(launch->stdin_fd, STDIN_FILENO) >= 0;
    if (ready && launch->stdout_fd >= 0)
        ready = dup2(launch->stdout_fd, STDOUT_FILENO) >= 0;
    if (ready && launch->preload != NULL)
        ready = setenv("LD_PRELOAD", launch->preload, 1) == 0;
    if (ready && launch->exit_stats != NULL)
        ready = setenv(EXIT_RECORD_OPTION, launch->exit_stats, 1) == 0;
    if (ready)
        (void)execvp(launch->path, launch->argv);

    int     error = errno;
    ssize_t written = write(report_fd, &error, sizeof error);
    _exit(written == (ssize_t)sizeof error ? EXIT_CODE_NOT_EXECUTABLE : EXIT_CODE_NEAP);
}

// Starts the command. Returns 0 and the process id, or an exit code after one line.
static int launch_start(const struct launch *launch, const struct signal_state *signals,
                        pid_t *out_pid)
{
    int report[2];   // closed by exec: nothing to read means that the command runs
    if (pipe2(report, O_CLOEXEC) != 0)
        return message_exit(EXIT_CODE_NEAP, "cannot create a pipe: %s", strerror(errno));

    pid_t pid = fork();
    if (pid == 0)
        launch_become(launch, signals, report[1]);
    int fork_error = errno;
    (void)close(report[1]);
    int     error = 0;
    ssize_t got = pid > 0 ? read(report[0], &error, sizeof error) : 0;
    (void)close(report[0]);

    if (pid < 0)
        return message_exit(EXIT_CODE_NEAP, "cannot fork: %s", strerror(fork_error));
    if (got == (ssize_t)sizeof error) {
        (void)waitpid(pid, NULL, 0);
        return message_exit(error == ENOENT ? EXIT_CODE_NOT_FOUND : EXIT_CODE_NOT_EXECUTABLE,
                            "%s: %s", launch->path, strerror(error));
    }
    *out_pid = pid;
    return 0;
}

// Waits up to `wait_s` for one of the signals and passes it on unless it is SIGCHLD.
static void launch_await_signal(const sigset_t *awaited, double wait_s, struct outcome *out)
{
    struct timespec timeout = clock_timespec(wait_s);
    siginfo_t       info;
    int             signal_number = sigtimedwait(awaited, &info, &timeout);
    if (signal_number <= 0 || signal_number == SIGCHLD)
        return;

    if (signal_number == SIGINT || signal_number == SIGTERM)
        out->interrupted_by = signal_number;
    // A key pressed at the terminal reaches the whole group: the command has it already.
    if (info.si_code != SI_KERNEL)
        (void)kill(out->pid, signal_number);
}

static void launch_watch(struct sampler *sampler, const sigset_t *awaited, struct outcome *out)
{
    pid_t  pid = out->pid;
    double kill_at_s = 0;   // when a command that has settled and ignores SIGTERM is killed
    while (wait4(pid, &out->status, WNOHANG, &out->usage) != pid) {
        double wait_s = sampler != NULL ? sampler_wait_s(sampler) : WAIT_FOREVER_S;
        launch_await_signal(awaited, wait_s, out);
        if (sampler == NULL)
            continue;

        sampler_take(sampler);
        if (!out->settled && sampler_has_settled(sampler)) {
            out->settled = true;
            sampler_stop(sampler);
            (void)kill(pid, SIGTERM);
            kill_at_s = clock_now_s() + STOP_PATIENCE_S;
        }
        if (out->settled && clock_now_s() > kill_at_s)
            (void)kill(pid, SIGKILL);
    }
}

int launch_run(const struct launch *launch, struct sampler *sampler, struct outcome *out)
{
    *out = (struct outcome){0};
    struct signal_state before;
    sigset_t            awaited;
    signals_take_over(&before, &awaited);

    double start_s = clock_now_s();
    int    exit_code = launch_start(launch, &before, &out->pid);
    if (exit_code == 0) {
        if (sampler != NULL)
            sampler_begin(sampler, out->pid, start_s);
        launch_watch(sampler, &awaited, out);
        out->wall_s = clock_now_s() - start_s;
        if (sampler != NULL)
            sampler_end(sampler, start_s + out->wall_s, out->usage.ru_maxrss);
    }
    signals_give_back(&before);
    return exit_code;
}
