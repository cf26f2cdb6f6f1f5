// black_box.c, history_text.c: files as processes leave them, cut and damaged ones.
#include "black_box.h"
#include "history_text.h"

#include "neap/page.h"
#include "tool_kit.h"

#include <sys/stat.h>
#include <unistd.h>

#define ROWS 4
#define NS UINT64_C(1000000000)

struct made_box {
    struct neap_box        head;
    struct neap_box_sample rows[ROWS];
};

static char folder[] = "/tmp/neap-black-box-XXXXXX";
static char path[sizeof folder + 16];

static int make_folder(void **state)
{
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/neap-17", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)unlink(path);
    return rmdir(folder);
}

static struct made_box made(uint64_t n_samples)
{
    struct made_box box = {.head = {.magic = NEAP_BOX_MAGIC,
                                    .layout = NEAP_BOX_LAYOUT,
                                    .box_bytes = sizeof box.head,
                                    .version = "1.2.3",
                                    .name = "server",
                                    .pid = 17,
                                    .n_samples = n_samples,
                                    .n_rows = ROWS,
                                    .row_bytes = sizeof box.rows[0],
                                    .wall_time_ns = 1700000000 * NS,
                                    .time_ns = n_samples * NS,
                                    .soft_limit_bytes = UINT64_MAX,
                                    .hard_limit_bytes = 1000}};
    for (uint64_t i = 0; i < n_samples; i++)
        box.rows[i % ROWS] = (struct neap_box_sample){
            .time_ns = (i + 1) * NS, .resident_bytes = 1000 * i, .object_bytes = i};
    return box;
}

static void leave(const char *where, const void *bytes, size_t n_bytes)
{
    FILE *file = fopen(where, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n_bytes, file), n_bytes);
    assert_int_equal(fclose(file), 0);
}

static enum black_box_result read_back(const struct made_box *box, size_t n_bytes)
{
    struct black_box found;
    leave(path, box, n_bytes);
    enum black_box_result result = black_box_read(path, &found);
    black_box_free(&found);
    return result;
}

static void a_file_tells_the_last_samples(void **state)
{
    struct black_box found;
    struct made_box  box = made(6);
    leave(path, &box, sizeof box);
    assert_int_equal(black_box_read(path, &found), BLACK_BOX_READ);
    assert_string_equal(found.name, "server");
    assert_string_equal(found.version, "1.2.3");
    assert_int_equal(found.pid, 17);
    assert_int_equal(found.soft_limit_bytes, 0);   // none
    assert_int_equal(found.hard_limit_bytes, 1000);
    assert_true(found.wall_time_s > 1699999999 && found.wall_time_s < 1700000001);
    assert_int_equal(found.history.n_samples, ROWS);
    assert_int_equal(found.history.samples[0].object_bytes, 2);   // the oldest
    assert_int_equal(found.history.samples[3].object_bytes, 5);
    assert_true(found.history.samples[3].age_s < 0.001);
    assert_true(found.history.samples[0].age_s > 2.999);

    struct kit_text kit;
    history_write_text(kit_text_begin(&kit), &found.history, 2);
    expect_holds(kit_text_end(&kit), "RESIDENT");
    expect_holds(kit.text, "0.000 s");
    expect_lacks(kit.text, "2.000 s");
    kit_text_free(&kit);
    black_box_free(&found);
}

// Killed in between: the newest row is written, the head does not know it yet.
static void a_sample_that_was_being_written_is_left_out(void **state)
{
    struct black_box found;
    struct made_box  box = made(6);
    box.rows[6 % ROWS] = (struct neap_box_sample){.time_ns = 7 * NS};
    leave(path, &box, sizeof box);
    assert_int_equal(black_box_read(path, &found), BLACK_BOX_READ);
    assert_int_equal(found.history.n_samples, ROWS - 1);
    assert_int_equal(found.history.samples[0].object_bytes, 3);
    black_box_free(&found);
}

static void what_is_no_box_is_told_apart(void **state)
{
    struct made_box  box = made(6);
    struct black_box found;
    assert_int_equal(black_box_read("/tmp/there/is/none", &found), BLACK_BOX_ABSENT);
    for (size_t n_bytes = 0; n_bytes < sizeof box; n_bytes += 7)
        assert_int_equal(read_back(&box, n_bytes), BLACK_BOX_NONE);
    box.head.layout++;
    assert_int_equal(read_back(&box, sizeof box), BLACK_BOX_NEWER);
    box = made(6);
    box.head.n_rows = 0;
    assert_int_equal(read_back(&box, sizeof box), BLACK_BOX_NONE);
    box = made(0);
    assert_int_equal(read_back(&box, sizeof box), BLACK_BOX_NONE);
    box = made(6);
    box.head.magic[0] = 'N';
    assert_int_equal(read_back(&box, sizeof box), BLACK_BOX_NONE);
}

// Sanitizers look on.
static void damaged_boxes_do_no_harm(void **state)
{
    unsigned seed = 1;
    for (unsigned i = 0; i < 5000; i++) {
        struct made_box box = made(6);
        for (unsigned n = 0; n <= i % 3; n++) {
            seed = seed * 1103515245 + 12345;
            ((unsigned char *)&box)[(seed >> 8) % sizeof box] = (unsigned char)(seed >> 4);
        }
        (void)read_back(&box, sizeof box);
    }
}

static void the_last_one_of_a_name_is_found(void **state)
{
    struct black_box found;
    struct made_box  box = made(6);
    char             other[sizeof path];
    (void)snprintf(other, sizeof other, "%s/neap-18", folder);
    leave(path, &box, sizeof box);
    box.head.pid = 18;
    box.head.wall_time_ns += NS;
    leave(other, &box, sizeof box);
    assert_true(black_box_find(folder, "server", &found));
    assert_int_equal(found.pid, 18);
    black_box_free(&found);
    assert_int_equal(unlink(other), 0);
    assert_true(black_box_find(folder, "server", &found));
    assert_int_equal(found.pid, 17);
    black_box_free(&found);
    assert_false(black_box_find(folder, "serve", &found));
    assert_false(black_box_find("/tmp/there/is/none", "server", &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_tells_the_last_samples),
        cmocka_unit_test(a_sample_that_was_being_written_is_left_out),
        cmocka_unit_test(what_is_no_box_is_told_apart),
        cmocka_unit_test(damaged_boxes_do_no_harm),
        cmocka_unit_test(the_last_one_of_a_name_is_found),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
