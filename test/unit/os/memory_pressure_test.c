// Who says that memory is short, and what it takes: from an environment, files and a watch that are
// only told of.
#include "os/memory_pressure.h"

#include "host_fake.h"
#include "unit_kit.h"

#include <string.h>

#define EVERY MEMORY_PRESSURE_EVERY_NS
#define COUNT(n) "some avg10=7.00 avg60=1.00 avg300=0.10 total=" #n "\nfull avg10=0.00 total=9\n"

static struct memory_pressure pressure;

static const struct host_fake_file no_files[] = {{NULL, NULL}};

static void given(const char *const *environment, const struct host_fake_file *files)
{
    host_fake_set_files(files);
    memory_pressure_note_environment(environment);
    memory_pressure_open(&pressure, "", 0);
}

// ---- who says it ------------------------------------------------------------------------------

struct source_row {
    const char                 *name;
    const char                 *environment[3];
    struct host_fake_file       files[4];
    enum memory_pressure_source source;
    uint64_t                    stalled_us;
};

#define GROUP                                                                                      \
    {                                                                                              \
        "/proc/self/cgroup", "1:memory:/b\n0::/a/b\n"                                              \
    }
#define SYSTEM                                                                                     \
    {                                                                                              \
        "/proc/pressure/memory", COUNT(1)                                                          \
    }

static const struct source_row source_rows[] = {
    {"nobody", {NULL}, {{NULL, NULL}}, PRESSURE_SOURCE_NONE, 0},
    {"the system", {NULL}, {SYSTEM}, PRESSURE_SOURCE_COUNT, 1},
    {"our group, before the system",
     {NULL},
     {GROUP, SYSTEM, {"/sys/fs/cgroup/a/b/memory.pressure", COUNT(2)}},
     PRESSURE_SOURCE_COUNT,
     2},
    {"our group of version 2 beside version 1",
     {NULL},
     {GROUP, SYSTEM, {"/sys/fs/cgroup/unified/a/b/memory.pressure", COUNT(3)}},
     PRESSURE_SOURCE_COUNT,
     3},
    {"the system, where the group's file is not to be read",
     {NULL},
     {GROUP, SYSTEM, {"/sys/fs/cgroup/a/b/memory.pressure", NULL}},
     PRESSURE_SOURCE_COUNT,
     1},
    {"nobody, where the file says something else",
     {NULL},
     {{"/proc/pressure/memory", "full avg10=0.00 total=7\n"}},
     PRESSURE_SOURCE_NONE,
     0},
    {"nobody, where the file has no number",
     {NULL},
     {{"/proc/pressure/memory", "some avg10=0.00 total=\n"}},
     PRESSURE_SOURCE_NONE,
     0},
    {"who runs us, before all others",
     {"MEMORY_PRESSURE_WATCH=/run/watch"},
     {GROUP, SYSTEM},
     PRESSURE_SOURCE_WATCH,
     0},
    {"the system, where that file is not there",
     {"MEMORY_PRESSURE_WATCH=/run/other"},
     {SYSTEM},
     PRESSURE_SOURCE_COUNT,
     1},
    {"the system, where that is no path",
     {"MEMORY_PRESSURE_WATCH=run/watch"},
     {SYSTEM},
     PRESSURE_SOURCE_COUNT,
     1},
    {"nobody, if who runs us says so",
     {"MEMORY_PRESSURE_WATCH=/dev/null"},
     {SYSTEM},
     PRESSURE_SOURCE_NONE,
     0},
    {"the system, if what is to be written cannot be read",
     {"MEMORY_PRESSURE_WATCH=/run/watch", "MEMORY_PRESSURE_WRITE=c29t?"},
     {SYSTEM},
     PRESSURE_SOURCE_COUNT,
     1},
    {"the system, as names only begin so",
     {"MEMORY_PRESSURE_WATCHER=/run/watch", "MEMORY_PRESSURE_WATCH"},
     {SYSTEM},
     PRESSURE_SOURCE_COUNT,
     1},
};

static void says_it(void **state)
{
    const struct source_row *row = unit_case_of(state)->row;
    host_fake_offer_watch("/run/watch", HOST_WATCH_QUIET);
    given(row->environment, row->files);
    assert_int_equal(pressure.source, row->source);
    assert_int_equal(pressure.stalled_us, row->stalled_us);
    assert_int_equal(host_fake_watch_is_open(), row->source == PRESSURE_SOURCE_WATCH);
    memory_pressure_close(&pressure);
    assert_false(host_fake_watch_is_open());
    assert_int_equal(pressure.source, PRESSURE_SOURCE_NONE);
}

// ---- what is written first --------------------------------------------------------------------

struct written_row {
    const char *name, *entry, *bytes;
    size_t      n_bytes;
};

static const struct written_row written_rows[] = {
    {"nothing", "MEMORY_PRESSURE_WRITE=", "", 0},
    {"a line and a NUL",
     "MEMORY_PRESSURE_WRITE=c29tZSAyMDAwMDAgMjAwMDAwMAA=", "some 200000 2000000", 20},
    {"one byte", "MEMORY_PRESSURE_WRITE=YQ==", "a", 1},
    {"two bytes", "MEMORY_PRESSURE_WRITE=YWI=", "ab", 2},
    {"three bytes of all bits", "MEMORY_PRESSURE_WRITE=/+8A", "\xff\xef\0", 3},
};

static void is_written(void **state)
{
    const struct written_row *row = unit_case_of(state)->row;
    const char *environment[] = {row->entry, "MEMORY_PRESSURE_WATCH=/run/watch", NULL};
    size_t      n_bytes;
    host_fake_offer_watch("/run/watch", HOST_WATCH_QUIET);
    given(environment, no_files);
    const char *written = host_fake_written(&n_bytes);
    assert_int_equal(n_bytes, row->n_bytes);
    assert_memory_equal(written, row->bytes, n_bytes);
    memory_pressure_close(&pressure);
}

static void what_is_too_long_is_not_written(void **state)
{
    char entry[512] = "MEMORY_PRESSURE_WRITE=";
    memset(entry + strlen(entry), 'A', 400);
    const char *environment[] = {entry, "MEMORY_PRESSURE_WATCH=/run/watch", NULL};
    host_fake_offer_watch("/run/watch", HOST_WATCH_QUIET);
    given(environment, no_files);
    assert_int_equal(pressure.source, PRESSURE_SOURCE_NONE);
}

// ---- what it takes ----------------------------------------------------------------------------

static void a_tenth_of_the_time_waited_is_pressure(void **state)
{
    struct host_fake_file files[] = {{"/proc/pressure/memory", COUNT(1000000)}, {NULL, NULL}};
    given(NULL, files);
    files[0].text = COUNT(1200000);   // 200 ms
    assert_false(memory_pressure_ask(&pressure, "", EVERY - 1));
    assert_true(memory_pressure_ask(&pressure, "", EVERY));
    assert_false(memory_pressure_ask(&pressure, "", EVERY + 1));
    assert_false(memory_pressure_ask(&pressure, "", 2 * EVERY));   // no more since
    files[0].text = COUNT(1399999);
    assert_false(memory_pressure_ask(&pressure, "", 3 * EVERY));
    files[0].text = COUNT(1599999);
    assert_false(memory_pressure_ask(&pressure, "", 5 * EVERY));   // in twice the time
    files[0].text = COUNT(10);                                     // another group's
    assert_false(memory_pressure_ask(&pressure, "", 6 * EVERY));
    files[0].text = COUNT(200010);
    assert_true(memory_pressure_ask(&pressure, "", 7 * EVERY));
    files[0].path = "/gone";
    assert_false(memory_pressure_ask(&pressure, "", 8 * EVERY));
    assert_int_equal(pressure.source, PRESSURE_SOURCE_NONE);
    assert_false(memory_pressure_ask(&pressure, "", 9 * EVERY));
}

static void a_watch_says_it_until_it_is_gone(void **state)
{
    const char *environment[] = {"MEMORY_PRESSURE_WATCH=/run/watch", NULL};
    host_fake_offer_watch("/run/watch", HOST_WATCH_QUIET);
    given(environment, no_files);
    assert_false(memory_pressure_ask(&pressure, "", 1));
    host_fake_offer_watch("/run/watch", HOST_WATCH_HAPPENED);
    assert_true(memory_pressure_ask(&pressure, "", 2));
    assert_true(memory_pressure_ask(&pressure, "", 3));
    host_fake_offer_watch("/run/watch", HOST_WATCH_GONE);
    assert_false(memory_pressure_ask(&pressure, "", 4));
    assert_int_equal(pressure.source, PRESSURE_SOURCE_NONE);
    host_fake_offer_watch("/run/watch", HOST_WATCH_HAPPENED);
    assert_false(memory_pressure_ask(&pressure, "", 5));
}

static const struct unit_sentence sentences[] = {
    {"what is too long is not written", what_is_too_long_is_not_written},
    {"a tenth of the time waited is pressure", a_tenth_of_the_time_waited_is_pressure},
    {"a watch says it until it is gone", a_watch_says_it_until_it_is_gone},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("it is said by", source_rows, 0, says_it));
    unit_add_table(UNIT_TABLE("written first:", written_rows, 0, is_written));
    ADD_SENTENCES("memory_pressure", sentences, 0);
    return cmocka_run_group_tests_name("memory pressure", unit_tests, NULL, NULL);
}
