// What the user may set: read once from the environment and a file, constant from then on.
//
// The options stand in config/option.def. The environment wins over the file, the file over the
// defaults; processes with more rights than their user (AT_SECURE) have the defaults. What is
// wrong is said in one line on stderr and left out. Nothing here allocates.
#ifndef NEAP_CONFIG_CONFIG_H
#define NEAP_CONFIG_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#define CONFIG_OFF SIZE_MAX          // the word "off", where an option accepts it
#define CONFIG_AUTO (SIZE_MAX - 1)   // the word "auto"
#define CONFIG_TEXT_BYTES 4096       // as long as a path can be, with its NUL

// The effective values. Numbers are in the unit at the end of the name; switches are 0 or 1.
struct config {
#define OPTION_NUMBER(field, ...) size_t field;
#define OPTION_TEXT(field, ...) char field[CONFIG_TEXT_BYTES];
#include "config/option.def"
};

// Reads environment and file at the first call and does nothing later.
// Requires: callers exclude one another; front calls it under the lock of rank HEAP_INIT.
// Keeps errno. Makes system calls: up to one file is read, up to one line written per mistake.
void config_load_once(void);

// The values. Requires: config_load_once has returned. Any thread, no lock: they are constant.
const struct config *config_get(void);

// A field that is a limit may be a share: so many percent; 0: it is a size, or one of the words.
unsigned config_share_pct(size_t limit);

enum config_origin { CONFIG_FROM_DEFAULT, CONFIG_FROM_FILE, CONFIG_FROM_ENVIRONMENT };

struct config_description {
    const char        *name, *help;
    enum config_origin origin;
    // As the user would write them; "" for a text that is not set.
    char default_text[CONFIG_TEXT_BYTES];
    char value_text[CONFIG_TEXT_BYTES];
};

size_t config_n_options(void);

// Describes option `i` of config_n_options(), in the order of the table.
// Requires: config_load_once has returned. Any thread.
void config_describe(size_t i, struct config_description *out_description);

#endif
