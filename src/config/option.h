// The table of options: what each accepts, and which one a name means.
//
// All of it is constant. Where values come from and where they go is settings.c's.
#ifndef NEAP_CONFIG_OPTION_H
#define NEAP_CONFIG_OPTION_H

#include "config/config.h"
#include "config/value.h"

#define OPTION_PREFIX "NEAP_"

enum option_id {
#define OPTION_NUMBER(field, ...) OPTION_##field,
#define OPTION_TEXT(field, ...) OPTION_##field,
#include "config/option.def"
    OPTIONS
};

struct option {
    const char *name, *help;
    size_t      offset;   // of its field in struct config
    bool        is_text;
    // Of numbers only.
    enum value_unit unit;
    bool            may_be_off, may_be_auto;
    size_t          initial, lowest, highest, multiple_of;
};

extern const struct option options[OPTIONS];

enum option_verdict {
    OPTION_ACCEPTED,
    OPTION_NOT_OF_UNIT,
    OPTION_OUT_OF_RANGE,
    OPTION_NO_MULTIPLE
};

// What a numeric option makes of a text. *out_value: only if accepted; may be CONFIG_OFF
// or CONFIG_AUTO.
enum option_verdict option_parse(const struct option *option, struct text text, size_t *out_value);

// Writes a value as option_parse reads it.
void option_print(const struct option *option, size_t value, char out_text[VALUE_TEXT_BYTES]);

// The option with this name in the environment; OPTIONS if there is none.
enum option_id option_find(struct text name);

// The same for a name in a file, where the prefix may be missing and letters be small.
enum option_id option_find_in_file(struct text name);

// Does the name belong to the project's own scripts?
bool option_is_foreign(struct text name);

// The option whose name, with the prefix or without, is the fewest letters away, at most two;
// OPTIONS if none is.
enum option_id option_nearest(struct text name);

#endif
