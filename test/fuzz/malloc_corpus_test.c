// Inputs that are kept: each line of regressions.txt under its name, what once failed or has the
// shape of what failed elsewhere; and all of corpus/, what fuzzers found to go new ways.
#include "hunt.h"

#include "base/check.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REGRESSIONS_MAX 300
#define NAME_BYTES 80
#define INPUT_BYTES_MAX ((size_t)64 << 10)
#define LINE_BYTES 4096
#define CORPUS_FILES_MAX 200
#define CORPUS_BYTES_MAX ((size_t)200 << 10)

struct regression {
    char     name[NAME_BYTES];
    size_t   n_bytes;
    uint8_t *bytes;
};

static struct regression regressions[REGRESSIONS_MAX];

static void path_of(char *out_path, size_t path_bytes, const char *name)
{
    const char *root = getenv("NEAP_SOURCE_ROOT");
    snprintf(out_path, path_bytes, "%s/test/fuzz/%s", root != NULL ? root : ".", name);
}

static void expect_pass(const char *name, const uint8_t *bytes, size_t n_bytes)
{
    if (hunt_replay(&entry_points, bytes, n_bytes, false))
        return;
    fprintf(stderr, "%s: ", name);
    hunt_print(stderr, bytes, n_bytes);
    (void)hunt_replay(&entry_points, bytes, n_bytes, true);
    fail();
}

static void passes(void **state)
{
    const struct regression *regression = *state;
    assert_true(regression->n_bytes >= HEADER_BYTES + OP_BYTES);
    expect_pass(regression->name, regression->bytes, regression->n_bytes);
}

// A line: a name in words, a colon, hexadecimal digits.
static bool read_regression(struct regression *regression, char *line)
{
    char *colon = strrchr(line, ':');
    if (line[0] == '#' || colon == NULL)
        return false;
    *colon = '\0';
    snprintf(regression->name, sizeof regression->name, "%.*s", NAME_BYTES - 1, line);
    regression->bytes = malloc(LINE_BYTES / 2);
    const char  *at = colon + 1 + strspn(colon + 1, " ");
    unsigned int byte;
    for (; sscanf(at, "%2x", &byte) == 1 && at[0] != '\n'; at += 2)
        regression->bytes[regression->n_bytes++] = (uint8_t)byte;
    CHECK(*at == '\n');
    return true;
}

static size_t read_regressions(void)
{
    char   path[4096], line[LINE_BYTES];
    size_t n = 0;
    path_of(path, sizeof path, "regressions.txt");
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    while (n < REGRESSIONS_MAX && fgets(line, sizeof line, file) != NULL)
        n += read_regression(&regressions[n], line);
    CHECK(feof(file));
    fclose(file);
    return n;
}

static size_t read_input(const char *path, uint8_t *bytes)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n_bytes = fread(bytes, 1, INPUT_BYTES_MAX, file);
    fclose(file);
    return n_bytes;
}

static void the_corpus_passes_and_is_small(void **state)
{
    (void)state;
    static uint8_t bytes[INPUT_BYTES_MAX];
    char           folder[4096], path[8192];
    size_t         n_files = 0, n_bytes_all = 0, n_ops = 0;
    path_of(folder, sizeof folder, "corpus");
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        size_t n_bytes = read_input(path, bytes);
        expect_pass(entry->d_name, bytes, n_bytes);
        n_files++;
        n_bytes_all += n_bytes;
        n_ops += hunt_ops_in(n_bytes);
    }
    closedir(directory);
    print_message("%zu inputs, %zu bytes, %zu operations\n", n_files, n_bytes_all, n_ops);
    assert_in_range(n_files, 1, CORPUS_FILES_MAX);
    assert_in_range(n_bytes_all, 1, CORPUS_BYTES_MAX);
}

int main(void)
{
    static struct CMUnitTest tests[REGRESSIONS_MAX + 1];
    size_t                   n_tests = read_regressions();
    for (size_t i = 0; i < n_tests; i++)
        tests[i] = (struct CMUnitTest){
            .name = regressions[i].name, .test_func = passes, .initial_state = &regressions[i]};
    tests[n_tests++] = (struct CMUnitTest)cmocka_unit_test(the_corpus_passes_and_is_small);
    // Not cmocka_run_group_tests_name: how many tests there are is known only here.
    return _cmocka_run_group_tests("inputs that are kept", tests, n_tests, NULL, NULL);
}
