// The load: words at both ends of each page, made of the slot's tag and the page's number.
#include "page_heap_load.h"

#include "sanitizer.h"

#define PAGE_WORDS (PAGE_BYTES / sizeof(uint64_t))

void load_init_heap(struct page_heap *heap, const struct page_heap_config *config)
{
    page_heap_init(heap, config);
    if (SANITIZES_THREAD)
        heap->arenas.n_hints = 0;   // where they point the sanitizer keeps its shadow
}

void load_init(struct page_heap_load *load, struct page_heap *heap, uint64_t seed,
               size_t live_pages_max)
{
    *load =
        (struct page_heap_load){.heap = heap, .random = {seed}, .live_pages_max = live_pages_max};
}

static void wrong(struct page_heap_load *load, const char *what)
{
    if (load->broken == NULL)
        load->broken = what;
}

static uint64_t *page_words(const struct run *run, size_t page)
{
    return (uint64_t *)((char *)run_start(run) + pages_to_bytes(page));
}

static uint64_t word_for(const struct load_slot *slot, size_t page)
{
    return slot->tag ^ ((slot->run->first.number + page) * UINT64_C(0x9E3779B97F4A7C15));
}

static void check_zero(struct page_heap_load *load, const struct run *run, size_t page)
{
    const uint64_t *words = page_words(run, page);
    uint64_t        any = words[0] | words[PAGE_WORDS - 1];
    if (page == 0 || load->reads_all_zeros) {
        for (size_t i = 0; i < PAGE_WORDS; i++)
            any |= words[i];
    }
    if (any != 0)
        wrong(load, "memory known to be zero is not");
    load->zero_known_pages++;
}

static void write_pages(struct page_heap_load *load, const struct load_slot *slot, size_t from,
                        bool zero_known)
{
    for (size_t page = from; page < slot->run->n_pages; page++) {
        if (zero_known)
            check_zero(load, slot->run, page);
        uint64_t *words = page_words(slot->run, page);
        words[0] = words[PAGE_WORDS - 1] = word_for(slot, page);
    }
}

void load_check_contents(struct page_heap_load *load, const struct load_slot *slot)
{
    for (size_t page = 0; page < slot->run->n_pages; page++) {
        const uint64_t *words = page_words(slot->run, page);
        uint64_t        word = word_for(slot, page);
        if (words[0] != word || words[PAGE_WORDS - 1] != word)
            wrong(load, "a page does not hold what was written");
    }
}

bool load_fill(struct page_heap_load *load, size_t slot_index, const struct run_request *request)
{
    struct load_slot *slot = &load->slots[slot_index];
    struct run       *run = page_heap_alloc(load->heap, request);
    if (run == NULL) {
        load->refused++;
        return false;
    }
    *slot = (struct load_slot){run, random_next(&load->random)};
    if (run->n_pages != request->n_pages || run->kind != request->kind)
        wrong(load, "the run is not what was asked for");
    if ((run->first.number & (size_max(request->align_pages, 1) - 1)) != 0)
        wrong(load, "the run is not aligned");
    load->live_pages += run->n_pages;
    write_pages(load, slot, 0, run->zero_known);
    return true;
}

void load_empty(struct page_heap_load *load, size_t slot_index)
{
    struct load_slot *slot = &load->slots[slot_index];
    load_check_contents(load, slot);
    load->live_pages -= slot->run->n_pages;
    page_heap_free(load->heap, slot->run);
    slot->run = NULL;
}

static size_t random_pages(struct random_source *random)
{
    switch (random_below(random, 64)) {
    case 0:
        return random_between(random, LEAF_PAGES - 2, LEAF_PAGES + 50);
    case 1:
        return random_between(random, 1, 100);
    case 2:
    case 3:
    case 4:
    case 5:
        return random_between(random, UNCACHED_RUN_PAGES_MIN - 2, UNCACHED_RUN_PAGES_MIN + 2);
    default:
        return random_between(random, 1, UNCACHED_RUN_PAGES_MIN - 1);
    }
}

static void step_alloc(struct page_heap_load *load, size_t slot)
{
    struct random_source *random = &load->random;
    struct run_request    request = {
           .n_pages = random_pages(random),
           .align_pages = random_one_in(random, 8) ? (size_t)1 << random_below(random, 8) : 0,
           .kind = random_one_in(random, 8) ? RUN_MANUAL : RUN_IN_USE,
    };
    if (load->live_pages + request.n_pages <= load->live_pages_max)
        (void)load_fill(load, slot, &request);
}

static void step_resize(struct page_heap_load *load, struct load_slot *slot)
{
    size_t old_pages = slot->run->n_pages;
    size_t n_pages = random_one_in(&load->random, 2) ? random_pages(&load->random)
                                                     : old_pages + random_below(&load->random, 3);
    bool   zero_known = false;
    if (load->live_pages - old_pages + n_pages > load->live_pages_max)
        return;
    if (!page_heap_resize(load->heap, slot->run, n_pages, &zero_known)) {
        if (slot->run->n_pages != old_pages)
            wrong(load, "a resize that failed changed the run");
        return;
    }
    if (slot->run->n_pages != n_pages)
        wrong(load, "the resized run has another size");
    load->live_pages = load->live_pages - old_pages + n_pages;
    if (n_pages > old_pages)
        write_pages(load, slot, old_pages, zero_known);
    load_check_contents(load, slot);
}

static void step_find(struct page_heap_load *load, const struct load_slot *slot)
{
    uintptr_t start = (uintptr_t)run_start(slot->run);
    size_t    n_bytes = run_bytes(slot->run);
    uintptr_t inside = start + random_next(&load->random) % n_bytes;
    if (page_heap_find(load->heap, start) != slot->run ||
        page_heap_find(load->heap, inside) != slot->run ||
        page_heap_find(load->heap, start + n_bytes - 1) != slot->run)
        wrong(load, "a run is not found at its own address");
    // Somebody else's pages: any answer but our run.
    if (page_heap_find(load->heap, start - 1) == slot->run ||
        page_heap_find(load->heap, start + n_bytes) == slot->run)
        wrong(load, "a run is found outside of itself");
    (void)page_heap_find(load->heap, random_next(&load->random) >> random_below(&load->random, 40));
}

void load_step(struct page_heap_load *load)
{
    size_t            slot_index = random_below(&load->random, LOAD_SLOTS);
    struct load_slot *slot = &load->slots[slot_index];
    load->operations++;
    if (slot->run == NULL) {
        step_alloc(load, slot_index);
        return;
    }
    switch (random_below(&load->random, 4)) {
    case 0:
        step_resize(load, slot);
        break;
    case 1:
        step_find(load, slot);
        break;
    default:
        load_empty(load, slot_index);
        break;
    }
}

void load_free_all(struct page_heap_load *load)
{
    for (size_t i = 0; i < LOAD_SLOTS; i++) {
        if (load->slots[i].run != NULL)
            load_empty(load, i);
    }
}
