// The last words of a failing check: formatted on the stack, written in one call.
#include "base/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 512   // longer texts are cut; the stack may be a 4 KiB signal stack

struct line {
    char   text[LINE_BYTES];
    size_t length;
};

static void line_add(struct line *line, const char *text)
{
    size_t n = strlen(text);
    if (n > LINE_BYTES - line->length)
        n = LINE_BYTES - line->length;
    memcpy(line->text + line->length, text, n);
    line->length += n;
}

static void line_add_number(struct line *line, uintptr_t value)
{
    char digits[24];
    char *at = digits + sizeof digits - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    line_add(line, at);
}

void check_failed(const char *file, int line_number, const char *text, uintptr_t left,
                  uintptr_t right)
{
    struct line line = {.length = 0};
    line_add(&line, "neap: ");
    line_add(&line, file);
    line_add(&line, ":");
    line_add_number(&line, (uintptr_t)line_number);
    line_add(&line, ": check failed: ");
    line_add(&line, text);
    line_add(&line, " (");
    line_add_number(&line, left);
    line_add(&line, " against ");
    line_add_number(&line, right);
    line_add(&line, ")\n");
    ssize_t written = write(STDERR_FILENO, line.text, line.length);
    (void)written;   // nobody is left to tell
    abort();
}
