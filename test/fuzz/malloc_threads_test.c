// Random operations of several threads on malloc and its relatives (crew.h), and the bugs on
// purpose that only threads can show.
//
// usage: malloc_threads_test [--ops N] [--seed N] [--seconds N] [--threads N]
#include "crew.h"
#include "effort.h"
#include "sanitizer.h"
#include "seeded_bugs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OPS_DEFAULT /* of each crew */                                                             \
    (SANITIZES_ADDRESS || SANITIZES_THREAD ? UINT64_C(500000)                                      \
                                           : EFFORT(UINT64_C(15000000), UINT64_C(2000000)))
#define SECONDS_DEFAULT 60
#define FEW 3   // at least one waits where there are two CPUs
#define MANY 12
#define SEEDED_OPS_MAX 4000000
#define SEEDED_TRIES 20

static struct crew few = {.entry = &entry_points,
                          .seed = 1,
                          .n_ops_wanted = OPS_DEFAULT,
                          .n_seats = FEW,
                          .seconds_max = SECONDS_DEFAULT};
static struct crew many = {.entry = &entry_points,
                           .seed = 2,
                           .n_ops_wanted = OPS_DEFAULT,
                           .n_seats = MANY,
                           .seconds_max = SECONDS_DEFAULT};

static void threads_and_the_model_agree(void **state)
{
    struct crew crew = *(struct crew *)*state;
    bool        same = crew_run(&crew);
    print_message("%llu operations in %llu rounds of up to %u threads, %llu threads in all, seed "
                  "%llu, %.1f s, %.0f a second\n",
                  (unsigned long long)crew.n_ops, (unsigned long long)crew.n_rounds, crew.n_seats,
                  (unsigned long long)crew.n_threads, (unsigned long long)crew.seed, crew.seconds,
                  (double)crew.n_ops / crew.seconds);
    if (!same)
        fprintf(stderr, "seed %llu: %s\n", (unsigned long long)crew.seed, crew.message);
    assert_true(same);
    assert_true(crew.n_ops > 0);
}

// Which thread is when where differs from time to time: some seeds are tried.
static void the_bug_is_found(void **state)
{
    const struct seeded_bug *bug = *state;
    struct entry_points      entry = entry_points;
    bug->plant(&entry);
    bool same = true;
    for (uint64_t seed = 1; same && seed <= SEEDED_TRIES; seed++) {
        struct crew seeded = {
            .entry = &entry, .seed = seed, .n_ops_wanted = SEEDED_OPS_MAX, .n_seats = 4};
        same = crew_run(&seeded);
        if (!same)
            print_message("%s: seed %llu, after %llu operations: %s\n", bug->name,
                          (unsigned long long)seed, (unsigned long long)seeded.n_ops,
                          seeded.message);
    }
    assert_false(same);
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[] = {
        {.name = "few threads and the model agree",
         .test_func = threads_and_the_model_agree,
         .initial_state = &few},
        {.name = "many threads and the model agree",
         .test_func = threads_and_the_model_agree,
         .initial_state = &many},
        {.name = seeded_thread_bugs[0].name,
         .test_func = the_bug_is_found,
         .initial_state = (void *)&seeded_thread_bugs[0]},
        {.name = seeded_thread_bugs[1].name,
         .test_func = the_bug_is_found,
         .initial_state = (void *)&seeded_thread_bugs[1]},
    };
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--ops") == 0)
            few.n_ops_wanted = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            few.seed = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            few.seconds_max = (unsigned)strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--threads") == 0)
            few.n_seats = (unsigned)strtoul(value, NULL, 10);
        else
            return fprintf(stderr, "%s: unknown option\n", argv[i]), 2;
    }
    if (argc > 1)   // told what to do: that and nothing else
        return _cmocka_run_group_tests("malloc and threads", tests, 1, NULL, NULL);
    return cmocka_run_group_tests_name("malloc and threads", tests, NULL, NULL);
}
