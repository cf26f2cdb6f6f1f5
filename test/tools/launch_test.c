// Launch, sampler and /proc: real child processes whose memory is known.
#include "launch.h"

#include "exit_code.h"
#include "proc_read.h"
#include "sample.h"
#include "timeline.h"

#include "tool_kit.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB 1048576u

static struct outcome run_shell(const char *script, struct sampler *sampler)
{
    char          *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
    struct launch  launch = {.argv = argv, .path = "/bin/sh", .stdin_fd = -1, .stdout_fd = -1};
    struct outcome outcome;
    assert_int_equal(launch_run(&launch, sampler, &outcome), 0);
    return outcome;
}

static void exit_codes_and_signals_come_back(void **state)
{
    assert_int_equal(launch_exit_code(run_shell("exit 0", NULL).status), 0);
    assert_int_equal(launch_exit_code(run_shell("exit 42", NULL).status), 42);
    assert_int_equal(launch_exit_code(run_shell("kill -9 $$", NULL).status), 137);
    assert_int_equal(launch_exit_code(run_shell("kill -TERM $$", NULL).status), 143);
}

static void the_command_has_its_signals_unblocked(void **state)
{
    // A blocked SIGTERM would let the shell live and exit with 5.
    struct outcome outcome = run_shell("kill -USR1 $$; exit 5", NULL);
    assert_int_equal(launch_exit_code(outcome.status), 128 + SIGUSR1);
}

static void commands_are_found_as_the_shell_does(void **state)
{
    char path[LAUNCH_PATH_BYTES];
    assert_int_equal(launch_find("sh", path, sizeof path), 0);
    assert_int_equal(access(path, X_OK), 0);
    assert_int_equal(launch_find("/bin/sh", path, sizeof path), 0);
    assert_string_equal(path, "/bin/sh");
    assert_int_equal(launch_find("no-such-command", path, sizeof path), EXIT_CODE_NOT_FOUND);
    assert_int_equal(launch_find("", path, sizeof path), EXIT_CODE_NOT_FOUND);
    assert_int_equal(launch_find("/etc/passwd", path, sizeof path), EXIT_CODE_NOT_EXECUTABLE);
    assert_int_equal(launch_find("/tmp", path, sizeof path), EXIT_CODE_NOT_EXECUTABLE);
}

struct maps_row {
    const char *line;
    uint64_t    n_bytes;
};

static void only_accessible_private_anonymous_memory_is_mapped_memory(void **state)
{
    static const struct maps_row rows[] = {
        {"55d03e6d7000-55d03e6f8000 rw-p 00000000 00:00 0                  [heap]\n", 0x21000},
        {"7f0769921000-7f0769943000 rw-p 00000000 00:00 0 \n", 0x22000},
        {"7f0769921000-7f0769943000 -w-p 00000000 00:00 0 \n", 0x22000},
        {"7f0769921000-7f0769943000 rwxp 00000000 00:00 0 \n", 0x22000},
        {"7f0769921000-7f0769943000 ---p 00000000 00:00 0 \n", 0},
        {"7f0769921000-7f0769943000 r--p 00000000 00:00 0 \n", 0},
        {"7f0769921000-7f0769943000 rw-s 00000000 00:01 7 /dev/zero (deleted)\n", 0},
        {"55d00ffaa000-55d00ffab000 rw-p 0000a000 fe:00 247134 /usr/bin/cat\n", 0},
        {"the end of a path that was too long\n", 0},
        {"", 0},
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        uint64_t end = 0;
        assert_int_equal(proc_mapped_bytes_of_line(rows[i].line, &end), rows[i].n_bytes);
    }
}

static void a_mapping_that_grows_while_it_is_read_counts_once(void **state)
{
    uint64_t end = 0;
    assert_int_equal(proc_mapped_bytes_of_line("1000-5000 rw-p 0 00:00 0\n", &end), 0x4000);
    assert_int_equal(proc_mapped_bytes_of_line("1000-9000 rw-p 0 00:00 0\n", &end), 0x4000);
    assert_int_equal(proc_mapped_bytes_of_line("1000-9000 rw-p 0 00:00 0\n", &end), 0);
    assert_int_equal(proc_mapped_bytes_of_line("9000-a000 ---p 0 00:00 0\n", &end), 0);
    assert_int_equal(proc_mapped_bytes_of_line("a000-b000 rw-p 0 00:00 0\n", &end), 0x1000);
}

static void reserved_memory_counts_from_when_it_is_accessible(void **state)
{
    uint64_t before = proc_read_mapped_bytes(getpid());
    char    *memory = mmap(NULL, 64 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    assert_true(proc_read_mapped_bytes(getpid()) < before + MIB);
    assert_int_equal(mprotect(memory, 16 * MIB, PROT_READ | PROT_WRITE), 0);
    uint64_t mapped = proc_read_mapped_bytes(getpid());
    assert_true(mapped >= before + 16 * MIB && mapped < before + 17 * MIB);

    uint64_t resident = proc_read_resident_bytes(getpid());
    memset(memory, 1, 8 * MIB);
    uint64_t grown = proc_read_resident_bytes(getpid()) - resident;
    assert_true(grown >= 7 * MIB && grown < 10 * MIB);
    assert_int_equal(munmap(memory, 64 * MIB), 0);
}

static void a_process_that_is_gone_reads_as_nothing(void **state)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(proc_read_resident_bytes(pid), 0);
    assert_int_equal(proc_read_share_bytes(pid), 0);
    assert_int_equal(proc_read_mapped_bytes(pid), 0);
    assert_true(proc_read_cpu_s(pid) == 0);
    pid_t pids[4];
    assert_int_equal(proc_read_tree(pid, pids, 4), 1);
}

// Forks a child that fills 32 MiB and sleeps, and one that shares ours and sleeps.
static void pages_shared_after_fork_count_once(void **state)
{
    if (access("/proc/self/task", F_OK) != 0 || access("/proc/thread-self/children", F_OK) != 0)
        skip();   // a kernel without CONFIG_PROC_CHILDREN
    char *memory = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    memset(memory, 1, 64 * MIB);
    pid_t child = fork();
    if (child == 0) {
        (void)pause();
        _exit(0);
    }

    pid_t  pids[8];
    size_t n_pids = proc_read_tree(getpid(), pids, 8);
    assert_int_equal(n_pids, 2);
    assert_int_equal(pids[0], getpid());
    assert_int_equal(pids[1], child);
    assert_int_equal(proc_read_tree(getpid(), pids, 1), 1);
    uint64_t shares = proc_read_share_bytes(getpid()) + proc_read_share_bytes(child);
    assert_true(shares >= 64 * MIB);
    assert_true(shares <
                proc_read_resident_bytes(getpid()) + proc_read_resident_bytes(child) - 56 * MIB);
    (void)kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    (void)munmap(memory, 64 * MIB);
}

static void the_sampler_sees_the_children_of_the_command(void **state)
{
    struct timeline timeline;
    struct sampler  sampler;
    assert_true(timeline_init(&timeline));
    sampler_init(&sampler, &timeline, 0);
    // The shell waits for head, which holds 48 MiB in one line of tail's memory.
    struct outcome outcome = run_shell("head -c 50331648 /dev/zero | tail -n 1 | "
                                       "(sleep 0.3; cat >/dev/null); true",
                                       &sampler);
    assert_int_equal(outcome.status, 0);
    assert_true(timeline.n_samples > 3);
    assert_true(timeline.peak_resident_bytes > 40 * MIB);
    assert_true(timeline.area_byte_s > 0);
    assert_true(outcome.wall_s >= 0.3);
    timeline_free(&timeline);
}

static void a_command_that_rests_has_settled_and_is_stopped(void **state)
{
    struct timeline timeline;
    struct sampler  sampler;
    assert_true(timeline_init(&timeline));
    sampler_init(&sampler, &timeline, 0.3);
    struct outcome outcome = run_shell("exec sleep 60", &sampler);
    assert_true(outcome.settled);
    assert_int_equal(launch_exit_code(outcome.status), 128 + SIGTERM);
    assert_true(outcome.wall_s >= 0.3 && outcome.wall_s < 10);
    timeline_free(&timeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes_and_signals_come_back),
        cmocka_unit_test(the_command_has_its_signals_unblocked),
        cmocka_unit_test(commands_are_found_as_the_shell_does),
        cmocka_unit_test(only_accessible_private_anonymous_memory_is_mapped_memory),
        cmocka_unit_test(a_mapping_that_grows_while_it_is_read_counts_once),
        cmocka_unit_test(reserved_memory_counts_from_when_it_is_accessible),
        cmocka_unit_test(a_process_that_is_gone_reads_as_nothing),
        cmocka_unit_test(pages_shared_after_fork_count_once),
        cmocka_unit_test(the_sampler_sees_the_children_of_the_command),
        cmocka_unit_test(a_command_that_rests_has_settled_and_is_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
