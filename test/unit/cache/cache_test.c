// One cache on the fake kernel: where the next slot comes from, what becomes of spans that are used
// up or free, what others have freed, and being inside.
#include "cache/cache.h"

#include "span_world.h"

#define KEPT_IDLE_PAGES_MAX 2   // as in cache.c

static struct span *current_of(struct cache *cache, unsigned size_class)
{
    return cache->classes[size_class].current;
}

static size_t n_partial(struct cache *cache, unsigned size_class)
{
    size_t n = 0;
    for (struct span *span = cache->classes[size_class].partial; span != NULL; span = span->next)
        n++;
    return n;
}

// ---- where the next slot comes from -----------------------------------------------------------

static void slots_come_lowest_first_span_by_span(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *cache = world_cache(world);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        assert_null(cache_allocate_at_once(cache, i));
        for (size_t n_spans = 1; n_spans <= 2; n_spans++) {
            char *first = world_allocate(cache, i);
            for (size_t slot = 1; slot < size_classes[i].n_slots; slot++)
                assert_ptr_equal(world_allocate(cache, i),
                                 first + slot * size_classes[i].slot_bytes);
            assert_ptr_equal(world_span_at(world, first), current_of(cache, i));
            assert_int_equal(world_n_spans(world, i), n_spans);
            assert_null(cache_allocate_at_once(cache, i));
        }
    }
    span_world_delete(world);
}

static void what_was_freed_last_is_allocated_first(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *cache = world_cache(world);
    unsigned           size_class = class_with_slots(128);
    void              *slots[3 * 128];
    world_fill_spans(cache, size_class, 3, slots);
    static const size_t freed[] = {5, 70, 130, 200, 260, 330};   // each of another word
    _Static_assert(LENGTH_OF(freed) == HOT_WORDS + 2, "the first two are not hot any more");
    for (size_t i = 0; i < LENGTH_OF(freed); i++)
        world_free_all(world, cache, &slots[freed[i]], 1);
    for (size_t i = LENGTH_OF(freed); i > 2; i--)
        assert_ptr_equal(cache_allocate_at_once(cache, size_class), slots[freed[i - 1]]);
    assert_null(cache_allocate_at_once(cache, size_class));
    void *rest[] = {cache_allocate(cache, size_class), cache_allocate(cache, size_class)};
    for (size_t i = 0; i < 2; i++)
        assert_true(rest[i] == slots[freed[0]] || rest[i] == slots[freed[1]]);
    assert_ptr_not_equal(rest[0], rest[1]);
    expect_world(world);
    span_world_delete(world);
}

static void of_hot_words_those_used_up_are_passed_over(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *cache = world_cache(world);
    unsigned           size_class = class_with_slots(128);
    void              *slots[3 * 128];
    world_fill_spans(cache, size_class, 3, slots);
    world_free_all(world, cache, &slots[5], 1);
    world_free_all(world, cache, &slots[130], 2);
    world_free_all(world, cache, &slots[70], 1);
    struct cache_class *class = &cache->classes[size_class];
    class->hot_at = (class->hot_at + 1) % HOT_WORDS;
    class->hot[class->hot_at].word = NULL;   // the span it was of has left
    assert_null(cache_allocate_at_once(cache, size_class));
    static const size_t then[] = {70, 130, 131, 5};
    for (size_t i = 0; i < LENGTH_OF(then); i++)
        assert_ptr_equal(cache_allocate_next(cache, size_class), slots[then[i]]);
    assert_null(cache_allocate_next(cache, size_class));
    expect_world(world);
    span_world_delete(world);
}

// Frees in one word leave the others hot.
static void a_word_is_hot_once(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *cache = world_cache(world);
    unsigned           size_class = class_with_slots(128);
    void              *slots[3 * 128];
    world_fill_spans(cache, size_class, 3, slots);
    world_free_all(world, cache, &slots[200], 1);
    world_free_all(world, cache, slots, 2 * HOT_WORDS);
    for (size_t i = 0; i < 2 * HOT_WORDS; i++)
        assert_ptr_equal(cache_allocate_at_once(cache, size_class), slots[i]);
    assert_ptr_equal(cache_allocate_at_once(cache, size_class), slots[200]);
    span_world_delete(world);
}

// The first span of the class that the cache has may be one that it has not allocated from.
static void hot_words_of_a_span_taken_over_lead_to_its_slots(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *cache = world_cache(world);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        size_t n_slots = size_classes[i].n_slots;
        void  *slots[SLOTS_MAX];
        if (n_slots < 3)
            continue;
        for (size_t k = 0; k < n_slots; k++)
            slots[k] = world_fetch(world, i);
        world_free_all(world, cache, slots, 2);   // the first one brings the span
        expect_world(world);
        assert_ptr_equal(cache_allocate_at_once(cache, i), slots[0]);   // of the same word
        assert_ptr_equal(cache_allocate_at_once(cache, i), slots[1]);
        world_free_all(world, cache, slots, n_slots);
    }
    expect_world(world);
    span_world_delete(world);
}

// A span that goes back to the page heap leaves no hot word: its record may become another's.
static void a_span_that_leaves_is_not_hot(void **state)
{
    void (*const leave[])(struct cache *) = {cache_tidy, cache_empty, cache_rest};
    for (size_t i = 0; i < LENGTH_OF(leave); i++) {
        struct span_world *world = span_world_new();
        struct cache      *cache = world_cache(world);
        unsigned           size_class = class_with_slots(128);
        void              *slots[3 * 128];
        world_fill_spans(cache, size_class, 3, slots);
        world_free_all(world, cache, &slots[256], 128);   // one of them is idle, and leaves at once
        world_free_all(world, cache, slots, 256 - 1);
        expect_world(world);
        leave[i](cache);
        for (size_t k = 0; k < HOT_WORDS; k++)
            assert_null(cache->classes[size_class].hot[k].word);
        expect_world(world);
        span_world_delete(world);
    }
}

static void another_word_is_used_when_the_first_is_used_up(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *cache = world_cache(world);
    unsigned           size_class = class_with_slots(128);
    void              *slots[128];
    for (size_t i = 0; i < 64; i++)
        slots[i] = world_allocate(cache, size_class);
    assert_null(cache_allocate_at_once(cache, size_class));
    for (size_t i = 64; i < 128; i++)
        slots[i] = world_allocate(cache, size_class);
    assert_int_equal(world_n_spans(world, size_class), 1);
    assert_ptr_equal(world_span_at(world, slots[127]), world_span_at(world, slots[0]));
    span_world_delete(world);
}

// Each in a span of its own, but the first two and what was freed elsewhere are the current one's.
enum source { OWN_WORD, OTHER_WORD, PARTIAL, INBOX, FREED_ELSEWHERE, CENTRAL, NEW, SOURCES };

static const struct order_row {
    const char *name;
    unsigned    without;   // sources that have no slot: a bit each
} order_rows[] = {
    {"all places in their order", 0},
    {"the word in use is used up", 1u << OWN_WORD},
    {"and the span's other word", 1u << OWN_WORD | 1u << OTHER_WORD},
    {"nothing was freed elsewhere in the current span", 1u << FREED_ELSEWHERE},
    {"there is no current span", 1u << OWN_WORD | 1u << OTHER_WORD | 1u << FREED_ELSEWHERE},
    {"no span is in the inbox", 1u << INBOX},
    {"no other span has a free slot", 1u << PARTIAL},
    {"the central list is empty", 1u << CENTRAL},
    {"there is nothing but memory", (1u << NEW) - 1},
};

// Makes the places of a slot in each source; that of NEW is not known yet.
static void make_sources(struct span_world *world, struct cache *cache, unsigned size_class,
                         void *out_slots[SOURCES])
{
    struct cache *other = world_cache(world);
    void         *slots[4][128];
    void         *central_slot = world_allocate(other, size_class);
    for (size_t i = 0; i < 4; i++)
        world_fill_spans(cache, size_class, 1, slots[i]);
    world_free_all(world, other, &slots[0][10], 1);   // its span is full: comes by the inbox
    out_slots[INBOX] = slots[0][10];
    world_free_all(world, cache, &slots[1][20], 1);
    out_slots[PARTIAL] = slots[1][20];
    world_free_all(world, other, &slots[3][30], 1);
    out_slots[FREED_ELSEWHERE] = slots[3][30];
    world_free_all(world, cache, &slots[3][40], 1);
    out_slots[OTHER_WORD] = slots[3][40];
    world_free_all(world, cache, &slots[3][100], 1);   // the word in use is the last one
    out_slots[OWN_WORD] = slots[3][100];
    for (size_t i = 1; i < 127; i++)
        world_allocate(other, size_class);   // one is left
    cache_empty(other);
    out_slots[CENTRAL] = (char *)central_slot + 127 * size_classes[size_class].slot_bytes;
}

static void slots_come_from(void **state)
{
    const struct order_row *row = unit_case_of(state)->row;
    struct span_world      *world = span_world_new();
    struct cache           *cache = world_cache(world);
    unsigned                size_class = class_with_slots(128);
    void                   *slots[SOURCES];
    make_sources(world, cache, size_class, slots);
    // A source that is to have no slot: somebody has taken it.
    for (unsigned i = 0; i < NEW; i++) {
        if ((row->without >> i & 1) == 0)
            continue;
        struct span *span = world_span_at(world, slots[i]);
        size_t       slot = world_slot_at(world, slots[i]);
        uint64_t     bit = UINT64_C(1) << slot % WORD_BITS;
        span->free[slot / WORD_BITS] &= ~bit;
        span->freed_elsewhere[slot / WORD_BITS] &= ~bit;
        if (i == PARTIAL)
            span_list_remove(&cache->classes[size_class].partial, span);
        if (i == INBOX || i == FREED_ELSEWHERE)
            span->owed_notes++;   // the word was taken in before
        if (i == CENTRAL) {
            span_list_remove(&world->central.lists[size_class].first, span);
            span->n_free = 0;
        }
    }
    for (unsigned i = 0; i < NEW; i++)
        if ((row->without >> i & 1) == 0)
            assert_ptr_equal(cache_allocate(cache, size_class), slots[i]);
    size_t n_spans = world_n_spans(world, size_class);
    assert_non_null(cache_allocate(cache, size_class));
    assert_int_equal(world_n_spans(world, size_class), n_spans + 1);
    span_world_delete(world);
}

static size_t n_free_in_partial(struct cache *cache, unsigned size_class)
{
    size_t n = 0;
    for (struct span *span = cache->classes[size_class].partial; span != NULL; span = span->next)
        n += span_count_free(span);
    return n;
}

static void an_allocation_takes_in_a_few_spans_only(void **state)
{
    enum { SPANS = 40, AT_ONCE = 16 };
    struct span_world *world = span_world_new();
    struct cache      *cache = world_cache(world), *other = world_cache(world);
    unsigned           size_class = class_with_slots(4);
    void              *slots[4 * SPANS];
    world_fill_spans(cache, size_class, SPANS, slots);
    for (size_t i = 0; i < SPANS - 1; i++)   // not in the current one
        world_free_all(world, other, &slots[4 * i], 1);
    size_t n_came = 0;
    for (size_t left = SPANS - 1; left > 0; left -= n_came) {
        n_came = size_min(left, AT_ONCE);
        for (size_t n_allocated = 1; n_allocated <= n_came; n_allocated++) {
            world_allocate(cache, size_class);
            assert_int_equal(n_free_in_partial(cache, size_class), n_came - n_allocated);
        }
    }
    assert_int_equal(world_n_spans(world, size_class), SPANS);
    span_world_delete(world);
}

// A producer whose current span the consumers refill all the time never runs out of it.
static void no_counter_overflows_where_others_refill_the_current_span(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *producer = world_cache(world), *consumer = world_cache(world);
    for (size_t n_slots = 4; n_slots <= 512; n_slots *= 128) {
        unsigned size_class = class_with_slots(n_slots);
        size_t   n_words = size_classes[size_class].n_words;
        for (size_t round = 0; round < 70000 / n_words; round++) {
            void *slots[SLOTS_MAX];
            world_fill_spans(producer, size_class, 1, slots);
            world_free_all(world, consumer, slots, n_slots);
            struct span *span = world_span_at(world, slots[0]);
            if (span->next_in_inbox == span || span->owed_notes < 0)
                fail_msg("the notes overflow after %zu rounds", round);
        }
    }
    caches_tidy(&world->caches);
    assert_int_equal(world_in_use_bytes(world), 0);
    span_world_delete(world);
}

// ---- spans used up, spans free ----------------------------------------------------------------

static void a_full_span_is_in_no_list_until_a_slot_is_freed(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *cache = world_cache(world);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        void *slots[2 * SLOTS_MAX];
        world_fill_spans(cache, i, 2, slots);
        struct span *full = world_span_at(world, slots[0]);
        assert_false(full->listed);
        assert_int_equal(n_partial(cache, i), 0);
        world_free_all(world, cache, &slots[1], 1);
        assert_true(full->listed);
        assert_int_equal(n_partial(cache, i), 1);
        world_free_all(world, cache, &slots[0], 1);   // of the same word: it is listed already
        assert_int_equal(n_partial(cache, i), 1);
        expect_world(world);
    }
    span_world_delete(world);
}

static void of_free_spans_one_small_one_is_kept_and_the_current_one(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *cache = world_cache(world);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        enum { SPANS = 4 };
        static void *slots[SPANS * SLOTS_MAX];
        size_t       n_slots = size_classes[i].n_slots;
        size_t       n_kept = size_classes[i].span_pages <= KEPT_IDLE_PAGES_MAX;
        world_fill_spans(cache, i, SPANS, slots);
        for (size_t k = 0; k < SPANS; k++)   // slot by slot, so that they become free one by one
            world_free_all(world, cache, &slots[k * n_slots], n_slots);
        assert_int_equal(world_n_spans(world, i), 1 + n_kept);
        assert_int_equal(n_partial(cache, i), n_kept);
        assert_ptr_equal(current_of(cache, i), world_span_at(world, slots[(SPANS - 1) * n_slots]));
        expect_world(world);
    }
    size_t in_use_bytes = world_in_use_bytes(world);
    cache_tidy(cache);
    assert_int_equal(world_in_use_bytes(world), 0);
    assert_true(in_use_bytes > 0);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++)
        assert_null(current_of(cache, i));
    span_world_delete(world);
}

static void a_span_is_free_whichever_slot_is_freed_last(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *cache = world_cache(world);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        size_t n_slots = size_classes[i].n_slots;
        for (size_t last = 0; last<n_slots; last += n_slots> 16 ? 9 : 1) {
            void  *slots[3 * SLOTS_MAX];
            void **second = &slots[n_slots];
            world_fill_spans(cache, i, 3, slots);
            world_free_all(world, cache, slots, n_slots);   // the one that may be kept
            world_free_all(world, cache, second, last);
            world_free_all(world, cache, &second[last + 1], n_slots - last - 1);
            size_t n_spans = world_n_spans(world, i);
            world_free_all(world, cache, &second[last], 1);
            assert_int_equal(world_n_spans(world, i), n_spans - 1);
            world_free_all(world, cache, &slots[2 * n_slots], n_slots);
            cache_tidy(cache);
            assert_int_equal(world_n_spans(world, i), 0);
        }
    }
    span_world_delete(world);
}

static void a_free_span_whose_note_has_not_come_is_kept(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *cache = world_cache(world);
    unsigned           size_class = class_with_slots(8);
    void              *slots[3 * 8];
    world_fill_spans(cache, size_class, 3, slots);
    world_free_all(world, cache, &slots[0], 1);
    world_free_all(world, cache, &slots[9], 7);
    struct span *span = world_span_at(world, slots[8]);
    or_acq_rel(&span->freed_elsewhere[0], UINT64_C(1));
    span_take_in(span);   // the last slot, whose note is on its way
    void *slot = world_slot(span, 0);
    store_relaxed(&span->free[0], span->free[0] & ~UINT64_C(1));    // allocated,
    assert_int_equal(world_free(world, cache, slot), SPAN_GIVEN);   // and freed again
    assert_int_equal(world_n_spans(world, size_class), 3);
    add_acq_rel(&span->notes, 1);
    span_inbox_put(&cache->inbox, span);
    cache_tidy(cache);
    assert_int_equal(world_n_spans(world, size_class), 2);
    span_world_delete(world);
}

static void tidying_keeps_what_is_in_use(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *cache = world_cache(world), *other = world_cache(world);
    unsigned           size_class = class_with_slots(4);
    void              *slots[4 * 4];
    world_fill_spans(cache, size_class, 4, slots);
    world_free_all(world, cache, &slots[0], 3);    // partly in use
    world_free_all(world, cache, &slots[4], 4);    // free
    world_free_all(world, other, &slots[8], 4);    // free, but not known to be
    world_free_all(world, cache, &slots[12], 1);   // the current one
    cache_tidy(cache);
    assert_int_equal(world_n_spans(world, size_class), 2);
    assert_int_equal(n_partial(cache, size_class), 2);
    assert_null(current_of(cache, size_class));
    expect_world(world);
    span_world_delete(world);
}

static void tidying_keeps_a_free_span_whose_note_has_not_come(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *cache = world_cache(world);
    unsigned           size_class = class_with_slots(4);
    void              *slots[4];
    world_fill_spans(cache, size_class, 1, slots);
    struct span *span = current_of(cache, size_class);
    world_free_all(world, cache, &slots[1], 3);
    // Somebody is on his way to free the last one.
    or_acq_rel(&span->freed_elsewhere[0], UINT64_C(1));
    span_take_in(span);
    cache_tidy(cache);
    assert_int_equal(world_n_spans(world, size_class), 1);
    cache_empty(cache);
    assert_int_equal(world_n_spans(world, size_class), 1);
    assert_true(central_owns(&world->central, span));
    add_acq_rel(&span->notes, 1);
    span_inbox_put(&cache->inbox, span);   // he had seen the owner before
    cache_tidy(cache);
    central_tidy(&world->central);
    assert_int_equal(world_n_spans(world, size_class), 0);
    span_world_delete(world);
}

static void emptying_leaves_the_free_slots_to_the_central_lists(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *cache = world_cache(world), *other = world_cache(world);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        void  *slots[3 * SLOTS_MAX];
        size_t n_slots = size_classes[i].n_slots;
        world_fill_spans(cache, i, 3, slots);
        world_free_all(world, cache, &slots[0], n_slots);       // free: goes back
        world_free_all(world, cache, &slots[n_slots + 1], 1);   // the third stays full
        cache_empty(cache);
        assert_int_equal(world_n_spans(world, i), 2);
        assert_null(current_of(cache, i));
        assert_null(cache->classes[i].partial);
        assert_ptr_equal(load_relaxed(&world_span_at(world, slots[2 * n_slots])->owner),
                         &cache->inbox);
        assert_ptr_equal(world_allocate(other, i), slots[n_slots + 1]);
        // And what is freed now in the one that stayed is found again.
        world_free_all(world, cache, &slots[2 * n_slots], 1);
        assert_ptr_equal(world_allocate(cache, i), slots[2 * n_slots]);
        expect_world(world);
    }
    span_world_delete(world);
}

static void a_span_that_changes_owner_takes_its_notes_along(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *first = world_cache(world), *second = world_cache(world);
    unsigned           size_class = class_with_slots(64);
    void              *slots[64];
    world_fill_spans(first, size_class, 1, slots);
    struct span *span = current_of(first, size_class);
    world_free_all(world, first, &slots[0], 1);
    cache_empty(first);
    assert_ptr_equal(central_take_span(&world->central, size_class, &second->inbox), span);
    assert_int_equal(cache_free_in_new(second, span, 1), SPAN_GIVEN);
    // Who was slow has seen the first owner.
    or_acq_rel(&span->freed_elsewhere[0], UINT64_C(1) << 2);
    add_acq_rel(&span->notes, 1);
    span_inbox_put(&first->inbox, span);
    cache_tidy(first);
    assert_ptr_equal(second->inbox.first, span);
    cache_tidy(second);
    assert_int_equal(span_count_free(span), 3);
    assert_int_equal(span->owed_notes, 0);
    span_world_delete(world);
}

// ---- freeing ----------------------------------------------------------------------------------

static void a_slot_freed_twice_is_found_and_not_counted(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *cache = world_cache(world), *other = world_cache(world);
    struct cache      *by[] = {cache, other};
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        void *keep = world_allocate(cache, i);
        for (size_t k = 0; k < 4; k++) {
            void    *slot = world_allocate(cache, i);
            uint64_t n_freed[] = {cache->classes[i].n_freed, other->classes[i].n_freed};
            assert_int_equal(world_free(world, by[k / 2], slot), SPAN_GIVEN);
            assert_int_equal(world_free(world, by[k % 2], slot), SPAN_ALREADY_FREE);
            assert_int_equal(cache->classes[i].n_freed, n_freed[0] + (k / 2 == 0));
            assert_int_equal(other->classes[i].n_freed, n_freed[1] + (k / 2 == 1));
        }
        assert_int_equal(cache->classes[i].n_allocated, 5);
        world_free_all(world, cache, &keep, 1);
    }
    span_world_delete(world);
}

static void the_first_free_in_a_full_central_span_brings_it_along(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *cache = world_cache(world);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        static void *slots[SLOTS_MAX];
        size_t       n_slots = size_classes[i].n_slots;
        for (size_t k = 0; k < n_slots; k++)
            slots[k] = world_fetch(world, i);
        assert_int_equal(world_free(world, cache, slots[1]), SPAN_GIVEN);
        assert_ptr_equal(load_relaxed(&world_span_at(world, slots[1])->owner), &cache->inbox);
        assert_int_equal(n_partial(cache, i), 1);
        assert_int_equal(cache->classes[i].n_freed, 1);
        assert_ptr_equal(world_allocate(cache, i), slots[1]);
        world_free_all(world, cache, slots, n_slots);
        expect_world(world);
    }
    span_world_delete(world);
}

static void a_central_span_with_free_slots_stays_where_it_is(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *cache = world_cache(world);
    void              *slot = world_fetch(world, 5), *neighbour = world_fetch(world, 5);
    assert_int_equal(world_free(world, cache, slot), SPAN_GIVEN);
    assert_true(central_owns(&world->central, world_span_at(world, neighbour)));
    assert_ptr_equal(world_fetch(world, 5), slot);
    world_free_all(world, cache, &slot, 1);
    world_free_all(world, cache, &neighbour, 1);
    span_world_delete(world);
}

static void a_central_span_that_is_free_then_is_kept_only_if_small(void **state)
{
    struct span_world *world = span_world_new();
    struct cache      *cache = world_cache(world);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        void *slot = world_fetch(world, i);
        assert_int_equal(world_free(world, cache, slot), SPAN_GIVEN);
        assert_int_equal(world_n_spans(world, i),
                         size_classes[i].span_pages <= KEPT_IDLE_PAGES_MAX);
    }
    span_world_delete(world);
}

// ---- being inside -----------------------------------------------------------------------------

static const struct enter_row {
    const char *name;
    bool        inside, closed, enters;
} enter_rows[] = {
    {"enters an open cache", false, false, true},
    {"does not enter a closed one", false, true, false},
    {"does not enter again from a signal handler", true, false, false},
    {"nor when it was closed meanwhile", true, true, false},
};

static void thread_of_the_cache(void **state)
{
    const struct enter_row *row = unit_case_of(state)->row;
    struct span_world      *world = span_world_new();
    struct cache           *cache = world_cache(world);
    store_relaxed(&cache->inside, row->inside);
    store_relaxed(&cache->closed, row->closed);
    assert_int_equal(cache_enter(cache), row->enters);
    assert_int_equal(cache->inside, row->inside || row->enters);
    assert_int_equal(cache->closed, row->closed);
    if (row->enters) {
        cache_leave(cache);
        assert_false(cache->inside);
        assert_true(cache_enter(cache));
        cache_leave(cache);
    }
    store_relaxed(&cache->inside, false);
    store_relaxed(&cache->closed, false);
    span_world_delete(world);
}

// ---- private caches ---------------------------------------------------------------------------

static void count_span(void *context, struct span *span)
{
    size_t *n_spans = context;
    n_spans[span->size_class]++;
}

static void a_private_cache_knows_all_its_spans_and_shares_none(void **state)
{
    struct span_world *world = span_world_new();
    struct cache *private = page_heap_metadata_take(&world->pages, sizeof *private);
    struct cache     *other = world_cache(world);
    struct neap_heap *heap = (struct neap_heap *)(void *)private;
    cache_init(private, &world->central, heap);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        static void *slots[4 * SLOTS_MAX];
        size_t       n_slots = size_classes[i].n_slots, n_spans[SIZE_CLASSES] = {0};
        void        *in_central = world_fetch(world, i);
        world_fill_spans(private, i, 4, slots);
        assert_ptr_not_equal(world_span_at(world, slots[0]), world_span_at(world, in_central));
        world_free_all(world, private, &slots[n_slots], 1);
        world_free_all(world, other, &slots[2 * n_slots], 1);
        cache_each_span(private, count_span, n_spans);
        assert_int_equal(n_spans[i], 4);
        assert_null(cache_verify(private));
        assert_int_equal(world_give_back(world, in_central), SPAN_GIVEN);
    }
    cache_discard(private);
    central_tidy(&world->central);
    assert_int_equal(world_in_use_bytes(world), 0);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        struct central_list *list = &world->central.lists[i];
        uint64_t             n_allocated = list->n_allocated + other->classes[i].n_allocated;
        assert_int_equal(n_allocated, list->n_freed + other->classes[i].n_freed);
        assert_int_equal(private->classes[i].n_allocated, 0);
    }
    assert_null(cache_verify(private));
    span_world_delete(world);
}

static const struct unit_sentence sentences[] = {
    {"slots come lowest first, span by span", slots_come_lowest_first_span_by_span},
    {"what was freed last is allocated first", what_was_freed_last_is_allocated_first},
    {"of hot words those used up are passed over", of_hot_words_those_used_up_are_passed_over},
    {"a word is hot once", a_word_is_hot_once},
    {"hot words of a span taken over lead to its slots",
     hot_words_of_a_span_taken_over_lead_to_its_slots},
    {"a span that leaves is not hot", a_span_that_leaves_is_not_hot},
    {"another word is used when the first is used up",
     another_word_is_used_when_the_first_is_used_up},
    {"an allocation takes in a few spans only", an_allocation_takes_in_a_few_spans_only},
    {"no counter overflows where others refill the current span",
     no_counter_overflows_where_others_refill_the_current_span},
    {"a full span is in no list until a slot is freed",
     a_full_span_is_in_no_list_until_a_slot_is_freed},
    {"of free spans one small one is kept, and the current one",
     of_free_spans_one_small_one_is_kept_and_the_current_one},
    {"a span is free whichever slot is freed last", a_span_is_free_whichever_slot_is_freed_last},
    {"a free span whose note has not come is kept", a_free_span_whose_note_has_not_come_is_kept},
    {"tidying keeps what is in use", tidying_keeps_what_is_in_use},
    {"tidying keeps a free span whose note has not come",
     tidying_keeps_a_free_span_whose_note_has_not_come},
    {"emptying leaves the free slots to the central lists",
     emptying_leaves_the_free_slots_to_the_central_lists},
    {"a span that changes owner takes its notes along",
     a_span_that_changes_owner_takes_its_notes_along},
    {"a slot freed twice is found and not counted", a_slot_freed_twice_is_found_and_not_counted},
    {"the first free in a full central span brings it along",
     the_first_free_in_a_full_central_span_brings_it_along},
    {"a central span with free slots stays where it is",
     a_central_span_with_free_slots_stays_where_it_is},
    {"a central span that is free then is kept only if small",
     a_central_span_that_is_free_then_is_kept_only_if_small},
    {"a private cache knows all its spans and shares none",
     a_private_cache_knows_all_its_spans_and_shares_none},
};

int main(void)
{
    ADD_SENTENCES("cache", sentences, 0);
    unit_add_table(UNIT_TABLE("the next slot:", order_rows, 0, slots_come_from));
    unit_add_table(UNIT_TABLE("a thread", enter_rows, 0, thread_of_the_cache));
    return cmocka_run_group_tests_name("cache", unit_tests, NULL, NULL);
}
