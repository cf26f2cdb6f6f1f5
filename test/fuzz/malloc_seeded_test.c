// The fuzzer itself: finds every bug of seeded_bugs.c within a number of operations, and says it in
// few. Without a bug, malloc_random_test.c shows, it finds nothing.
#include "hunt.h"
#include "sanitizer.h"
#include "seeded_bugs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OPS_MAX 5000000
#define SEQUENCE_OPS 100000
#define REPRODUCTION_OPS_MAX 30
#define SEEDED_MAX 64

static void the_bug_is_found_and_shown_in_few_operations(void **state)
{
    if (SANITIZES_ADDRESS || SANITIZES_THREAD)
        skip();   // they slow it down and change nothing about what is found
    const struct seeded_bug *bug = *state;
    struct entry_points      entry = entry_points;
    bug->plant(&entry);
    struct hunt hunt = {
        .entry = &entry,
        .first_seed = 1,
        .n_ops_wanted = OPS_MAX,
        .sequence_ops_max = SEQUENCE_OPS,
    };
    assert_false(hunt_run(&hunt));
    char found[sizeof hunt.message];
    memcpy(found, hunt.message, sizeof found);
    assert_false(hunt_replay(&entry, hunt.bytes, hunt.n_bytes, false));
    size_t n_bytes = hunt_shrink(&entry, hunt.bytes, hunt.n_bytes);
    size_t n_ops = hunt_ops_in(n_bytes);
    print_message("%s: after %llu operations: %s; %zu are enough\n", bug->name,
                  (unsigned long long)hunt.n_ops, found, n_ops);
    if (getenv("FUZZ_SHOW") != NULL)
        hunt_print(stdout, hunt.bytes, n_bytes);
    assert_in_range(n_ops, 1, REPRODUCTION_OPS_MAX);
    assert_false(hunt_replay(&entry, hunt.bytes, n_bytes, false));
    assert_true(hunt_replay(&entry_points, hunt.bytes, n_bytes, true));   // the bug, nothing else
}

int main(void)
{
    struct CMUnitTest tests[SEEDED_MAX];
    size_t            n_tests = 0;
    for (; n_tests < n_seeded_bugs && n_tests < SEEDED_MAX; n_tests++)
        tests[n_tests] =
            (struct CMUnitTest){.name = seeded_bugs[n_tests].name,
                                .test_func = the_bug_is_found_and_shown_in_few_operations,
                                .initial_state = (void *)&seeded_bugs[n_tests]};
    // Not cmocka_run_group_tests_name: how many tests there are is known only here.
    return _cmocka_run_group_tests("seeded bugs", tests, n_tests, NULL, NULL);
}
