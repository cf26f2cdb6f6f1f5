// The last words before an abort: put together on the stack, written in one call.
#include "base/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 512   // longer lines are cut; the stack may be a 4 KiB signal stack

void stop_with_line(const char *const *parts, size_t n_parts)
{
    char   line[LINE_BYTES];
    size_t length = 0;
    for (size_t i = 0; i < n_parts; i++) {
        size_t n = strlen(parts[i]);
        size_t room = LINE_BYTES - 1 - length;
        memcpy(line + length, parts[i], n < room ? n : room);
        length += n < room ? n : room;
    }
    line[length++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;   // nobody is left to tell
    abort();
}

void address_to_text(uintptr_t address, char out_text[ADDRESS_TEXT_BYTES])
{
    out_text[0] = '0';
    out_text[1] = 'x';
    for (size_t i = 0; i < 16; i++)
        out_text[2 + i] = "0123456789abcdef"[address >> (60 - 4 * i) & 15];
    out_text[ADDRESS_TEXT_BYTES - 1] = '\0';
}

const char *number_to_text(uintptr_t number, char text[NUMBER_TEXT_BYTES])
{
    char *at = text + NUMBER_TEXT_BYTES - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return at;
}

void check_failed(const char *file, int line, const char *text, uintptr_t left, uintptr_t right)
{
    char        line_text[NUMBER_TEXT_BYTES], left_text[NUMBER_TEXT_BYTES];
    char        right_text[NUMBER_TEXT_BYTES];
    const char *parts[] = {
        "neap: ",
        file,
        ":",
        number_to_text((uintptr_t)line, line_text),
        ": check failed: ",
        text,
        " (",
        number_to_text(left, left_text),
        " against ",
        number_to_text(right, right_text),
        ")",
    };
    stop_with_line(parts, sizeof parts / sizeof parts[0]);
}
