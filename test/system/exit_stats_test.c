// api/exit_stats.c and what it needs of os/host_linux.c: the text of a record, and how it gets
// into a file.
#include "api/exit_stats.h"

#include "base/units.h"
#include "os/host.h"
#include "os/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/neap-exit-stats-XXXXXX";
static char file[sizeof folder + 8], link_to_file[sizeof folder + 8], pipe_file[sizeof folder + 8];

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(file, sizeof file, "%s/record", folder);
    (void)snprintf(link_to_file, sizeof link_to_file, "%s/link", folder);
    (void)snprintf(pipe_file, sizeof pipe_file, "%s/pipe", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(file);
    (void)unlink(link_to_file);
    (void)unlink(pipe_file);
    return rmdir(folder);
}

static const char *file_text(void)
{
    static char text[256];
    int         fd = open(file, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, text, sizeof text - 1);
    assert_true(n >= 0);
    text[n] = '\0';
    assert_int_equal(close(fd), 0);
    return text;
}

static void every_book_is_in_the_record(void **state)
{
    (void)state;
    const struct exit_stats_writer writer = {.pid = 17, .name = "a b\nend 1", .resident_bytes = 2};
    const struct front_account     account = {
            .pages = {.mapped_bytes = SIZE_MAX,
                      .in_use_bytes = 330,
                      .released_inside_bytes = 300,
                      .manual_bytes = 1,
                      .cached_ready_bytes = 4,
                      .cached_released_bytes = 5,
                      .free_ready_bytes = 6,
                      .free_released_bytes = 7,
                      .metadata_bytes = 8,
                      .grown_times = 9,
                      .scavenged_bytes = 10,
                      .scavenged_steps = 11},
            .slots = {.n_allocated = 100,
                      .used_slots = 12,
                      .used_bytes = 13,
                      .free_bytes = 14,
                      .scavenged_bytes = 1000},
            .n_large_allocated = 20,
            .large_objects = 15,
            .large_bytes = 16,
    };
    static const char expected[] =
        "neap_exit_stats 1\npid 17\nname a b?end 1\nresident_bytes 2\nlive_slots 12\n"
        "live_slots_bytes 13\nlarge_objects 15\nlarge_bytes 16\nfree_slots_bytes 14\n"
        "cached_bytes 4\nfree_ready_bytes 6\nreleased_bytes 312\nmetadata_bytes 8\n"
        "in_use_bytes 31\nmapped_bytes 18446744073709551615\nallocations 120\ngrown_times 9\n"
        "scavenged_bytes 1010\nscavenged_steps 11\nend 17\n";
    char   text[EXIT_STATS_BYTES];
    size_t n_bytes = exit_stats_format(&writer, &account, text);
    assert_int_equal(n_bytes, sizeof expected - 1);
    assert_memory_equal(text, expected, n_bytes);
}

// The largest numbers there can be leave room: a record is never cut off.
static void the_longest_record_fits(void **state)
{
    (void)state;
    struct exit_stats_writer writer = {.pid = -1, .resident_bytes = SIZE_MAX};
    memset(writer.name, 'x', sizeof writer.name);
    struct front_account account;
    memset(&account, 0xff, sizeof account);
    char   text[EXIT_STATS_BYTES];
    size_t n_bytes = exit_stats_format(&writer, &account, text);
    assert_in_range(n_bytes, 500, EXIT_STATS_BYTES / 2);
    assert_memory_equal(text + n_bytes - 4, "615\n", 4);
}

static void the_process_id_comes_into_the_name(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"/run/x", "/run/x"}, {"a.%p", "a.42"}, {"%p%p/%", "4242/%"}, {"%%p%d", "%42%d"}, {"", ""},
    };
    char path[EXIT_STATS_PATH_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(exit_stats_expand(rows[i][0], 42, path));
        assert_string_equal(path, rows[i][1]);
    }
    static char long_name[EXIT_STATS_PATH_BYTES + 1];
    memset(long_name, 'x', sizeof long_name - 1);
    assert_false(exit_stats_expand(long_name, 42, path));
    long_name[EXIT_STATS_PATH_BYTES - 1] = '\0';
    assert_true(exit_stats_expand(long_name, 42, path));
    memcpy(long_name + EXIT_STATS_PATH_BYTES - 3, "%p", 2);
    assert_true(exit_stats_expand(long_name, 42, path));
    assert_false(exit_stats_expand(long_name, 421, path));
}

static void records_are_added_one_behind_the_other(void **state)
{
    (void)state;
    errno = 77;
    assert_true(host_append_file_best_effort(file, "one\n", 4));
    assert_true(host_append_file_best_effort(file, "two\n", 4));
    assert_int_equal(errno, 77);
    assert_string_equal(file_text(), "one\ntwo\n");
    struct stat status;
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void what_is_no_plain_file_of_ours_is_left_alone(void **state)
{
    (void)state;
    assert_int_equal(symlink(file, link_to_file), 0);
    assert_int_equal(mkfifo(pipe_file, 0600), 0);
    errno = 77;
    assert_false(host_append_file_best_effort(link_to_file, "three\n", 6));
    assert_false(host_append_file_best_effort(pipe_file, "three\n", 6));   // nobody reads it
    assert_false(host_append_file_best_effort(folder, "three\n", 6));
    assert_false(host_append_file_best_effort("/nowhere/record", "three\n", 6));
    assert_int_equal(errno, 77);
    assert_string_equal(file_text(), "one\ntwo\n");
}

static void a_process_knows_itself(void **state)
{
    (void)state;
    struct exit_stats_writer before, after;
    exit_stats_know_yourself(&before);
    assert_string_equal(before.name, "system.exit_sta");   // the kernel cuts it
    assert_int_equal(before.pid, getpid());

    unsigned char *memory = malloc(32 * MIB);
    assert_non_null(memory);
    memset(memory, 1, 32 * MIB);
    exit_stats_know_yourself(&after);
    assert_in_range(after.resident_bytes - before.resident_bytes, 31 * MIB, 40 * MIB);
    assert_int_equal(memory[MIB], 1);
    free(memory);
}

// Ends as a process does that has registered for a record; as in a signal handler that has
// interrupted neap, if `is_inside`.
static void exit_in_child(bool is_inside)
{
    pid_t child = fork();
    if (child == 0) {
        if (setenv("NEAP_EXIT_STATS", file, 1) == 0)
            exit_stats_begin();
        if (is_inside)
            lock_begin_as_if_held();
        exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void a_thread_inside_of_neap_leaves_none(void **state)
{
    (void)state;
    assert_int_equal(unlink(file), 0);
    exit_in_child(true);
    assert_int_equal(access(file, F_OK), -1);
    exit_in_child(false);
    assert_int_equal(strncmp(file_text(), "neap_exit_stats 1\n", 18), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_book_is_in_the_record),
        cmocka_unit_test(the_longest_record_fits),
        cmocka_unit_test(the_process_id_comes_into_the_name),
        cmocka_unit_test(records_are_added_one_behind_the_other),
        cmocka_unit_test(what_is_no_plain_file_of_ours_is_left_alone),
        cmocka_unit_test(a_process_knows_itself),
        cmocka_unit_test(a_thread_inside_of_neap_leaves_none),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
