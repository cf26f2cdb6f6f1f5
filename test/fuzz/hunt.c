#include "hunt.h"

#include "base/check.h"
#include "base/units.h"
#include "child.h"
#include "memory_limit.h"
#include "op_generator.h"
#include "shrink.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BYTES_MAX (HEADER_BYTES + HUNT_OPS_MAX * OP_BYTES)
#define SEQUENCE_OPS_MIN 2000
#define SEQUENCE_SECONDS_MAX 120   // even one that is slowed by a sanitizer takes less
#define REPLAY_SECONDS_MAX 60
#define SHRINK_SECONDS_MAX 60
#define SHRINK_TRIALS_MAX 40000
#define LOOK_OPS (1u << 14)     // all objects together are megabytes
#define VERIFY_OPS (1u << 15)   // a millisecond
#define SHORT_OPS 300           // of a sequence that is looked at as a whole after each operation

// What a child tells about itself, also when it dies.
struct progress {
    uint64_t n_ops, n_books, n_verified;
    size_t   n_bytes;
    char     message[sizeof((struct object_table *)0)->message];
    uint8_t  bytes[BYTES_MAX];
};

static struct progress *shared_progress(void)
{
    static struct progress *known;
    if (known == NULL) {
        known =
            mmap(NULL, sizeof *known, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        CHECK(known != MAP_FAILED);
    }
    return known;
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

// Of the children: a machine that is shared with others does not do less for that.
static double used_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static void start_ops(struct malloc_ops *ops, const struct entry_points *entry)
{
    *ops = (struct malloc_ops){
        .entry = entry,
        .has_books = true,
        .may_tighten = memory_limit_is_possible(),
        .look_ops = LOOK_OPS,
        .verify_ops = VERIFY_OPS,
    };
}

static int wait_for(pid_t child)
{
    int status = -1;
    CHECK(child > 0);
    CHECK_EQ(waitpid(child, &status, 0), child);
    return status;
}

// ---- one sequence at random -------------------------------------------------------------------

// Carries operations out as they are made, and records them before that.
static bool run_at_random(struct malloc_ops *ops, struct op_generator *generator, size_t n_ops,
                          struct progress *progress)
{
    progress->bytes[0] = op_generator_options(generator);
    progress->n_bytes = HEADER_BYTES;
    malloc_ops_start(ops, progress->bytes[0]);
    for (size_t i = 0; i < n_ops; i++) {
        uint8_t *bytes = progress->bytes + progress->n_bytes;
        op_generator_next(generator, ops, bytes);
        progress->n_bytes += OP_BYTES;
        if (!malloc_ops_apply(ops, bytes))
            return false;
    }
    return malloc_ops_end(ops);
}

static void run_in_child(const struct hunt *hunt, struct progress *progress)
{
    static struct malloc_ops   ops;
    static struct op_generator generator;
    child_begin(SEQUENCE_SECONDS_MAX);
    start_ops(&ops, hunt->entry);
    op_generator_start(&generator, hunt->seed, false);
    // As many of a thousand operations as of ten thousand and so on.
    size_t n_ops = hunt->sequence_ops_max >> random_below(&generator.random, 8);
    n_ops = size_max(n_ops, size_min(SEQUENCE_OPS_MIN, hunt->sequence_ops_max));
    bool same = run_at_random(&ops, &generator, n_ops, progress);
    progress->n_ops = ops.n_ops;
    progress->n_books = ops.n_books;
    progress->n_verified = ops.n_verified;
    memcpy(progress->message, ops.table.message, sizeof progress->message);
    _exit(same ? 0 : 1);
}

static void describe_end(struct hunt *hunt, const struct progress *progress, int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(hunt->message, sizeof hunt->message, "hangs");
    else if (WIFSIGNALED(status))
        snprintf(hunt->message, sizeof hunt->message, "dies of signal %d", WTERMSIG(status));
    else
        snprintf(hunt->message, sizeof hunt->message, "%s (exit status %d)", progress->message,
                 WEXITSTATUS(status));
}

// Returns whether the sequence of hunt->seed passes.
static bool run_sequence(struct hunt *hunt)
{
    struct progress *progress = shared_progress();
    progress->message[0] = '\0';
    progress->n_ops = progress->n_books = progress->n_verified = 0;
    progress->n_bytes = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        run_in_child(hunt, progress);
    int status = wait_for(child);
    hunt->n_sequences++;
    hunt->n_ops += status == 0 ? progress->n_ops : hunt_ops_in(progress->n_bytes);
    hunt->n_books += progress->n_books;
    hunt->n_verified += progress->n_verified;
    hunt->bytes = progress->bytes;
    hunt->n_bytes = progress->n_bytes;
    if (status != 0)
        describe_end(hunt, progress, status);
    return status == 0;
}

// On a machine that is busy with other things, twice the CPU time allowed has to do.
static bool has_time(const struct hunt *hunt, double start, double used_at_start)
{
    return hunt->seconds_max == 0 || (used_seconds() - used_at_start < hunt->seconds_max &&
                                      now_seconds() - start < 2 * hunt->seconds_max);
}

bool hunt_run(struct hunt *hunt)
{
    double start = now_seconds(), used_at_start = used_seconds();
    bool   same = true;
    hunt->sequence_ops_max = size_min(hunt->sequence_ops_max, HUNT_OPS_MAX);
    hunt->message[0] = '\0';
    hunt->seed = hunt->first_seed;
    while (same && hunt->n_ops < hunt->n_ops_wanted && has_time(hunt, start, used_at_start)) {
        same = run_sequence(hunt);
        hunt->seed += same;
    }
    hunt->seconds = used_seconds() - used_at_start;
    return same;
}

// ---- one sequence again -----------------------------------------------------------------------

static void replay_in_child(const struct entry_points *entry, const uint8_t *bytes, size_t n_bytes,
                            bool is_loud)
{
    static struct malloc_ops ops;
    child_begin(REPLAY_SECONDS_MAX);
    if (!is_loud) {
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(nowhere, STDERR_FILENO);
    }
    start_ops(&ops, entry);
    if (hunt_ops_in(n_bytes) <= SHORT_OPS)
        ops.look_ops = 1;
    bool same = malloc_ops_run(&ops, bytes, n_bytes);
    if (!same)
        dprintf(STDERR_FILENO, "-> %s\n", ops.table.message);
    _exit(same ? 0 : 1);
}

bool hunt_replay(const struct entry_points *entry, const uint8_t *bytes, size_t n_bytes,
                 bool is_loud)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        replay_in_child(entry, bytes, n_bytes, is_loud);
    return wait_for(child) == 0;
}

// ---- making it short --------------------------------------------------------------------------

struct shrink_context {
    const struct entry_points *entry;
    uint8_t                    options;
    double                     end;   // of the search
    uint8_t                   *trial;
};

static bool still_fails(void *context, const void *ops, size_t n_ops)
{
    const struct shrink_context *c = context;
    if (now_seconds() > c->end)
        return false;
    c->trial[0] = c->options;
    memcpy(c->trial + HEADER_BYTES, ops, n_ops * OP_BYTES);
    return !hunt_replay(c->entry, c->trial, HEADER_BYTES + n_ops * OP_BYTES, false);
}

static bool try_op(struct shrinking *s, size_t i, const struct malloc_op *op)
{
    uint8_t bytes[OP_BYTES];
    op_encode(op, bytes);
    return shrink_replace(s, i, bytes);
}

static struct malloc_op op_now(const struct shrinking *s, size_t i)
{
    return op_decode((const uint8_t *)s->ops + i * OP_BYTES);
}

// The plainest function of its kind, no detail, a smaller size.
static void make_plainer(struct shrinking *s, size_t i)
{
    struct malloc_op op = op_now(s, i);
    for (unsigned action = 0; action < op.action; action++) {
        if (actions[action].kind != actions[op.action].kind)
            continue;
        struct malloc_op plainer = op;
        plainer.action = action;
        if (try_op(s, i, &plainer))
            break;
    }
    op = op_now(s, i);
    op.detail = 0;
    (void)try_op(s, i, &op);
    op = op_now(s, i);
    size_t n_bytes = size_of_code(op.size_code);
    for (size_t smaller = 0; smaller < size_min(n_bytes, SIZE_VALUES); smaller = 2 * smaller + 1) {
        op.size_code = size_code(SIZE_EXACT, smaller);
        if (try_op(s, i, &op))
            break;
    }
    op.size_code = size_code(SIZE_EXACT, n_bytes);
    if (n_bytes < SIZE_VALUES)
        (void)try_op(s, i, &op);   // says the same in a plainer way
}

// Gives the objects the numbers 0, 1, 2 ... in the order in which they appear.
static void number_objects(const struct shrink_context *c, struct shrinking *s)
{
    static uint16_t new_index[UINT16_MAX + 1];
    uint16_t        n_indices = 0;
    uint8_t        *bytes = c->trial + HEADER_BYTES;
    for (size_t i = 0; i < sizeof new_index / sizeof new_index[0]; i++)
        new_index[i] = UINT16_MAX;
    for (size_t i = 0; i < s->n_ops; i++) {
        struct malloc_op op = op_now(s, i);
        if (new_index[op.index] == UINT16_MAX)
            new_index[op.index] = n_indices++;
        op.index = new_index[op.index];
        op_encode(&op, bytes + i * OP_BYTES);
    }
    c->trial[0] = c->options;
    if (!hunt_replay(c->entry, c->trial, HEADER_BYTES + s->n_ops * OP_BYTES, false))
        memcpy(s->ops, bytes, s->n_ops * OP_BYTES);
}

size_t hunt_shrink(const struct entry_points *entry, uint8_t *bytes, size_t n_bytes)
{
    static uint8_t        trial[BYTES_MAX];
    struct shrink_context context = {
        .entry = entry,
        .options = bytes[0],
        .end = now_seconds() + SHRINK_SECONDS_MAX,
        .trial = trial,
    };
    struct shrinking s = {
        .ops = bytes + HEADER_BYTES,
        .n_ops = hunt_ops_in(n_bytes),
        .op_bytes = OP_BYTES,
        .fails = still_fails,
        .make_plainer = make_plainer,
        .context = &context,
        .n_trials_left = SHRINK_TRIALS_MAX,
    };
    shrink_sequence(&s);
    number_objects(&context, &s);
    return HEADER_BYTES + s.n_ops * OP_BYTES;
}

// ---- showing it -------------------------------------------------------------------------------

void hunt_print(FILE *out, const uint8_t *bytes, size_t n_bytes)
{
    static struct malloc_ops ops;
    ops.entry = &entry_points;
    malloc_ops_start(&ops, n_bytes > 0 ? bytes[0] : 0);
    fprintf(out, "%zu operations, options 0x%02x:\n", hunt_ops_in(n_bytes), bytes[0]);
    for (size_t at = HEADER_BYTES; at + OP_BYTES <= n_bytes; at += OP_BYTES) {
        fprintf(out, "  ");
        malloc_ops_print(out, &ops, bytes + at);
    }
    fprintf(out, "--replay ");
    for (size_t at = 0; at < n_bytes; at++)
        fprintf(out, "%02x", bytes[at]);
    fprintf(out, "\n");
}
