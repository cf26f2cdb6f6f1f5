// Files and names: captured output, result files, the library and LD_PRELOAD.
#include "capture.h"
#include "exit_code.h"
#include "library.h"
#include "out_file.h"

#include "tool_kit.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

static struct capture given_capture(const char *pattern, size_t n_bytes)
{
    struct capture capture;
    assert_true(capture_open(&capture));
    size_t length = strlen(pattern);
    char  *text = malloc(n_bytes + 1);
    for (size_t i = 0; i < n_bytes; i++)
        text[i] = pattern[i % length];
    assert_int_equal(write(capture.fd, text, n_bytes), n_bytes);
    free(text);
    assert_true(capture_seal(&capture));
    return capture;
}

static void the_same_output_is_identical(void **state)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 300000};
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        struct capture a = given_capture("neap tide\n", sizes[i]);
        struct capture b = given_capture("neap tide\n", sizes[i]);
        uint64_t       offset;
        assert_int_equal(capture_compare(&a, &b, &offset), 1);
        assert_int_equal(a.n_bytes, sizes[i]);
        assert_true(a.checksum == b.checksum);
        capture_close(&a);
        capture_close(&b);
    }
}

static void the_first_difference_is_found(void **state)
{
    static const size_t places[] = {0, 1, 65535, 65536, 65537, 299999};
    for (size_t i = 0; i < LENGTH_OF(places); i++) {
        struct capture a = given_capture("x", 300000);
        struct capture b = given_capture("x", 300000);
        uint64_t       offset = 0;
        assert_int_equal(pwrite(b.fd, "y", 1, (off_t)places[i]), 1);
        assert_true(capture_seal(&b));
        assert_int_equal(capture_compare(&a, &b, &offset), 0);
        assert_int_equal(offset, places[i]);
        assert_true(a.checksum != b.checksum);
        capture_close(&a);
        capture_close(&b);
    }
}

static void a_shorter_output_differs_where_it_ends(void **state)
{
    static const size_t sizes[] = {0, 1, 65536, 100000};
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        struct capture a = given_capture("x", 200000);
        struct capture b = given_capture("x", sizes[i]);
        uint64_t       offset = 0;
        assert_int_equal(capture_compare(&a, &b, &offset), 0);
        assert_int_equal(offset, sizes[i]);
        assert_int_equal(capture_compare(&b, &a, &offset), 0);
        assert_int_equal(offset, sizes[i]);
        capture_close(&a);
        capture_close(&b);
    }
}

static void a_result_file_keeps_its_content_until_it_is_written(void **state)
{
    char path[] = "/tmp/neap-out-XXXXXX";
    int  fd = mkstemp(path);
    assert_int_equal(write(fd, "yesterday, a long text", 22), 22);
    (void)close(fd);

    struct out_file file;
    struct stat     status;
    assert_int_equal(out_file_open(&file, path, "--svg"), 0);
    out_file_discard(&file);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 22);

    assert_int_equal(out_file_open(&file, path, "--svg"), 0);
    (void)fprintf(out_file_start(&file), "today");
    assert_int_equal(out_file_finish(&file), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 5);
    (void)unlink(path);
}

static void a_created_file_that_is_discarded_is_gone(void **state)
{
    char path[] = "/tmp/neap-out-XXXXXX";
    (void)close(mkstemp(path));
    (void)unlink(path);
    struct out_file file;
    assert_int_equal(out_file_open(&file, path, "--svg"), 0);
    assert_int_equal(access(path, F_OK), 0);
    out_file_discard(&file);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_file_that_cannot_be_written_is_wrong_usage(void **state)
{
    struct out_file file;
    assert_int_equal(out_file_open(&file, "/nowhere/a.svg", "--svg"), EXIT_CODE_USAGE);
    assert_int_equal(out_file_open(&file, "/tmp", "--svg"), EXIT_CODE_USAGE);
    out_file_discard(&file);   // harmless after a failure
    assert_int_equal(out_file_open(&file, NULL, "--svg"), 0);
    assert_int_equal(out_file_finish(&file), 0);
}

static void a_full_disk_is_noticed(void **state)
{
    struct out_file file;
    assert_int_equal(out_file_open(&file, "/dev/full", "--svg"), 0);
    (void)fprintf(out_file_start(&file), "today");
    assert_int_equal(out_file_finish(&file), EXIT_CODE_NEAP);
}

static void ours_stands_in_front_of_what_is_preloaded_already(void **state)
{
    char out[32];
    assert_true(library_preload_text("libneap.so.0", NULL, out, sizeof out));
    assert_string_equal(out, "libneap.so.0");
    assert_true(library_preload_text("libneap.so.0", "", out, sizeof out));
    assert_string_equal(out, "libneap.so.0");
    assert_true(library_preload_text("libneap.so.0", "liba.so:libb.so", out, sizeof out));
    assert_string_equal(out, "libneap.so.0:liba.so:libb.so");
    assert_false(library_preload_text("libneap.so.0", "libneap.so.0/too/long", out, sizeof out));
    assert_false(library_preload_text("/my dir/libneap.so.0", NULL, out, sizeof out));
    assert_false(library_preload_text("/a:b/libneap.so.0", NULL, out, sizeof out));
}

static void short_names_stand_for_libraries(void **state)
{
    char names[] = LIBRARY_PEER_NAMES;
    for (char *name = strtok(names, " "); name != NULL; name = strtok(NULL, " ")) {
        const struct library_peer *peer = library_find_peer(name);
        assert_non_null(peer);
        assert_string_equal(peer->name, name);
        expect_holds(peer->library, ".so.");
    }
    assert_null(library_find_peer("./mine.so"));
    assert_null(library_find_peer("libjemalloc.so.2"));
}

static void a_loaded_library_is_recognised(void **state)
{
    assert_true(library_is_loaded("libcmocka.so.0"));
    assert_false(library_is_loaded("libcmocka.so"));
    assert_false(library_is_loaded("/nowhere/libcmocka.so.0"));
    // By another name of the same file: the loader knows libc by one, and this is a second.
    char path[64];
    (void)snprintf(path, sizeof path, "/tmp/neap-libc-%d", (int)getpid());
    Dl_info libc;
    assert_int_not_equal(dladdr((void *)&fopen, &libc), 0);
    assert_int_equal(symlink(libc.dli_fname, path), 0);
    assert_true(library_is_loaded(path));
    assert_int_equal(unlink(path), 0);
    assert_false(library_is_loaded("/etc/passwd"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_output_is_identical),
        cmocka_unit_test(the_first_difference_is_found),
        cmocka_unit_test(a_shorter_output_differs_where_it_ends),
        cmocka_unit_test(a_result_file_keeps_its_content_until_it_is_written),
        cmocka_unit_test(a_created_file_that_is_discarded_is_gone),
        cmocka_unit_test(a_file_that_cannot_be_written_is_wrong_usage),
        cmocka_unit_test(a_full_disk_is_noticed),
        cmocka_unit_test(ours_stands_in_front_of_what_is_preloaded_already),
        cmocka_unit_test(short_names_stand_for_libraries),
        cmocka_unit_test(a_loaded_library_is_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
