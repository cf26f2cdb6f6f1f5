// Vectors that grow by realloc, and large objects that come and go.
#include "workload.h"

#define OS_PAGE_BYTES 4096

struct vector {
    uint64_t *items;
    size_t    n_items, n_max;
};

// growth=150: by half, as containers do. growth=0: by 64 bytes, as text that is appended to.
static void vector_add(struct vector *vector, uint64_t item, uint64_t growth_pct)
{
    if (vector->n_items == vector->n_max) {
        size_t n_max = growth_pct > 100 ? vector->n_max * growth_pct / 100 + 4 : vector->n_max + 8;
        vector->items = realloc(vector->items, n_max * sizeof *vector->items);
        if (vector->items == NULL)
            bench_fail("realloc returned NULL");
        vector->n_max = n_max;
    }
    vector->items[vector->n_items++] = item;
}

void run_vectors(void)
{
    size_t         n = option("vectors"), n_items = option("items");
    uint64_t       growth_pct = option("growth");
    struct vector *vectors = own_memory(n * sizeof *vectors);
    uint64_t       random = 88172645463325252u, sum = 0;
    for (uint64_t i = 0; i < option("times"); i++) {
        for (size_t j = 0; j < n * n_items; j++)
            vector_add(&vectors[bench_random(&random) % n], j, growth_pct);
        for (size_t j = 0; j < n; j++) {
            sum = sum * 31 + vectors[j].items[vectors[j].n_items / 2];
            free(vectors[j].items);
            vectors[j] = (struct vector){.items = NULL};
        }
    }
    checksum(sum);
}

// ---- objects of 5 to 25 MiB -------------------------------------------------------------------

#define LARGE_OBJECTS 8

void run_large(void)
{
    unsigned char *objects[LARGE_OBJECTS] = {NULL};
    uint64_t       random = 88172645463325252u, sum = 0, times = option("times");
    bool           is_touched = option("touch") != 0;
    for (uint64_t i = 0; i < times; i++) {
        size_t at = bench_random(&random) % LARGE_OBJECTS;
        size_t n_bytes = 5 * MIB + bench_random(&random) % (20 * MIB);
        if (objects[at] != NULL)
            sum += objects[at][0];
        free(objects[at]);
        objects[at] = take(n_bytes);
        objects[at][0] = (unsigned char)i;
        objects[at][n_bytes - 1] = 1;
        if (is_touched)
            bench_touch(objects[at] + 1, n_bytes - 1, OS_PAGE_BYTES);
    }
    for (size_t i = 0; i < LARGE_OBJECTS; i++)
        free(objects[i]);
    checksum(sum);
}
