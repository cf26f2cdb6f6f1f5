// Paragraphs and ranges of options, from option.def.
#include "config_table.h"

#include <ctype.h>
#include <string.h>

static const char *const manuals[OPTIONS] = {
#define OPTION_NUMBER(field, name, unit, initial, lowest, highest, multiple, words, help, manual)  \
    [OPTION_##field] = (manual),
#define OPTION_TEXT(field, name, what, help, manual) [OPTION_##field] = (manual),
#include "config/option.def"
};

// Copies scdoc's markup without its marks.
static void strip(const char *markup, char *out, size_t n_bytes)
{
    size_t n = 0;
    for (; *markup != '\0' && n + 1 < n_bytes; markup++) {
        bool is_within_word = n > 0 && isalnum((unsigned char)out[n - 1]) != 0 &&
                              isalnum((unsigned char)markup[1]) != 0;
        if (*markup == '\\' && markup[1] != '\0')
            markup++;
        else if (*markup == '*' || (*markup == '_' && !is_within_word))
            continue;
        out[n++] = *markup;
    }
    out[n] = '\0';
}

// Writes words until the end of the paragraph; returns where it ends.
static const char *write_paragraph(const char *text, const char *lead, size_t columns, FILE *out)
{
    size_t n_in_line = 0;
    while (*text != '\0' && *text != '\n') {
        size_t length = strcspn(text, " \n");
        if (n_in_line > 0 && n_in_line + 1 + length > columns) {
            (void)fputc('\n', out);
            n_in_line = 0;
        }
        int written = fprintf(out, "%s%.*s", n_in_line > 0 ? " " : lead, (int)length, text);
        n_in_line += written > 0 ? (size_t)written : 0;
        text += length;
        text += strspn(text, " ");
    }
    (void)fputc('\n', out);
    return text;
}

void config_write_manual(enum option_id id, const char *lead, size_t columns, FILE *out)
{
    char text[4096];
    strip(manuals[id], text, sizeof text);
    for (const char *at = text; *at != '\0'; at += strspn(at, "\n")) {
        if (at != text)
            (void)fprintf(out, "%.*s\n", (int)strcspn(lead, " "), lead);
        at = write_paragraph(at, lead, columns, out);
    }
}

void config_range_text(enum option_id id, char *out, size_t n_bytes)
{
    const struct option *option = &options[id];
    char                 low[VALUE_TEXT_BYTES], high[VALUE_TEXT_BYTES];
    if (option->is_text) {
        (void)snprintf(out, n_bytes, "a path");
        return;
    }
    if (option->unit == UNIT_SWITCH) {
        (void)snprintf(out, n_bytes, "on or off");
        return;
    }
    option_print(option, option->lowest, low);
    option_print(option, option->highest, high);
    (void)snprintf(out, n_bytes, "%s to %s%s%s", low, high,
                   option->unit == UNIT_LIMIT ? ", 1% to 100%" : "",
                   option->may_be_auto  ? ", auto, or off"
                   : option->may_be_off ? ", or off"
                                        : "");
}
