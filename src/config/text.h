// A piece of text inside a longer one: not ended by a NUL, so that nothing need be copied.
#ifndef NEAP_CONFIG_TEXT_H
#define NEAP_CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct text {
    const char *start;
    size_t      length;
};

static inline struct text text_of(const char *string)
{
    return (struct text){string, strlen(string)};
}

// Without its first `n`. Requires: n <= text.length.
static inline struct text text_behind(struct text text, size_t n)
{
    return (struct text){text.start + n, text.length - n};
}

// How far it is to the first `character`; text.length if there is none.
static inline size_t text_find(struct text text, char character)
{
    const char *found = memchr(text.start, character, text.length);
    return found != NULL ? (size_t)(found - text.start) : text.length;
}

static inline bool text_equals(struct text text, const char *string)
{
    return text.length == strlen(string) && memcmp(text.start, string, text.length) == 0;
}

// ASCII whatever the locale, which the first request of a program comes before.
static inline char letter_to_capital(char letter)
{
    return letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A') : letter;
}

// The same with small and capital letters alike.
static inline bool text_equals_any_case(struct text text, const char *string)
{
    for (size_t i = 0; i < text.length; i++) {
        // A NUL in the text is the end of no string, so `string` is never read beyond its own.
        if (string[i] == '\0' || letter_to_capital(text.start[i]) != letter_to_capital(string[i]))
            return false;
    }
    return string[text.length] == '\0';
}

static inline bool letter_is_blank(char letter)
{
    return letter == ' ' || letter == '\t' || letter == '\r';
}

// Without blanks on either side.
static inline struct text text_trim(struct text text)
{
    while (text.length > 0 && letter_is_blank(text.start[0]))
        text = text_behind(text, 1);
    while (text.length > 0 && letter_is_blank(text.start[text.length - 1]))
        text.length--;
    return text;
}

#endif
