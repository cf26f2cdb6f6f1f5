// What a span, an inbox and a list say of themselves at the edges: when an inbox is crowded, what
// counts as a free slot beside cold ones, what a newcomer in a list brings along. span/span.c.
#include "span/span.h"
#include "span_world.h"
#include "vm_fake.h"

#define CROWD 64   // spans that nobody has taken in
#define COOLING_BYTES ((size_t)9000)

static struct span_inbox inbox;

static void given_span(struct span *span, unsigned size_class)
{
    *span =
        (struct span){.run = {.first = PAGE(0), .n_pages = size_classes[size_class].span_pages}};
    span_cut(span, size_class, &inbox);
}

static void given_empty_inbox(void)
{
    (void)span_inbox_take_all(&inbox);
}

// ---- crowds -----------------------------------------------------------------------------------

static void an_inbox_is_crowded_at_every_64th_span_since_it_was_emptied(void **state)
{
    static struct span spans[3 * CROWD];
    given_empty_inbox();
    for (size_t i = 0; i < LENGTH_OF(spans); i++)
        assert_int_equal(span_inbox_put(&inbox, &spans[i]), (i + 1) % CROWD == 0);
    for (size_t round = 0; round < 2; round++) {
        given_empty_inbox();
        for (size_t i = 0; i + 1 < CROWD; i++)
            assert_false(span_inbox_put(&inbox, &spans[i]));
    }
    assert_true(span_inbox_put(&inbox, &spans[CROWD]));
}

static void who_frees_for_a_crowded_inbox_is_told(void **state)
{
    static struct span spans[2 * CROWD];
    given_empty_inbox();
    for (size_t i = 0; i < LENGTH_OF(spans); i++) {
        struct span_inbox *crowded = &inbox;
        given_span(&spans[i], size_class_for(100));
        (void)span_take_slot(&spans[i]);
        assert_int_equal(span_free_elsewhere(&spans[i], 0, &crowded), SPAN_GIVEN);
        assert_ptr_equal(crowded, (i + 1) % CROWD == 0 ? &inbox : NULL);
    }
}

// ---- lists ------------------------------------------------------------------------------------

static void a_newcomer_brings_nothing_along(void **state)
{
    struct span  elsewhere, newcomer = {.rested = true, .previous = &elsewhere, .next = &elsewhere};
    struct span *first = NULL;
    span_list_add(&first, &newcomer);
    assert_false(newcomer.rested);
    assert_null(newcomer.previous);
    assert_null(newcomer.next);
}

static void what_has_left_knows_no_neighbours(void **state)
{
    struct span  spans[3] = {{.notes = 0}};
    struct span *first = NULL;
    for (size_t i = 0; i < LENGTH_OF(spans); i++)
        span_list_add(&first, &spans[i]);
    span_list_remove(&first, &spans[1]);
    assert_null(spans[1].previous);
    assert_null(spans[1].next);
}

// ---- cold slots -------------------------------------------------------------------------------

// Of a class that may cool, the first slot in use, and an OS page behind it released.
static void given_cold_span(struct span *span)
{
    vm_fake_reset(4 * KIB);
    given_span(span, size_class_for(COOLING_BYTES));
    (void)span_take_slot(span);
    uint64_t idle = span_idle_os_pages(span);
    assert_int_not_equal(idle, 0);
    span_begin_cooling(span, idle);
    span_end_cooling(span, idle);
    assert_int_not_equal(span_cold(span), 0);
    assert_int_equal(span_cold(span) & 1, 0);
}

static void cold_slots_are_no_free_ones_but_count(void **state)
{
    struct span span;
    given_cold_span(&span);
    size_t n_slots = span_class(&span)->n_slots;
    assert_int_equal(span_count_free(&span), n_slots - 1);
    assert_int_equal(span_count_used(&span), 1);
    store_relaxed(&span.free[0], 0);   // all but the cold ones in use
    assert_false(span_has_free(&span));
    assert_int_equal(span_count_free(&span), bits_count(span_cold(&span)));
}

static void free_a_cold_slot_elsewhere(struct span *span)
{
    or_acq_rel(&span->freed_elsewhere[0], span_cold(span) & -span_cold(span));
}

static void free_a_free_slot_elsewhere(struct span *span)
{
    or_acq_rel(&span->freed_elsewhere[0], UINT64_C(2));
    store_relaxed(&span->free[0], load_relaxed(&span->free[0]) | 2);
    store_relaxed(&span->free[COLD_WORD], load_relaxed(&span->free[COLD_WORD]) & ~UINT64_C(2));
}

static void free_behind_the_last(struct span *span)
{
    uint64_t behind = UINT64_C(1) << span_class(span)->n_slots;
    store_relaxed(&span->free[0], load_relaxed(&span->free[0]) | behind);
}

static void free_behind_the_words(struct span *span)
{
    or_acq_rel(&span->freed_elsewhere[SPAN_WORDS - 1], 1);
}

static const struct verify_row {
    const char *name, *code;
    void (*corrupt)(struct span *span);
} verify_rows[] = {
    {"a cold slot that was freed", "W2", free_a_cold_slot_elsewhere},
    {"a free slot that was freed", "W2", free_a_free_slot_elsewhere},
    {"a slot behind the last", "W1", free_behind_the_last},
    {"a slot freed behind the words", "W1", free_behind_the_words},
};

static void is_named(void **state)
{
    const struct verify_row *row = unit_case_of(state)->row;
    struct span              span;
    given_cold_span(&span);
    assert_null(span_verify(&span, true));
    row->corrupt(&span);
    expect_broken(span_verify(&span, false), row->code);
}

static const struct unit_sentence sentences[] = {
    {"an inbox is crowded at every 64th since it was emptied",
     an_inbox_is_crowded_at_every_64th_span_since_it_was_emptied},
    {"who frees for a crowded inbox is told", who_frees_for_a_crowded_inbox_is_told},
    {"a newcomer in a list brings nothing along", a_newcomer_brings_nothing_along},
    {"what has left a list knows no neighbours", what_has_left_knows_no_neighbours},
    {"cold slots are no free ones but count", cold_slots_are_no_free_ones_but_count},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("of a cold span verify names", verify_rows, 0, is_named));
    ADD_SENTENCES("spans:", sentences, 0);
    return cmocka_run_group_tests_name("span parts", unit_tests, NULL, NULL);
}
