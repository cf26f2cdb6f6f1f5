// Text: a command line may hold any byte but zero; JSON and XML may not.
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

#define REPLACEMENT "\xef\xbf\xbd"   // U+FFFD

// Length that the first byte of a sequence announces; 0 when no sequence starts with it.
static size_t utf8_announced_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2)   // a following byte, or a form longer than needed
        return 0;
    if (first < 0xe0)
        return 2;
    if (first < 0xf0)
        return 3;
    return first < 0xf5 ? 4 : 0;
}

size_t text_utf8_length(const char *text)
{
    // Smallest code point for each length: a shorter form must not be written longer.
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char  *bytes = (const unsigned char *)text;
    size_t                length = utf8_announced_length(bytes[0]);
    if (length < 2)
        return length;

    uint32_t code_point = bytes[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)   // also ends at the zero byte
            return 0;
        code_point = code_point << 6 | (bytes[i] & 0x3f);
    }
    bool is_surrogate = code_point >= 0xd800 && code_point < 0xe000;
    bool is_valid = code_point >= smallest[length] && code_point <= 0x10ffff && !is_surrogate;
    return is_valid ? length : 0;
}

// Writes the next character if it needs no escape, else its replacement; returns what follows.
static const char *text_copy(FILE *out, const char *text)
{
    size_t length = text_utf8_length(text);
    if (length == 0) {
        (void)fputs(REPLACEMENT, out);
        return text + 1;
    }
    (void)fwrite(text, 1, length, out);
    return text + length;
}

void text_write_json(FILE *out, const char *text)
{
    (void)fputc('"', out);
    while (*text != '\0') {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\')
            (void)fprintf(out, "\\%c", byte);
        else if (byte < ' ')
            (void)fprintf(out, "\\u%04x", byte);
        else {
            text = text_copy(out, text);
            continue;
        }
        text++;
    }
    (void)fputc('"', out);
}

void text_write_xml(FILE *out, const char *text)
{
    while (*text != '\0') {
        unsigned char byte = (unsigned char)*text;
        if (byte == '<')
            (void)fputs("&lt;", out);
        else if (byte == '>')
            (void)fputs("&gt;", out);
        else if (byte == '&')
            (void)fputs("&amp;", out);
        else if (byte == '"')
            (void)fputs("&quot;", out);
        else if (byte < ' ' || byte == 0x7f)
            (void)fputs(REPLACEMENT, out);
        else {
            text = text_copy(out, text);
            continue;
        }
        text++;
    }
}
