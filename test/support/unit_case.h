// Tables of cases: every row is a test of its own, at each OS page size if that matters.
#ifndef NEAP_TEST_UNIT_CASE_H
#define NEAP_TEST_UNIT_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

// ---- OS pages ---------------------------------------------------------------------------------

struct page_shape {
    const char *name;
    size_t      os_page_bytes;
    unsigned    os_page_pages, huge_page_pages;
};

// The first HEAP_SHAPES are those that the fake kernel can pretend; the others differ from them
// in having huge pages or none.
#define HEAP_SHAPES 3
#define SET_SHAPES 5
extern const struct page_shape page_shapes[SET_SHAPES];

// ---- tables of cases --------------------------------------------------------------------------

// What a test is given as its state.
struct unit_case {
    const void              *row;
    const struct page_shape *shape;
};

static inline const struct unit_case *unit_case_of(void **state)
{
    return *state;
}

// A table whose rows start with their name; every row becomes a test at each of `n_shapes`.
struct unit_table {
    const char        *prefix;
    const void        *rows;
    size_t             n_rows, row_bytes;
    size_t             n_shapes;   // HEAP_SHAPES, SET_SHAPES; 0: the OS page does not matter
    CMUnitTestFunction function;
};

#define UNIT_TABLE(prefix_text, rows_array, shapes, function_name)                                 \
    (&(const struct unit_table){.prefix = (prefix_text),                                           \
                                .rows = (rows_array),                                              \
                                .n_rows = LENGTH_OF(rows_array),                                   \
                                .row_bytes = sizeof((rows_array)[0]),                              \
                                .n_shapes = (shapes),                                              \
                                .function = (function_name)})

// A row for tests that are not tables: only the name, which is the sentence.
struct unit_sentence {
    const char        *name;
    CMUnitTestFunction function;
};

// Room for the tests of a program; cmocka passes over entries that stay empty.
#define UNIT_TESTS_MAX 512
extern struct CMUnitTest unit_tests[UNIT_TESTS_MAX];

void unit_add_table(const struct unit_table *table);
// Each sentence becomes a test at each of `n_shapes` (0: once).
void unit_add_sentences(const char *prefix, const struct unit_sentence *sentences,
                        size_t n_sentences, size_t n_shapes);

#define ADD_SENTENCES(prefix, sentences, shapes)                                                   \
    unit_add_sentences((prefix), (sentences), LENGTH_OF(sentences), (shapes))

#endif
