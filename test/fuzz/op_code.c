#include "op_code.h"

#include "base/units.h"

void op_encode(const struct malloc_op *op, uint8_t out_bytes[OP_BYTES])
{
    out_bytes[0] = (uint8_t)op->action;
    out_bytes[1] = (uint8_t)op->index;
    out_bytes[2] = (uint8_t)(op->index >> 8);
    out_bytes[3] = op->detail;
    out_bytes[4] = (uint8_t)op->size_code;
    out_bytes[5] = (uint8_t)(op->size_code >> 8);
}

struct malloc_op op_decode(const uint8_t bytes[OP_BYTES])
{
    return (struct malloc_op){
        .action = bytes[0] % ACTIONS,
        .index = (uint16_t)(bytes[1] | bytes[2] << 8),
        .detail = bytes[3],
        .size_code = (uint16_t)(bytes[4] | bytes[5] << 8),
    };
}

static size_t plus_delta(size_t base, size_t code, size_t zero)
{
    return base + code < zero ? 0 : base + code - zero;
}

// Sizes from the end of user space to the largest number.
static size_t impossible_size(size_t value)
{
    static const size_t bases[] = {
        SIZE_MAX,
        PTRDIFF_MAX,
        SIZE_MAX - 4 * KIB,
        SIZE_MAX - 64 * KIB,
        SIZE_MAX - 2 * MIB,
        SIZE_MAX - GIB,
        PTRDIFF_MAX - 4 * KIB,
        PTRDIFF_MAX - 64 * KIB,
        (size_t)1 << 48,
        (size_t)1 << 62,
        ((size_t)1 << 63) + 512,
        ((size_t)3 << 62) + 512,
        (size_t)1 << 56,
        PTRDIFF_MAX - 2 * MIB,
        SIZE_MAX / 3,
        SIZE_IMPOSSIBLE_MIN + 512,
    };
    return bases[value % 16] - value / 16;
}

size_t size_of_code(uint16_t code)
{
    size_t value = code % SIZE_VALUES;
    switch ((enum size_kind)(code >> SIZE_VALUE_BITS)) {
    case SIZE_EXACT:
        return value;
    case SIZE_SPREAD:
        return value * 8 + value % 8;
    case SIZE_STEP: {
        size_t step = value % (1 << STEP_DELTA_SHIFT);
        return plus_delta(((size_t)2 << step / 8) * (8 + step % 8), value >> STEP_DELTA_SHIFT,
                          STEP_DELTA_ZERO);
    }
    case SIZE_OS_PAGES:
        return plus_delta(value % (1 << STEP_DELTA_SHIFT) * 4 * KIB, value >> STEP_DELTA_SHIFT,
                          STEP_DELTA_ZERO);
    case SIZE_POWER:
        return plus_delta((size_t)1 << value % (1 << POWER_DELTA_SHIFT) % POWERS,
                          value >> POWER_DELTA_SHIFT, POWER_DELTA_ZERO);
    case SIZE_LARGE:
        return value % 1024 * KIB * (value / 1024 == 7 ? 8 : 1) + value % 16;
    case SIZE_BORDER:
        return 32 * KIB - SIZE_VALUES / 2 + value;
    case SIZE_IMPOSSIBLE:
        break;
    }
    return impossible_size(value);
}

size_t alignment_of_detail(unsigned detail)
{
    static const size_t rest[ALIGNMENTS - ALIGNMENTS_SURE] = {
        4 * MIB, 64 * MIB, GIB, (size_t)1 << 46, (size_t)1 << 62, (size_t)1 << 63,
        0,       3,        24,  SIZE_MAX,
    };
    detail %= ALIGNMENTS;
    return detail < ALIGNMENTS_SURE ? (size_t)1 << detail : rest[detail - ALIGNMENTS_SURE];
}

void split_count(struct call *call, uint16_t size_code, uint8_t detail)
{
    static const size_t counts[] = {1, 0, 2, 3, 7, 24, 64, 4096};   // 0: objects of one byte
    size_t              count = counts[detail % 8];
    size_t              n_bytes = size_of_code(size_code);
    if (size_is_impossible(size_code) && detail % 8 >= 4) {
        // The product overflows, to something small: nobody who misses that gets much memory.
        call->object_bytes = (size_t)16 + detail;
        count = SIZE_MAX / call->object_bytes + 2;
    } else if (count == 0) {
        count = n_bytes;
        call->object_bytes = 1;
    } else {
        call->object_bytes = n_bytes / count;
    }
    call->n_objects = count;
    if (__builtin_mul_overflow(count, call->object_bytes, &call->n_bytes))
        call->n_bytes = SIZE_MAX;
}

static void print_sizes(FILE *out, const struct malloc_op *op, unsigned traits)
{
    if ((traits & TAKES_COUNT) != 0) {
        struct call call = {0};
        split_count(&call, op->size_code, op->detail);
        fprintf(out, "%zu, %zu", call.n_objects, call.object_bytes);
    } else {
        fprintf(out, "%zu", size_of_code(op->size_code));
    }
    if ((traits & TAKES_ALIGNMENT) != 0)
        fprintf(out, ", alignment %zu",
                alignment_of_detail((traits & IS_CXX) != 0 ? op->detail % ALIGNMENTS_SURE
                                                           : op->detail));
}

void op_print(FILE *out, const struct malloc_op *op, size_t index)
{
    const struct action *action = &actions[op->action];
    switch (action->kind) {
    case ACTION_ALLOCATE:
        fprintf(out, "o%zu = %s(", index, action->name);
        print_sizes(out, op, action->traits);
        fprintf(out, ")\n");
        break;
    case ACTION_RESIZE:
        fprintf(out, "o%zu = %s(o%zu, ", index, action->name, index);
        print_sizes(out, op, action->traits);
        fprintf(out, ")\n");
        break;
    case ACTION_TIGHTEN:
        fprintf(out, "tighten(%s, %zu KiB)\n", op->detail % 2 != 0 ? "data" : "address space",
                size_of_code(op->size_code) % (8 * MIB) / KIB);
        break;
    case ACTION_TRIM:
    case ACTION_MALLINFO:
    case ACTION_MALLOPT:
    case ACTION_LOOK_AT_ALL:
    case ACTION_VERIFY:
    case ACTION_RELAX:
        fprintf(out, "%s()\n", action->name);
        break;
    default:
        fprintf(out, "%s(o%zu)\n", action->name != NULL ? action->name : "look", index);
    }
}
