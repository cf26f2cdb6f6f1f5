// The page heap on the real kernel: speed, growth, metadata, holes.
//
// usage: page_heap_bench speed | growth | grow KIND | metadata | holes | steps
#include "page_heap_growth.h"
#include "page_heap_speed.h"
#include "resident.h"

#define SPEED_REPETITIONS 15

static void measure_speed(void)
{
    static struct shaped_heap heaps[] = {
        {.size_name = "64MiB", .size_bytes = 64 * MIB},
        {.size_name = "1GiB", .size_bytes = GIB},
    };
    struct speed_config config = {
        .kernel = "real", .heaps = heaps, .n_heaps = 2, .n_repetitions = SPEED_REPETITIONS};
    speed_measure(&config, 0, 0);
}

// ---- metadata ---------------------------------------------------------------------------------

static struct page_heap *heap_new(const struct page_heap_config *config)
{
    struct page_heap *heap = bench_map(sizeof *heap);
    page_heap_init(heap, config);
    return heap;
}

static void heap_delete(struct page_heap *heap)
{
    page_heap_destroy(heap);
    munmap(heap, sizeof *heap);
}

#define LARGE_RUN_BYTES (64 * MIB)

// Free from end to end: mapped by a few large runs, none of which is in use any more.
static void fill_and_free(struct page_heap *heap, size_t n_bytes)
{
    struct run *runs[64 * GIB / LARGE_RUN_BYTES];
    size_t      n_runs = n_bytes / LARGE_RUN_BYTES;
    for (size_t i = 0; i < n_runs; i++)
        runs[i] = take_run(heap, bytes_to_pages_down(LARGE_RUN_BYTES), 1);
    for (size_t i = 0; i < n_runs; i++)
        page_heap_free(heap, runs[i]);
}

static void fill_with_pages(struct page_heap *heap, size_t n_bytes)
{
    for (size_t done = 0; done < n_bytes; done += PAGE_BYTES)
        (void)take_run(heap, 1, 1);
}

// No heap memory is touched, so whatever became resident is metadata.
static void metadata_measure(size_t n_bytes, size_t record_bytes, bool handed_out, bool print)
{
    struct page_heap_config config = {.record_bytes = record_bytes};
    size_t                  before_bytes = resident_bytes();
    struct page_heap       *heap = heap_new(&config);
    (handed_out ? fill_with_pages : fill_and_free)(heap, n_bytes);
    size_t              grown_bytes = resident_bytes() - before_bytes;
    struct page_account account;
    page_heap_account_read(heap, &account);
    if (print)
        printf("metadata heap_mib=%zu record=%zu state=%s resident=%zu booked=%zu\n", n_bytes / MIB,
               heap->records.record_bytes, handed_out ? "in-use" : "free", grown_bytes,
               account.metadata_bytes);
    heap_delete(heap);
}

static void measure_metadata(void)
{
    static const size_t sizes[] = {64 * MIB, GIB, 16 * GIB};
    static const size_t records[] = {0, 112};   // as run.h has it; as malloc's spans need it
    // Code and buffers that anybody needs are resident from now on.
    metadata_measure(sizes[0], 0, false, false);
    metadata_measure(sizes[0], 0, true, false);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t j = 0; j < sizeof records / sizeof records[0]; j++) {
            metadata_measure(sizes[i], records[j], false, true);
            metadata_measure(sizes[i], records[j], true, true);
        }
    }
}

// ---- beside Go --------------------------------------------------------------------------------
// What bench/go does, on a page heap.

#define HOLES_TOTAL_BYTES (32 * MIB)
#define HOLES_BLOCK_BYTES (64 * KIB)
#define HOLES_BLOCKS (HOLES_TOTAL_BYTES / HOLES_BLOCK_BYTES)
#define HIDDEN_BYTES (512 * KIB)   // what one page cache may hold back

static void *take_touched(struct page_heap *heap, size_t n_bytes, struct run **out_run)
{
    *out_run = take_run(heap, bytes_to_pages_up(n_bytes), 1);
    bench_touch(run_start(*out_run), n_bytes, vm_page_bytes());
    return run_start(*out_run);
}

static void measure_holes(void)
{
    struct page_heap_config config = {.retain_pct = 110};
    (void)resident_bytes();
    size_t            before_bytes = resident_bytes();
    struct page_heap *heap = heap_new(&config);
    struct run       *runs[HOLES_BLOCKS];
    for (size_t i = 0; i < HOLES_BLOCKS; i++)
        (void)take_touched(heap, HOLES_BLOCK_BYTES, &runs[i]);
    for (size_t i = 0; i < HOLES_BLOCKS; i += 2)
        page_heap_free(heap, runs[i]);
    struct run *large;
    (void)take_touched(heap, HOLES_TOTAL_BYTES / 2, &large);
    struct page_account account;
    page_heap_account_read(heap, &account);
    size_t backed_bytes =
        account.mapped_bytes - account.free_released_bytes - account.cached_released_bytes;
    printf("holes who=neap live=%zu estimate=%zu resident=%zu\n",
           account.in_use_bytes + account.manual_bytes, backed_bytes - HIDDEN_BYTES,
           resident_bytes() - before_bytes);
    heap_delete(heap);
}

#define STEPS_TOTAL_BYTES (64 * MIB)
#define STEPS_BLOCK_BYTES (64 * KIB)

static void measure_steps(void)
{
    struct page_heap_config config = {.retain_pct = 110};
    struct page_heap       *heap = heap_new(&config);
    for (size_t done = 0; done < STEPS_TOTAL_BYTES; done += STEPS_BLOCK_BYTES) {
        struct page_account account;
        (void)take_run(heap, bytes_to_pages_up(STEPS_BLOCK_BYTES), 1);
        page_heap_account_read(heap, &account);
        printf("steps who=neap sys=%zu\n", account.mapped_bytes);
    }
    heap_delete(heap);
}

// -----------------------------------------------------------------------------------------------

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*measure)(void);
    } figures[] = {{"speed", measure_speed},
                   {"growth", measure_growth},
                   {"metadata", measure_metadata},
                   {"holes", measure_holes},
                   {"steps", measure_steps}};
    if (argc == 3 && strcmp(argv[1], "grow") == 0) {
        grow_once_named(argv[2]);
        return 0;
    }
    for (size_t i = 0; argc == 2 && i < sizeof figures / sizeof figures[0]; i++) {
        if (strcmp(argv[1], figures[i].name) == 0) {
            figures[i].measure();
            return 0;
        }
    }
    bench_fail("usage: page_heap_bench speed | growth | grow KIND | metadata | holes | steps");
    return 2;
}
