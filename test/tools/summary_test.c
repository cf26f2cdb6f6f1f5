// exit_record.c and summary.c: records as libneap writes them, and worse; and what is made of them.
#include "exit_record.h"
#include "summary.h"

#include "tool_kit.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB 1048576u

#define RECORD(pid, name, live)                                                                    \
    "neap_exit_stats 1\npid " pid "\nname " name "\nlive_slots_bytes " live "\nend " pid "\n"

static struct exit_records read_records(const char *text, long pid)
{
    struct exit_records records;
    FILE               *in = fmemopen((char *)text, strlen(text), "r");
    assert_non_null(in);
    exit_records_read(in, pid, &records);
    (void)fclose(in);
    return records;
}

static void the_own_record_is_told_from_others(void **state)
{
    struct exit_records records =
        read_records(RECORD("5", "a", "10") RECORD("7", "own", "20") RECORD("6", "b c", "30"), 7);
    assert_true(records.has_own);
    assert_string_equal(records.own.name, "own");
    assert_int_equal(exit_record_live_bytes(&records.own), 20);
    assert_false(records.own.known[EXIT_LARGE_BYTES]);
    assert_int_equal(records.n_others, 2);
    assert_string_equal(records.largest.name, "b c");
    assert_int_equal(records.largest.pid, 6);
}

static void live_is_slots_and_large_objects(void **state)
{
    struct exit_records records =
        read_records("neap_exit_stats 1\npid 1\nlive_slots_bytes 3\nlarge_bytes 4\n"
                     "a_key_of_tomorrow 5\nresident_bytes 18446744073709551615\nend 1\n",
                     1);
    assert_true(records.has_own);
    assert_int_equal(exit_record_live_bytes(&records.own), 7);
    assert_true(records.own.values[EXIT_RESIDENT_BYTES] == UINT64_MAX);
}

static void what_is_no_record_is_passed_by(void **state)
{
    static const char *const texts[] = {
        "x",
        "pid 1\nend 1\n",
        "neap_exit_stats\npid 1\nend 1\n",
        "neap_exit_stats 2\npid 1\nend 1\n",
        "neap_exit_stats 1\npid 1\nlive_slots_bytes 5\n",                // cut off
        "neap_exit_stats 1\npid 1\nneap_exit_stats 1\npid 2\nend 1\n",   // cut off, then another
        "neap_exit_stats 1\nend 1\n",
        "neap_exit_stats 1\npid 1\nend\n",
        "neap_exit_stats 1\npid x\nend 1\n",
    };
    for (size_t i = 0; i < LENGTH_OF(texts); i++) {
        struct exit_records records = read_records(texts[i], 1);
        if (records.has_own || records.n_others != 0)
            fail_msg("a record was found in: %s", texts[i]);
    }
}

static void a_number_that_is_none_is_not_known(void **state)
{
    struct exit_records records =
        read_records("neap_exit_stats 1\npid 1\nlarge_bytes x\ncached_bytes -1\nfree_slots_bytes\n"
                     "scavenged_bytes 5 6\nend 1\n",
                     1);
    assert_true(records.has_own);
    for (size_t i = 0; i < N_EXIT_KEYS; i++)
        assert_false(records.own.known[i]);
}

static void records_have_a_private_place(void **state)
{
    char        path[256];
    struct stat status;
    assert_int_equal(setenv("TMPDIR", "/tmp/.", 1), 0);
    assert_true(exit_record_make_place(path, sizeof path));
    assert_int_equal(strncmp(path, "/tmp/neap-exit-", 15), 0);
    assert_int_equal(stat(path, &status), -1);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    *slash = '/';
    fclose(fopen(path, "w"));
    exit_record_remove_place(path);
    *slash = '\0';
    assert_int_equal(stat(path, &status), -1);

    assert_false(exit_record_make_place(path, 12));
    assert_int_equal(setenv("TMPDIR", "/nowhere", 1), 0);
    assert_false(exit_record_make_place(path, sizeof path));
    assert_int_equal(unsetenv("TMPDIR"), 0);
}

// ---- the text ---------------------------------------------------------------------------------

static char *command[] = {(char *)"./server", (char *)"-v", NULL};

#define FULL                                                                                       \
    "neap_exit_stats 1\npid 41\nname server\nresident_bytes 262144000\n"                           \
    "live_slots_bytes 104857600\nlarge_bytes 104857600\nfree_slots_bytes 10485760\n"               \
    "cached_bytes 1048576\nfree_ready_bytes 9437184\nmetadata_bytes 2097152\n"                     \
    "scavenged_bytes 4187593114\nscavenged_steps 1204\nallocations 88200000\nend 41\n"

struct text_row {
    const char *records;
    int         status;   // of wait(2)
    uint64_t    limit_bytes;
    double      peak_at_s;
    const char *expected;   // between the first line and "CPU"
};

static const struct text_row text_rows[] = {
    {FULL RECORD("42", "worker", "5242880"), 0, 2147483648u, 451,
     "  peak resident  300 MiB at 7m 31s   (limit 2.00 GiB, cgroup)\n"
     "  at exit        resident 250 MiB; live and rounding 200 MiB, overhead 20.0 MiB (10 %):\n"
     "                 free slots 10.0 MiB, cached 1.00 MiB, free ready 9.00 MiB;"
     " metadata at most 2.00 MiB\n"
     "  returned       3.90 GiB to the system in 1 204 steps\n"
     "  allocations    88 200 000 (122 500/s)\n"
     "  others         1 process; with the most at exit: worker (pid 42), live and rounding"
     " 5.00 MiB\n"},
    {"neap_exit_stats 1\npid 41\nscavenged_bytes 0\nscavenged_steps 0\nend 41\n", 0, 0, -1,
     "  peak resident  300 MiB\n"
     "  at exit        live and rounding 0 B, overhead 0 B:\n"
     "                 free slots 0 B, cached 0 B, free ready 0 B\n"
     "  returned       nothing to the system\n"},
    {RECORD("41", "x", "1000") RECORD("1", "x", "0") RECORD("2", "y", "2"), 0, 0, 1,
     "  peak resident  300 MiB at 1.000 s\n"
     "  at exit        live and rounding 0.98 KiB, overhead 0 B (0 %):\n"
     "                 free slots 0 B, cached 0 B, free ready 0 B\n"
     "  others         2 processes; with the most at exit: y (pid 2), live and rounding 2 B\n"},
    {"x", SIGKILL, 0, 1,
     "  peak resident  300 MiB at 1.000 s\n"
     "  at the end     resident 100 MiB, mapped 128 MiB (the last sample, at 12m 00s)\n"
     "  at exit        not known: the signal left neap no time to write it down\n"},
    {"x", 3 << 8, 0, 1,
     "  peak resident  300 MiB at 1.000 s\n"
     "  at the end     resident 100 MiB, mapped 128 MiB (the last sample, at 12m 00s)\n"
     "  at exit        not known: it ended by _exit, as shells do, or was not under neap"
     " any more\n"},
};

static void write_row(const struct text_row *row, FILE *out)
{
    struct timeline timeline;
    assert_true(timeline_init(&timeline));
    timeline_add(&timeline, (struct timeline_point){row->peak_at_s, 300 * MIB, 400 * MIB});
    timeline_add(&timeline, (struct timeline_point){720, 100 * MIB, 128 * MIB});
    struct outcome outcome = {.pid = 41,
                              .status = row->status,
                              .wall_s = 720,
                              .usage = {.ru_utime = {.tv_sec = 1, .tv_usec = 204000},
                                        .ru_stime = {.tv_sec = 0, .tv_usec = 312000},
                                        .ru_minflt = 70514}};
    struct summary summary = {.command = command,
                              .outcome = &outcome,
                              .timeline = &timeline,
                              .records = read_records(row->records, 41),
                              .limit_bytes = row->limit_bytes};
    summary_write(&summary, out);
    timeline_free(&timeline);
}

static void lines_are_left_out_where_nothing_is_known(void **state)
{
    static const char last[] =
        "  CPU            user 1.204 s, system 0.312 s\n"
        "  page faults    70 514 minor\n"
        "Next: neap try -- ./server -v    compares with the present malloc\n";
    for (size_t i = 0; i < LENGTH_OF(text_rows); i++) {
        const struct text_row *row = &text_rows[i];
        const char            *end = row->status == 0         ? "exit 0"
                                     : row->status == SIGKILL ? "signal 9 (Killed)"
                                                              : "exit 3";
        char                   expected[2048];
        (void)snprintf(expected, sizeof expected,
                       "neap " NEAP_VERSION "  ./server -v  pid 41  ran 12m 00s  %s\n%s%s", end,
                       row->expected, last);
        struct kit_text kit;
        write_row(row, kit_text_begin(&kit));
        assert_string_equal(kit_text_end(&kit), expected);
        kit_text_free(&kit);
    }
}

static void a_command_over_at_once_has_no_last_sample(void **state)
{
    struct timeline timeline = {.peak_resident_bytes = MIB, .peak_resident_at_s = -1};
    struct outcome  outcome = {.pid = 41};
    struct summary  summary = {.command = command, .outcome = &outcome, .timeline = &timeline};
    struct kit_text kit;
    summary_write(&summary, kit_text_begin(&kit));
    expect_lacks(kit_text_end(&kit), "at the end");
    kit_text_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_own_record_is_told_from_others),
        cmocka_unit_test(live_is_slots_and_large_objects),
        cmocka_unit_test(what_is_no_record_is_passed_by),
        cmocka_unit_test(a_number_that_is_none_is_not_known),
        cmocka_unit_test(records_have_a_private_place),
        cmocka_unit_test(lines_are_left_out_where_nothing_is_known),
        cmocka_unit_test(a_command_over_at_once_has_no_last_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
