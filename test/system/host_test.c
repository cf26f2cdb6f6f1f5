// os/host_linux.c on Linux: the environment, files that can be read and that cannot, and errno.
#include "os/host.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/neap_host_XXXXXX";
static char path[sizeof folder + 8];

static int given_a_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void write_file(size_t n_bytes)
{
    FILE *file = fopen(path, "w");
    for (size_t i = 0; i < n_bytes; i++)
        putc('a' + (int)(i % 26), file);
    fclose(file);
}

static enum host_file_result read_with_capacity(size_t capacity, size_t *out_n_bytes)
{
    char *text = malloc(capacity);
    errno = 4242;
    enum host_file_result result = host_read_file(path, text, capacity, out_n_bytes);
    assert_int_equal(errno, 4242);
    for (size_t i = 0; result == HOST_FILE_READ && i < *out_n_bytes; i++)
        assert_int_equal(text[i], 'a' + i % 26);
    free(text);
    return result;
}

static void the_environment_is_libcs(void **state)
{
    (void)state;
    assert_ptr_equal(host_environment(), environ);
}

static void before_libc_has_set_it_up_the_environment_is_the_kernels(void **state)
{
    (void)state;
    char             **kept = environ;
    const char *const *found;
    assert_int_equal(setenv("NEAP_HOST_TEST", "1", 1), 0);   // libc's is another list from here on
    environ = NULL;
    found = host_environment();
    environ = kept;
    assert_non_null(found);
    size_t n = 0;
    for (; found[n] != NULL; n++)
        assert_string_equal(found[n], kept[n]);
    assert_null(kept[n]);
    assert_true(n > 0);
    unsetenv("NEAP_HOST_TEST");
}

static void a_test_has_no_more_rights_than_its_user(void **state)
{
    (void)state;
    errno = 4242;
    assert_false(host_is_secure());
    assert_int_equal(errno, 4242);
}

static void a_file_is_read_if_it_fits(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 4095, 4096, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t n_bytes = 12345;
        write_file(sizes[i]);
        assert_int_equal(read_with_capacity(sizes[i] + 1, &n_bytes), HOST_FILE_READ);
        assert_int_equal(n_bytes, sizes[i]);
        assert_int_equal(read_with_capacity(sizes[i], &n_bytes), HOST_FILE_READ);
        assert_int_equal(n_bytes, sizes[i]);
        if (sizes[i] > 0)
            assert_int_equal(read_with_capacity(sizes[i] - 1, &n_bytes), HOST_FILE_TOO_LONG);
    }
    unlink(path);
}

static void what_cannot_be_read_has_a_reason(void **state)
{
    (void)state;
    char   text[10];
    size_t n_bytes;
    assert_int_equal(host_read_file("/nowhere/file", text, 10, &n_bytes), HOST_FILE_ABSENT);
    assert_int_equal(host_read_file("", text, 10, &n_bytes), HOST_FILE_ABSENT);
    assert_int_equal(host_read_file("/dev/null/file", text, 10, &n_bytes), HOST_FILE_ABSENT);
    assert_int_equal(host_read_file(folder, text, 10, &n_bytes), HOST_FILE_UNREADABLE);
    assert_int_equal(host_read_file("/dev/zero", text, 10, &n_bytes), HOST_FILE_TOO_LONG);
}

static void a_forbidden_file_is_said_to_be(void **state)
{
    (void)state;
    int status;
    write_file(5);
    chmod(path, 0);
    chmod(folder, 0755);
    pid_t child = fork();
    if (child == 0) {
        char   text[10];
        size_t n_bytes;
        if (geteuid() == 0 && setuid(65534) != 0)   // root may read everything
            _exit(1);
        _exit(host_read_file(path, text, 10, &n_bytes) == HOST_FILE_FORBIDDEN ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    unlink(path);
}

static void a_pipe_without_a_writer_is_empty(void **state)
{
    (void)state;
    size_t n_bytes = 12345;
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(20);   // ends the test if it waits
    assert_int_equal(read_with_capacity(100, &n_bytes), HOST_FILE_READ);
    alarm(0);
    assert_int_equal(n_bytes, 0);
    unlink(path);
}

static void what_is_said_goes_to_stderr(void **state)
{
    (void)state;
    size_t n_bytes;
    int    kept = dup(STDERR_FILENO);
    int    file = open(path, O_WRONLY | O_CREAT, 0600);
    dup2(file, STDERR_FILENO);
    host_say("abc", 3);
    host_say("def", 3);
    close(STDERR_FILENO);
    errno = 4242;
    host_say("lost", 4);
    int errno_after = errno;
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(file);
    assert_int_equal(errno_after, 4242);
    assert_int_equal(read_with_capacity(100, &n_bytes), HOST_FILE_READ);
    assert_int_equal(n_bytes, 6);
    unlink(path);
}

// ---- watching ---------------------------------------------------------------------------------

static void expect_says(const struct host_watch *watch, enum host_watch_result expected)
{
    errno = 4242;
    assert_int_equal(host_watch_ask(watch), expected);
    assert_int_equal(errno, 4242);
}

static bool opens(const char *text, size_t n_bytes, struct host_watch *out_watch)
{
    errno = 4242;
    bool is_open = host_watch_open(path, text, n_bytes, out_watch);
    assert_int_equal(errno, 4242);
    return is_open;
}

static bool is_open(int file)
{
    return fcntl(file, F_GETFD) != -1;
}

static void a_pipe_says_so_each_time_something_is_written(void **state)
{
    (void)state;
    struct host_watch watch;
    assert_false(opens("", 0, &watch));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_true(opens("", 0, &watch));
    assert_true(watch.file >= 200);
    assert_int_equal(fcntl(watch.file, F_GETFD), FD_CLOEXEC);
    expect_says(&watch, HOST_WATCH_QUIET);
    int writer = open(path, O_WRONLY);
    for (size_t n_bytes = 1; n_bytes < 2000; n_bytes *= 3) {
        char bytes[2000] = {0};
        assert_int_equal(write(writer, bytes, n_bytes), n_bytes);
        expect_says(&watch, HOST_WATCH_HAPPENED);
        expect_says(&watch, HOST_WATCH_QUIET);
    }
    assert_int_equal(write(writer, "x", 1), 1);
    close(writer);
    expect_says(&watch, HOST_WATCH_HAPPENED);
    expect_says(&watch, HOST_WATCH_QUIET);   // others may write to it later
    host_watch_close(&watch);
    assert_false(is_open(watch.file));
    assert_int_equal(chmod(path, 0400), 0);
    assert_true(opens("", 0, &watch));
    host_watch_close(&watch);
    unlink(path);
}

static void a_socket_is_written_to_and_says_so(void **state)
{
    (void)state;
    struct host_watch  watch;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char               bytes[8];
    int                listener = socket(AF_UNIX, SOCK_STREAM, 0);
    strcpy(address.sun_path, path);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_false(opens("abc", 3, &watch));   // nobody listens
    assert_int_equal(listen(listener, 1), 0);
    assert_true(opens("abc", 3, &watch));
    int other = accept(listener, NULL, NULL);
    assert_int_equal(read(other, bytes, sizeof bytes), 3);
    assert_memory_equal(bytes, "abc", 3);
    expect_says(&watch, HOST_WATCH_QUIET);
    assert_int_equal(write(other, "x", 1), 1);
    expect_says(&watch, HOST_WATCH_HAPPENED);
    expect_says(&watch, HOST_WATCH_QUIET);
    host_watch_close(&watch);
    assert_false(is_open(watch.file));
    close(other);
    assert_true(opens("", 0, &watch));
    other = accept(listener, NULL, NULL);
    assert_int_equal(write(other, "x", 1), 1);
    close(other);
    expect_says(&watch, HOST_WATCH_HAPPENED);   // the last it has to say
    expect_says(&watch, HOST_WATCH_GONE);
    assert_false(is_open(watch.file));
    close(listener);
    unlink(path);
}

// The kernel's own file, where it has one and we may write to it.
static void the_kernels_file_takes_what_is_to_be_written(void **state)
{
    (void)state;
    static const char trigger[] = "some 1000000 2000000";
    struct host_watch watch;
    if (!host_watch_open("/proc/pressure/memory", trigger, sizeof trigger, &watch))
        skip();
    expect_says(&watch, HOST_WATCH_QUIET);
    host_watch_close(&watch);
    assert_true(host_watch_open("/proc/pressure/memory", "", 0, &watch));
    expect_says(&watch, HOST_WATCH_GONE);   // without a trigger it says nothing
}

static void a_file_that_the_program_put_in_its_place_is_left_alone(void **state)
{
    (void)state;
    struct host_watch watch;
    int               ends[2];
    char              byte;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_true(opens("", 0, &watch));
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[0], watch.file), watch.file);
    assert_int_equal(write(ends[1], "x", 1), 1);
    expect_says(&watch, HOST_WATCH_GONE);
    host_watch_close(&watch);
    assert_true(is_open(watch.file));
    assert_int_equal(read(watch.file, &byte, 1), 1);
    close(watch.file);
    expect_says(&watch, HOST_WATCH_GONE);
    close(ends[0]);
    close(ends[1]);
    unlink(path);
}

static void only_files_in_memory_are_written_in_pieces(void **state)
{
    (void)state;
    const struct host_piece pieces[] = {{"second", 6, 5}, {"first", 5, 0}};
    char                    text[64], in_memory[] = "/dev/shm/neap-host-XXXXXX";
    size_t                  n_bytes = 0;
    int                     made = mkstemp(in_memory);
    if (made < 0)
        skip();
    assert_int_equal(write(made, "0123456789abcdef", 16), 16);
    assert_int_equal(close(made), 0);
    assert_true(host_write_file_in_memory(in_memory, pieces, 2, true));
    assert_int_equal(host_read_file(in_memory, text, sizeof text, &n_bytes), HOST_FILE_READ);
    assert_int_equal(n_bytes, 11);
    assert_memory_equal(text, "firstsecond", 11);
    assert_true(host_write_file_in_memory(in_memory, &(struct host_piece){"!", 1, 11}, 1, false));
    assert_int_equal(host_read_file(in_memory, text, sizeof text, &n_bytes), HOST_FILE_READ);
    assert_memory_equal(text, "firstsecond!", 12);
    host_remove_file(in_memory);
    assert_int_equal(access(in_memory, F_OK), -1);
    // Gone: it is not made anew by a later piece.
    assert_false(host_write_file_in_memory(in_memory, pieces, 2, false));
    assert_int_equal(access(in_memory, F_OK), -1);
    assert_false(host_write_file_in_memory("/proc/self/comm", pieces, 2, false));
    assert_false(host_write_file_in_memory("/tmp/there/is/none", pieces, 2, true));
}

static void what_is_not_written_leaves_no_file(void **state)
{
    (void)state;
    if (!host_write_file_in_memory(path, &(struct host_piece){"x", 1, 0}, 1, true))   // on a disk
        assert_int_equal(access(path, F_OK), -1);
    unlink(path);
}

// Where files may have 8 bytes at most, more is not written, and no signal ends the program.
static void files_stay_within_their_limit(void **state)
{
    (void)state;
    char  in_memory[64];
    int   status;
    pid_t child = fork();
    snprintf(in_memory, sizeof in_memory, "/dev/shm/neap-host-%d", (int)getpid());
    if (child == 0) {
        const struct rlimit limit = {8, 8};
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(1);
        if (host_write_file_in_memory(in_memory, &(struct host_piece){"x", 1, 8}, 1, true) ||
            access(in_memory, F_OK) == 0)
            _exit(2);
        if (!host_append_file_best_effort(path, "12345678", 8) ||
            host_append_file_best_effort(path, "9", 1))
            _exit(3);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    unlink(path);
}

static void all_of_a_text_is_written(void **state)
{
    (void)state;
    int  ends[2];
    char text[8];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(host_write(ends[1], "abcdef", 6), 0);
    assert_int_equal(read(ends[0], text, sizeof text), 6);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(host_write(ends[1], "abcdef", 6), EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_is_libcs),
        cmocka_unit_test(before_libc_has_set_it_up_the_environment_is_the_kernels),
        cmocka_unit_test(a_test_has_no_more_rights_than_its_user),
        cmocka_unit_test(a_file_is_read_if_it_fits),
        cmocka_unit_test(what_cannot_be_read_has_a_reason),
        cmocka_unit_test(a_forbidden_file_is_said_to_be),
        cmocka_unit_test(a_pipe_without_a_writer_is_empty),
        cmocka_unit_test(what_is_said_goes_to_stderr),
        cmocka_unit_test(only_files_in_memory_are_written_in_pieces),
        cmocka_unit_test(what_is_not_written_leaves_no_file),
        cmocka_unit_test(files_stay_within_their_limit),
        cmocka_unit_test(all_of_a_text_is_written),
        cmocka_unit_test(a_pipe_says_so_each_time_something_is_written),
        cmocka_unit_test(a_socket_is_written_to_and_says_so),
        cmocka_unit_test(the_kernels_file_takes_what_is_to_be_written),
        cmocka_unit_test(a_file_that_the_program_put_in_its_place_is_left_alone),
    };
    return cmocka_run_group_tests_name("host", tests, given_a_folder, remove_folder);
}
