// Making operations at random and printing them.
#include "heap_op.h"

#include "page_heap_model.h"

static uint32_t random_run_pages(struct random_source *random, const struct model_config *config)
{
    size_t max = config->run_pages_max;
    switch (random_below(random, 8)) {
    case 0:
        return (uint32_t)random_between(random, 1, max);
    case 1:
        return (uint32_t)random_between(random, 1, size_min(max, 4));
    case 2:
    case 3:
        return (uint32_t)size_min(max, UNCACHED_RUN_PAGES_MIN - 2 + random_below(random, 5));
    default:
        return (uint32_t)random_between(random, 1, size_min(max, 40));
    }
}

// What the kernel and other programs do to the heap; rare, so that it comes to something between.
static struct heap_op random_hostile_op(struct random_source *random)
{
    struct heap_op op = {.kind = OP_REFUSE};
    switch (random_below(random, 8)) {
    case 0:
        op.kind = OP_REFUSE_UNUSE;
        op.detail = (uint8_t)random_below(random, 2);
        break;
    case 1:
        op.kind = OP_LIMIT;
        op.pages = random_one_in(random, 2) ? 0 : (uint32_t)random_below(random, 400);
        break;
    case 2:
        op.kind = OP_OCCUPY;
        break;
    case 3:
        op.kind = OP_PLACE;
        op.pages = (uint32_t)random_below(random, 600);
        break;
    default:
        op.detail = (uint8_t)random_one_in(random, 4);
        op.pages = random_one_in(random, 3) ? 0 : (uint32_t)random_between(random, 1, 6);
        break;
    }
    return op;
}

static struct heap_op random_giving_back(struct random_source *random)
{
    struct heap_op op = {.kind = OP_STEP, .pages = (uint32_t)random_below(random, 40)};
    switch (random_below(random, 32)) {
    case 0:
        op.kind = OP_TRIM;
        break;
    case 1:
    case 2:
        op.kind = OP_FLUSH;
        break;
    case 3:
    case 4:
    case 5:
        op.kind = OP_SCAVENGE;
        break;
    case 6:
        op.pages = (uint32_t)random_below(random, 1000);
        break;
    default:
        break;
    }
    return op;
}

struct heap_op heap_op_random(struct random_source *random, const struct model_config *config)
{
    size_t         choice = random_below(random, 256);
    struct heap_op op = {.kind = OP_ALLOC};
    if (choice < 40) {
        op = random_giving_back(random);
    } else if (choice < 42 && config->hostile) {
        op = random_hostile_op(random);
    } else if (choice < 66) {
        op.kind = OP_RESIZE;
        op.detail = (uint8_t)random_below(random, 2);
        op.pages = op.detail != 0 ? (uint32_t)random_between(random, 1, 5)
                                  : random_run_pages(random, config);
    } else if (choice < 160) {
        op.kind = OP_FREE;
    } else {
        op.kind = random_one_in(random, 8) ? OP_ALLOC_MANUAL : OP_ALLOC;
        op.pages = random_run_pages(random, config);
        op.detail = random_one_in(random, 4) ? (uint8_t)random_below(random, 7) : 0;
    }
    op.slot = (uint8_t)random_below(random, MODEL_SLOTS);
    op.cache = (uint8_t)(random_one_in(random, 4) ? random_next(random) : 0);
    return op;
}

void heap_op_print(FILE *file, const struct heap_op *op)
{
    switch (op->kind) {
    case OP_ALLOC:
    case OP_ALLOC_MANUAL:
        fprintf(file, "slot %u = alloc(%u pages, aligned to %u%s), thread %u\n", op->slot,
                op->pages, 1u << op->detail, op->kind == OP_ALLOC_MANUAL ? ", manual" : "",
                op->cache);
        break;
    case OP_FREE:
        fprintf(file, "free(slot %u), thread %u\n", op->slot, op->cache);
        break;
    case OP_RESIZE:
        fprintf(file, "resize(slot %u, %u pages%s)\n", op->slot, op->pages,
                op->detail != 0 ? " more" : "");
        break;
    case OP_STEP:
        fprintf(file, "scavenge_step(%u pages)\n", op->pages);
        break;
    case OP_SCAVENGE:
        fprintf(file, "scavenge(%u pages)\n", op->pages);
        break;
    case OP_TRIM:
        fprintf(file, "trim\n");
        break;
    case OP_FLUSH:
        fprintf(file, "flush_caches\n");
        break;
    case OP_REFUSE:
        fprintf(file, "kernel refuses call %u%s (0: none)\n", op->pages,
                op->detail != 0 ? " and all after it" : "");
        break;
    case OP_REFUSE_UNUSE:
        fprintf(file, "kernel %s unuse\n", op->detail != 0 ? "refuses" : "grants");
        break;
    case OP_LIMIT:
        fprintf(file, "address space limited to %u pages more (0: no limit)\n", op->pages);
        break;
    case OP_OCCUPY:
        fprintf(file, "a stranger takes the next hint\n");
        break;
    default:
        fprintf(file, "the kernel's next choice is %u pages above its place\n", op->pages);
        break;
    }
}
