// neap doctor: what it finds in environments, and files that are damaged.
#include "diagnosis.h"
#include "tool_kit.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define HEAD_BYTES 4096
#define DAMAGED_FILES 400

static struct diagnosis diagnosis;

static void environments_are_looked_through(void **state)
{
    static const struct {
        const char        *entry;
        enum finding_level level;
        const char        *topic;   // NULL: nothing is found
        const char        *fix;     // a part
    } table[] = {
        {"PATH=/bin", FINDING_OK, NULL, ""},
        {"NEAP_LIMIT=1GiB", FINDING_OK, NULL, ""},
        {"NEAP_LIMIT=50%", FINDING_OK, NULL, ""},
        {"NEAP_LIMIT=", FINDING_OK, NULL, ""},
        {"NEAP_NO_COLOR=1", FINDING_OK, NULL, ""},
        {"NEAP_LIMIT=1GB", FINDING_WARN, "option", "neap config NEAP_LIMIT"},
        {"NEAP_LIMIT=1", FINDING_WARN, "option", "neap config NEAP_LIMIT"},
        {"NEAP_ARENA=1000001", FINDING_WARN, "option", "neap config NEAP_ARENA"},
        {"NEAP_ARENNA=8M", FINDING_WARN, "option", "NEAP_ARENA=8M"},
        {"NEAP_FROBNICATE=1", FINDING_WARN, "option", "neap config lists"},
        {"NEAP_", FINDING_WARN, "option", "neap config lists"},
        {"NEAP_DISABLE=1", FINDING_FAIL, "option", ""},
        {"NEAP_DISABLE=yes", FINDING_FAIL, "option", ""},
        {"NEAP_DISABLE=0", FINDING_OK, NULL, ""},
        {"MALLOC_ARENA_MAX=2", FINDING_WARN, "option", "the nearest option"},
        {"MALLOC_ARENA_MAXIMUM=2", FINDING_OK, NULL, ""},
        {"GLIBC_TUNABLES=glibc.malloc.check=3", FINDING_WARN, "option", "the nearest option"},
        {"GLIBC_TUNABLES=glibc.cpu.x=3", FINDING_OK, NULL, ""},
        {"LD_PRELOAD=libneap.so.0", FINDING_OK, "preload", ""},
        {"LD_PRELOAD=/none/libneap.so.0", FINDING_FAIL, "preload", "LD_PRELOAD=libneap.so.0"},
        {"LD_PRELOAD=/none/libother.so", FINDING_WARN, "preload", ""},
        {"LD_PRELOAD= :libmimalloc.so.2:", FINDING_WARN, "preload", "libneap.so.0 alone"},
        {"LD_PRELOAD=", FINDING_OK, NULL, ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *entries[] = {table[i].entry, NULL};
        diagnosis.n_findings = 0;
        diagnose_environment(&diagnosis, entries, "");
        if (diagnosis.n_findings != (table[i].topic != NULL))
            fail_msg("%s: %zu findings", table[i].entry, diagnosis.n_findings);
        if (table[i].topic == NULL)
            continue;
        const struct finding *finding = &diagnosis.findings[0];
        if (finding->level != table[i].level || strcmp(finding->topic, table[i].topic) != 0 ||
            strstr(finding->fix, table[i].fix) == NULL)
            fail_msg("%s: %d %s, fix: %s", table[i].entry, finding->level, finding->text,
                     finding->fix);
    }
}

static void long_entries_and_many_findings_do_no_harm(void **state)
{
    static char        entry[8192];
    static const char *entries[FINDINGS_MAX + 10];
    memset(entry, 'X', sizeof entry - 1);
    memcpy(entry, "NEAP_", 5);
    for (size_t i = 0; i + 1 < sizeof entries / sizeof *entries; i++)
        entries[i] = entry;
    diagnosis.n_findings = 0;
    diagnose_environment(&diagnosis, entries, "");
    assert_int_equal(diagnosis.n_findings, FINDINGS_MAX);
    assert_false(diagnosis_has_failed(&diagnosis));
}

// Copies of this program with some bytes of its heads replaced.
static void damaged_files_are_read_without_harm(void **state)
{
    char     path[] = "/tmp/neap-doctor-XXXXXX";
    char     head[HEAD_BYTES], damaged[HEAD_BYTES];
    int      fd = mkstemp(path);
    int      own = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    unsigned seed = 7;
    char     block[65536];
    ssize_t  n;
    assert_true(fd >= 0 && own >= 0);
    while ((n = read(own, block, sizeof block)) > 0)
        assert_int_equal(write(fd, block, (size_t)n), n);
    assert_int_equal(pread(fd, head, sizeof head, 0), sizeof head);
    off_t end = lseek(fd, 0, SEEK_END);
    for (int i = 0; i < DAMAGED_FILES; i++) {
        memcpy(damaged, head, sizeof head);
        for (int j = 0; j < 1 + i % 8; j++)
            damaged[4 + (unsigned)rand_r(&seed) % (i % 2 ? 60 : HEAD_BYTES - 4)] =
                (char)rand_r(&seed);
        assert_int_equal(pwrite(fd, damaged, sizeof damaged, 0), sizeof damaged);
        // The tables of sections stand at the end.
        char byte = (char)rand_r(&seed);
        assert_int_equal(pwrite(fd, &byte, 1, end - 1 - rand_r(&seed) % HEAD_BYTES), 1);
        diagnosis.n_findings = 0;
        diagnose_file(&diagnosis, path);
        assert_int_equal(diagnosis.n_findings, 1);
    }
    (void)close(fd);
    (void)close(own);
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(environments_are_looked_through),
        cmocka_unit_test(long_entries_and_many_findings_do_no_harm),
        cmocka_unit_test(damaged_files_are_read_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
