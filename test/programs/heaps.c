// First-class heaps and what lies where, through neap/neap.h: api/heaps_api.c, front/heaps.c,
// front/describe.c.
#include "neap/neap.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECTS 3000

static int n_wrong;

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("line %d: %s\n", __LINE__, #condition);                                         \
            n_wrong++;                                                                             \
        }                                                                                          \
    } while (0)

static char  *objects[OBJECTS];
static size_t sizes[OBJECTS];

static size_t size_of(size_t i)
{
    return i % 100 == 99 ? 40000 + i * 10 : (i * 37) % 5000;
}

static void fill(neap_heap *heap)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        sizes[i] = size_of(i);
        objects[i] =
            i % 3 == 0 ? neap_heap_calloc(heap, 1, sizes[i]) : neap_heap_malloc(heap, sizes[i]);
        EXPECT(objects[i] != NULL);
        for (size_t k = 0; i % 3 == 0 && k < sizes[i]; k++)
            EXPECT(objects[i][k] == 0);
        memset(objects[i], (int)(i & 127), sizes[i]);
    }
}

static void *free_every_other(void *unused)
{
    for (size_t i = 0; i < OBJECTS; i += 2) {
        neap_free(objects[i]);
        objects[i] = NULL;
    }
    return unused;
}

static void by_another_thread(void *(*act)(void *))
{
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, act, NULL) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
}

// ---- walking ----------------------------------------------------------------------------------

struct seen {
    size_t n, n_bytes, n_known;
    bool   stop_at_first;
};

static bool is_ours(const void *start)
{
    for (size_t i = 0; i < OBJECTS; i++)
        if (objects[i] == start)
            return true;
    return false;
}

static bool see(const struct neap_block *found, void *context)
{
    struct seen *seen = context;
    seen->n++;
    seen->n_bytes += found->size;
    seen->n_known += is_ours(found->start);
    EXPECT(found->state == NEAP_BLOCK_LIVE);
    void *small = neap_malloc(100);   // a visitor may allocate a little
    EXPECT(small != NULL);
    neap_free(small);
    return !seen->stop_at_first;
}

static void walking_finds_the_objects_of_the_heap_and_no_others(neap_heap *heap)
{
    char       *elsewhere = neap_malloc(100);
    struct seen seen = {.n = 0};
    EXPECT(neap_heap_walk(heap, see, &seen));
    struct neap_heap_stats stats;
    neap_heap_stats_read(heap, &stats);
    EXPECT(seen.n == OBJECTS / 2);
    EXPECT(seen.n_known == OBJECTS / 2);
    EXPECT(stats.objects == seen.n);
    EXPECT(stats.object_bytes == seen.n_bytes);
    EXPECT(stats.held_bytes >= stats.object_bytes);
    seen = (struct seen){.stop_at_first = true};
    EXPECT(!neap_heap_walk(heap, see, &seen));
    EXPECT(seen.n == 1);
    seen = (struct seen){.n = 0};
    EXPECT(neap_heap_walk(NULL, see, &seen));
    EXPECT(seen.n > OBJECTS / 2);
    EXPECT(seen.n_known == OBJECTS / 2);
    neap_free(elsewhere);
}

// ---- describing -------------------------------------------------------------------------------

static void every_address_has_its_description(neap_heap *heap)
{
    struct neap_block found;
    char              on_stack;
    char             *object = neap_heap_malloc(heap, 1000);
    neap_block_describe(object + 999, &found);
    EXPECT(found.state == NEAP_BLOCK_LIVE && found.start == object && found.size >= 1000);
    EXPECT(found.heap_name != NULL && strcmp(found.heap_name, "parser") == 0);
    EXPECT((char *)found.span_start <= object);
    EXPECT((char *)found.span_start + found.span_size >= object + found.size);
    neap_free(object);
    neap_block_describe(object, &found);
    EXPECT(found.state == NEAP_BLOCK_FREE);
    object = neap_malloc(100000);
    neap_block_describe(object + 50000, &found);
    EXPECT(found.state == NEAP_BLOCK_LIVE && found.start == object && found.heap_name == NULL);
    EXPECT(found.size == neap_malloc_usable_size(object));
    neap_free(object);
    neap_block_describe(object, &found);
    EXPECT(found.state == NEAP_BLOCK_FREE && found.start == NULL);
    neap_block_describe(&on_stack, &found);
    EXPECT(found.state == NEAP_BLOCK_FOREIGN);
    neap_block_describe((void *)UINTPTR_MAX, &found);
    EXPECT(found.state == NEAP_BLOCK_FOREIGN);
}

static void resizing_keeps_an_object_in_its_heap(neap_heap *heap)
{
    struct neap_block found;
    char             *object = neap_heap_malloc(heap, 50);
    memset(object, 'x', 50);
    for (size_t size = 100; size < 200000; size *= 3) {
        object = neap_realloc(object, size);
        neap_block_describe(object, &found);
        EXPECT(found.heap_name != NULL);
        EXPECT(object[0] == 'x' && object[49] == 'x');
    }
    neap_free(object);
    object = neap_heap_aligned_alloc(heap, 4096, 100);
    EXPECT((uintptr_t)object % 4096 == 0);
    neap_free(object);
}

// ---- life -------------------------------------------------------------------------------------

static void destroying_gives_all_back(void)
{
    neap_heap *heap = neap_heap_create("parser");
    fill(heap);
    by_another_thread(free_every_other);
    for (size_t i = 1; i < OBJECTS; i += 2)
        for (size_t k = 0; k < sizes[i]; k++)
            if (objects[i][k] != (char)(i & 127)) {
                EXPECT(!"contents kept");
                break;
            }
    walking_finds_the_objects_of_the_heap_and_no_others(heap);
    every_address_has_its_description(heap);
    resizing_keeps_an_object_in_its_heap(heap);
    neap_heap_destroy(heap);
    struct neap_block found;
    for (size_t i = 1; i < OBJECTS; i += 2) {
        neap_block_describe(objects[i], &found);
        EXPECT(found.state == NEAP_BLOCK_FREE);
    }
}

static void many_heaps_side_by_side(void)
{
    enum { HEAPS = 50 };
    neap_heap *heaps[HEAPS];
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < HEAPS; i++) {
            heaps[i] = neap_heap_create(NULL);
            for (size_t k = 0; k < 100; k++)
                EXPECT(neap_heap_malloc(heaps[i], k * i) != NULL);
        }
        neap_trim();
        for (size_t i = 0; i < HEAPS; i++)
            neap_heap_destroy(heaps[(i * 7) % HEAPS]);
    }
    neap_heap_destroy(NULL);
}

int main(void)
{
    destroying_gives_all_back();
    many_heaps_side_by_side();
    printf(n_wrong == 0 ? "everything holds\n" : "%d wrong\n", n_wrong);
    return n_wrong != 0;
}
