// OS pages inside of spans against a slow model that knows only bytes: which of them are live, and
// which released.
//
// span/span_cold.c.
#include "random.h"
#include "span_world.h"
#include "vm_fake.h"

#define MASKS 24
#define GRANULE 16   // slots and pages begin and end at multiples of it: as good as a byte
#define GRANULES_MAX (31 * PAGE_BYTES / GRANULE)

static struct span_inbox owner_inbox;

static struct model {
    struct span *span;
    size_t       n_granules;
    bool         live[GRANULES_MAX], released[GRANULES_MAX];
} model;

static uintptr_t start_of(const struct span *span)
{
    return (uintptr_t)run_start(&span->run);
}

// Of each granule, whether a slot in use covers it.
static void look_what_is_live(void)
{
    struct span *span = model.span;
    size_t       slot_granules = span_class(span)->slot_bytes / GRANULE;
    for (size_t i = 0; i < model.n_granules; i++) {
        size_t slot = i / slot_granules;
        model.live[i] = slot < span_class(span)->n_slots && !span_slot_is_free(span, slot);
    }
}

static bool any(const bool *are, size_t first_byte, size_t end_byte)
{
    for (size_t i = first_byte / GRANULE; i < end_byte / GRANULE; i++)
        if (are[i])
            return true;
    return false;
}

static bool all(const bool *are, size_t first_byte, size_t end_byte)
{
    for (size_t i = first_byte / GRANULE; i < end_byte / GRANULE; i++)
        if (!are[i])
            return false;
    return true;
}

// Of the n-th whole OS page of the span, where it begins. False: there are not so many.
static bool os_page_begins(unsigned n, size_t *out_offset)
{
    uintptr_t start = start_of(model.span);
    *out_offset = align_up(start, vm_page_bytes()) - start + n * vm_page_bytes();
    return *out_offset + vm_page_bytes() <= run_bytes(&model.span->run);
}

static uint64_t idle_by_bytes(void)
{
    uint64_t idle = 0;
    size_t   offset;
    for (unsigned i = 0; os_page_begins(i, &offset); i++)
        if (!any(model.live, offset, offset + vm_page_bytes()) && !model.released[offset / GRANULE])
            idle |= UINT64_C(1) << i;
    return idle;
}

static void release_bytes(uint64_t os_pages, bool are)
{
    size_t offset;
    for (unsigned i = 0; os_page_begins(i, &offset); i++)
        for (size_t at = offset; at < offset + vm_page_bytes(); at += GRANULE)
            if ((os_pages >> i & 1) != 0)
                model.released[at / GRANULE] = are;
}

static uint64_t cold_by_bytes(void)
{
    uint64_t cold = 0;
    size_t   n_bytes = span_class(model.span)->slot_bytes;
    for (size_t i = 0; i < span_class(model.span)->n_slots; i++)
        if (any(model.released, i * n_bytes, (i + 1) * n_bytes))
            cold |= UINT64_C(1) << i;
    return cold;
}

static void expect_sorted(uint64_t free)
{
    struct span *span = model.span;
    assert_int_equal(span_cold(span), cold_by_bytes());
    assert_int_equal(span->free[0], free & ~cold_by_bytes());
    assert_int_equal(span_count_free(span), bits_count(free));
    assert_int_equal(span_count_used(span), span_class(span)->n_slots - bits_count(free));
    assert_true(span_cold_fits(span));
    assert_null(span_verify(span, true));
    assert_int_equal(span_idle_os_pages(span), idle_by_bytes());
}

// The OS pages that have a byte in one of these pages of ours.
static uint64_t os_pages_in(uint64_t pages)
{
    uint64_t os_pages = 0;
    size_t   offset;
    for (unsigned i = 0; os_page_begins(i, &offset); i++)
        for (size_t at = offset; at < offset + vm_page_bytes(); at += GRANULE)
            if ((pages >> at / PAGE_BYTES & 1) != 0)
                os_pages |= UINT64_C(1) << i;
    return os_pages;
}

// Our pages that are released with all their bytes, and what those lack that are with some.
static void expect_released_pages(void)
{
    uint64_t wanted = 0, partly = 0;
    for (size_t i = 0; i < model.span->run.n_pages; i++) {
        if (all(model.released, i * PAGE_BYTES, (i + 1) * PAGE_BYTES))
            wanted |= UINT64_C(1) << i;
        else if (any(model.released, i * PAGE_BYTES, (i + 1) * PAGE_BYTES))
            partly |= UINT64_C(1) << i;
    }
    struct span_released released = span_released_pages(model.span);
    assert_int_equal(released.pages, wanted);
    assert_int_equal(released.os_pages, os_pages_in(wanted));
    assert_int_equal(released.missing_os_pages,
                     os_pages_in(partly) & ~span_released_os_pages(model.span));
}

// Cools what is idle but for what `refused` says, frees more, cools again, and warms.
static void cool_and_warm(uint64_t free, uint64_t freed_later, const uint64_t refused[2])
{
    struct span *span = model.span;
    for (int round = 0; round < 2; round++) {
        look_what_is_live();
        uint64_t idle = idle_by_bytes();
        assert_int_equal(span_idle_os_pages(span), idle);
        release_bytes(idle, true);
        span_begin_cooling(span, idle);
        assert_int_equal(span_cold(span), cold_by_bytes());
        assert_true(span_cold_fits(span));
        release_bytes(idle & refused[round], false);
        span_end_cooling(span, idle & ~refused[round]);
        expect_sorted(free);
        expect_released_pages();
        free |= freed_later;
        store_relaxed(&span->free[0], free & ~span_cold(span));
        look_what_is_live();
        expect_sorted(free);
    }
    release_bytes(~UINT64_C(0), false);
    span_warm(span);
    expect_sorted(free);
    assert_int_equal(span_released_os_pages(span), 0);
}

static void given_span(struct span *span, unsigned size_class, size_t first_page, uint64_t free)
{
    *span = (struct span){
        .run = {.first = PAGE(first_page), .n_pages = size_classes[size_class].span_pages}};
    span_cut(span, size_class, &owner_inbox);
    store_relaxed(&span->free[0], free);
    model = (struct model){.span = span, .n_granules = run_bytes(&span->run) / GRANULE};
}

// Runs of ones are more like what programs leave than single bits are.
static uint64_t some_bits(struct random_source *random)
{
    uint64_t bits = random_next(random);
    for (size_t n = random_below(random, 4); n > 0; n--)
        bits &= random_next(random) | random_next(random);
    return bits | (bits << 1 & random_next(random));
}

static const struct os_page_row {
    const char *name;
    size_t      os_page_bytes;
} os_page_rows[] = {
    {"of 4 KiB", 4 * KIB},
    {"of 16 KiB", 16 * KIB},
    {"of 64 KiB", 64 * KIB},
};

static void cold_is_what_touches_a_released_byte(void **state)
{
    const struct os_page_row *row = unit_case_of(state)->row;
    struct random_source      random = {unit_random_start().state};
    vm_fake_reset(row->os_page_bytes);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        for (size_t n = 0; size_class_may_cool(i) && n < MASKS; n++) {
            uint64_t all_free = size_classes[i].last_word;
            uint64_t free = n < 3 ? (uint64_t[]){0, all_free, all_free & ~UINT64_C(1)}[n]
                                  : some_bits(&random) & all_free;
            uint64_t refused[2] = {n % 2 == 0 ? 0 : some_bits(&random),
                                   n % 3 == 0 ? 0 : some_bits(&random)};
            struct span span;
            given_span(&span, i, random_below(&random, 16), free);
            cool_and_warm(free, some_bits(&random) & all_free, refused);
        }
    }
}

static void the_address_of_an_os_page_is_a_multiple_of_its_size(void **state)
{
    const struct os_page_row *row = unit_case_of(state)->row;
    unsigned                  size_class = size_class_for(32 * KIB);
    vm_fake_reset(row->os_page_bytes);
    for (size_t first_page = 0; first_page < 16; first_page++) {
        struct span span;
        size_t      offset;
        given_span(&span, size_class, first_page, 0);
        for (unsigned i = 0; os_page_begins(i, &offset); i++) {
            assert_int_equal(span_os_page_address(&span, i), start_of(&span) + offset);
            assert_int_equal(span_os_page_address(&span, i) % row->os_page_bytes, 0);
        }
    }
}

int main(void)
{
    unit_add_table(UNIT_TABLE("cold is what touches a released byte, OS pages", os_page_rows, 0,
                              cold_is_what_touches_a_released_byte));
    unit_add_table(UNIT_TABLE("its address is a multiple of its size, an OS page", os_page_rows, 0,
                              the_address_of_an_os_page_is_a_multiple_of_its_size));
    return cmocka_run_group_tests_name("span cold", unit_tests, NULL, NULL);
}
