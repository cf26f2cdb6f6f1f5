// Where arenas come from: hints, collisions, and smaller steps where space is short.
#include "pageheap/arena.h"
#include "unit_kit.h"
#include "vm_fake.h"

#define ARENA (64 * MIB)
#define BASE ((uintptr_t)1 << 44)   // the first hint, without randomness
#define TIB ((uintptr_t)1 << 40)

static struct arena_source given_a_source(const struct page_shape *shape)
{
    struct arena_source source;
    vm_fake_reset(shape->os_page_bytes);
    arena_source_init(&source, ARENA, size_max(PAGE_BYTES, shape->os_page_bytes), 0);
    assert_null(arena_source_verify(&source));
    return source;
}

// Fills the spare and takes it away, as the heap does.
static void expect_arena(struct arena_source *source, size_t n_bytes, struct arena expected)
{
    assert_true(arena_source_fill_spare(source, n_bytes));
    assert_int_equal(source->spare.base, expected.base);
    assert_int_equal(source->spare.end, expected.end);
    assert_int_equal(vm_fake_state_at(expected.base), VM_FAKE_RESERVED);
    assert_int_equal(vm_fake_state_at(expected.end - 1), VM_FAKE_RESERVED);
    assert_null(arena_source_verify(source));
    source->spare = (struct arena){0, 0};
}

static size_t reserve_calls(void)
{
    struct vm_counts counts;
    vm_counts_read(&counts);
    return counts.reserve;
}

static size_t unit_of(void **state)
{
    return size_max(PAGE_BYTES, unit_case_of(state)->shape->os_page_bytes);
}

// ---- hints ------------------------------------------------------------------------------------

static void arenas_follow_one_another(void **state)
{
    struct arena_source source = given_a_source(unit_case_of(state)->shape);
    for (size_t i = 0; i < 40; i++)
        expect_arena(&source, MIB, (struct arena){BASE + i * ARENA, BASE + (i + 1) * ARENA});
    assert_int_equal(reserve_calls(), 40);
    assert_int_equal(source.n_hints, ARENA_HINTS_MAX);
}

static void a_spare_that_suffices_is_kept(void **state)
{
    struct arena_source source = given_a_source(unit_case_of(state)->shape);
    assert_true(arena_source_fill_spare(&source, MIB));
    assert_true(arena_source_fill_spare(&source, ARENA));
    assert_true(arena_source_fill_spare(&source, MIB));
    assert_int_equal(reserve_calls(), 1);
    // One that does not is given back.
    assert_true(arena_source_fill_spare(&source, ARENA + MIB));
    assert_true(source.spare.end - source.spare.base >= ARENA + MIB);
    assert_int_equal(vm_fake_heap_bytes().reserved, source.spare.end - source.spare.base);
    assert_null(arena_source_verify(&source));
}

static void large_requests_get_what_they_need(void **state)
{
    struct arena_source source = given_a_source(unit_case_of(state)->shape);
    expect_arena(&source, 3 * ARENA + MIB, (struct arena){BASE, BASE + 3 * ARENA + MIB});
    assert_int_equal(source.ask_bytes, ARENA);
    expect_arena(&source, MIB, (struct arena){BASE + 3 * ARENA + MIB, BASE + 4 * ARENA + MIB});
}

static void a_hint_that_collides_is_thrown_away(void **state)
{
    size_t              unit = unit_of(state);
    struct arena_source source = given_a_source(unit_case_of(state)->shape);
    vm_fake_occupy(BASE + ARENA / 2, unit);   // in the middle of where the arena would be
    expect_arena(&source, MIB, (struct arena){BASE + TIB, BASE + TIB + ARENA});
    assert_int_equal(source.n_hints, ARENA_HINTS_MAX - 1);
    assert_int_equal(reserve_calls(), 2);
    // It is not tried again, and two in a row are passed over.
    vm_fake_occupy(BASE + TIB + ARENA, unit);
    vm_fake_occupy(BASE + 2 * TIB, unit);
    expect_arena(&source, MIB, (struct arena){BASE + 3 * TIB, BASE + 3 * TIB + ARENA});
    assert_int_equal(reserve_calls(), 5);
    assert_int_equal(source.n_hints, ARENA_HINTS_MAX - 3);
}

// A request larger than an arena that does not fit at a hint says nothing about arenas there.
static void a_large_request_throws_no_hints_away(void **state)
{
    struct arena_source source = given_a_source(unit_case_of(state)->shape);
    vm_fake_occupy(BASE + ARENA, unit_of(state));
    expect_arena(&source, 2 * ARENA, (struct arena){BASE + TIB, BASE + TIB + 2 * ARENA});
    assert_int_equal(source.n_hints, ARENA_HINTS_MAX);
    expect_arena(&source, ARENA, (struct arena){BASE, BASE + ARENA});
}

static void occupy_all_hints(const struct arena_source *source, size_t unit)
{
    for (size_t i = 0; i < source->n_hints; i++)
        vm_fake_occupy(source->hints[i].address, unit);
}

static void without_hints_the_kernel_chooses(void **state)
{
    size_t              unit = unit_of(state);
    struct arena_source source = given_a_source(unit_case_of(state)->shape);
    uintptr_t           end = 40 * TIB + 3 * MIB;   // aligned down to 4 MiB it gives `start`
    uintptr_t           start = align_down(end - ARENA, 4 * MIB);
    occupy_all_hints(&source, unit);
    vm_fake_place_next(end);
    expect_arena(&source, MIB, (struct arena){start, start + ARENA});
    // The new hints lie around the answer; the place below is tried first.
    assert_int_equal(source.n_hints, 2);
    expect_arena(&source, MIB, (struct arena){start - ARENA, start});
    expect_arena(&source, MIB, (struct arena){start - 2 * ARENA, start - ARENA});
    vm_fake_occupy(start - 2 * ARENA - unit, unit);
    expect_arena(&source, MIB, (struct arena){start + ARENA, start + 2 * ARENA});
    expect_arena(&source, MIB, (struct arena){start + 2 * ARENA, start + 3 * ARENA});
    assert_int_equal(source.n_hints, 1);
}

static void a_small_arena_lies_on_its_unit(void **state)
{
    size_t              unit = unit_of(state);
    struct arena_source source;
    vm_fake_reset(unit_case_of(state)->shape->os_page_bytes);
    arena_source_init(&source, 2 * MIB, unit, 0);
    occupy_all_hints(&source, unit);
    vm_fake_place_next(40 * TIB + 3 * unit);
    expect_arena(&source, unit, (struct arena){40 * TIB + 3 * unit - 2 * MIB, 40 * TIB + 3 * unit});
}

// "No space" may mean that user space ends before the hint: if the kernel finds another place for
// the same size, the hint goes.
static void a_hint_beyond_user_space_is_dropped(void **state)
{
    struct arena_source source = given_a_source(unit_case_of(state)->shape);
    vm_fake_refuse(1, false);
    assert_true(arena_source_fill_spare(&source, MIB));
    assert_true(source.spare.base > BASE + 20 * TIB);
    assert_int_equal(source.spare.end - source.spare.base, ARENA);
    assert_in_range(source.n_hints, ARENA_HINTS_MAX - 1, ARENA_HINTS_MAX);
    for (size_t i = 0; i < source.n_hints; i++)
        assert_int_not_equal(source.hints[i].address, BASE);
}

static void a_hint_outlives_a_shortage(void **state)
{
    struct arena_source source = given_a_source(unit_case_of(state)->shape);
    vm_fake_refuse(1, true);
    assert_false(arena_source_fill_spare(&source, ARENA));
    vm_fake_refuse(0, false);
    assert_int_equal(source.n_hints, ARENA_HINTS_MAX);
    expect_arena(&source, ARENA, (struct arena){BASE, BASE + ARENA});
}

static void hints_past_the_end_of_addresses_are_no_use(void **state)
{
    struct arena_source source = given_a_source(unit_case_of(state)->shape);
    source.hints[15] = (struct arena_hint){((uintptr_t)1 << ADDRESS_BITS) - 4 * MIB, false};
    source.hints[14] = (struct arena_hint){4 * MIB, true};   // would begin below zero
    source.hints[13] = (struct arena_hint){UINTPTR_MAX - 64 * MIB + 1, false};
    expect_arena(&source, MIB, (struct arena){BASE + 3 * TIB, BASE + 3 * TIB + ARENA});
    assert_int_equal(source.n_hints, ARENA_HINTS_MAX - 3);
    assert_int_equal(reserve_calls(), 1);   // the kernel was not asked
}

static void randomness_moves_the_first_hint(void **state)
{
    struct arena_source one, other;
    size_t              unit = unit_of(state);
    struct unit_random  random = unit_random_start();
    arena_source_init(&one, ARENA, unit, 1);
    assert_int_equal(one.hints[ARENA_HINTS_MAX - 1].address, BASE + ARENA);
    for (int i = 0; i < 1000; i++) {
        arena_source_init(&other, ARENA, unit, unit_random_next(&random));
        assert_null(arena_source_verify(&other));
        for (size_t h = 0; h < ARENA_HINTS_MAX; h++) {
            assert_in_range(other.hints[h].address, BASE, 64 * TIB - ARENA);
            assert_int_equal(other.hints[h].address % ARENA, 0);
        }
    }
}

// ---- shortage ---------------------------------------------------------------------------------

static void the_ask_is_halved_until_it_fits(void **state)
{
    struct arena_source source = given_a_source(unit_case_of(state)->shape);
    vm_fake_limit_bytes(20 * MIB);
    expect_arena(&source, MIB, (struct arena){BASE, BASE + 16 * MIB});
    // Remembered, and doubled after each success.
    assert_int_equal(source.ask_bytes, 32 * MIB);
    vm_fake_limit_bytes(SIZE_MAX);
    expect_arena(&source, MIB, (struct arena){BASE + 16 * MIB, BASE + 48 * MIB});
    assert_int_equal(source.ask_bytes, 64 * MIB);
    expect_arena(&source, MIB, (struct arena){BASE + 48 * MIB, BASE + 112 * MIB});
    assert_int_equal(source.ask_bytes, 64 * MIB);
    assert_int_equal(source.n_hints, ARENA_HINTS_MAX);
}

static void the_ask_is_halved_down_to_the_need(void **state)
{
    size_t              unit = unit_of(state);
    struct arena_source source = given_a_source(unit_case_of(state)->shape);
    vm_fake_limit_bytes(3 * unit);
    expect_arena(&source, unit, (struct arena){BASE, BASE + 2 * unit});
    expect_arena(&source, unit, (struct arena){BASE + 2 * unit, BASE + 3 * unit});
    assert_false(arena_source_fill_spare(&source, unit));
    assert_int_equal(source.ask_bytes, unit);
    assert_null(arena_source_verify(&source));
    // The need itself is tried, however small the ask has become.
    vm_fake_limit_bytes(3 * unit + 5 * MIB);
    expect_arena(&source, 5 * MIB, (struct arena){BASE + 3 * unit, BASE + 3 * unit + 5 * MIB});
}

// What cannot be had at the size that is needed is not asked for again and again.
static void a_need_that_cannot_be_met_is_asked_for_once(void **state)
{
    struct arena_source source = given_a_source(unit_case_of(state)->shape);
    vm_fake_limit_bytes(0);
    assert_false(arena_source_fill_spare(&source, 2 * ARENA));
    assert_false(arena_source_fill_spare(&source, ARENA));
    assert_int_equal(source.ask_bytes, ARENA);
    assert_int_equal(reserve_calls(), 4);   // each at the hint and anywhere
    assert_false(arena_source_fill_spare(&source, 20 * MIB));
    assert_int_equal(source.ask_bytes, 16 * MIB);
    assert_int_equal(reserve_calls(), 4 + 2 * 3);   // for 64, 32 and 20 MiB
    assert_false(arena_source_fill_spare(&source, 20 * MIB));
    assert_int_equal(reserve_calls(), 4 + 2 * 3 + 2);
}

static void an_odd_arena_size_is_halved_to_units(void **state)
{
    size_t              unit = unit_of(state);
    struct arena_source source;
    vm_fake_reset(unit_case_of(state)->shape->os_page_bytes);
    arena_source_init(&source, 7 * unit, unit, 0);
    vm_fake_limit_bytes(4 * unit);
    expect_arena(&source, unit, (struct arena){BASE, BASE + 3 * unit});
    assert_int_equal(source.ask_bytes, 6 * unit);
    expect_arena(&source, unit, (struct arena){BASE + 3 * unit, BASE + 4 * unit});
    assert_int_equal(source.ask_bytes, 2 * unit);
}

static void a_spare_that_cannot_be_given_back_stays(void **state)
{
    struct arena_source source = given_a_source(unit_case_of(state)->shape);
    assert_true(arena_source_fill_spare(&source, MIB));
    struct arena spare = source.spare;
    vm_fake_refuse(1, true);
    assert_false(arena_source_fill_spare(&source, 2 * ARENA));
    vm_fake_refuse(0, false);
    assert_memory_equal(&source.spare, &spare, sizeof spare);
    assert_int_equal(vm_fake_heap_bytes().reserved, ARENA);
    assert_null(arena_source_verify(&source));
}

// ---- verification -----------------------------------------------------------------------------

static void verify_names_what_is_broken(void **state)
{
    struct arena_source source = given_a_source(unit_case_of(state)->shape);
    source.ask_bytes = 0;
    expect_broken(arena_source_verify(&source), "A1");
    source.ask_bytes = ARENA + source.unit_bytes;
    expect_broken(arena_source_verify(&source), "A1");
    source.ask_bytes = ARENA;
    source.spare = (struct arena){BASE, BASE + 4096 * 3 / 2};
    expect_broken(arena_source_verify(&source), "A2");
    source.spare = (struct arena){0, 0};
    source.hints[0].address++;
    expect_broken(arena_source_verify(&source), "A2");
    source.n_hints = 0;
    assert_null(arena_source_verify(&source));
}

static const struct unit_sentence sentences[] = {
    {"arenas follow one another", arenas_follow_one_another},
    {"a spare that suffices is kept", a_spare_that_suffices_is_kept},
    {"large requests get what they need", large_requests_get_what_they_need},
    {"a hint that collides is thrown away", a_hint_that_collides_is_thrown_away},
    {"a large request throws no hints away", a_large_request_throws_no_hints_away},
    {"without hints the kernel chooses", without_hints_the_kernel_chooses},
    {"a small arena lies on its unit", a_small_arena_lies_on_its_unit},
    {"a hint beyond user space is dropped", a_hint_beyond_user_space_is_dropped},
    {"a hint outlives a shortage", a_hint_outlives_a_shortage},
    {"hints past the end of addresses are no use", hints_past_the_end_of_addresses_are_no_use},
    {"randomness moves the first hint", randomness_moves_the_first_hint},
    {"the ask is halved until it fits", the_ask_is_halved_until_it_fits},
    {"the ask is halved down to the need", the_ask_is_halved_down_to_the_need},
    {"a need that cannot be met is asked for once", a_need_that_cannot_be_met_is_asked_for_once},
    {"an odd arena size is halved to units", an_odd_arena_size_is_halved_to_units},
    {"a spare that cannot be given back stays", a_spare_that_cannot_be_given_back_stays},
    {"verify names what is broken", verify_names_what_is_broken},
};

int main(void)
{
    ADD_SENTENCES("arena", sentences, HEAP_SHAPES);
    return cmocka_run_group_tests_name("arena", unit_tests, NULL, NULL);
}
