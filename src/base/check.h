// Checks: CHECK always, DCHECK in debug builds (NEAP_DEBUG=1). Both print what they compared.
//
// A failing check writes one line to stderr and aborts. It allocates nothing, takes no lock and
// needs little stack, so it may be used anywhere, also in a signal handler.
#ifndef NEAP_BASE_CHECK_H
#define NEAP_BASE_CHECK_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef NEAP_DEBUG
#define NEAP_DEBUG 0
#endif

// Prints "neap: FILE:LINE: TEXT (LEFT against RIGHT)" and aborts.
NORETURN void check_failed(const char *file, int line, const char *text, uintptr_t left,
                           uintptr_t right);

// Writes the parts one after the other as one line to stderr and aborts.
NORETURN void stop_with_line(const char *const *parts, size_t n_parts);

// Writes an address as text: "0x" and sixteen digits.
#define ADDRESS_TEXT_BYTES 19
void address_to_text(uintptr_t address, char out_text[ADDRESS_TEXT_BYTES]);

// Writes a number in decimal to the end of `text`. Returns where it begins.
#define NUMBER_TEXT_BYTES 21   // 2^64 in decimal
const char *number_to_text(uintptr_t number, char text[NUMBER_TEXT_BYTES]);

#define CHECK(condition)                                                                           \
    (LIKELY(condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition, 0, 1))
#define CHECK_COMPARE(a, op, b)                                                                    \
    (LIKELY((a)op(b))                                                                              \
         ? (void)0                                                                                 \
         : check_failed(__FILE__, __LINE__, #a " " #op " " #b, (uintptr_t)(a), (uintptr_t)(b)))
#define CHECK_EQ(a, b) CHECK_COMPARE(a, ==, b)
#define CHECK_LE(a, b) CHECK_COMPARE(a, <=, b)

// if (0) keeps the expression compiled, so that it cannot rot in release builds.
#define DCHECK_IF(check)                                                                           \
    do {                                                                                           \
        if (NEAP_DEBUG)                                                                            \
            check;                                                                                 \
    } while (0)
#define DCHECK(condition) DCHECK_IF(CHECK(condition))
#define DCHECK_EQ(a, b) DCHECK_IF(CHECK_EQ(a, b))
#define DCHECK_LE(a, b) DCHECK_IF(CHECK_LE(a, b))

#endif
