// The rows of option.def as constants, and the search for names in them.
#include "config/option.h"

#include "base/check.h"
#include "base/units.h"

#define NAME_LENGTH_MAX 40   // of our own
#define DISTANCE_MAX 2       // two slips, or two letters exchanged; more fits too much

enum option_words { NO_OFF, OR_OFF, OR_AUTO };

const struct option options[OPTIONS] = {
#define OPTION_NUMBER(field_, name_, unit_, initial_, lowest_, highest_, multiple_, off_, help_,   \
                      manual_)                                                                     \
    [OPTION_##field_] = {.name = #name_,                                                           \
                         .help = (help_),                                                          \
                         .offset = offsetof(struct config, field_),                                \
                         .may_be_off = (off_) != NO_OFF,                                           \
                         .may_be_auto = (off_) == OR_AUTO,                                         \
                         .unit = UNIT_##unit_,                                                     \
                         .initial = (initial_),                                                    \
                         .lowest = (lowest_),                                                      \
                         .highest = (highest_),                                                    \
                         .multiple_of = (multiple_)},
#define OPTION_TEXT(field_, name_, what_, help_, manual_)                                          \
    [OPTION_##field_] = {.name = #name_,                                                           \
                         .help = (help_),                                                          \
                         .offset = offsetof(struct config, field_),                                \
                         .is_text = true},
#include "config/option.def"
};

static const char *const foreign_names[] = {
#define FOREIGN_NAME(name) #name,
#include "config/option.def"
};

enum option_verdict option_parse(const struct option *option, struct text text, size_t *out_value)
{
    DCHECK(!option->is_text);
    size_t value;
    if (option->may_be_off && text_equals_any_case(text, "off")) {
        *out_value = CONFIG_OFF;
        return OPTION_ACCEPTED;
    }
    if (option->may_be_auto && text_equals_any_case(text, "auto")) {
        *out_value = CONFIG_AUTO;
        return OPTION_ACCEPTED;
    }
    if (!value_parse(option->unit, text, &value))
        return OPTION_NOT_OF_UNIT;
    if (option->unit == UNIT_LIMIT && value_is_share(value)) {
        *out_value = value;
        return OPTION_ACCEPTED;
    }
    if (value < option->lowest || value > option->highest)
        return OPTION_OUT_OF_RANGE;
    if (value % option->multiple_of != 0)
        return OPTION_NO_MULTIPLE;
    *out_value = value;
    return OPTION_ACCEPTED;
}

void option_print(const struct option *option, size_t value, char out_text[VALUE_TEXT_BYTES])
{
    if (value == CONFIG_OFF)
        strcpy(out_text, "off");
    else if (value == CONFIG_AUTO)
        strcpy(out_text, "auto");
    else
        value_print(option->unit, value, out_text);
}

enum option_id option_find(struct text name)
{
    size_t i = 0;
    while (i < OPTIONS && !text_equals(name, options[i].name))
        i++;
    return (enum option_id)i;
}

enum option_id option_find_in_file(struct text name)
{
    size_t i = 0;
    while (i < OPTIONS && !text_equals_any_case(name, options[i].name) &&
           !text_equals_any_case(name, options[i].name + strlen(OPTION_PREFIX)))
        i++;
    return (enum option_id)i;
}

bool option_is_foreign(struct text name)
{
    for (size_t i = 0; i < sizeof foreign_names / sizeof foreign_names[0]; i++) {
        if (text_equals(name, foreign_names[i]))
            return true;
    }
    return false;
}

// How many letters must be put in, left out or replaced to come from one to the other (the
// distance of Levenshtein). Requires: b.length <= NAME_LENGTH_MAX.
static size_t names_distance(struct text a, struct text b)
{
    CHECK_LE(b.length, NAME_LENGTH_MAX);
    size_t row[NAME_LENGTH_MAX + 1];   // [j]: from the first letters of `a` to the first j of `b`
    for (size_t j = 0; j <= b.length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.length; i++) {
        size_t diagonal = row[0];   // of the row before, one to the left
        row[0] = i;
        for (size_t j = 1; j <= b.length; j++) {
            bool   same = letter_to_capital(a.start[i - 1]) == letter_to_capital(b.start[j - 1]);
            size_t replaced = diagonal + !same;
            diagonal = row[j];
            row[j] = size_min(size_min(row[j], row[j - 1]) + 1, replaced);
        }
    }
    return row[b.length];
}

enum option_id option_nearest(struct text name)
{
    enum option_id nearest = OPTIONS;
    size_t         shortest = DISTANCE_MAX + 1;
    for (size_t i = 0; i < OPTIONS; i++) {
        struct text with_prefix = text_of(options[i].name);
        struct text without = text_behind(with_prefix, strlen(OPTION_PREFIX));
        size_t      distance =
            size_min(names_distance(name, with_prefix), names_distance(name, without));
        if (distance < shortest) {
            shortest = distance;
            nearest = (enum option_id)i;
        }
    }
    return nearest;
}
