// page_heap_verify names the invariant that was broken.
#include "base/check.h"
#include "unit_kit.h"

struct broken_heap {
    struct page_heap *heap;
    struct run       *small, *large;   // in use: pages 0 and 64 to 163
};

struct verify_row {
    const char *name;
    const char *code;
    void (*corrupt)(struct broken_heap *b);
};

static void miscount_the_set(struct broken_heap *b)
{
    b->heap->free.free_pages++;
}

static void miscount_grown(struct broken_heap *b)
{
    b->heap->grown.total_pages--;
}

static void empty_range(struct broken_heap *b)
{
    b->heap->reserved.ranges[0].n_pages = 0;
}

static void ask_for_nothing(struct broken_heap *b)
{
    b->heap->arenas.ask_bytes = 0;
}

static void misalign_a_hint(struct broken_heap *b)
{
    b->heap->arenas.hints[3].address += 64;
}

static void release_in_window(struct broken_heap *b)
{
    b->heap->caches[0].window.released = ~b->heap->caches[0].window.free;
}

static void back_the_arena_up(struct broken_heap *b)
{
    b->heap->current.base -= b->heap->unit_bytes;
}

static void lengthen_the_arena(struct broken_heap *b)
{
    b->heap->current.end += b->heap->unit_bytes;
}

static void forget_part_of_the_arena(struct broken_heap *b)
{
    b->heap->current.base += b->heap->unit_bytes;
}

static void let_grown_pages_wait(struct broken_heap *b)
{
    uintptr_t start = page_address(b->large->first);
    b->heap->rests[b->heap->n_rests++] = (struct arena){start, start + b->heap->unit_bytes};
    b->heap->current.base += b->heap->unit_bytes;   // so that the sum stays
}

static void free_a_page_in_use(struct broken_heap *b)
{
    page_set_give(&b->heap->free, page_plus(b->large->first, 9), 1, false);
}

static void cache_a_page_in_use(struct broken_heap *b)
{
    b->heap->caches[0].window.free |= 1;   // page 0, where `small` is
}

static void cache_a_free_page(struct broken_heap *b)
{
    size_t at = bits_highest(b->heap->caches[0].window.free);
    page_set_give(&b->heap->free, page_plus(b->heap->caches[0].window.first, at), 1, false);
}

static void shift_between_books(struct broken_heap *b)
{
    b->heap->in_use_pages++;
    b->heap->manual_pages--;
}

static void miscount_manual(struct broken_heap *b)
{
    b->heap->manual_pages++;
    b->heap->scavenging_pages--;
}

static void move_the_window(struct broken_heap *b)
{
    b->heap->caches[0].window.first = page_plus(b->heap->caches[0].window.first, LEAF(1));
}

static void lose_a_page(struct broken_heap *b)
{
    // One page is taken out and given where nothing has been grown: the sums stay.
    page_set_take(&b->heap->free, page_plus(b->large->first, 200), 1);
    page_set_give(&b->heap->free, page_of_address(b->heap->current.end - PAGE_BYTES), 1, false);
}

static void give_a_page_outside(struct broken_heap *b)
{
    page_set_give(&b->heap->free, page_of_address(b->heap->current.end - PAGE_BYTES), 1, false);
}

static void void_a_record(struct broken_heap *b)
{
    b->large->kind = RUN_FREE;
}

static void enter_a_run_elsewhere(struct broken_heap *b)
{
    page_map_set(&b->heap->map, b->small->first, 1, b->large);
}

static void enter_a_leaf_too(struct broken_heap *b)
{
    size_t page = b->small->first.number;
    // owner: only this thread
    struct page_map_table *table = load_relaxed(&b->heap->map.root[page >> TABLE_PAGES_SHIFT]);
    // owner: only this thread
    store_relaxed(&table->leaf_run[page % TABLE_PAGES >> LEAF_PAGES_SHIFT], b->small);
}

static const struct verify_row verify_rows[] = {
    {"S3 the set miscounts", "S3", miscount_the_set},
    {"R3 the grown ranges miscount", "R3", miscount_grown},
    {"R1 an arena is empty", "R1", empty_range},
    {"A1 nothing is asked for", "A1", ask_for_nothing},
    {"A2 a hint is not aligned", "A2", misalign_a_hint},
    {"C2 a taken page of a window is released", "C2", release_in_window},
    {"P3 the arena begins where it was grown", "P3", back_the_arena_up},
    {"P3 the arena ends where nothing is reserved", "P3", lengthen_the_arena},
    {"P3 part of the arena is forgotten", "P3", forget_part_of_the_arena},
    {"P3 the rest of an arena has been grown", "P3", let_grown_pages_wait},
    {"P1 a page in use is free", "P1", free_a_page_in_use},
    {"P1 a page in use is cached", "P1", cache_a_page_in_use},
    {"P1 (C1) a cached page is free", "P1", cache_a_free_page},
    {"P1 a page is nowhere", "P1", lose_a_page},
    {"P4 a free page outside of what was grown", "P4", give_a_page_outside},
    {"P2 in use is miscounted", "P2", shift_between_books},
    {"P2 manual is miscounted", "P2", miscount_manual},
    {"P2 a window lies elsewhere", "P2", move_the_window},
    {"M1 a record is void", "M1", void_a_record},
    {"M1 a run is entered elsewhere", "M1", enter_a_run_elsewhere},
    {"M2 a leaf is entered too", "M2", enter_a_leaf_too},
};

static struct broken_heap given_a_heap(const struct page_shape *shape)
{
    struct broken_heap b = {.heap = unit_heap_new(shape, RETAIN_PCT_NEVER)};
    b.small = unit_alloc(b.heap, 1);
    b.large = unit_alloc(b.heap, 100);
    page_heap_free(b.heap, unit_alloc(b.heap, 300));
    assert_int_equal(b.small->first.number, UNIT_BASE_PAGE);
    assert_int_equal(b.large->first.number, UNIT_BASE_PAGE + 64);
    expect_heap(b.heap);
    return b;
}

static void verify_names_it(void **state)
{
    const struct verify_row *row = unit_case_of(state)->row;
    struct broken_heap       b = given_a_heap(unit_case_of(state)->shape);
    row->corrupt(&b);
    expect_broken(page_heap_verify(b.heap), row->code);
    unit_unmap(b.heap, sizeof *b.heap);   // in no state to be destroyed
}

// Debug builds end at once where the books are read.
static void verify_lost_sum(void *argument)
{
    struct page_heap *heap = argument;
    heap->in_use_pages++;
    expect_broken(page_heap_verify(heap), "P2");
}

static void books_that_do_not_add_up_are_found(void **state)
{
    struct broken_heap b = given_a_heap(unit_case_of(state)->shape);
    if (NEAP_DEBUG)
        expect_dies(verify_lost_sum, b.heap, "check failed: page_account_adds_up(out_account)");
    else
        verify_lost_sum(b.heap);
    unit_unmap(b.heap, sizeof *b.heap);
}

// As in the middle of a step: out of the set, counted as free and ready.
static void pages_being_given_back_are_in_the_books(void **state)
{
    struct broken_heap  b = given_a_heap(unit_case_of(state)->shape);
    struct page_account before = unit_account(b.heap), after;
    page_id             first;
    size_t              n_pages;
    assert_true(page_set_find_releasable(&b.heap->free, 8, &first, &n_pages));
    page_set_take(&b.heap->free, first, n_pages);
    b.heap->scavenging_pages += n_pages;
    expect_heap(b.heap);
    after = unit_account(b.heap);
    expect_same_books(&before, &after);
    assert_int_equal(after.free_ready_bytes, before.free_ready_bytes);
    page_set_give(&b.heap->free, first, n_pages, false);
    b.heap->scavenging_pages -= n_pages;
    expect_heap(b.heap);
    unit_heap_delete(b.heap);
}

static const struct unit_sentence sentences[] = {
    {"pages being given back are in the books", pages_being_given_back_are_in_the_books},
    {"P2 books that do not add up are found", books_that_do_not_add_up_are_found},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("page_heap_verify", verify_rows, HEAP_SHAPES, verify_names_it));
    ADD_SENTENCES("page_heap_verify", sentences, HEAP_SHAPES);
    return cmocka_run_group_tests_name("page_heap_verify", unit_tests, NULL, NULL);
}
