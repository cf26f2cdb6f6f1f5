// What the black box holds and when it is written. On the fake kernel, clock and file.
// front/black_box.c.
#include "front/black_box.h"

#include "front/heap.h"
#include "front_load.h"
#include "host_fake.h"
#include "unit_kit.h"
#include "vm_fake.h"

#include <stdio.h>
#include <string.h>

#define MS UINT64_C(1000000)

static const char *const environment[] = {"NEAP_BLACKBOX=/shm", NULL};

static int begin(void **state)
{
    (void)state;
    if (!load_relaxed(&process_heap.ready)) {   // owner
        vm_fake_reset(4 * KIB);
        host_fake_set_environment(environment, false);
    }
    (void)front_is_disabled();   // has made the heap
    history_fork_child(&process_heap.history);
    process_heap.black_box = (struct black_box){.is_begun = false};
    host_fake_refuse_box(false);
    host_fake_forget_said();
    return 0;
}

static void live_on(unsigned n_seconds)
{
    for (unsigned i = 0; i < n_seconds * 20 + 1; i++) {
        host_fake_pass_time(50 * MS);
        history_look(&process_heap);
    }
}

static const struct black_box_head *head(void)
{
    return (const void *)host_fake_box_written()->bytes;
}

static const struct history_sample *row(size_t i)
{
    return (const struct history_sample *)(const void *)(host_fake_box_written()->bytes +
                                                         head()->head_bytes) +
           i;
}

static void each_second_is_written(void **state)
{
    (void)state;
    assert_int_equal(host_fake_box_written()->n_written, 0);
    use(10 * MIB);
    live_on(3);
    assert_int_equal(host_fake_box_written()->n_written, 3);
    assert_memory_equal(head()->magic, "neapbox", 8);
    assert_int_equal(head()->n_samples, 3);
    assert_int_equal(head()->process, host_process_id());
    assert_int_equal(head()->time_ns, row(2)->time_ns);
    assert_int_equal(head()->wall_time_ns - head()->time_ns, HOST_FAKE_WALL_NS);
    for (size_t i = 0; i < 3; i++)
        assert_memory_equal(row(i), &process_heap.rings.seconds[i], sizeof *row(i));
    assert_true(row(2)->object_bytes >= 10 * MIB);
    char path[64];
    (void)snprintf(path, sizeof path, "/shm/neap-%ld", host_process_id());
    assert_string_equal(host_fake_box_written()->path, path);
    assert_string_equal(host_fake_said(), "");
    free_last(10 * MIB);
}

static void it_goes_round(void **state)
{
    (void)state;
    live_on(HISTORY_SECONDS + 5);
    assert_int_equal(head()->n_samples, HISTORY_SECONDS + 5);
    assert_memory_equal(row(4), &process_heap.rings.seconds[4], sizeof *row(4));
    assert_int_equal(row(4)->time_ns, head()->time_ns);
}

static void an_exit_takes_it_away(void **state)
{
    (void)state;
    front_end();
    assert_false(host_fake_box_written()->is_removed);   // there was none yet
    live_on(1);
    front_end();
    assert_true(host_fake_box_written()->is_removed);
}

// As where the file system has become full.
static void an_exit_takes_away_what_could_not_be_written_to_any_more(void **state)
{
    (void)state;
    live_on(2);
    host_fake_refuse_box(true);
    live_on(2);
    assert_non_null(strstr(host_fake_said(), "NEAP_BLACKBOX"));
    front_end();
    assert_true(host_fake_box_written()->is_removed);
}

static void where_there_is_none_to_be_had_one_line_says_so(void **state)
{
    (void)state;
    host_fake_refuse_box(true);
    live_on(3);
    assert_non_null(strstr(host_fake_said(), "NEAP_BLACKBOX"));
    assert_ptr_equal(strchr(host_fake_said(), '\n'), strrchr(host_fake_said(), '\n'));
    front_end();
    assert_false(host_fake_box_written()->is_removed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_second_is_written, begin),
        cmocka_unit_test_setup(it_goes_round, begin),
        cmocka_unit_test_setup(an_exit_takes_it_away, begin),
        cmocka_unit_test_setup(an_exit_takes_away_what_could_not_be_written_to_any_more, begin),
        cmocka_unit_test_setup(where_there_is_none_to_be_had_one_line_says_so, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
