// Does the cost of an operation depend on the size of the heap? 64 MiB to 1 TiB, on the fake
// kernel, which backs no heap memory; metadata is real.
//
// usage: page_heap_fake_bench time | instructions
#include "page_heap_speed.h"
#include "vm_fake.h"

#define REPETITIONS 9   // at each placement

// Where the heap starts, in arenas above the first hint. At 0 the largest heap fills whole
// entries of the page set from the first to the last; the others cut them anywhere.
static const uint64_t placements[] = {0, 0x2B3A5, 0x5D1F7};
#define PLACEMENTS (sizeof placements / sizeof placements[0])

int main(int argc, char **argv)
{
    static struct shaped_heap heaps[] = {
        {.size_name = "64MiB", .size_bytes = 64 * MIB},
        {.size_name = "1GiB", .size_bytes = GIB},
        {.size_name = "64GiB", .size_bytes = 64 * GIB},
        {.size_name = "1TiB", .size_bytes = 1024 * GIB},
    };
    if (argc != 2 || (strcmp(argv[1], "time") != 0 && strcmp(argv[1], "instructions") != 0))
        bench_fail("usage: page_heap_fake_bench time | instructions");
    struct speed_config config = {
        .kernel = "fake",
        .heaps = heaps,
        .n_heaps = sizeof heaps / sizeof heaps[0],
        .n_repetitions = REPETITIONS,
        .count_instructions = strcmp(argv[1], "instructions") == 0,
    };
    size_t n_placements = config.count_instructions ? 1 : PLACEMENTS;
    for (size_t i = 0; i < n_placements; i++) {
        vm_fake_reset(4 * KIB);
        vm_fake_check_states(false);
        speed_measure(&config, i, placements[i]);
    }
    return 0;
}
