// neap version: which neap this is, and which library it would preload.
#include "commands.h"
#include "exit_code.h"
#include "library.h"
#include "message.h"
#include "text.h"

#include <stdio.h>

struct version_settings {
    bool json;
};

static const struct option_spec version_options[] = {
    {.name = "json",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct version_settings, json),
     .help = "one JSON object instead of text"},
    {0},
};

const struct command_spec version_spec = {
    .name = "version",
    .summary = "which neap this is, and which library it preloads",
    .usage = "[--json]",
    .options = version_options,
};

int command_version(int argc, char **argv)
{
    struct version_settings settings = {0};
    int                     first;
    switch (options_parse(&version_spec, argc, argv, &settings, &first)) {
    case OPTIONS_WRONG:
        return EXIT_CODE_USAGE;
    case OPTIONS_HELP:
        options_print_help(&version_spec, stdout);
        return EXIT_CODE_DONE;
    case OPTIONS_PARSED:
        break;
    }
    if (first != argc)
        return message_exit(EXIT_CODE_USAGE, "'%s': version takes no operands", argv[first]);

    char library[LIBRARY_PATH_BYTES];
    int  exit_code = library_find(library, sizeof library);
    if (exit_code != 0)
        return exit_code;
    if (!settings.json) {
        printf("neap " NEAP_VERSION "\nlibrary %s\n", library);
        return EXIT_CODE_DONE;
    }
    printf("{\"schema\": \"neap.version/1\", \"version\": \"" NEAP_VERSION "\", \"library\": ");
    text_write_json(stdout, library);
    printf("}\n");
    return EXIT_CODE_DONE;
}
