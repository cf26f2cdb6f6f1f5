// What the unit tests share: a page set next to a slow model of it, a page heap on the fake kernel,
// tables of cases and children.
//
// The model holds one byte per page and knows no bitmaps, words or summaries, so that whatever it
// and the page set agree on has been worked out in two ways.
#ifndef NEAP_TEST_UNIT_KIT_H
#define NEAP_TEST_UNIT_KIT_H

#include "child.h"
#include "pageheap/page_heap.h"
#include "pageheap/page_set.h"
#include "unit_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// ---- runs of pages in tables ------------------------------------------------------------------

// Pages in tables are counted from here, 16 TiB up, where the heap looks for space first.
#define UNIT_BASE_PAGE ((size_t)1 << 31)
#define PAGE(i) page_at_number(UNIT_BASE_PAGE + (size_t)(i))
#define LEAF(i) ((size_t)(i)*LEAF_PAGES)
#define BIG_JUMP LEAF(0x100000)   // 4 TiB
#define NO_PAGE (~(size_t)0)

struct run_literal {
    size_t first, n_pages;
};

struct run_list {
    size_t                    n_runs;
    const struct run_literal *runs;
};

#define RUNS(...)                                                                                  \
    {                                                                                              \
        sizeof((const struct run_literal[]){__VA_ARGS__}) / sizeof(struct run_literal),            \
            (const struct run_literal[])                                                           \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

// ---- a page set and its model -----------------------------------------------------------------

#define UNIT_TABLES_MAX 40
#define UNIT_LEAVES_MAX 160

enum model_state { MODEL_NONE, MODEL_READY, MODEL_RELEASED };

struct unit_set {
    struct page_set      *set;
    struct page_set       own_set;   // unless it is a heap's
    size_t                n_tables;
    size_t                n_leaves;
    size_t                leaf_numbers[UNIT_LEAVES_MAX];         // in order of their first use
    unsigned char         states[UNIT_LEAVES_MAX][LEAF_PAGES];   // enum model_state
    struct page_set_table tables[UNIT_TABLES_MAX];
};

struct unit_set *unit_set_new(const struct page_shape *shape);
// Over the page set of a heap, which must be empty.
struct unit_set *unit_set_over(struct page_set *set);
void             unit_set_delete(struct unit_set *u);

// Pages below are relative to UNIT_BASE_PAGE. Both the set and the model follow.
void unit_give(struct unit_set *u, size_t first, size_t n_pages, bool released);
// Returns how many pages were released, having compared that with the model.
size_t unit_take(struct unit_set *u, size_t first, size_t n_pages);

// Fills an empty set: all of `free` is free, and of `released` those whole OS pages that are free
// are released.
void given_runs(struct unit_set *u, struct run_list free, struct run_list released);
#define given_free_runs(u, ...)                                                                    \
    given_runs((u), (struct run_list)__VA_ARGS__, (struct run_list){0, NULL})

// The lowest place where `n_pages` are free, found page by page; NO_PAGE if there is none.
size_t           naive_lowest_fit(const struct unit_set *u, size_t n_pages);
enum model_state model_state_at(const struct unit_set *u, size_t page);

// page_set_find says `first` (NO_PAGE: nothing), and so does the model.
void expect_find(struct unit_set *u, size_t n_pages, size_t first);
// Both bitmaps are those of the model bit for bit, the counts and all that page_set_verify checks.
void expect_as_model(const struct unit_set *u);
// The maximal runs of free (of released) pages are these.
void expect_free_runs(const struct unit_set *u, struct run_list runs);
void expect_released_runs(const struct unit_set *u, struct run_list runs);

// ---- a page heap ------------------------------------------------------------------------------

// A heap with one cache on a fresh fake kernel.
struct page_heap *unit_heap_new(const struct page_shape *shape, unsigned retain_pct);
struct page_heap *unit_heap_with(const struct page_shape       *shape,
                                 const struct page_heap_config *config);
void              unit_heap_delete(struct page_heap *heap);

struct run         *unit_alloc(struct page_heap *heap, size_t n_pages);
struct page_account unit_account(struct page_heap *heap);
size_t              unit_released_bytes(const struct page_account *account);

// The books add up, and the kernel holds in each state what they say.
void expect_books(struct page_heap *heap);
// The same, and the recount page by page agrees.
void expect_heap(struct page_heap *heap);
// Nothing but the place of free memory (cache or set) and metadata may differ.
void expect_same_books(const struct page_account *before, const struct page_account *after);
// `broken` names invariant `code`.
void expect_broken(const char *broken, const char *code);

// ---- odds and ends ----------------------------------------------------------------------------

// Zeroed memory straight from the kernel, mostly untouched.
void *unit_map(size_t n_bytes);
void  unit_unmap(void *memory, size_t n_bytes);

// A sequence of random numbers. The seed is printed, and taken from NEAP_TEST_SEED if set (1), so
// that `make test` does the same each time; `make seeds` tries others.
struct unit_random {
    uint64_t state;
};
struct unit_random   unit_random_start(void);
uint64_t             unit_random_next(struct unit_random *random);
static inline size_t unit_random_below(struct unit_random *random, size_t limit)
{
    return (size_t)(unit_random_next(random) % limit);
}

#endif
