// Every state that a tiny page set and one window can reach, every operation in each of them.
//
// From the empty set, all operations with all arguments are performed in all states, breadth
// first, until no new state turns up; each result is compared with the same done on masks.
#include "effort.h"
#include "state_table.h"
#include "tiny_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WINDOW_RUN_MAX 4
#define VERIFY_STATES 5000   // the set's own verification takes a millisecond

static struct tiny_set tiny;

static struct {
    struct state_table states;   // those before n_done have been worked off
    size_t             n_done;
    size_t             n_transitions, n_verified;
    const char        *what;   // the operation under way, for messages
} search;

static void bad(const struct tiny_state *before, const char *found)
{
    fail_msg("%s: %s: free %x released %x cached %x (%x) window %u hint %u: %s", tiny.config->name,
             search.what, before->free, before->released, before->cached, before->cached_released,
             before->window, before->hint, found);
}

// Ends a transition: the set is compared, the state noted, the one before restored.
static void arrive(const struct tiny_state *before, struct tiny_state *after)
{
    const char *wrong = tiny_compare(&tiny, after);
    if (wrong != NULL)
        bad(before, wrong);
    after->hint = (uint8_t)tiny_hint(&tiny);
    (void)state_table_add(&search.states, after);
    search.n_transitions++;
    tiny_restore(&tiny);
}

// ---- operations -------------------------------------------------------------------------------

static void take_everywhere(const struct tiny_state *before)
{
    search.what = "take";
    for (unsigned first = 0; first < tiny.config->n_pages; first++) {
        for (unsigned n = 1; first + n <= tiny.config->n_pages; n++) {
            unsigned taken = tiny_mask(first, n);
            if ((before->free & taken) != taken)
                break;
            struct tiny_state after = *before;
            after.free &= (uint16_t)~taken;
            after.released &= (uint16_t)~tiny_os_pages_of(&tiny, taken, false);
            if (page_set_take(&tiny.set, page_at_number(tiny.base + first), n) !=
                bits_count(before->released & taken))
                bad(before, "another number of released pages");
            arrive(before, &after);
        }
    }
}

static void give_everywhere(const struct tiny_state *before)
{
    search.what = "give";
    unsigned handed_out = ~((unsigned)before->free | before->cached);
    for (unsigned first = 0; first < tiny.config->n_pages; first++) {
        for (unsigned n = 1; first + n <= tiny.config->n_pages; n++) {
            unsigned given = tiny_mask(first, n);
            if ((handed_out & given) != given)
                break;
            struct tiny_state after = *before;
            after.free |= (uint16_t)given;
            page_set_give(&tiny.set, page_at_number(tiny.base + first), n, false);
            arrive(before, &after);
            if (tiny_os_pages_of(&tiny, given, true) != given)
                continue;
            after = *before;
            after.free |= (uint16_t)given;
            after.released |= (uint16_t)given;
            page_set_give(&tiny.set, page_at_number(tiny.base + first), n, true);
            arrive(before, &after);
        }
    }
}

static void find_everything(const struct tiny_state *before)
{
    search.what = "find";
    for (unsigned n = 1; n <= tiny.config->n_pages + 1; n++) {
        page_id  first = page_at_number(0);
        bool     found = page_set_find(&tiny.set, n, &first);
        unsigned expected =
            n <= tiny.config->n_pages ? tiny_lowest_fit(&tiny, before->free, n) : TINY_NONE;
        if (found != (expected != TINY_NONE) || (found && first.number != tiny.base + expected))
            bad(before, "not the lowest fit");
        struct tiny_state after = *before;   // but for the hint
        arrive(before, &after);
    }
    search.what = "free_from";
    for (unsigned i = 0; i < tiny.config->n_pages; i++) {
        unsigned n = 0;
        while (i + n < tiny.config->n_pages && (before->free >> (i + n) & 1) != 0)
            n++;
        for (unsigned max = 1; max <= 5; max++) {
            if (page_set_free_from(&tiny.set, page_at_number(tiny.base + i), max) !=
                (n < max ? n : max))
                bad(before, "another number of free pages");
        }
    }
    search.what = "find_lowest";
    page_id           page = page_at_number(0);
    bool              found = page_set_find_lowest(&tiny.set, &page);
    unsigned          lowest = tiny_lowest_fit(&tiny, before->free, 1);
    struct tiny_state after = *before;
    if (found != (lowest != TINY_NONE) || (found && page.number != tiny.base + lowest))
        bad(before, "not the lowest page");
    arrive(before, &after);
}

// What a step of at most `max` pages gives back: as a mask.
static unsigned expected_release(const struct tiny_state *before, unsigned max)
{
    unsigned unit = tiny.config->os_page_pages;
    unsigned half = tiny.config->n_pages / 2;
    unsigned releasable = tiny_os_pages_of(&tiny, before->free & ~(unsigned)before->released, true);
    if (releasable == 0)
        return 0;
    unsigned end = bits_highest(releasable) + 1;
    unsigned low = end;
    while (low > 0 && (releasable >> (low - 1) & 1) != 0 && (low != half || end == half))
        low--;
    unsigned wanted = (unsigned)align_up(max > 0 ? max : 1, unit);
    unsigned start = wanted < end - low ? end - wanted : low;
    unsigned huge = tiny.config->huge_page_pages;
    if (huge > unit) {
        unsigned huge_start = start - (unsigned)((tiny.base + start) % huge);
        if (start >= (tiny.base + start) % huge && huge_start >= low && huge_start + huge <= end)
            start = huge_start;
    }
    return tiny_mask(start, end - start);
}

static void scavenge_all_sizes(const struct tiny_state *before)
{
    search.what = "find_releasable";
    for (unsigned max = 0; max <= tiny.config->n_pages; max++) {
        page_id  first = page_at_number(0);
        size_t   n_pages = 0;
        bool     found = page_set_find_releasable(&tiny.set, max, &first, &n_pages);
        unsigned expected = expected_release(before, max);
        unsigned got =
            found ? tiny_mask((unsigned)(first.number - tiny.base), (unsigned)n_pages) : 0;
        struct tiny_state after = *before;
        if (got != expected)
            bad(before, "not the highest run");
        if (!found)
            continue;
        after.released |= (uint16_t)got;
        (void)page_set_take(&tiny.set, first, n_pages);
        page_set_give(&tiny.set, first, n_pages, true);
        arrive(before, &after);
    }
}

static void window_fill_and_flush(const struct tiny_state *before)
{
    unsigned half = tiny.config->n_pages / 2;
    for (uint8_t window = 1; before->window == 0 && window <= 2; window++) {
        search.what = "take_window";
        unsigned          pages = window == 1 ? tiny_mask(0, half) : tiny_mask(half, half);
        struct tiny_state after = *before;
        after.window = window;
        after.cached = (uint16_t)(before->free & pages);
        after.cached_released = (uint16_t)(before->released & pages);
        after.free &= (uint16_t)~pages;
        after.released &= (uint16_t)~pages;
        tiny.window = page_set_take_window(
            &tiny.set, page_at_number(window == 1 ? TINY_EDGE - 1 : TINY_EDGE + 1));
        arrive(before, &after);
    }
    if (before->window != 0) {
        search.what = "give_window";
        struct tiny_state after = *before;
        after.free |= before->cached;
        after.released |= before->cached_released;
        after.cached = after.cached_released = after.window = 0;
        page_set_give_window(&tiny.set, &tiny.window);
        arrive(before, &after);
    }
}

static void window_take_and_give(const struct tiny_state *before)
{
    unsigned half = tiny.config->n_pages / 2;
    search.what = "window_take";
    for (unsigned n = 1; n <= WINDOW_RUN_MAX; n++) {
        page_id first = page_at_number(0);
        size_t  n_released = 0;
        bool    found =
            page_window_take(&tiny.window, n, tiny.config->os_page_pages, &first, &n_released);
        unsigned          expected = tiny_lowest_fit(&tiny, before->cached, n);
        struct tiny_state after = *before;
        if (found != (expected != TINY_NONE) || (found && first.number != tiny.base + expected))
            bad(before, "not the lowest fit");
        if (!found)
            continue;
        if (n_released != bits_count(before->cached_released & tiny_mask(expected, n)))
            bad(before, "another number of released pages");
        after.cached &= (uint16_t)~tiny_mask(expected, n);
        after.cached_released &= (uint16_t)~tiny_os_pages_of(&tiny, tiny_mask(expected, n), false);
        arrive(before, &after);
    }
    search.what = "window_give";
    unsigned low = before->window == 1 ? 0 : half;
    unsigned handed_out = ~((unsigned)before->free | before->cached);
    for (unsigned first = 0; first < tiny.config->n_pages; first++) {
        for (unsigned n = 1; first + n <= tiny.config->n_pages; n++) {
            unsigned given = tiny_mask(first, n);
            if ((handed_out & given) != given)
                break;
            bool              fits = first >= low && first + n <= low + half;
            struct tiny_state after = *before;
            if (page_window_give(&tiny.window, page_at_number(tiny.base + first), n) != fits)
                bad(before, "taken, or not");
            if (fits)
                after.cached |= (uint16_t)given;
            arrive(before, &after);
        }
    }
}

static void work_off(const struct tiny_state *before)
{
    tiny_load(&tiny, before);
    tiny_save(&tiny);
    find_everything(before);
    take_everywhere(before);
    give_everywhere(before);
    scavenge_all_sizes(before);
    if (tiny.config->with_window)
        window_fill_and_flush(before);
    if (before->window != 0)
        window_take_and_give(before);
    if (++search.n_verified % VERIFY_STATES == 0) {
        const char *broken = page_set_verify(&tiny.set);
        if (broken != NULL)
            bad(before, broken);
    }
}

static void every_state_and_operation_is_right(void **state)
{
    memset(&tiny, 0, sizeof tiny);
    memset(&search, 0, sizeof search);
    tiny_start(&tiny, *state);
    state_table_init(&search.states, sizeof(struct tiny_state));
    (void)state_table_add(&search.states, &(struct tiny_state){.hint = TINY_NONE});
    while (search.n_done < search.states.n_states) {
        struct tiny_state next;   // a copy: the table may move
        memcpy(&next, state_table_at(&search.states, search.n_done++), sizeof next);
        work_off(&next);
    }
    print_message("%zu states, %zu transitions\n", search.states.n_states, search.n_transitions);
    assert_true(search.states.n_states > 1000);
    state_table_destroy(&search.states);
    tiny_end(&tiny);
}

static const struct tiny_config configs[] = {
    {"OS page of 1 page", EFFORT(12, 10), 1, 4, false},
    {"OS page of 1 page, a window", EFFORT(8, 8), 1, 4, true},
    {"OS page of 2 pages", EFFORT(16, 12), 2, 4, false},
    {"OS page of 2 pages, a window", EFFORT(12, 8), 2, 4, true},
    {"OS page of 8 pages", 16, 8, 0, false},
    {"OS page of 4 pages, a window", 8, 4, 0, true},
};

int main(void)
{
    enum { N = sizeof configs / sizeof configs[0] };
    struct CMUnitTest tests[N];
    for (size_t i = 0; i < N; i++)
        tests[i] = (struct CMUnitTest){.name = configs[i].name,
                                       .test_func = every_state_and_operation_is_right,
                                       .initial_state = (void *)&configs[i]};
    return cmocka_run_group_tests_name("all states of a tiny page set", tests, NULL, NULL);
}
