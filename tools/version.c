// neap version: which neap this is, and which library it would preload.
#include "commands.h"
#include "exit_code.h"
#include "library.h"
#include "text.h"

#include <stdio.h>

struct version_settings {
    bool json;
};

static const struct option_spec version_options[] = {
    {.name = "json",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct version_settings, json),
     .help = "one JSON object instead of text, schema neap.version/1"},
    {0},
};

const struct command_spec version_spec = {
    .name = "version",
    .summary = "which neap this is, and which library it preloads",
    .usage = "[--json]",
    .options = version_options,
};

// What is known is said, also when the library is missing.
int command_version(char **argv)
{
    struct version_settings settings = {0};
    int                     first, exit_code;
    if (!options_take(&version_spec, argv, &settings, &first, &exit_code))
        return exit_code;

    char library[LIBRARY_PATH_BYTES];
    exit_code = library_find(library, sizeof library);
    if (!settings.json) {
        printf("neap " NEAP_VERSION "\n");
        if (exit_code == 0)
            printf("library %s\n", library);
        return exit_code;
    }
    printf("{\"schema\": \"neap.version/1\", \"version\": \"" NEAP_VERSION "\"");
    if (exit_code == 0) {
        printf(", \"library\": ");
        text_write_json(stdout, library);
    }
    printf("}\n");
    return exit_code;
}
