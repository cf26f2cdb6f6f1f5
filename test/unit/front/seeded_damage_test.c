// The audit finds what is wrong, wherever in the heap it is: each row damages one thing in a heap
// in use, in a child of its own, and says which invariant has to name it. front/audit.c.
#include "front/front.h"

#include "front/heap.h"
#include "front/thread.h"
#include "pageheap/page_set_parts.h"
#include "unit_kit.h"
#include "vm_fake.h"

#include <string.h>

#define SMALL_BYTES 1000   // of a class of one word, which may cool
#define MANY_SLOTS_BYTES 48

// What the rows damage; see given_a_heap_in_use.
static struct {
    struct cache *cache, *idle;
    struct span  *span;   // current one of `cache`
    struct span  *partial, *full;
    struct span  *central;   // of a central list, with slots in use and free ones
    struct span  *large;
    struct cache_class *class;   // of `span`
    struct page_heap *pages;
    struct page_leaf *leaf;   // of `large`
} a;

static struct span *span_at(const void *address)
{
    return span_of_run(page_heap_find(&process_heap.pages, (uintptr_t)address));
}

static void become(struct cache *cache)
{
    this_thread.cache = cache;
    this_thread.ended = cache == NULL;   // gets none
}

// In the thread's cache, three spans of one class: all slots in use, some, and the one that is
// allocated from.
static void given_three_spans(void)
{
    size_t n_slots = size_classes[size_class_for(SMALL_BYTES)].n_slots;
    char  *first = front_allocate(SMALL_BYTES);
    a.full = span_at(first);
    for (size_t i = 1; i < n_slots; i++)
        assert_non_null(front_allocate(SMALL_BYTES));
    char *second = front_allocate(SMALL_BYTES);
    a.partial = span_at(second);
    for (size_t i = 1; i < n_slots; i++)
        assert_non_null(front_allocate(SMALL_BYTES));
    a.span = span_at(front_allocate(SMALL_BYTES));
    assert_int_equal(front_release(second), POINTER_TO_OBJECT);
    assert_ptr_not_equal(a.full, a.partial);
    assert_ptr_not_equal(a.partial, a.span);
}

static void given_a_heap_in_use(void)
{
    vm_fake_reset(4 * KIB);
    a.cache = caches_adopt(&heap_get()->caches, SIZE_MAX);
    a.idle = caches_adopt(&heap_get()->caches, SIZE_MAX);
    caches_orphan(&process_heap.caches, a.idle);
    become(a.cache);
    given_three_spans();
    a.class = &a.cache->classes[a.span->size_class];
    char *freed = front_allocate(MANY_SLOTS_BYTES);
    assert_non_null(front_allocate(MANY_SLOTS_BYTES));
    a.large = span_at(front_allocate(300 * KIB));
    become(NULL);
    assert_int_equal(front_release(freed), POINTER_TO_OBJECT);   // elsewhere: a note
    a.central = span_at(front_allocate(2000));
    a.pages = &process_heap.pages;
    size_t page = a.large->run.first.number;
    a.leaf = &a.pages->free.tables[page >> TABLE_PAGES_SHIFT]
                  ->leaves[page % TABLE_PAGES >> LEAF_PAGES_SHIFT];
    assert_null(front_check());
}

// ---- slots and spans --------------------------------------------------------------------------

static void a_slot_in_use_is_free(void)
{
    a.full->free[0] |= 4;
}

static void a_slot_in_use_of_a_span_with_free_ones_is_free(void)
{
    a.span->free[0] |= 1;
}

static void a_free_slot_is_in_use(void)
{
    a.span->free[0] &= a.span->free[0] - 1;
}

static void a_slot_behind_the_last_is_free(void)
{
    a.full->free[SPAN_WORDS - 1] = UINT64_C(1) << 60;
}

static void a_slot_behind_the_last_was_freed_elsewhere(void)
{
    a.span->freed_elsewhere[SPAN_WORDS - 1] = UINT64_C(1) << 60;
}

static void a_free_slot_was_freed_elsewhere(void)
{
    a.span->freed_elsewhere[0] |= a.span->free[0];
}

static void a_slot_was_freed_elsewhere_without_a_note(void)
{
    a.full->freed_elsewhere[0] |= 1;
}

static void a_note_without_a_slot(void)
{
    a.full->notes++;
}

static void a_note_is_owed_that_nobody_owes(void)
{
    a.full->owed_notes++;
}

static void a_span_is_of_another_class(void)
{
    a.partial->size_class++;
}

static void a_page_of_a_caches_span_is_released(void)
{
    a.partial->free[RELEASED_WORD] |= 1;
}

static void a_slot_of_a_caches_span_is_cold(void)
{
    a.partial->free[COLD_WORD] |= 1;
}

// ---- central lists ----------------------------------------------------------------------------

static void a_span_with_free_slots_says_it_is_in_no_central_list(void)
{
    process_heap.central.lists[a.central->size_class].first = NULL;
    a.central->listed = false;
}

static void a_span_of_a_list_is_miscounted(void)
{
    a.central->n_free++;
}

static void a_span_of_a_list_belongs_to_a_cache(void)
{
    store_relaxed(&a.central->owner, &a.cache->inbox);
}

static void a_span_with_free_slots_is_in_no_list(void)
{
    process_heap.central.lists[a.central->size_class].first = NULL;
}

static void a_span_is_in_the_list_of_another_class(void)
{
    struct central_list *lists = process_heap.central.lists;
    lists[a.central->size_class + 1].first = a.central;
    lists[a.central->size_class].first = NULL;
}

static void a_list_has_released_more_than_there_is(void)
{
    process_heap.central.lists[a.central->size_class].released_bytes += 4 * KIB;
}

static void a_list_has_handed_out_more(void)
{
    process_heap.central.lists[a.central->size_class].n_allocated++;
}

// ---- caches -----------------------------------------------------------------------------------

static struct hot_word *a_hot_word(void)
{
    size_t i = 0;
    while (a.class->hot[i].word == NULL)
        i++;
    return &a.class->hot[i];
}

static void a_hot_word_is_of_no_span(void)
{
    a_hot_word()->word += SPAN_WORDS;
}

static void a_hot_word_begins_elsewhere(void)
{
    a_hot_word()->base += a.class->slot_bytes;
}

static void a_hot_word_begins_at_no_memory_of_ours(void)
{
    a_hot_word()->base = 64;
}

static void the_size_of_slots_is_another(void)
{
    a.class->slot_bytes += 16;
}

static void the_current_span_says_it_is_in_no_list(void)
{
    a.class->current->listed = false;
}

static void a_span_that_says_it_is_in_no_list_is_among_the_partial(void)
{
    span_list_add(&a.class->partial, a.full);
    a.full->listed = false;
}

static void a_partial_span_is_not_listed(void)
{
    a.partial->listed = false;
}

static void a_partial_span_is_in_no_list(void)
{
    span_list_remove(&a.class->partial, a.partial);
    a.partial->listed = true;
}

static void a_span_with_free_slots_says_it_is_in_no_list(void)
{
    span_list_remove(&a.class->partial, a.partial);
    a.partial->listed = false;
}

static void a_span_with_free_slots_is_among_the_full(void)
{
    span_list_remove(&a.class->partial, a.partial);
    span_list_add(&a.class->full, a.partial);
}

static void a_foreign_span_is_among_the_full(void)
{
    span_list_add(&a.class->full, a.large);
}

static void a_hot_word_is_of_a_large_object(void)
{
    *a_hot_word() = (struct hot_word){&a.large->free[0], (uintptr_t)run_start(&a.large->run)};
}

static void a_cache_counts_a_slot_too_many(void)
{
    a.class->n_allocated++;
}

static void somebody_is_inside_an_idle_cache(void)
{
    store_relaxed(&a.idle->inside, true);
}

// ---- pages ------------------------------------------------------------------------------------

static void a_page_in_use_is_free(void)
{
    page_set_give(&a.pages->free, page_plus(a.large->run.first, 9), 1, false);
}

static void a_free_bit_without_a_summary(void)
{
    a.leaf->free[0] ^= UINT64_C(1) << 63;
}

static void a_page_in_use_is_released(void)
{
    size_t page = a.large->run.first.number % LEAF_PAGES;
    a.leaf->released[page / WORD_BITS] |= UINT64_C(1) << page % WORD_BITS;
}

static void the_set_counts_a_page_too_many(void)
{
    a.pages->free.free_pages++;
}

static void a_page_below_the_hint_is_free(void)
{
    assert_int_equal(front_release(run_start(&a.large->run)), POINTER_TO_OBJECT);
    a.pages->free.search_hint = ~(size_t)0;
}

static void every_leaf_is_marked(void)
{
    memset(a.pages->free.releasable, 0xFF, sizeof a.pages->free.releasable);
}

static void a_record_describes_nothing(void)
{
    a.large->run.kind = RUN_FREE;
}

static void a_record_is_longer_than_its_run(void)
{
    a.large->run.n_pages++;
}

static void the_map_shows_another_run(void)
{
    page_map_set(&a.pages->map, a.span->run.first, 1, &a.large->run);
}

static void a_page_has_two_entries(void)
{
    size_t page = a.span->run.first.number;
    // owner: only this thread
    struct page_map_table *table = load_relaxed(&a.pages->map.root[page >> TABLE_PAGES_SHIFT]);
    // owner: only this thread
    store_relaxed(&table->leaf_run[page % TABLE_PAGES >> LEAF_PAGES_SHIFT], &a.large->run);
}

static void a_window_has_a_page_in_use(void)
{
    a.pages->caches[0].window.first = a.large->run.first;
    a.pages->caches[0].window.free |= 1;
}

static void a_window_has_a_released_page_that_is_not_free(void)
{
    a.pages->caches[0].window.released = ~a.pages->caches[0].window.free;
}

static void pages_in_use_are_miscounted(void)
{
    a.pages->in_use_pages++;
    a.pages->manual_pages--;
}

static void released_inside_is_miscounted(void)
{
    a.pages->released_inside += 4 * KIB;
}

static void grown_ranges_miscount(void)
{
    a.pages->grown.total_pages--;
}

static void an_arena_is_empty(void)
{
    a.pages->reserved.ranges[0].n_pages = 0;
}

static void the_arena_has_been_grown_into(void)
{
    a.pages->current.base -= a.pages->unit_bytes;
}

static void the_arena_ends_beyond_what_is_reserved(void)
{
    a.pages->current.end += a.pages->unit_bytes;
}

static void nothing_is_asked_for(void)
{
    a.pages->arenas.ask_bytes = 0;
}

static void a_hint_is_not_aligned(void)
{
    a.pages->arenas.hints[0].address += 64;
}

static void a_free_page_was_never_grown(void)
{
    page_set_give(&a.pages->free, page_of_address(a.pages->current.end - PAGE_BYTES), 1, false);
}

#define DAMAGE(invariant, function)                                                                \
    {                                                                                              \
        .name = #function, .code = invariant, .damage = function                                   \
    }

static const struct damage_row {
    const char *name, *code;
    void (*damage)(void);
} damage_rows[] = {
    DAMAGE("K2", a_slot_in_use_is_free),
    DAMAGE("F1", a_slot_in_use_of_a_span_with_free_ones_is_free),
    DAMAGE("F1", a_free_slot_is_in_use),
    DAMAGE("W1", a_slot_behind_the_last_is_free),
    DAMAGE("W1", a_slot_behind_the_last_was_freed_elsewhere),
    DAMAGE("W2", a_free_slot_was_freed_elsewhere),
    DAMAGE("W3", a_slot_was_freed_elsewhere_without_a_note),
    DAMAGE("W3", a_note_without_a_slot),
    DAMAGE("W3", a_note_is_owed_that_nobody_owes),
    DAMAGE("K1", a_span_is_of_another_class),
    DAMAGE("W4", a_page_of_a_caches_span_is_released),
    DAMAGE("W4", a_slot_of_a_caches_span_is_cold),
    DAMAGE("T2", a_span_of_a_list_is_miscounted),
    DAMAGE("T3", a_span_of_a_list_belongs_to_a_cache),
    DAMAGE("T1", a_span_with_free_slots_is_in_no_list),
    DAMAGE("T1", a_span_with_free_slots_says_it_is_in_no_central_list),
    DAMAGE("T1", a_span_is_in_the_list_of_another_class),
    DAMAGE("F2", a_list_has_released_more_than_there_is),
    DAMAGE("F1", a_list_has_handed_out_more),
    DAMAGE("K1", a_hot_word_is_of_no_span),
    DAMAGE("K1", a_hot_word_begins_elsewhere),
    DAMAGE("K1", a_hot_word_begins_at_no_memory_of_ours),
    DAMAGE("K1", the_size_of_slots_is_another),
    DAMAGE("K1", a_hot_word_is_of_a_large_object),
    DAMAGE("K2", the_current_span_says_it_is_in_no_list),
    DAMAGE("K2", a_span_that_says_it_is_in_no_list_is_among_the_partial),
    DAMAGE("K2", a_partial_span_is_not_listed),
    DAMAGE("T1 K2", a_partial_span_is_in_no_list),
    DAMAGE("K2", a_span_with_free_slots_says_it_is_in_no_list),
    DAMAGE("K3", a_span_with_free_slots_is_among_the_full),
    DAMAGE("K3", a_foreign_span_is_among_the_full),
    DAMAGE("F1", a_cache_counts_a_slot_too_many),
    DAMAGE("D1", somebody_is_inside_an_idle_cache),
    DAMAGE("P1", a_page_in_use_is_free),
    DAMAGE("S5", a_free_bit_without_a_summary),
    DAMAGE("S1", a_page_in_use_is_released),
    DAMAGE("S3", the_set_counts_a_page_too_many),
    DAMAGE("S4", a_page_below_the_hint_is_free),
    DAMAGE("S5", every_leaf_is_marked),
    DAMAGE("M1", a_record_describes_nothing),
    DAMAGE("M1", a_record_is_longer_than_its_run),
    DAMAGE("K1", the_map_shows_another_run),
    DAMAGE("M2", a_page_has_two_entries),
    DAMAGE("P1", a_window_has_a_page_in_use),
    DAMAGE("C2", a_window_has_a_released_page_that_is_not_free),
    DAMAGE("P2", pages_in_use_are_miscounted),
    DAMAGE("F2", released_inside_is_miscounted),
    DAMAGE("R3", grown_ranges_miscount),
    DAMAGE("R1", an_arena_is_empty),
    DAMAGE("P3", the_arena_has_been_grown_into),
    DAMAGE("P3", the_arena_ends_beyond_what_is_reserved),
    DAMAGE("A1", nothing_is_asked_for),
    DAMAGE("A2", a_hint_is_not_aligned),
    DAMAGE("P4", a_free_page_was_never_grown),
};

// In a child each, which nobody has to put in order.
static void damage_and_check(void *argument)
{
    const struct damage_row *row = argument;
    given_a_heap_in_use();
    row->damage();
    expect_broken(front_check(), row->code);
}

static void is_named(void **state)
{
    expect_survives(damage_and_check, (void *)(uintptr_t)unit_case_of(state)->row);
}

static void check_in_a_handler(void *argument)
{
    given_a_heap_in_use();
    become(a.cache);
    store_relaxed(&a.cache->inside, true);   // as if it had been interrupted
    assert_string_equal(front_check(), "not checked: this thread is at work on the heap");
    store_relaxed(&a.cache->inside, false);
    assert_null(front_check());
}

static void a_handler_is_told_that_nothing_was_looked_at(void **state)
{
    expect_survives(check_in_a_handler, NULL);
}

static const struct unit_sentence sentences[] = {
    {"in a handler it says that nothing was looked at",
     a_handler_is_told_that_nothing_was_looked_at},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("the audit names:", damage_rows, 0, is_named));
    ADD_SENTENCES("the audit:", sentences, 0);
    return cmocka_run_group_tests_name("seeded damage", unit_tests, NULL, NULL);
}
