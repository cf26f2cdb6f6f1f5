// Every unit but the switch is a decimal number, then a suffix out of a table.
#include "config/value.h"

#include "base/units.h"

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))
#define FRACTION_DIGITS_MAX 18   // 10^18 times the largest factor fits in 128 bits

struct scale {
    const char *suffix;   // NULL ends a table
    size_t      factor;   // 0: only for the value 0
};

// Of suffixes with one factor, the last is printed.
#define BINARY_SCALES(letter, factor)                                                              \
    {letter, (factor)}, {letter "i", (factor)},                                                    \
    {                                                                                              \
        letter "iB", (factor)                                                                      \
    }

static const struct scale byte_scales[] = {
    {"", 1},
    BINARY_SCALES("K", KIB),
    BINARY_SCALES("M", MIB),
    BINARY_SCALES("G", GIB),
    BINARY_SCALES("T", 1024 * GIB),
    BINARY_SCALES("P", MIB *GIB),
    {NULL, 0},
};
static const struct scale percent_scales[] = {{"", 1}, {"%", 1}, {NULL, 0}};
static const struct scale duration_scales[] = {
    {"", 0},
    {"ns", 1},
    {"us", 1000},
    {"ms", 1000 * 1000},
    {"s", (size_t)1000 * 1000 * 1000},
    {"min", (size_t)60 * 1000 * 1000 * 1000},
    {"h", (size_t)3600 * 1000 * 1000 * 1000},
    {NULL, 0},
};
static const struct scale count_scales[] = {{"", 1}, {NULL, 0}};

static const struct {
    const char         *text;
    const struct scale *scales;
} units[] = {
    [UNIT_BYTES] = {"a size (such as 64MiB)", byte_scales},
    [UNIT_PERCENT] = {"a percentage (such as 110%)", percent_scales},
    [UNIT_DURATION] = {"a duration (such as 10ms)", duration_scales},
    [UNIT_COUNT] = {"a count (such as 8)", count_scales},
    [UNIT_SWITCH] = {"a switch (on or off)", NULL},
    [UNIT_LIMIT] = {"a size (such as 64MiB) or a share (1% to 100%)", byte_scales},
};

static const struct {
    const char *word;
    size_t      value;
} switch_words[] = {
    {"on", 1}, {"off", 0}, {"yes", 1}, {"no", 0}, {"true", 1}, {"false", 0}, {"1", 1}, {"0", 0},
};

const char *value_unit_text(enum value_unit unit)
{
    return units[unit].text;
}

static bool parse_switch(struct text text, size_t *out_value)
{
    for (size_t i = 0; i < LENGTH_OF(switch_words); i++) {
        if (text_equals_any_case(text, switch_words[i].word)) {
            *out_value = switch_words[i].value;
            return true;
        }
    }
    return false;
}

// Reads digits off the front of *text. Returns how many there were. *out_number stops growing at
// SIZE_MAX.
static size_t parse_digits(struct text *text, size_t *out_number)
{
    size_t n_digits = 0;
    *out_number = 0;
    while (n_digits < text->length && text->start[n_digits] >= '0' &&
           text->start[n_digits] <= '9') {
        size_t digit = (size_t)(text->start[n_digits] - '0');
        if (__builtin_mul_overflow(*out_number, 10, out_number) ||
            __builtin_add_overflow(*out_number, digit, out_number))
            *out_number = SIZE_MAX;
        n_digits++;
    }
    *text = text_behind(*text, n_digits);
    return n_digits;
}

static const struct scale *find_scale(const struct scale *scales, struct text suffix)
{
    for (; scales->suffix != NULL; scales++) {
        if (text_equals_any_case(suffix, scales->suffix))
            return scales;
    }
    return NULL;
}

// `whole` and a fraction of `n_digits` digits, times `factor`; VALUE_MAX if that is too large.
static size_t scale_number(size_t whole, size_t fraction, size_t n_digits, size_t factor)
{
    unsigned __int128 part = (unsigned __int128)fraction * factor;
    for (; n_digits > 0; n_digits--)
        part /= 10;
    unsigned __int128 value = (unsigned __int128)whole * factor + part;
    return value < VALUE_MAX ? (size_t)value : VALUE_MAX;
}

// Sizes as large as shares would be are no limits on anything.
static bool parse_limit(struct text text, size_t *out_value)
{
    size_t number;
    if (value_parse(UNIT_BYTES, text, &number)) {
        *out_value = number < VALUE_SHARES_FROM ? number : VALUE_MAX;
        return true;
    }
    if (!value_parse(UNIT_PERCENT, text, &number) || number == 0 || number > VALUE_SHARE_MAX)
        return false;
    *out_value = VALUE_SHARES_FROM + number;
    return true;
}

bool value_parse(enum value_unit unit, struct text text, size_t *out_value)
{
    if (unit == UNIT_SWITCH)
        return parse_switch(text, out_value);
    if (unit == UNIT_LIMIT)
        return parse_limit(text, out_value);
    size_t whole, fraction = 0, n_digits = 0;
    if (parse_digits(&text, &whole) == 0)
        return false;
    bool has_fraction = text.length > 0 && text.start[0] == '.';
    if (has_fraction) {
        text = text_behind(text, 1);
        n_digits = parse_digits(&text, &fraction);
        if (n_digits == 0 || n_digits > FRACTION_DIGITS_MAX)
            return false;
    }
    const struct scale *scale = find_scale(units[unit].scales, text);
    if (scale == NULL || (has_fraction && scale->factor <= 1) || (scale->factor == 0 && whole > 0))
        return false;
    *out_value = scale_number(whole, fraction, n_digits, scale->factor);
    return true;
}

static const struct scale *largest_that_divides(const struct scale *scales, size_t value)
{
    const struct scale *best = NULL;
    for (; scales->suffix != NULL; scales++) {
        if (scales->factor != 0 && value % scales->factor == 0 &&
            (best == NULL || scales->factor >= best->factor))
            best = scales;
    }
    return best;   // every table has the factor 1
}

// Writes the digits of `number`. Returns how many.
static size_t print_digits(size_t number, char *out_text)
{
    size_t n_digits = 1;
    for (size_t rest = number; rest >= 10; rest /= 10)
        n_digits++;
    for (size_t i = n_digits; i > 0; i--) {
        out_text[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
    return n_digits;
}

void value_print(enum value_unit unit, size_t value, char out_text[VALUE_TEXT_BYTES])
{
    if (unit == UNIT_SWITCH) {
        strcpy(out_text, value != 0 ? "on" : "off");
        return;
    }
    if (unit == UNIT_LIMIT && value_is_share(value)) {
        value -= VALUE_SHARES_FROM;
        unit = UNIT_PERCENT;
    }
    const struct scale *scale = value != 0 ? largest_that_divides(units[unit].scales, value) : NULL;
    size_t n_digits = print_digits(scale != NULL ? value / scale->factor : 0, out_text);
    strcpy(out_text + n_digits, scale != NULL ? scale->suffix : "");
}
