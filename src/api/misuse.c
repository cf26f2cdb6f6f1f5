// The line about a misused pointer.
#include "api/misuse.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 256

static size_t add_text(char *line, size_t length, const char *text)
{
    size_t n = strlen(text);
    if (n > LINE_BYTES - length)
        n = LINE_BYTES - length;
    memcpy(line + length, text, n);
    return length + n;
}

static size_t add_pointer(char *line, size_t length, const void *pointer)
{
    char      digits[2 + 16 + 1] = "0x";
    uintptr_t value = (uintptr_t)pointer;
    for (size_t i = 0; i < 16; i++)
        digits[2 + i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
    digits[18] = '\0';
    return add_text(line, length, digits);
}

static const char *text_of(enum front_pointer what)
{
    switch (what) {
    case POINTER_FREED:
        return "double free: the object is free already";
    case POINTER_INSIDE:
        return "invalid pointer: inside memory of neap, but no object starts here";
    case POINTER_FOREIGN:
    case POINTER_TO_OBJECT:
        break;
    }
    return "invalid pointer: not memory that neap has handed out";
}

void misuse_stop(const char *function, const void *pointer, enum front_pointer what)
{
    char   line[LINE_BYTES];
    size_t length = add_text(line, 0, "neap: ");
    length = add_text(line, length, function);
    length = add_text(line, length, "(");
    length = add_pointer(line, length, pointer);
    length = add_text(line, length, "): ");
    length = add_text(line, length, text_of(what));
    length = add_text(line, length, "\n");
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;   // nobody is left to tell
    abort();
}
