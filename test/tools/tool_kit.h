// What the tests of the program `neap` share: cmocka, lengths, and text written to memory.
#ifndef NEAP_TEST_TOOL_KIT_H
#define NEAP_TEST_TOOL_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

// A stream whose text is kept in memory.
struct kit_text {
    char  *text;   // valid after kit_text_end
    size_t n_bytes;
    FILE  *stream;
};

static inline FILE *kit_text_begin(struct kit_text *kit)
{
    kit->stream = open_memstream(&kit->text, &kit->n_bytes);
    assert_non_null(kit->stream);
    return kit->stream;
}

static inline const char *kit_text_end(struct kit_text *kit)
{
    assert_int_equal(fclose(kit->stream), 0);
    return kit->text;
}

static inline void kit_text_free(struct kit_text *kit)
{
    free(kit->text);
}

static inline void expect_holds(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, text);
}

static inline void expect_lacks(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("'%s' is in:\n%s", part, text);
}

#endif
