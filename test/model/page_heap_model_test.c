// Random operations on a page heap, each compared with a naive model of it.
//
// usage: page_heap_model_test [--operations N] [--seed N] [--configuration NAME]
//
// Every configuration runs in a child process, so that a failing check in the heap is found like
// a divergence. The sequence that failed is made again from its seed, cut down to the operations
// that it takes, and printed.
#include "effort.h"
#include "page_heap_model.h"
#include "shrink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SEQUENCE_OPS 20000
#define COMPARE_ALL_OPS 128   // every so often page by page
#define VERIFY_OPS 4000       // every so often the heap's own recount, which takes a millisecond
#define SHORT_OPS 300         // a sequence that is compared page by page at each operation
#define SHRINK_TRIALS_MAX 20000   // a millisecond each
#define SHRINK_SECONDS_MAX 20
#define REPLAY_SECONDS_MAX 20   // of a single sequence, which takes milliseconds
#define REPRODUCTION_OPS_MAX 30

#define OPERATIONS_DEFAULT EFFORT(UINT64_C(104000000), UINT64_C(5000000))

#define OS_4K ((size_t)4 << 10)
#define OS_16K ((size_t)16 << 10)
#define OS_64K ((size_t)64 << 10)

#define CALM .hostile = false
#define HOSTILE .hostile = true
#define EDGE .at_table_edge = true

static const struct model_config configurations[] = {
    // name, OS page, arena, caches, retained, largest run, pages in use
    {"4K-small", OS_4K, 256 * KIB, 1, 0, 60, 200, CALM},
    {"4K-growing", OS_4K, MIB, 1, 110, 100, 300, CALM},
    {"4K-three-caches", OS_4K, 4 * MIB, 0, 100, 60, 400, CALM},
    {"4K-leaves", OS_4K, 64 * MIB, 1, 0, 1400, 2600, CALM},
    {"4K-edge", OS_4K, 512 * KIB, 2, 110, 80, 300, CALM, EDGE},
    {"4K-hostile", OS_4K, 256 * KIB, 1, 110, 60, 250, HOSTILE},
    {"4K-hostile-caches", OS_4K, MIB, 4, 100, 60, 250, HOSTILE},
    {"4K-hostile-edge", OS_4K, 128 * KIB, 1, 0, 60, 250, HOSTILE, EDGE},
    {"16K-small", OS_16K, 256 * KIB, 1, 0, 60, 200, CALM},
    {"16K-growing", OS_16K, MIB, 1, 110, 100, 300, CALM},
    {"16K-three-caches", OS_16K, 4 * MIB, 0, 100, 60, 300, CALM},
    {"16K-leaves", OS_16K, 64 * MIB, 2, 0, 700, 1200, CALM},
    {"16K-edge", OS_16K, 512 * KIB, 1, 110, 80, 300, CALM, EDGE},
    {"16K-hostile", OS_16K, 256 * KIB, 1, 110, 60, 250, HOSTILE},
    {"16K-hostile-caches", OS_16K, MIB, 4, 100, 60, 250, HOSTILE},
    {"16K-hostile-edge", OS_16K, 128 * KIB, 1, 0, 60, 250, HOSTILE, EDGE},
    {"64K-small", OS_64K, 256 * KIB, 1, 0, 60, 200, CALM},
    {"64K-growing", OS_64K, MIB, 1, 110, 100, 300, CALM},
    {"64K-three-caches", OS_64K, 4 * MIB, 0, 100, 60, 300, CALM},
    {"64K-leaves", OS_64K, 64 * MIB, 1, 0, 700, 1200, CALM},
    {"64K-edge", OS_64K, 512 * KIB, 2, 110, 80, 300, CALM, EDGE},
    {"64K-hostile", OS_64K, 256 * KIB, 1, 110, 60, 250, HOSTILE},
    {"64K-hostile-caches", OS_64K, MIB, 4, 100, 60, 250, HOSTILE},
    {"64K-hostile-edge", OS_64K, 128 * KIB, 1, 0, 60, 250, HOSTILE, EDGE},
};
#define N_CONFIGURATIONS (sizeof configurations / sizeof configurations[0])

static const struct model_config wrong_models[] = {
    {"leaves-do-not-join", OS_4K, 64 * MIB, 1, 0, 60, 700, .error = MODEL_LEAVES_DO_NOT_JOIN},
    {"freed-is-released", OS_16K, MIB, 1, 0, 60, 200, .error = MODEL_FREED_20_IS_RELEASED},
    {"lowest-goes-first", OS_64K, MIB, 4, 110, 60, 200, .error = MODEL_SCAVENGES_LOWEST_OF_5},
};

static struct page_heap       heap;
static struct page_heap_model model;
static uint64_t               first_seed = 1;
static uint64_t               operations_per_configuration;

// What a child tells about itself, also when it dies.
struct progress {
    uint64_t seed;    // of the sequence under way
    size_t   n_ops;   // of it, the one under way included
    uint64_t n_ops_done;
    char     message[sizeof model.message];
};

static struct progress *new_progress(void)
{
    void *shared = mmap(NULL, sizeof(struct progress), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    return shared;
}

static bool apply_and_compare(const struct heap_op *op, size_t i)
{
    if (!model_apply(&model, op))
        return false;
    if (model.is_full)
        return true;
    if (i % VERIFY_OPS == VERIFY_OPS - 1)
        return model_verify(&model);
    return i % COMPARE_ALL_OPS != COMPARE_ALL_OPS - 1 || model_compare_all(&model);
}

static void fill_sequence(struct heap_op *ops, size_t n_ops, uint64_t seed,
                          const struct model_config *config)
{
    struct random_source random = {seed};
    for (size_t i = 0; i < n_ops; i++)
        ops[i] = heap_op_random(&random, config);
}

// ---- in a child -------------------------------------------------------------------------------

static bool run_sequence(const struct model_config *config, uint64_t seed,
                         struct progress *progress)
{
    struct random_source random = {seed};
    progress->seed = seed;
    model_start(&model, &heap, config, seed);
    bool same = true;
    for (size_t i = 0; same && i < SEQUENCE_OPS && !model.is_full; i++) {
        progress->n_ops = i + 1;
        progress->n_ops_done++;
        struct heap_op op = heap_op_random(&random, config);
        same = apply_and_compare(&op, i);
    }
    return same && (model.is_full || model_verify(&model)) && model_end(&model);
}

static void run_in_child(const struct model_config *config, struct progress *progress)
{
    uint64_t seed = first_seed;
    while (progress->n_ops_done < operations_per_configuration) {
        alarm(REPLAY_SECONDS_MAX);
        if (!run_sequence(config, seed++, progress)) {
            memcpy(progress->message, model.message, sizeof model.message);
            _exit(1);
        }
    }
    _exit(0);
}

static int wait_for(pid_t child)
{
    int status = -1;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

// ---- the search for a short reproduction ------------------------------------------------------

struct replay {
    const struct model_config *config;
    uint64_t                   seed;
    bool                       is_last;   // the one whose outcome is printed
    time_t                     end;       // of the search
};

static void replay_in_child(const struct replay *replay, const struct heap_op *ops, size_t n_ops)
{
    alarm(REPLAY_SECONDS_MAX);
    if (!replay->is_last)
        (void)!freopen("/dev/null", "w", stderr);
    model_start(&model, &heap, replay->config, replay->seed);
    bool same = true;
    for (size_t i = 0; same && i < n_ops && !model.is_full; i++) {
        if (replay->is_last)
            heap_op_print(stderr, &ops[i]);
        same = apply_and_compare(&ops[i], n_ops <= SHORT_OPS ? COMPARE_ALL_OPS - 1 : i);
    }
    same = same && (model.is_full || model_verify(&model)) && model_end(&model);
    if (!same)
        fprintf(stderr, "-> %s\n", model.message);
    _exit(!same);
}

static bool replay_fails(void *context, const void *ops, size_t n_ops)
{
    const struct replay *replay = context;
    if (time(NULL) > replay->end && !replay->is_last)
        return false;
    pid_t child = fork();
    if (child == 0)
        replay_in_child(replay, ops, n_ops);
    return wait_for(child) != 0;
}

static void make_plainer(struct shrinking *s, size_t i)
{
    const struct heap_op *now = (const struct heap_op *)s->ops + i;
    struct heap_op        op = *now;
    op.cache = 0;
    (void)shrink_replace(s, i, &op);
    op = *now;
    op.detail = 0;
    (void)shrink_replace(s, i, &op);
    for (uint32_t step = now->pages; step > 0; step /= 2) {
        op = *now;
        while (op.pages > step) {
            op.pages -= step;
            if (!shrink_replace(s, i, &op))
                break;
        }
    }
}

// Prints the reproduction. Returns how many operations it has, or 0 if it cannot be reproduced.
static size_t shrink_and_print(const struct model_config *config, const struct progress *progress)
{
    struct replay replay = {
        .config = config, .seed = progress->seed, .end = time(NULL) + SHRINK_SECONDS_MAX};
    struct heap_op *ops = malloc(progress->n_ops * sizeof *ops);
    fill_sequence(ops, progress->n_ops, progress->seed, config);
    size_t n_ops = 0;
    if (replay_fails(&replay, ops, progress->n_ops)) {
        struct shrinking shrinking = {.ops = ops,
                                      .n_ops = progress->n_ops,
                                      .op_bytes = sizeof *ops,
                                      .fails = replay_fails,
                                      .make_plainer = make_plainer,
                                      .context = &replay,
                                      .n_trials_left = SHRINK_TRIALS_MAX};
        shrink_sequence(&shrinking);
        n_ops = shrinking.n_ops;
        fprintf(stderr, "%zu operations are enough:\n", n_ops);
        replay.is_last = true;
        (void)replay_fails(&replay, ops, n_ops);
    }
    free(ops);
    return n_ops;
}

// ---- the test cases ---------------------------------------------------------------------------

// Returns 0 if heap and model agreed throughout, else the length of the reproduction.
static size_t run_configuration(const struct model_config *config)
{
    struct progress *progress = new_progress();
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        run_in_child(config, progress);
    int    status = wait_for(child);
    size_t n_ops = 0;
    if (status != 0) {
        fprintf(stderr, "%s, seed %llu, operation %zu: %s (status %d)\n", config->name,
                (unsigned long long)progress->seed, progress->n_ops, progress->message, status);
        n_ops = shrink_and_print(config, progress);
        n_ops = n_ops != 0 ? n_ops : progress->n_ops;
    } else {
        print_message("%llu operations, seeds from %llu\n",
                      (unsigned long long)progress->n_ops_done, (unsigned long long)first_seed);
    }
    munmap(progress, sizeof *progress);
    return n_ops;
}

static void heap_and_model_agree(void **state)
{
    assert_int_equal(run_configuration(*state), 0);
}

static void a_wrong_model_is_noticed_and_the_sequence_is_short(void **state)
{
    size_t n_ops = run_configuration(*state);
    assert_in_range(n_ops, 1, REPRODUCTION_OPS_MAX);
}

static int add_tests(struct CMUnitTest *tests, const struct model_config *configs, size_t n,
                     CMUnitTestFunction function, const char *only)
{
    int n_tests = 0;
    for (size_t i = 0; i < n; i++) {
        if (only == NULL || strcmp(only, configs[i].name) == 0)
            tests[n_tests++] = (struct CMUnitTest){.name = configs[i].name,
                                                   .test_func = function,
                                                   .initial_state = (void *)&configs[i]};
    }
    return n_tests;
}

int main(int argc, char **argv)
{
    uint64_t    n_operations = OPERATIONS_DEFAULT;
    const char *only = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--operations") == 0)
            n_operations = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            first_seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--configuration") == 0)
            only = argv[i + 1];
    }
    struct CMUnitTest tests[N_CONFIGURATIONS + 3];
    int n_tests = add_tests(tests, configurations, N_CONFIGURATIONS, heap_and_model_agree, only);
    operations_per_configuration = n_operations / (uint64_t)(n_tests > 0 ? n_tests : 1);
    n_tests += add_tests(tests + n_tests, wrong_models, 3,
                         a_wrong_model_is_noticed_and_the_sequence_is_short, only);
    if (n_tests == 0)
        return 2;
    // Not cmocka_run_group_tests_name: how many tests there are is known only here.
    return _cmocka_run_group_tests("page heap against its model", tests, (size_t)n_tests, NULL,
                                   NULL);
}
