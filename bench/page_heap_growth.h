// Growing to 1 GiB in steps, each handed out and touched, beside one bare mapping.
//
// "huge" asks the kernel for huge pages: for the bare mapping as a whole, for the heap arena by
// arena as it moves into them. The heap does not ask by itself yet; this shows what it would bring.
#ifndef NEAP_BENCH_PAGE_HEAP_GROWTH_H
#define NEAP_BENCH_PAGE_HEAP_GROWTH_H

#include "os/vm.h"
#include "page_heap_shapes.h"

#include <sys/resource.h>

#define GROWTH_BYTES GIB
#define GROWTH_REPETITIONS 7
#define WARM_BYTES (3 * GIB / 2)   // the host has found this memory before we time anything

static const struct growth_kind {
    const char *name;
    size_t      step_bytes;   // 0: one bare mmap
    bool        huge;
} growth_kinds[] = {
    {"mmap", 0, false},           {"mmap-huge", 0, true},     {"8KiB", 8 * KIB, false},
    {"8KiB-huge", 8 * KIB, true}, {"64KiB", 64 * KIB, false}, {"64KiB-huge", 64 * KIB, true},
    {"1MiB", MIB, false},         {"1MiB-huge", MIB, true},   {"4MiB-huge", 4 * MIB, true},
};
#define GROWTH_KINDS (sizeof growth_kinds / sizeof growth_kinds[0])

struct growth {
    uint64_t         ns;
    size_t           faults, advise_calls;
    struct vm_counts calls;
};

static inline size_t page_faults(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_minflt;
}

static inline void advise_huge(struct growth *growth, void *start, size_t n_bytes)
{
    (void)madvise(start, n_bytes, MADV_HUGEPAGE);   // refused where there are none: no huge pages
    growth->advise_calls++;
}

static inline void grow_bare(const struct growth_kind *kind, struct growth *growth)
{
    uint64_t start_ns = bench_clock_ns();
    void    *start = bench_map(GROWTH_BYTES);
    growth->calls.reserve++;
    if (kind->huge)
        advise_huge(growth, start, GROWTH_BYTES);
    bench_touch(start, GROWTH_BYTES, vm_page_bytes());
    growth->ns = bench_clock_ns() - start_ns;
    munmap(start, GROWTH_BYTES);
}

static inline void grow_heap(const struct growth_kind *kind, struct growth *growth)
{
    struct page_heap_config config = {.retain_pct = 110};
    struct vm_counts        before, after;
    vm_counts_read(&before);
    uint64_t          start_ns = bench_clock_ns();
    struct page_heap *heap = bench_map(sizeof *heap);
    page_heap_init(heap, &config);
    uintptr_t arena_end = 0;
    for (size_t done = 0; done < GROWTH_BYTES; done += kind->step_bytes) {
        struct run *run = take_run(heap, bytes_to_pages_down(kind->step_bytes), 1);
        if (kind->huge && heap->current.end != arena_end) {
            arena_end = heap->current.end;
            advise_huge(growth, run_start(run), arena_end - page_address(run->first));
        }
        bench_touch(run_start(run), kind->step_bytes, vm_page_bytes());
    }
    growth->ns = bench_clock_ns() - start_ns;
    vm_counts_read(&after);
    growth->calls = (struct vm_counts){.reserve = after.reserve - before.reserve,
                                       .prepare = after.prepare - before.prepare,
                                       .unuse = after.unuse - before.unuse,
                                       .release = after.release - before.release,
                                       .refused = after.refused - before.refused};
    page_heap_destroy(heap);
    munmap(heap, sizeof *heap);
}

static inline void grow_once(const struct growth_kind *kind)
{
    struct growth growth = {.ns = 0};
    size_t        faults_before = page_faults();
    (kind->step_bytes == 0 ? grow_bare : grow_heap)(kind, &growth);
    growth.faults = page_faults() - faults_before;
    printf("growth kind=%s ms=%.2f faults=%zu reserve=%zu prepare=%zu unuse=%zu release=%zu "
           "advise=%zu\n",
           kind->name, (double)growth.ns / 1e6, growth.faults, growth.calls.reserve,
           growth.calls.prepare, growth.calls.unuse, growth.calls.release, growth.advise_calls);
}

// One growth alone, to be watched from outside.
static inline void grow_once_named(const char *name)
{
    for (size_t i = 0; i < GROWTH_KINDS; i++) {
        if (strcmp(growth_kinds[i].name, name) == 0) {
            grow_once(&growth_kinds[i]);
            return;
        }
    }
    bench_fail("no such kind of growth");
}

static inline void measure_growth(void)
{
    void *warm = bench_map(WARM_BYTES);
    bench_touch(warm, WARM_BYTES, vm_page_bytes());
    munmap(warm, WARM_BYTES);
    for (size_t repetition = 0; repetition < GROWTH_REPETITIONS; repetition++) {
        for (size_t i = 0; i < GROWTH_KINDS; i++)
            grow_once(&growth_kinds[bench_turn(repetition, i, GROWTH_KINDS)]);
    }
}

#endif
