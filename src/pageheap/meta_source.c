// Cutting metadata from guarded reservations.
#include "pageheap/meta_source.h"

#include "base/check.h"
#include "base/units.h"
#include "os/vm.h"

#define RESERVATION_BYTES MIB               // one for the records of 64 MiB of 8 KiB runs
#define PREPARE_STEP_BYTES (64 * KIB)       // a system call for each 1000 runs; the largest OS page
#define OWN_RESERVATION_BYTES (256 * KIB)   // larger pieces would waste what is left of one
#define BATCH_BYTES (4 * KIB)               // records of a pool are cut in one OS page at a time

// Stands at the start of each reservation's accessible part.
struct reservation_shape {
    size_t header_bytes, guard_bytes, total_bytes;
};

static struct reservation_shape shape_for(size_t n_bytes)
{
    struct reservation_shape shape;
    shape.header_bytes = align_up(sizeof(struct meta_reservation), CACHE_LINE_BYTES);
    shape.guard_bytes = vm_page_bytes();
    shape.total_bytes =
        align_up(shape.header_bytes + n_bytes, vm_page_bytes()) + 2 * shape.guard_bytes;
    return shape;
}

// Reserves room for `n_bytes` and prepares `prepare_bytes` of it. Returns the place behind the
// header, or 0.
static uintptr_t reserve(struct meta_source *source, size_t n_bytes, size_t prepare_bytes)
{
    struct reservation_shape shape = shape_for(n_bytes);
    uintptr_t start = vm_reserve_anywhere(shape.total_bytes, vm_page_bytes(), VM_METADATA);
    if (start == 0)
        return 0;
    size_t prepared = align_up(shape.header_bytes + prepare_bytes, vm_page_bytes());
    prepared = size_min(prepared, shape.total_bytes - 2 * shape.guard_bytes);
    uintptr_t accessible = start + shape.guard_bytes;
    if (!vm_prepare(accessible, prepared)) {
        vm_release_best_effort(start, shape.total_bytes);
        return 0;
    }
    vm_use(accessible, prepared);
    source->mapped_bytes += prepared;
    struct meta_reservation *reservation = (struct meta_reservation *)accessible;
    reservation->start = start;
    reservation->n_bytes = shape.total_bytes;
    reservation->older = source->newest;
    source->newest = reservation;
    return accessible + shape.header_bytes;
}

static bool start_reservation(struct meta_source *source, size_t n_bytes)
{
    // Where address space is short, take only what is needed now.
    size_t    room = RESERVATION_BYTES;
    uintptr_t first = reserve(source, room, n_bytes);
    if (first == 0) {
        room = n_bytes;
        first = reserve(source, room, n_bytes);
    }
    if (first == 0)
        return false;
    struct reservation_shape shape = shape_for(room);
    source->next = first;
    source->prepared_end = align_up(first + n_bytes, vm_page_bytes());
    source->reserved_end = source->newest->start + shape.total_bytes - shape.guard_bytes;
    return true;
}

static bool prepare_more(struct meta_source *source, size_t n_bytes)
{
    size_t needed = align_up(source->next + n_bytes - source->prepared_end, vm_page_bytes());
    size_t step = size_max(needed, PREPARE_STEP_BYTES);
    step = size_min(step, source->reserved_end - source->prepared_end);
    if (!vm_prepare(source->prepared_end, step))
        return false;
    vm_use(source->prepared_end, step);
    source->prepared_end += step;
    source->mapped_bytes += step;
    return true;
}

void *meta_alloc(struct meta_source *source, size_t n_bytes)
{
    n_bytes = align_up(n_bytes, CACHE_LINE_BYTES);
    if (n_bytes >= OWN_RESERVATION_BYTES)
        return (void *)reserve(source, n_bytes, n_bytes);
    if (source->reserved_end - source->next < n_bytes && !start_reservation(source, n_bytes))
        return NULL;
    if (source->next + n_bytes > source->prepared_end && !prepare_more(source, n_bytes))
        return NULL;
    void *piece = (void *)source->next;
    source->next += n_bytes;
    return piece;
}

void meta_release_all(struct meta_source *source)
{
    struct meta_reservation *reservation = source->newest;
    while (reservation != NULL) {
        struct meta_reservation *older = reservation->older;
        vm_release_best_effort(reservation->start, reservation->n_bytes);
        reservation = older;
    }
    *source = (struct meta_source){.newest = NULL};
}

void meta_pool_init(struct meta_pool *pool, size_t record_bytes)
{
    CHECK_EQ(record_bytes % 16, 0);
    CHECK_LE(record_bytes, BATCH_BYTES);
    *pool = (struct meta_pool){.record_bytes = record_bytes};
}

void *meta_pool_take(struct meta_pool *pool, struct meta_source *source)
{
    void *record = pool->free_records;
    if (record != NULL) {
        pool->free_records = *(void **)record;
    } else {
        if (pool->batch_end - pool->batch_next < pool->record_bytes) {
            uintptr_t batch = (uintptr_t)meta_alloc(source, BATCH_BYTES);
            if (batch == 0)
                return NULL;
            pool->batch_next = batch;
            pool->batch_end = batch + BATCH_BYTES;
        }
        record = (void *)pool->batch_next;
        pool->batch_next += pool->record_bytes;
    }
    pool->n_handed_out++;
    return record;
}

void meta_pool_give(struct meta_pool *pool, void *record)
{
    DCHECK(pool->n_handed_out > 0);
    *(void **)record = pool->free_records;
    pool->free_records = record;
    pool->n_handed_out--;
}
