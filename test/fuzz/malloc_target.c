// The interpreter as a target for fuzzers: libFuzzer, and AFL++ by its driver for such targets.
//
// The process goes on with the heap that earlier inputs have left: everything in it is free and, as
// far as trimming goes, given back. It has grown, though, and growing is much of what can fail:
// under AFL++, which starts processes fast, none lives long.
// FUZZ_COUNTS names a file to count inputs and operations in.
#include "base/check.h"
#include "base/units.h"
#include "malloc_ops.h"
#include "memory_limit.h"
#include "random.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define INPUT_BYTES_MAX (HEADER_BYTES + 512 * OP_BYTES)   // the rest of longer ones is ignored
#define LOOK_OPS 64
#define LIFE_INPUTS 16       // of a process under AFL++: to fork takes as long as some inputs
#define VERIFY_INPUTS 1024   // of a heap that has grown it takes tens of milliseconds

int    LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t n_bytes, size_t bytes_max, unsigned seed);

// ---- inputs -----------------------------------------------------------------------------------

struct counts {
    uint64_t n_inputs, n_ops;   // little enough that losing a race between processes is no matter
};

static struct counts *open_counts(void)
{
    static struct counts own;
    const char          *path = getenv("FUZZ_COUNTS");
    int                  file = path != NULL ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) : -1;
    if (file < 0 || ftruncate(file, sizeof own) != 0)
        return &own;
    void *shared = mmap(NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    return shared != MAP_FAILED ? shared : &own;
}

static void fail(const struct malloc_ops *ops, const uint8_t *bytes)
{
    fprintf(stderr, "operation %llu: %s\n  ", (unsigned long long)ops->n_ops, ops->table.message);
    if (ops->n_ops > 0)
        malloc_ops_print(stderr, ops, bytes + HEADER_BYTES + (ops->n_ops - 1) * OP_BYTES);
    abort();
}

// What is done only now and then. AFL++ is known by what it gives its children.
static void end_input(struct malloc_ops *ops, const uint8_t *bytes)
{
    static unsigned n_inputs, n_inputs_max;
    if (n_inputs++ == 0)
        n_inputs_max = getenv("__AFL_SHM_ID") != NULL ? LIFE_INPUTS : 0;
    bool is_last = n_inputs == n_inputs_max;
    if ((is_last || n_inputs % VERIFY_INPUTS == 0) && !malloc_ops_verify(ops))
        fail(ops, bytes);
    (void)ops->entry->neap_trim();
    if (is_last)
        _exit(0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    static struct malloc_ops ops;
    static struct counts    *counts;
    if (counts == NULL)
        counts = open_counts();
    ops.entry = &entry_points;
    ops.has_books = true;
    ops.may_tighten = memory_limit_is_possible();
    ops.look_ops = LOOK_OPS;
    if (!malloc_ops_run(&ops, bytes, size_min(n_bytes, INPUT_BYTES_MAX)))
        fail(&ops, bytes);
    counts->n_inputs++;
    counts->n_ops += ops.n_ops;
    end_input(&ops, bytes);
    return 0;
}

// ---- mutations that know where operations begin -----------------------------------------------

// libFuzzer's own; absent elsewhere.
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t n_bytes, size_t bytes_max) __attribute__((weak));

struct mutation {
    struct random_source random;
    uint8_t             *ops;
    size_t               n_ops, n_ops_max;
};

static uint8_t *op_at(const struct mutation *m, size_t i)
{
    return m->ops + i * OP_BYTES;
}

static uint8_t *any_op(struct mutation *m)
{
    return op_at(m, random_below(&m->random, m->n_ops));
}

// Makes room for n operations before the i-th.
static void open_gap(struct mutation *m, size_t i, size_t n)
{
    memmove(op_at(m, i + n), op_at(m, i), (m->n_ops - i) * OP_BYTES);
    m->n_ops += n;
}

static void insert_op(struct mutation *m)
{
    size_t i = random_below(&m->random, m->n_ops + 1);
    if (m->n_ops == m->n_ops_max)
        return;
    open_gap(m, i, 1);
    uint64_t bits = random_next(&m->random);
    memcpy(op_at(m, i), &bits, OP_BYTES);
    op_at(m, i)[2] = 0;   // few objects, so that operations meet
}

static void remove_ops(struct mutation *m)
{
    size_t i = random_below(&m->random, m->n_ops);
    size_t n = random_between(&m->random, 1, size_min(8, m->n_ops - i));
    memmove(op_at(m, i), op_at(m, i + n), (m->n_ops - i - n) * OP_BYTES);
    m->n_ops -= n;
}

static void repeat_ops(struct mutation *m)
{
    size_t from = random_below(&m->random, m->n_ops);
    size_t n = random_between(&m->random, 1, size_min(16, m->n_ops - from));
    if (m->n_ops + n > m->n_ops_max)
        return;
    open_gap(m, from, n);
    memcpy(op_at(m, from), op_at(m, from + n), n * OP_BYTES);
}

// An operation gets a field of another.
static void copy_field(struct mutation *m)
{
    static const struct {
        unsigned char at, n_bytes;
    } fields[] = {{0, 1}, {1, 2}, {3, 1}, {4, 2}};
    size_t field = random_below(&m->random, sizeof fields / sizeof fields[0]);
    memmove(any_op(m) + fields[field].at, any_op(m) + fields[field].at, fields[field].n_bytes);
}

static void change_byte(struct mutation *m)
{
    any_op(m)[random_below(&m->random, OP_BYTES)] = (uint8_t)random_next(&m->random);
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t n_bytes, size_t bytes_max, unsigned seed)
{
    struct mutation m = {
        .random = {seed},
        .ops = bytes + HEADER_BYTES,
        .n_ops = n_bytes > HEADER_BYTES ? (n_bytes - HEADER_BYTES) / OP_BYTES : 0,
        .n_ops_max = (bytes_max - HEADER_BYTES) / OP_BYTES,
    };
    size_t choice = random_below(&m.random, 10);
    if (choice < 3 || n_bytes == 0)
        return LLVMFuzzerMutate(bytes, n_bytes, bytes_max);
    if (choice < 5 || m.n_ops == 0)
        insert_op(&m);
    else if (choice == 5)
        remove_ops(&m);
    else if (choice == 6)
        repeat_ops(&m);
    else if (choice == 7)
        change_byte(&m);
    else
        copy_field(&m);
    return HEADER_BYTES + m.n_ops * OP_BYTES;
}
