// Tables of cases, the slow model of a page set, and what is expected of a heap.
#include "unit_kit.h"

#include "os/vm.h"
#include "vm_fake.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// ---- a page set and its model -----------------------------------------------------------------

struct unit_set *unit_set_new(const struct page_shape *shape)
{
    struct unit_set *u = unit_map(sizeof *u);
    u->set = &u->own_set;
    page_set_init(u->set, shape->os_page_pages, shape->huge_page_pages);
    return u;
}

struct unit_set *unit_set_over(struct page_set *set)
{
    struct unit_set *u = unit_map(sizeof *u);
    u->set = set;
    return u;
}

void unit_set_delete(struct unit_set *u)
{
    unit_unmap(u, sizeof *u);
}

// Index of a leaf in the model, or u->n_leaves.
static size_t model_find_leaf(const struct unit_set *u, size_t leaf_number)
{
    size_t i = 0;
    while (i < u->n_leaves && u->leaf_numbers[i] != leaf_number)
        i++;
    return i;
}

enum model_state model_state_at(const struct unit_set *u, size_t page)
{
    size_t i = model_find_leaf(u, page / LEAF_PAGES);
    return i < u->n_leaves ? (enum model_state)u->states[i][page % LEAF_PAGES] : MODEL_NONE;
}

static void model_set_state(struct unit_set *u, size_t page, enum model_state state)
{
    size_t i = model_find_leaf(u, page / LEAF_PAGES);
    if (i == u->n_leaves) {
        assert_true(u->n_leaves < UNIT_LEAVES_MAX);
        u->leaf_numbers[u->n_leaves++] = page / LEAF_PAGES;
    }
    u->states[i][page % LEAF_PAGES] = (unsigned char)state;
}

static void supply_tables(struct unit_set *u, size_t first, size_t n_pages)
{
    size_t low = (UNIT_BASE_PAGE + first) >> TABLE_PAGES_SHIFT;
    size_t high = (UNIT_BASE_PAGE + first + n_pages - 1) >> TABLE_PAGES_SHIFT;
    for (size_t i = low; i <= high; i++) {
        page_id page = page_at_number(i << TABLE_PAGES_SHIFT);
        if (page_set_has_table(u->set, page))
            continue;
        assert_true(u->n_tables < UNIT_TABLES_MAX);
        page_set_add_table(u->set, page, &u->tables[u->n_tables++]);
    }
}

void unit_give(struct unit_set *u, size_t first, size_t n_pages, bool released)
{
    supply_tables(u, first, n_pages);
    page_set_give(u->set, PAGE(first), n_pages, released);
    for (size_t i = 0; i < n_pages; i++)
        model_set_state(u, first + i, released ? MODEL_RELEASED : MODEL_READY);
}

size_t unit_take(struct unit_set *u, size_t first, size_t n_pages)
{
    size_t unit = u->set->os_page_pages;
    size_t n_released = 0;
    for (size_t i = 0; i < n_pages; i++) {
        n_released += model_state_at(u, first + i) == MODEL_RELEASED;
        model_set_state(u, first + i, MODEL_NONE);
    }
    // What is left of an OS page that was cut is ready.
    for (size_t page = align_down(first, unit); page < align_up(first + n_pages, unit); page++) {
        if (model_state_at(u, page) == MODEL_RELEASED)
            model_set_state(u, page, MODEL_READY);
    }
    assert_int_equal(page_set_take(u->set, PAGE(first), n_pages), n_released);
    return n_released;
}

static bool os_page_is_free(const struct unit_set *u, size_t page)
{
    size_t unit = u->set->os_page_pages;
    for (size_t i = 0; i < unit; i++) {
        if (model_state_at(u, align_down(page, unit) + i) == MODEL_NONE)
            return false;
    }
    return true;
}

// Marks in the model, as released, the whole OS pages of a run that are free.
static void model_release(struct unit_set *u, const struct run_literal *run)
{
    size_t unit = u->set->os_page_pages;
    size_t end = align_down(run->first + run->n_pages, unit);
    for (size_t page = align_up(run->first, unit); page < end; page++) {
        if (os_page_is_free(u, page))
            model_set_state(u, page, MODEL_RELEASED);
    }
}

// Gives the set what the model says about a run, piece by piece of one state.
static void give_as_model(struct unit_set *u, const struct run_literal *run)
{
    size_t end = run->first + run->n_pages;
    for (size_t at = run->first; at < end;) {
        enum model_state state = model_state_at(u, at);
        size_t           next = at;
        while (next < end && model_state_at(u, next) == state)
            next++;
        page_set_give(u->set, PAGE(at), next - at, state == MODEL_RELEASED);
        at = next;
    }
}

void given_runs(struct unit_set *u, struct run_list free, struct run_list released)
{
    for (size_t i = 0; i < free.n_runs; i++) {
        for (size_t page = 0; page < free.runs[i].n_pages; page++)
            model_set_state(u, free.runs[i].first + page, MODEL_READY);
    }
    for (size_t i = 0; i < released.n_runs; i++)
        model_release(u, &released.runs[i]);
    for (size_t i = 0; i < free.n_runs; i++) {
        if (free.runs[i].n_pages == 0)
            continue;
        supply_tables(u, free.runs[i].first, free.runs[i].n_pages);
        give_as_model(u, &free.runs[i]);
    }
    expect_as_model(u);
}

// The model's leaf with the lowest number from `from` on; u->n_leaves if there is none.
static size_t model_next_leaf(const struct unit_set *u, size_t from)
{
    size_t best = u->n_leaves;
    for (size_t i = 0; i < u->n_leaves; i++) {
        bool better = best == u->n_leaves || u->leaf_numbers[i] < u->leaf_numbers[best];
        if (u->leaf_numbers[i] >= from && better)
            best = i;
    }
    return best;
}

size_t naive_lowest_fit(const struct unit_set *u, size_t n_pages)
{
    size_t run = 0;
    size_t next_page = NO_PAGE;   // the one that would lengthen the run
    size_t i = model_next_leaf(u, 0);
    while (i < u->n_leaves) {
        size_t leaf_number = u->leaf_numbers[i];
        for (size_t at = 0; at < LEAF_PAGES; at++) {
            size_t page = LEAF(leaf_number) + at;
            if (page != next_page)
                run = 0;
            run = u->states[i][at] == MODEL_NONE ? 0 : run + 1;
            next_page = page + 1;
            if (run == n_pages)
                return page + 1 - n_pages;
        }
        i = model_next_leaf(u, leaf_number + 1);
    }
    return NO_PAGE;
}

void expect_find(struct unit_set *u, size_t n_pages, size_t first)
{
    page_id found = page_at_number(0);
    if (first == NO_PAGE) {
        assert_false(page_set_find(u->set, n_pages, &found));
    } else {
        assert_true(page_set_find(u->set, n_pages, &found));
        assert_int_equal(found.number, UNIT_BASE_PAGE + first);
    }
    assert_int_equal(naive_lowest_fit(u, n_pages), first);
}

static uint64_t model_word(const struct unit_set *u, size_t leaf, size_t word, bool released)
{
    uint64_t bits = 0;
    for (size_t i = 0; leaf < u->n_leaves && i < WORD_BITS; i++) {
        enum model_state state = (enum model_state)u->states[leaf][word * WORD_BITS + i];
        bool             is_set = released ? state == MODEL_RELEASED : state != MODEL_NONE;
        bits |= (uint64_t)is_set << i;
    }
    return bits;
}

static void expect_leaf_as_model(const struct unit_set *u, size_t table_index, size_t leaf)
{
    const struct page_leaf *pages = &u->set->tables[table_index]->leaves[leaf];
    size_t                  base_leaf = UNIT_BASE_PAGE / LEAF_PAGES;
    size_t                  i = model_find_leaf(u, table_index * TABLE_LEAVES + leaf - base_leaf);
    for (size_t word = 0; word < LEAF_WORDS; word++) {
        assert_int_equal(pages->free[word], model_word(u, i, word, false));
        assert_int_equal(pages->released[word], model_word(u, i, word, true));
    }
}

void expect_as_model(const struct unit_set *u)
{
    size_t n_free = 0;
    size_t n_released = 0;
    for (size_t i = 0; i < u->n_leaves; i++) {
        for (size_t at = 0; at < LEAF_PAGES; at++) {
            n_free += u->states[i][at] != MODEL_NONE;
            n_released += u->states[i][at] == MODEL_RELEASED;
        }
    }
    assert_int_equal(u->set->free_pages, n_free);
    assert_int_equal(u->set->released_pages, n_released);
    for (size_t table = 0; table < TABLES_MAX; table++) {
        for (size_t leaf = 0; u->set->tables[table] != NULL && leaf < TABLE_LEAVES; leaf++)
            expect_leaf_as_model(u, table, leaf);
    }
    const char *broken = page_set_verify(u->set);
    assert_string_equal(broken == NULL ? "" : broken, "");
}

static bool page_is(const struct unit_set *u, size_t page, bool released)
{
    size_t                       number = UNIT_BASE_PAGE + page;
    const struct page_set_table *table = u->set->tables[number >> TABLE_PAGES_SHIFT];
    if (table == NULL)
        return false;
    const struct page_leaf *leaf = &table->leaves[number / LEAF_PAGES % TABLE_LEAVES];
    const uint64_t         *words = released ? leaf->released : leaf->free;
    return (words[number % LEAF_PAGES / WORD_BITS] >> (number % WORD_BITS) & 1) != 0;
}

static void expect_runs(const struct unit_set *u, struct run_list runs, bool released)
{
    size_t n_pages = 0;
    for (size_t i = 0; i < runs.n_runs; i++) {
        const struct run_literal *run = &runs.runs[i];
        assert_false(page_is(u, run->first - 1, released));
        for (size_t at = 0; at < run->n_pages; at++)
            assert_true(page_is(u, run->first + at, released));
        assert_false(page_is(u, run->first + run->n_pages, released));
        n_pages += run->n_pages;
    }
    assert_int_equal(released ? u->set->released_pages : u->set->free_pages, n_pages);
}

void expect_free_runs(const struct unit_set *u, struct run_list runs)
{
    expect_runs(u, runs, false);
}

void expect_released_runs(const struct unit_set *u, struct run_list runs)
{
    expect_runs(u, runs, true);
}

// ---- a page heap ------------------------------------------------------------------------------

struct page_heap *unit_heap_with(const struct page_shape       *shape,
                                 const struct page_heap_config *config)
{
    vm_fake_reset(shape->os_page_bytes);
    struct page_heap *heap = unit_map(sizeof *heap);
    page_heap_init(heap, config);
    return heap;
}

struct page_heap *unit_heap_new(const struct page_shape *shape, unsigned retain_pct)
{
    struct page_heap_config config = {.n_caches = 1, .retain_pct = retain_pct};
    return unit_heap_with(shape, &config);
}

void unit_heap_delete(struct page_heap *heap)
{
    page_heap_destroy(heap);
    struct vm_fake_bytes bytes = vm_fake_heap_bytes();
    assert_int_equal(bytes.reserved + bytes.prepared + bytes.ready, 0);
    assert_int_equal(vm_fake_metadata_bytes(), 0);
    unit_unmap(heap, sizeof *heap);
}

struct run *unit_alloc(struct page_heap *heap, size_t n_pages)
{
    struct run_request request = {.n_pages = n_pages, .kind = RUN_IN_USE};
    struct run        *run = page_heap_alloc(heap, &request);
    assert_non_null(run);
    assert_int_equal(run->n_pages, n_pages);
    return run;
}

struct page_account unit_account(struct page_heap *heap)
{
    struct page_account account;
    page_heap_account_read(heap, &account);
    return account;
}

size_t unit_released_bytes(const struct page_account *account)
{
    return account->free_released_bytes + account->cached_released_bytes;
}

void expect_books(struct page_heap *heap)
{
    struct page_account  account = unit_account(heap);
    struct vm_fake_bytes bytes = vm_fake_heap_bytes();
    assert_true(page_account_adds_up(&account));
    assert_int_equal(bytes.prepared + bytes.ready, account.mapped_bytes);
    assert_int_equal(bytes.ready, account.mapped_bytes - unit_released_bytes(&account) -
                                      account.released_inside_bytes);
    assert_true(account.mapped_bytes <= account.reserved_bytes);
}

void expect_heap(struct page_heap *heap)
{
    expect_books(heap);
    const char *broken = page_heap_verify(heap);
    assert_string_equal(broken == NULL ? "" : broken, "");
}

void expect_same_books(const struct page_account *before, const struct page_account *after)
{
    assert_int_equal(after->mapped_bytes, before->mapped_bytes);
    assert_int_equal(after->in_use_bytes, before->in_use_bytes);
    assert_int_equal(after->manual_bytes, before->manual_bytes);
    assert_int_equal(unit_released_bytes(after), unit_released_bytes(before));
    assert_int_equal(after->free_ready_bytes + after->cached_ready_bytes,
                     before->free_ready_bytes + before->cached_ready_bytes);
    assert_int_equal(after->grown_times, before->grown_times);
    assert_int_equal(after->scavenged_bytes, before->scavenged_bytes);
    assert_int_equal(after->scavenged_steps, before->scavenged_steps);
    assert_int_equal(after->scavenge_refused_times, before->scavenge_refused_times);
    assert_int_equal(after->reserved_bytes, before->reserved_bytes);
}

void expect_broken(const char *broken, const char *code)
{
    assert_non_null(broken);
    if (strncmp(broken, code, strlen(code)) != 0 || broken[strlen(code)] != ' ')
        fail_msg("expected %s to be named, but got: %s", code, broken);
}

// ---- odds and ends ----------------------------------------------------------------------------

void *unit_map(size_t n_bytes)
{
    void *memory = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

void unit_unmap(void *memory, size_t n_bytes)
{
    assert_int_equal(munmap(memory, n_bytes), 0);
}

struct unit_random unit_random_start(void)
{
    const char *text = getenv("NEAP_TEST_SEED");
    uint64_t    seed = text != NULL ? strtoull(text, NULL, 0) : 1;
    print_message("NEAP_TEST_SEED=%llu\n", (unsigned long long)seed);
    return (struct unit_random){seed};
}

uint64_t unit_random_next(struct unit_random *random)
{
    // splitmix64
    uint64_t mixed = random->state += UINT64_C(0x9E3779B97F4A7C15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ mixed >> 31;
}
