// cgroup.c: made-up process folders and trees of both versions.
#include "cgroup.h"

#include "tool_kit.h"

#include <sys/stat.h>

#define FILES_MAX 6

struct made_file {
    const char *path, *text;   // "@" in the text stands for the folder it is all in
};

struct cgroup_row {
    const char      *name;
    struct made_file files[FILES_MAX];
    uint64_t         limit_bytes;
};

#define MOUNT_2 "30 25 0:26 / @/tree rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define MOUNT_1                                                                                    \
    "31 25 0:27 / @/cpu rw shared:5 - cgroup cgroup rw,cpu\n"                                      \
    "32 25 0:28 / @/tree rw shared:6 - cgroup cgroup rw,memory\n"
#define NONE_1 "9223372036854771712\n"

static const struct cgroup_row rows[] = {
    {"nothing at all", {{"cgroup", ""}, {"mountinfo", ""}}, 0},
    {"no files", {{"other", ""}}, 0},
    {"version 2",
     {{"cgroup", "0::/a/b\n"}, {"mountinfo", MOUNT_2}, {"tree/a/b/memory.max", "2147483648\n"}},
     2147483648},
    {"version 2, no limit",
     {{"cgroup", "0::/a/b\n"}, {"mountinfo", MOUNT_2}, {"tree/a/b/memory.max", "max\n"}},
     0},
    {"version 2, a group above is tighter",
     {{"cgroup", "0::/a/b\n"},
      {"mountinfo", MOUNT_2},
      {"tree/a/memory.max", "1000\n"},
      {"tree/a/b/memory.max", "2000\n"}},
     1000},
    {"version 2, a group beside it is not ours",
     {{"cgroup", "0::/a/b\n"}, {"mountinfo", MOUNT_2}, {"tree/a/c/memory.max", "1000\n"}},
     0},
    {"version 2, the root of a container's own view",
     {{"cgroup", "0::/\n"}, {"mountinfo", MOUNT_2}, {"tree/memory.max", "4096\n"}},
     4096},
    {"version 1, among other controllers",
     {{"cgroup", "5:cpu,cpuacct:/x\n4:hugetlb,memory:/x/y\n"},
      {"mountinfo", MOUNT_1},
      {"cpu/x/memory.limit_in_bytes", "1\n"},
      {"tree/x/y/memory.limit_in_bytes", "5000\n"}},
     5000},
    {"version 1, no limit",
     {{"cgroup", "4:memory:/x\n"},
      {"mountinfo", MOUNT_1},
      {"tree/memory.limit_in_bytes", NONE_1},
      {"tree/x/memory.limit_in_bytes", NONE_1}},
     0},
    {"version 1, only our group is mounted",
     {{"cgroup", "4:memory:/docker/id/sub\n"},
      {"mountinfo", "32 25 0:28 /docker/id @/tree rw - cgroup cgroup rw,memory\n"},
      {"tree/sub/memory.limit_in_bytes", "7000\n"}},
     7000},
    {"both versions at once",
     {{"cgroup", "4:memory:/x\n0::/x\n"},
      {"mountinfo", "30 25 0:26 / @/two rw - cgroup2 cgroup2 rw\n" MOUNT_1},
      {"two/x/memory.max", "max\n"},
      {"tree/x/memory.limit_in_bytes", "3000\n"}},
     3000},
    {"lines that are none", {{"cgroup", "\n:\n0:\n0::\n"}, {"mountinfo", "\n - \na - b\n"}}, 0},
};

// Writes a file and the folders it is in.
static void make_file(const char *folder, const struct made_file *made)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, made->path);
    for (char *at = path + strlen(folder) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        (void)mkdir(path, 0700);
        *at = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (const char *at = made->text; *at != '\0'; at++) {
        if (*at == '@')
            (void)fputs(folder, file);
        else
            (void)fputc(*at, file);
    }
    assert_int_equal(fclose(file), 0);
}

static void the_tightest_limit_counts(void **state)
{
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        char folder[] = "/tmp/neap-cgroup-XXXXXX", command[64];
        assert_non_null(mkdtemp(folder));
        for (size_t f = 0; f < FILES_MAX && rows[i].files[f].path != NULL; f++)
            make_file(folder, &rows[i].files[f]);
        uint64_t limit_bytes = cgroup_limit_bytes(folder);
        (void)snprintf(command, sizeof command, "rm -r %s", folder);
        assert_int_equal(system(command), 0);
        if (limit_bytes != rows[i].limit_bytes)
            fail_msg("%s: %ju", rows[i].name, (uintmax_t)limit_bytes);
    }
}

static void this_process_can_be_asked(void **state)
{
    uint64_t limit_bytes = cgroup_limit_bytes("/proc/self");
    assert_true(limit_bytes == 0 || limit_bytes > 1048576);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tightest_limit_counts),
        cmocka_unit_test(this_process_can_be_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
