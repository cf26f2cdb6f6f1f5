// Holes: objects of one size, every other freed, then as many as were freed of twice the size.
// None of those fits a hole. Is memory of the holes given back as the heap grows?
#include "workload.h"

static void *take_written(size_t n_bytes, uint64_t mark)
{
    void *object = take(n_bytes);
    object_write(object, n_bytes, mark);
    return object;
}

void run_holes(void)
{
    size_t n_bytes = option("kib") * KIB;
    size_t n = option("mib") * MIB / n_bytes;
    void **objects = own_memory(n * sizeof *objects);
    size_t before_bytes = resident_exact_bytes();
    for (size_t i = 0; i < n; i++)
        objects[i] = take_written(n_bytes, i);
    for (size_t i = 0; i < n; i += 2)
        free(objects[i]);
    for (size_t i = 0; i < n; i += 2)
        objects[i] = take_written(2 * n_bytes, i);
    size_t resident_bytes = resident_exact_bytes() - before_bytes;

    size_t live_bytes = 0;
    for (size_t i = 0; i < n; i++) {
        size_t own_bytes = i % 2 == 0 ? 2 * n_bytes : n_bytes;
        object_check(objects[i], own_bytes, i);
        live_bytes += own_bytes;
        free(objects[i]);
    }
    figure("resident_per_live", "ratio", (double)resident_bytes / (double)live_bytes);
    checksum(live_bytes);
}
