#include "op_generator.h"

#include "base/check.h"
#include "base/units.h"
#include "memory_limit.h"

#define PHASE_OPS_MAX 4000
#define TIGHT_OPS_MAX 1000
#define HANDING_OVER_ONE_IN 10
#define TRIES 6   // to find an object that is alive, or an index without one

struct op_phase {
    unsigned char weight;   // how often the phase comes, of all weights
    // Of a hundred operations; the rest are looks and rare ones.
    unsigned char allocate, release, resize;
};

static const struct op_phase phases[] = {
    {3, 70, 15, 12},   // grows
    {3, 15, 72, 10},   // shrinks
    {4, 44, 44, 9},    // comes and goes
    {2, 25, 25, 46},   // vectors that grow
    {1, 47, 47, 3},
};

enum size_recipe {
    RECIPE_TINY,         // to 256 bytes
    RECIPE_STEP_SMALL,   // class borders to 2 KiB
    RECIPE_STEP_ANY,     // to 64 KiB
    RECIPE_OS_PAGES,
    RECIPE_POWER,   // to 64 KiB
    RECIPE_BORDER,
    RECIPE_SPREAD,
    RECIPE_LARGE,
    RECIPE_POWER_LARGE,
    RECIPE_IMPOSSIBLE,
    RECIPES,
};

struct op_size_profile {
    unsigned char  weight;
    unsigned short recipes[RECIPES];   // of a thousand
};

static const struct op_size_profile profiles[] = {
    // tiny, small steps, any step, OS pages, power, border, spread, large, large power, impossible
    {40, {600, 381, 8, 2, 3, 1, 2, 0, 0, 3}},
    {35, {380, 540, 30, 10, 20, 3, 4, 1, 0, 12}},
    {20, {50, 800, 120, 4, 10, 5, 5, 1, 0, 5}},
    {4, {60, 250, 250, 200, 100, 80, 40, 5, 5, 10}},
    {1, {100, 200, 100, 100, 150, 100, 100, 75, 50, 25}},
};

#define WEIGHTED(generator, rows)                                                                  \
    ({                                                                                             \
        size_t total = 0, row = 0;                                                                 \
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows)[0]; i++)                                \
            total += (rows)[i].weight;                                                             \
        size_t left = random_below(&(generator)->random, total);                                   \
        while (left >= (rows)[row].weight)                                                         \
            left -= (rows)[row++].weight;                                                          \
        &(rows)[row];                                                                              \
    })

void op_generator_start(struct op_generator *generator, uint64_t seed, bool has_mailbox)
{
    *generator = (struct op_generator){.random = {seed}, .has_mailbox = has_mailbox};
    (void)random_next(&generator->random);
}

uint8_t op_generator_options(struct op_generator *generator)
{
    struct random_source *random = &generator->random;
    unsigned              objects = (unsigned)random_between(random, 4, 10);
    unsigned budget = (unsigned)random_below(random, 4) * (OPTION_BUDGET & -OPTION_BUDGET);
    return (uint8_t)(objects | budget);
}

static void begin_phase(struct op_generator *generator, const struct malloc_ops *ops)
{
    struct random_source *random = &generator->random;
    size_t                n_objects = (size_t)ops->index_mask + 1;
    generator->ops_left = random_between(random, 20, PHASE_OPS_MAX);
    generator->phase = WEIGHTED(generator, phases);
    generator->sizes = WEIGHTED(generator, profiles);
    generator->family =
        random_one_in(random, 2) ? FAMILY_ANY : (enum op_family)random_below(random, FAMILY_ANY);
    generator->n_indices =
        random_one_in(random, 3) ? random_between(random, 1, n_objects) : n_objects;
}

// What there is is used up, so that requests are refused, and then it goes up and down.
static void begin_tight_phase(struct op_generator *generator)
{
    struct random_source *random = &generator->random;
    generator->tight_ops_left = random_between(random, 1, TIGHT_OPS_MAX);
    generator->ops_left = generator->tight_ops_left / 2;
    generator->phase = &phases[0];
    generator->sizes = &profiles[random_one_in(random, 8) ? 4 : random_between(random, 2, 3)];
}

// ---- which object -----------------------------------------------------------------------------

// An index with (or without) an object, if one is found soon.
static uint16_t pick_index(struct op_generator *generator, const struct malloc_ops *ops,
                           bool with_object)
{
    size_t index = 0;
    for (int n = 0; n < TRIES; n++) {
        index = random_below(&generator->random, generator->n_indices);
        if ((ops->table.objects[index].start != NULL) == with_object)
            break;
    }
    return (uint16_t)index;
}

// ---- which function ---------------------------------------------------------------------------

// Numbers of the rows of `actions`, by family: chosen evenly, so those that matter stand twice.
static const unsigned char allocating[][12] = {
    [FAMILY_C] = {0, 0, 0, 0, 0, 3, 3, 5, 6, 7, 8, 9},
    [FAMILY_NEAP] = {17, 17, 17, 17, 17, 20, 20, 22, 23, 24, 17, 20},
    [FAMILY_CXX] = {29, 29, 29, 30, 31, 32, 33, 33, 33, 34, 35, 36},
};
static const unsigned char resizing[][4] = {
    [FAMILY_C] = {2, 2, 2, 4},
    [FAMILY_NEAP] = {19, 19, 19, 21},
    [FAMILY_CXX] = {2, 2, 19, 4},
};
static const unsigned char releasing[ORIGINS][8] = {
    [ORIGIN_PLAIN] = {1, 1, 1, 10, 11, 18, 25, 1},
    [ORIGIN_ALIGNED] = {1, 1, 1, 10, 12, 18, 26, 12},
    [ORIGIN_MEMALIGN] = {1, 1, 1, 10, 1, 18, 1, 18},
    [ORIGIN_NEW] = {37, 37, 37, 38, 38, 38, 39, 37},
    [ORIGIN_NEW_ALIGNED] = {40, 40, 41, 41, 42, 40, 41, 40},
    [ORIGIN_NEW_ARRAY] = {43, 43, 43, 44, 44, 45, 43, 43},
    [ORIGIN_NEW_ARRAY_ALIGNED] = {46, 46, 47, 47, 48, 46, 47, 46},
};
#define ANY_OF(generator, row) ((row)[random_below(&(generator)->random, sizeof(row))])

static enum op_family pick_family(struct op_generator *generator)
{
    if (generator->family != FAMILY_ANY)
        return generator->family;
    return (enum op_family)random_below(&generator->random, FAMILY_ANY);
}

// ---- how much ---------------------------------------------------------------------------------

static size_t step_value(struct random_source *random, size_t steps)
{
    size_t delta = random_one_in(random, 4)
                       ? random_below(random, (size_t)1 << (SIZE_VALUE_BITS - STEP_DELTA_SHIFT))
                       : random_between(random, STEP_DELTA_ZERO - 1, STEP_DELTA_ZERO + 1);
    return delta << STEP_DELTA_SHIFT | random_below(random, steps);
}

static size_t power_value(struct random_source *random, size_t low, size_t high)
{
    size_t delta = random_one_in(random, 4)
                       ? random_below(random, (size_t)1 << (SIZE_VALUE_BITS - POWER_DELTA_SHIFT))
                       : random_between(random, POWER_DELTA_ZERO - 1, POWER_DELTA_ZERO + 1);
    return delta << POWER_DELTA_SHIFT | random_between(random, low, high);
}

static uint16_t pick_size(struct op_generator *generator)
{
    struct random_source *random = &generator->random;
    size_t                left = random_below(random, 1000);
    enum size_recipe      recipe = 0;
    while (left >= generator->sizes->recipes[recipe])
        left -= generator->sizes->recipes[recipe++];
    switch (recipe) {
    case RECIPE_TINY:
        return size_code(SIZE_EXACT, random_below(random, 257));
    case RECIPE_STEP_SMALL:
        return size_code(SIZE_STEP, step_value(random, 56));
    case RECIPE_STEP_ANY:
        return size_code(SIZE_STEP, step_value(random, 96));
    case RECIPE_OS_PAGES:
        return size_code(SIZE_OS_PAGES, step_value(random, random_one_in(random, 4) ? 128 : 17));
    case RECIPE_POWER:
        return size_code(SIZE_POWER, power_value(random, 0, 16));
    case RECIPE_BORDER:
        return size_code(SIZE_BORDER,
                         random_one_in(random, 2)
                             ? random_below(random, SIZE_VALUES)
                             : random_between(random, SIZE_VALUES / 2 - 17, SIZE_VALUES / 2 + 17));
    case RECIPE_SPREAD:
        return size_code(SIZE_SPREAD, random_below(random, SIZE_VALUES));
    case RECIPE_LARGE:
        return size_code(SIZE_LARGE, (random_one_in(random, 8) ? 7 * 1024 : 0) +
                                         (random_below(random, 1024) >> random_below(random, 6)));
    case RECIPE_POWER_LARGE:
        return size_code(SIZE_POWER, power_value(random, 17, POWERS - 1));
    case RECIPE_IMPOSSIBLE:
    case RECIPES:
        break;
    }
    size_t below = random_below(random, random_one_in(random, 2) ? 32 : SIZE_VALUES / 16);
    return size_code(SIZE_IMPOSSIBLE, below * 16 + random_below(random, 16));
}

// Alignments beyond a page cost address space, illegal ones nothing but a call.
static uint8_t pick_detail(struct op_generator *generator)
{
    struct random_source *random = &generator->random;
    switch (random_below(random, 64)) {
    case 0:
        return (uint8_t)random_below(random, ALIGNMENTS_SURE);
    case 1:
        return (uint8_t)random_between(random, ALIGNMENTS_LEGAL, ALIGNMENTS - 1);
    case 2:
        return (uint8_t)(random_one_in(random, 64)
                             ? random_between(random, ALIGNMENTS_SURE, ALIGNMENTS_LEGAL - 1)
                             : ALIGNMENTS_LEGAL - 1);
    default:
        return (uint8_t)random_below(random, 14);
    }
}

// ---- operations -------------------------------------------------------------------------------

static struct malloc_op rare_op(struct op_generator *generator, const struct malloc_ops *ops)
{
    struct random_source    *random = &generator->random;
    struct malloc_op         op = {.detail = (uint8_t)random_next(random),
                                   .index = pick_index(generator, ops, true),
                                   .size_code = (uint16_t)random_next(random)};
    static const char *const common[] = {"usable_size", "neap_usable_size", "look",
                                         "look",        "mallinfo2",        "mallopt"};
    const char              *name = common[random_below(random, sizeof common / sizeof common[0])];
    if (random_one_in(random, 200))
        name = random_one_in(random, 2) ? "malloc_trim" : "neap_trim";
    if (ops->may_tighten && random_one_in(random, 200)) {
        name = "tighten";
        op.size_code = random_one_in(random, 2)
                           ? size_code(SIZE_EXACT, 0)
                           : size_code(SIZE_POWER, random_below(random, POWERS));
        begin_tight_phase(generator);
    }
    op.action = (unsigned)action_numbered(name);
    return op;
}

static struct malloc_op handing_over(struct op_generator *generator, const struct malloc_ops *ops)
{
    bool sends = random_one_in(&generator->random, 2);
    return (struct malloc_op){
        .action = (unsigned)action_numbered(sends ? "send" : "receive"),
        .index = pick_index(generator, ops, sends),
        .detail = (uint8_t)random_next(&generator->random),   // which place of the mailbox
    };
}

static struct malloc_op common_op(struct op_generator *generator, const struct malloc_ops *ops)
{
    const struct op_phase *phase = generator->phase;
    enum op_family         family = pick_family(generator);
    size_t                 percent = random_below(&generator->random, 100);
    struct malloc_op op = {.detail = pick_detail(generator), .size_code = pick_size(generator)};
    if (percent < phase->allocate) {
        op.action = ANY_OF(generator, allocating[family]);
        op.index = pick_index(generator, ops, false);
    } else if (percent < (size_t)phase->allocate + phase->release) {
        op.index = pick_index(generator, ops, true);
        op.action = ANY_OF(generator, releasing[ops->table.objects[op.index].origin]);
    } else if (percent < (size_t)phase->allocate + phase->release + phase->resize) {
        op.action = ANY_OF(generator, resizing[family]);
        op.index = pick_index(generator, ops, true);
    } else {
        return rare_op(generator, ops);
    }
    return op;
}

void op_generator_next(struct op_generator *generator, const struct malloc_ops *ops,
                       uint8_t out_bytes[OP_BYTES])
{
    if (generator->ops_left == 0)
        begin_phase(generator, ops);
    generator->ops_left--;
    struct malloc_op op;
    if (generator->tight_ops_left > 0 && --generator->tight_ops_left == 0)
        op = (struct malloc_op){.action = (unsigned)action_numbered("relax")};
    else if (generator->has_mailbox && random_one_in(&generator->random, HANDING_OVER_ONE_IN))
        op = handing_over(generator, ops);
    else
        op = common_op(generator, ops);
    op_encode(&op, out_bytes);
}
