// Settings: the effective values and where each comes from.
#ifndef NEAP_CONFIG_SETTINGS_H
#define NEAP_CONFIG_SETTINGS_H

#include "config/option.h"

#define SETTINGS_FILE_BYTES_MAX (16 * 1024)   // of the file that NEAP_CONF names

struct settings {
    enum config_origin origins[OPTIONS];
    struct config      values;   // the texts last, which are large and mostly not there
};

// Sets the defaults, then what the file says that NEAP_CONF names, then what the environment says;
// nothing but the defaults in a process with more rights than its user. Writes a line on stderr
// for each mistake; what is wrong changes nothing.
// Requires: memory of `settings` is zero; callers exclude one another, since the file is read into
// one buffer.
void settings_load(struct settings *settings);

// The value of an option as the user would write it; "" for a text that is not set.
void settings_print(const struct settings *settings, enum option_id id,
                    char out_text[CONFIG_TEXT_BYTES]);

#endif
