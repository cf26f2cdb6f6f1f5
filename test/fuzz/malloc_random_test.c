// Random operations on malloc and all its relatives, each compared with a model (malloc_ops.h).
//
// usage: malloc_random_test [--ops N] [--seed N] [--seconds N] [--sequence-ops N]
//        malloc_random_test --replay HEX | --replay FILE [--shrink]
//        malloc_random_test --write FOLDER [--seed N] [--sequence-ops N]   a hundred sequences
//
// What fails is made short and printed, as text and in the form that --replay takes.
#include "effort.h"
#include "hunt.h"
#include "sanitizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OPS_DEFAULT                                                                                \
    (SANITIZES_THREAD    ? UINT64_C(100000) /* of one thread: only that it works */                \
     : SANITIZES_ADDRESS ? UINT64_C(1000000)                                                       \
                         : EFFORT(UINT64_C(100000000), UINT64_C(10000000)))
#define SEQUENCES_TO_WRITE 100
#define SECONDS_DEFAULT 120   // of CPU time; a machine too slow for all of them does fewer

static struct hunt hunt = {
    .entry = &entry_points,
    .first_seed = 1,
    .n_ops_wanted = OPS_DEFAULT,
    .seconds_max = SECONDS_DEFAULT,
    .sequence_ops_max = HUNT_OPS_MAX,
};

static void report_failure(void)
{
    fprintf(stderr, "seed %llu, operation %zu: %s\n", (unsigned long long)hunt.seed,
            hunt_ops_in(hunt.n_bytes), hunt.message);
    if (hunt_replay(hunt.entry, hunt.bytes, hunt.n_bytes, false)) {
        fprintf(stderr, "the same operations once more do not fail\n");
        return;
    }
    hunt.n_bytes = hunt_shrink(hunt.entry, hunt.bytes, hunt.n_bytes);
    hunt_print(stderr, hunt.bytes, hunt.n_bytes);
    (void)hunt_replay(hunt.entry, hunt.bytes, hunt.n_bytes, true);
}

static void malloc_and_its_model_agree(void **state)
{
    (void)state;
    bool same = hunt_run(&hunt);
    print_message(
        "%llu operations in %llu sequences, seeds %llu to %llu, %.1f s of CPU time, %.0f a second; "
        "books compared %llu times, verified %llu times; on %s\n",
        (unsigned long long)hunt.n_ops, (unsigned long long)hunt.n_sequences,
        (unsigned long long)hunt.first_seed, (unsigned long long)hunt.seed - same, hunt.seconds,
        (double)hunt.n_ops / hunt.seconds, (unsigned long long)hunt.n_books,
        (unsigned long long)hunt.n_verified,
        entry_points.neap_malloc != NULL ? "neap" : "another malloc");
    if (!same)
        report_failure();
    assert_true(same);
    assert_true(hunt.n_ops > 0);
}

// ---- --replay ---------------------------------------------------------------------------------

static size_t read_file(const char *path, uint8_t *bytes, size_t bytes_max)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    size_t n_bytes = fread(bytes, 1, bytes_max, file);
    fclose(file);
    return n_bytes;
}

static size_t read_digits(const char *digits, uint8_t *bytes, size_t bytes_max)
{
    size_t n_bytes = 0;
    for (; n_bytes < bytes_max && digits[2 * n_bytes] != '\0'; n_bytes++) {
        char  pair[3] = {digits[2 * n_bytes], digits[2 * n_bytes + 1], '\0'};
        char *end;
        bytes[n_bytes] = (uint8_t)strtoul(pair, &end, 16);
        if (end != pair + 2)
            return 0;
    }
    return n_bytes;
}

// The exit status: 0 if the operations pass.
static int replay(const char *what, bool shrinks)
{
    static uint8_t bytes[HEADER_BYTES + HUNT_OPS_MAX * OP_BYTES];
    size_t         n_bytes = read_digits(what, bytes, sizeof bytes);
    if (n_bytes == 0)
        n_bytes = read_file(what, bytes, sizeof bytes);
    if (n_bytes == 0) {
        fprintf(stderr, "%s: neither a file with operations nor hexadecimal digits\n", what);
        return 2;
    }
    bool passes = hunt_replay(&entry_points, bytes, n_bytes, false);
    if (!passes && shrinks)
        n_bytes = hunt_shrink(&entry_points, bytes, n_bytes);
    hunt_print(stdout, bytes, n_bytes);
    passes = hunt_replay(&entry_points, bytes, n_bytes, true);
    printf("%s\n", passes ? "passes" : "fails");
    return passes ? 0 : 1;
}

// ---- --write ----------------------------------------------------------------------------------

// Sequences to begin with, for fuzzers that know nothing of the model.
static int write_sequences(const char *folder)
{
    char path[4096];
    hunt.n_ops_wanted = 1;   // one sequence at a time
    for (int i = 0; i < SEQUENCES_TO_WRITE; i++) {
        hunt.n_ops = 0;
        if (!hunt_run(&hunt))
            return report_failure(), 1;
        snprintf(path, sizeof path, "%s/random-%llu", folder, (unsigned long long)hunt.first_seed);
        FILE *file = fopen(path, "wb");
        if (file == NULL || fwrite(hunt.bytes, 1, hunt.n_bytes, file) != hunt.n_bytes)
            return perror(path), 2;
        fclose(file);
        hunt.first_seed++;
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(malloc_and_its_model_agree)};
    bool                    shrinks = argc > 1 && strcmp(argv[argc - 1], "--shrink") == 0;
    const char             *replayed = NULL, *folder = NULL;
    argc -= shrinks;
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--ops") == 0)
            hunt.n_ops_wanted = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            hunt.first_seed = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            hunt.seconds_max = (unsigned)strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--sequence-ops") == 0)
            hunt.sequence_ops_max = strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--replay") == 0)
            replayed = value;
        else if (strcmp(argv[i], "--write") == 0)
            folder = value;
        else
            return fprintf(stderr, "%s: unknown option\n", argv[i]), 2;
    }
    if (replayed != NULL)
        return replay(replayed, shrinks);
    if (folder != NULL)
        return write_sequences(folder);
    return cmocka_run_group_tests_name("malloc against its model", tests, NULL, NULL);
}
