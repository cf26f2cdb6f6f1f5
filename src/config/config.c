// The settings of this process.
#include "config/config.h"

#include "base/check.h"
#include "config/settings.h"

// Constant once loaded.
static struct settings process_settings;
static bool            is_loaded;   // guarded by whatever serialises config_load_once

void config_load_once(void)
{
    if (is_loaded)
        return;
    settings_load(&process_settings);
    is_loaded = true;
}

const struct config *config_get(void)
{
    DCHECK(is_loaded);
    return &process_settings.values;
}

unsigned config_share_pct(size_t limit)
{
    return value_is_share(limit) ? value_share_pct(limit) : 0;
}

size_t config_n_options(void)
{
    return OPTIONS;
}

void config_describe(size_t i, struct config_description *out_description)
{
    CHECK(i < OPTIONS);
    const struct option *option = &options[i];
    out_description->name = option->name;
    out_description->help = option->help;
    out_description->origin = process_settings.origins[i];
    out_description->default_text[0] = '\0';
    if (!option->is_text)
        option_print(option, option->initial, out_description->default_text);
    settings_print(&process_settings, (enum option_id)i, out_description->value_text);
}
