// Page heaps of a given size and shape, and the patterns of allocating and freeing timed on them.
//
//   full   no free page from the first to the last one grown
//   holes  one page in about 26 is free, never two of them side by side: only a request for one
//          page fits before the end
//
// Both consist of blocks of 8 MiB with the same mix of runs of 1, 2, 16 and 512 pages, so that
// the leaves of the page set look alike whatever the size of the heap.
#ifndef NEAP_BENCH_PAGE_HEAP_SHAPES_H
#define NEAP_BENCH_PAGE_HEAP_SHAPES_H

#include "bench.h"
#include "pageheap/page_heap.h"

#include <string.h>

enum shape { SHAPE_FULL, SHAPE_HOLES, SHAPES };
static const char *const shape_names[SHAPES] = {"full", "holes"};

#define PICKS_MAX ((size_t)1 << 20)   // beyond any cache, whichever part of them is used
#define PICK_SIZES 4
static const size_t pick_pages[PICK_SIZES] = {1, 2, 16, 512};

// Runs of one size all over the heap.
struct picks {
    struct run **runs;
    size_t       n_runs, n_seen, stride;
};

struct shaped_heap {
    const char       *size_name;
    size_t            size_bytes;
    struct page_heap *heap;
    struct picks      picks[PICK_SIZES];
    uint64_t          random;
};

static inline struct run *take_run(struct page_heap *heap, size_t n_pages, size_t align_pages)
{
    struct run_request request = {
        .n_pages = n_pages, .align_pages = align_pages, .kind = RUN_IN_USE};
    struct run *run = page_heap_alloc(heap, &request);
    if (run == NULL)
        bench_fail("the heap has no more memory");
    return run;
}

// ---- shapes -----------------------------------------------------------------------------------

static inline void pick_keep(struct picks *picks, struct run *run)
{
    if (picks->n_seen++ % picks->stride == 0 && picks->n_runs < PICKS_MAX)
        picks->runs[picks->n_runs++] = run;
}

static inline void fill_with(struct shaped_heap *shaped, size_t pick, size_t n_runs)
{
    for (size_t i = 0; i < n_runs; i++)
        pick_keep(&shaped->picks[pick], take_run(shaped->heap, pick_pages[pick], 1));
}

// Two pages: both in runs, or the second one a hole.
static inline void fill_with_single_pages(struct shaped_heap *shaped, enum shape shape, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (shape == SHAPE_FULL) {
            fill_with(shaped, 0, 2);
            continue;
        }
        struct run *run = take_run(shaped->heap, 2, 1);
        bool        zero_known;
        if (!page_heap_resize(shaped->heap, run, 1, &zero_known))
            bench_fail("a run could not be shortened");
        pick_keep(&shaped->picks[0], run);
    }
}

#define BLOCK_PAGES 1024   // two leaves

// Each run of 2, 16 and 512 pages is followed by a page in use, so that the place it leaves when
// it is freed stays too small for anything larger.
static inline void fill_block(struct shaped_heap *shaped, enum shape shape)
{
    size_t n_pages = 0;
    fill_with_single_pages(shaped, shape, 16);
    n_pages += 16 * 2;
    for (size_t i = 0; i < 8; i++, n_pages += 2 + 2) {
        fill_with(shaped, 1, 1);
        fill_with_single_pages(shaped, shape, 1);
    }
    for (size_t i = 0; i < 4; i++, n_pages += 16 + 2) {
        fill_with(shaped, 2, 1);
        fill_with_single_pages(shaped, shape, 1);
    }
    fill_with(shaped, 3, 1);
    n_pages += 512;
    fill_with_single_pages(shaped, shape, 16);
    n_pages += 16 * 2;
    (void)take_run(shaped->heap, BLOCK_PAGES - n_pages, 1);
}

// What growth in whole windows left over is taken, too.
static inline void plug_all(struct page_heap *heap)
{
    struct page_account account;
    page_heap_account_read(heap, &account);
    size_t n_bytes = account.mapped_bytes - account.in_use_bytes - account.manual_bytes;
    for (size_t done = 0; done < n_bytes; done += PAGE_BYTES)
        (void)take_run(heap, 1, 1);
}

static inline void plug_wide_holes(struct page_heap *heap)
{
    page_id first;
    for (;;) {
        page_heap_flush_caches(heap);
        if (!page_set_find(&heap->free, 2, &first))   // nobody else uses this heap: no lock
            return;
        (void)take_run(heap, 2, 1);
    }
}

static inline void shaped_heap_fill(struct shaped_heap *shaped, enum shape shape,
                                    uint64_t placement)
{
    // Where it starts matters to the search; 64 MiB apart, alike for all sizes.
    struct page_heap_config config = {.retain_pct = RETAIN_PCT_NEVER, .random = placement};
    shaped->heap = bench_map(sizeof *shaped->heap);
    shaped->random = placement + 1;
    size_t n_blocks = bytes_to_pages_down(shaped->size_bytes) / BLOCK_PAGES;
    for (size_t i = 0; i < PICK_SIZES; i++)
        shaped->picks[i] = (struct picks){.runs = bench_map(PICKS_MAX * sizeof(struct run *)),
                                          .stride = n_blocks * 80 / PICKS_MAX + 1};
    page_heap_init(shaped->heap, &config);
    for (size_t i = 0; i < n_blocks; i++)
        fill_block(shaped, shape);
    if (shape == SHAPE_FULL)
        plug_all(shaped->heap);
    else
        plug_wide_holes(shaped->heap);
}

static inline void shaped_heap_empty(struct shaped_heap *shaped)
{
    for (size_t i = 0; i < PICK_SIZES; i++)
        munmap(shaped->picks[i].runs, PICKS_MAX * sizeof(struct run *));
    page_heap_destroy(shaped->heap);
    munmap(shaped->heap, sizeof *shaped->heap);
}

// ---- patterns ---------------------------------------------------------------------------------

// Below 16 pages a request goes through a page cache, unless it wants more than page alignment;
// that is how the other way is reached with small runs.
struct operation {
    const char *name;
    size_t      n_pages, align_pages;
    size_t      pick;   // PICK_SIZES: not done at random places
};
#define OPERATIONS 6
static const struct operation operations[OPERATIONS] = {
    {"1", 1, 1, 0},
    {"2", 2, 1, 1},
    {"1-past", 1, 2, PICK_SIZES},
    {"2-past", 2, 2, PICK_SIZES},
    {"16", 16, 1, 2},
    {"512", 512, 1, 3},
};

// Each returns the time for `n_pairs` allocations and frees, in ns.
typedef uint64_t pattern_fn(struct shaped_heap *shaped, const struct operation *op, size_t n_pairs);

static inline uint64_t run_pairs(struct shaped_heap *shaped, const struct operation *op,
                                 size_t n_pairs)
{
    uint64_t start_ns = bench_clock_ns();
    for (size_t i = 0; i < n_pairs; i++)
        page_heap_free(shaped->heap, take_run(shaped->heap, op->n_pages, op->align_pages));
    return bench_clock_ns() - start_ns;
}

#define BURST 64

static inline uint64_t run_bursts(struct shaped_heap *shaped, const struct operation *op,
                                  size_t n_pairs)
{
    struct run *runs[BURST];
    uint64_t    start_ns = bench_clock_ns();
    for (size_t done = 0; done < n_pairs; done += BURST) {
        for (size_t i = 0; i < BURST; i++)
            runs[i] = take_run(shaped->heap, op->n_pages, op->align_pages);
        for (size_t i = 0; i < BURST; i++)
            page_heap_free(shaped->heap, runs[i]);
    }
    return bench_clock_ns() - start_ns;
}

#define BATCH 256

// Frees a run somewhere, then allocates one of its size. Which runs is decided, and our own list
// of them read, before the clock starts; the records and books of the heap are as cold as they
// come.
static inline uint64_t run_random(struct shaped_heap *shaped, const struct operation *op,
                                  size_t n_pairs)
{
    const struct picks *picks = &shaped->picks[op->pick];
    uint64_t            total_ns = 0;
    for (size_t done = 0; done < n_pairs; done += BATCH) {
        struct run **places[BATCH];
        uintptr_t    sum = 0;
        for (size_t i = 0; i < BATCH; i++) {
            places[i] = &picks->runs[bench_random(&shaped->random) % picks->n_runs];
            sum += (uintptr_t)*places[i];
        }
        __asm__ volatile("" : : "r"(sum) : "memory");
        uint64_t start_ns = bench_clock_ns();
        for (size_t i = 0; i < BATCH; i++) {
            page_heap_free(shaped->heap, *places[i]);
            *places[i] = take_run(shaped->heap, op->n_pages, op->align_pages);
        }
        total_ns += bench_clock_ns() - start_ns;
    }
    return total_ns;
}

#define EVICT_BYTES (64 * MIB)   // twice the last-level cache of most machines, and any TLB

// Reads so much else that neither the books of the heap nor its code are in a cache any more: what
// a program that works on its own data leaves behind.
static inline void evict_caches(void)
{
    static unsigned char *data;
    if (data == NULL) {
        data = bench_map(EVICT_BYTES);
        bench_touch(data, EVICT_BYTES, CACHE_LINE_BYTES);
    }
    uint64_t sum = 0;
    for (size_t at = 0; at < EVICT_BYTES; at += CACHE_LINE_BYTES)
        sum += data[at];
    __asm__ volatile("" : : "r"(sum) : "memory");
}

// As run_random, but with cold caches for each pair, whatever the size of the heap.
static inline uint64_t run_cold(struct shaped_heap *shaped, const struct operation *op,
                                size_t n_pairs)
{
    const struct picks *picks = &shaped->picks[op->pick];
    uint64_t            total_ns = 0;
    for (size_t i = 0; i < n_pairs; i++) {
        struct run **place = &picks->runs[bench_random(&shaped->random) % picks->n_runs];
        evict_caches();
        struct run *run = *(struct run *volatile *)place;
        uint64_t    start_ns = bench_clock_ns();
        page_heap_free(shaped->heap, run);
        *place = take_run(shaped->heap, op->n_pages, op->align_pages);
        total_ns += bench_clock_ns() - start_ns;
    }
    return total_ns;
}

#define PATTERNS 4
static const struct pattern {
    const char *name;
    pattern_fn *run;
    size_t      pairs_timed, pairs_to_warm_up;   // multiples of BATCH, or any where it is cold
    bool        at_random_places;
} patterns[PATTERNS] = {
    {"pair", run_pairs, 1024, BATCH, false},
    {"burst", run_bursts, 1024, BATCH, false},
    {"random", run_random, 1024, BATCH, true},
    {"cold", run_cold, 8, 0, true},
};

#endif
