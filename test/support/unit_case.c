// Tables of cases become tests of cmocka.
#include "unit_case.h"

#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct page_shape page_shapes[SET_SHAPES] = {
    {"4K", 4 * KIB, 1, 256},
    {"16K", 16 * KIB, 2, 0},
    {"64K", 64 * KIB, 8, 0},
    {"4K without huge pages", 4 * KIB, 1, 0},
    {"64K with huge pages", 64 * KIB, 8, 256},
};

// ---- tables of cases --------------------------------------------------------------------------

struct CMUnitTest       unit_tests[UNIT_TESTS_MAX];
static struct unit_case unit_cases[UNIT_TESTS_MAX];
static char             unit_names[UNIT_TESTS_MAX][120];
static size_t           n_unit_tests;

static void add_test(const char *prefix, const char *name, CMUnitTestFunction function,
                     struct unit_case unit_case)
{
    if (n_unit_tests == UNIT_TESTS_MAX) {
        fprintf(stderr, "unit_kit: more than %d tests\n", UNIT_TESTS_MAX);
        abort();
    }
    size_t i = n_unit_tests++;
    unit_cases[i] = unit_case;
    if (unit_case.shape != NULL)
        snprintf(unit_names[i], sizeof unit_names[i], "%s %s (%s)", prefix, name,
                 unit_case.shape->name);
    else
        snprintf(unit_names[i], sizeof unit_names[i], "%s %s", prefix, name);
    unit_tests[i] = (struct CMUnitTest){
        .name = unit_names[i], .test_func = function, .initial_state = &unit_cases[i]};
}

void unit_add_table(const struct unit_table *table)
{
    for (size_t i = 0; i < table->n_rows; i++) {
        const char *row = (const char *)table->rows + i * table->row_bytes;
        const char *name;
        memcpy(&name, row, sizeof name);
        for (size_t s = 0; s < table->n_shapes; s++)
            add_test(table->prefix, name, table->function,
                     (struct unit_case){row, &page_shapes[s]});
        if (table->n_shapes == 0)
            add_test(table->prefix, name, table->function, (struct unit_case){row, NULL});
    }
}

void unit_add_sentences(const char *prefix, const struct unit_sentence *sentences,
                        size_t n_sentences, size_t n_shapes)
{
    for (size_t i = 0; i < n_sentences; i++) {
        for (size_t s = 0; s < n_shapes; s++)
            add_test(prefix, sentences[i].name, sentences[i].function,
                     (struct unit_case){NULL, &page_shapes[s]});
        if (n_shapes == 0)
            add_test(prefix, sentences[i].name, sentences[i].function,
                     (struct unit_case){NULL, NULL});
    }
}
