// Limits of control groups and the machine's memory, from trees of files that are only told of.
// os/memory_limit.c, os/control_group.c.
#include "os/memory_limit.h"

#include "base/units.h"
#include "host_fake.h"
#include "unit_kit.h"

#include <stdio.h>
#include <string.h>

#define FILES_MAX 8
#define V1 "/sys/fs/cgroup/memory"

struct limit_row {
    const char           *name;
    struct host_fake_file files[FILES_MAX];
    size_t                limit_bytes;
};

static const struct limit_row limit_rows[] = {
    {"no files at all", {{NULL, NULL}}, MEMORY_LIMIT_NONE},
    {"version 2: memory.max",
     {{"/proc/self/cgroup", "0::/a.slice/b.service\n"},
      {"/sys/fs/cgroup/a.slice/b.service/memory.max", "268435456\n"}},
     256 * MIB},
    {"version 2: memory.high is tighter",
     {{"/proc/self/cgroup", "0::/b\n"},
      {"/sys/fs/cgroup/b/memory.max", "268435456\n"},
      {"/sys/fs/cgroup/b/memory.high", "134217728\n"}},
     128 * MIB},
    {"version 2: a group above is tighter",
     {{"/proc/self/cgroup", "0::/a/b/c\n"},
      {"/sys/fs/cgroup/a/b/c/memory.max", "max\n"},
      {"/sys/fs/cgroup/a/b/memory.max", "268435456\n"},
      {"/sys/fs/cgroup/a/memory.high", "67108864\n"},
      {"/sys/fs/cgroup/a/memory.max", "max\n"}},
     64 * MIB},
    {"version 2: max is none",
     {{"/proc/self/cgroup", "0::/b\n"},
      {"/sys/fs/cgroup/b/memory.max", "max\n"},
      {"/sys/fs/cgroup/b/memory.high", "max\n"}},
     MEMORY_LIMIT_NONE},
    {"version 2: a namespace of its own",
     {{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/memory.max", "268435456\n"}},
     256 * MIB},
    {"version 2: outside of the namespace",
     {{"/proc/self/cgroup", "0::/../b\n"}, {"/sys/fs/cgroup/memory.max", "268435456\n"}},
     256 * MIB},
    {"version 2: only our own part is mounted",
     {{"/proc/self/cgroup", "0::/docker/0123\n"}, {"/sys/fs/cgroup/memory.max", "268435456"}},
     256 * MIB},
    {"version 2: may not be read",
     {{"/proc/self/cgroup", "0::/a/b\n"},
      {"/sys/fs/cgroup/a/b/memory.max", NULL},
      {"/sys/fs/cgroup/a/memory.max", "268435456\n"}},
     256 * MIB},
    {"the list of groups may not be read",
     {{"/proc/self/cgroup", NULL}, {"/sys/fs/cgroup/memory.max", "268435456\n"}},
     MEMORY_LIMIT_NONE},
    {"version 1",
     {{"/proc/self/cgroup", "9:name=systemd:/a\n4:memory:/a/b\n"},
      {V1 "/a/b/memory.limit_in_bytes", "268435456\n"},
      {V1 "/a/memory.limit_in_bytes", "9223372036854771712\n"}},
     256 * MIB},
    {"version 1: controllers together",
     {{"/proc/self/cgroup", "4:cpu,memory,pids:/b\n"},
      {V1 "/b/memory.limit_in_bytes", "268435456\n"}},
     256 * MIB},
    {"version 1: a controller of a longer name is another",
     {{"/proc/self/cgroup", "4:memory_recursiveprot,hugememory,mem:/b\n"},
      {V1 "/b/memory.limit_in_bytes", "268435456\n"}},
     MEMORY_LIMIT_NONE},
    {"version 1: only our own part is mounted",
     {{"/proc/self/cgroup", "4:memory:/docker/0123\n"},
      {V1 "/memory.limit_in_bytes", "268435456\n"}},
     256 * MIB},
    {"version 1: near 2^63 is none",
     {{"/proc/self/cgroup", "4:memory:/b\n"},
      {V1 "/b/memory.limit_in_bytes", "9223372036854771712\n"}},
     MEMORY_LIMIT_NONE},
    {"version 1: beyond 2^64 is none",
     {{"/proc/self/cgroup", "4:memory:/b\n"},
      {V1 "/b/memory.limit_in_bytes", "99999999999999999999999999\n"}},
     MEMORY_LIMIT_NONE},
    {"both: the memory of version 1",
     {{"/proc/self/cgroup", "4:memory:/b\n0::/u\n"},
      {"/sys/fs/cgroup/unified/u/cgroup.procs", "1\n"},
      {V1 "/b/memory.limit_in_bytes", "268435456\n"}},
     256 * MIB},
    {"both: the memory of version 2",
     {{"/proc/self/cgroup", "4:cpu:/b\n0::/u\n"},
      {"/sys/fs/cgroup/unified/u/memory.max", "268435456\n"}},
     256 * MIB},
    {"a path with colons",
     {{"/proc/self/cgroup", "0::/a:b::c\n"}, {"/sys/fs/cgroup/a:b::c/memory.max", "268435456\n"}},
     256 * MIB},
    {"the last line has no end",
     {{"/proc/self/cgroup", "4:cpu:/x\n0::/b"}, {"/sys/fs/cgroup/b/memory.max", "268435456"}},
     256 * MIB},
    {"a limit of 0", {{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/memory.max", "0\n"}}, 0},
    {"nonsense",
     {{"/proc/self/cgroup", "\n:\n::\n0:\nx\n0::\n"},
      {"/sys/fs/cgroup/memory.max", ""},
      {"/sys/fs/cgroup/memory.high", "-5\n"}},
     MEMORY_LIMIT_NONE},
};

static void its_limit_is_found(void **state)
{
    const struct limit_row *row = unit_case_of(state)->row;
    host_fake_set_files(row->files);
    size_t limit_bytes = memory_limit_read("");
    host_fake_set_files(NULL);
    assert_int_equal(limit_bytes, row->limit_bytes);
}

static void it_goes_by_the_tree_it_is_given(void **state)
{
    static const struct host_fake_file files[] = {
        {"/tree/proc/self/cgroup", "0::/b\n"},
        {"/tree/sys/fs/cgroup/b/memory.max", "268435456\n"},
        {"/proc/self/cgroup", "0::/b\n"},
        {"/sys/fs/cgroup/b/memory.max", "1\n"},
        {NULL, NULL},
    };
    host_fake_set_files(files);
    assert_int_equal(memory_limit_read("/tree"), 256 * MIB);
    host_fake_set_files(NULL);
}

// A group may be 4095 bytes deep; with the mount point its path is longer than a path can be.
static void a_path_that_is_too_long_is_no_limit(void **state)
{
    static char           line[8192];
    struct host_fake_file files[] = {{"/proc/self/cgroup", line}, {NULL, NULL}};
    strcpy(line, "0::/");
    memset(line + 4, 'g', 5000);
    host_fake_set_files(files);
    assert_true(memory_limit_read("") == MEMORY_LIMIT_NONE);
    line[4 + 4095 - 16] = '\0';   // the folder's fits, its files' do not
    assert_true(memory_limit_read("") == MEMORY_LIMIT_NONE);
    host_fake_set_files(NULL);
}

static void the_machines_memory_is_found(void **state)
{
    static const struct host_fake_file files[] = {
        {"/proc/meminfo", "MemTotal:        4039764 kB\nMemFree:  1 kB\n"},
        {"/odd/proc/meminfo", "MemTotal:\n"},
        {NULL, NULL},
    };
    host_fake_set_files(files);
    assert_int_equal(memory_of_machine(""), 4039764 * KIB);
    assert_int_equal(memory_of_machine("/odd"), 0);
    assert_int_equal(memory_of_machine("/nowhere"), 0);
    host_fake_set_files(NULL);
}

static const struct unit_sentence sentences[] = {
    {"it goes by the tree it is given", it_goes_by_the_tree_it_is_given},
    {"a path that is too long is no limit", a_path_that_is_too_long_is_no_limit},
    {"the machine's memory is found", the_machines_memory_is_found},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("the limit is found:", limit_rows, 0, its_limit_is_found));
    ADD_SENTENCES("memory_limit", sentences, 0);
    return cmocka_run_group_tests_name("memory_limit", unit_tests, NULL, NULL);
}
