// neap config: the options of neap, as a process that starts now would have them, or as one has
// that is running.
//
// The library's own code reads environment and file, so what is shown is what the library does.
#include "config/config.h"

#include "commands.h"
#include "config_table.h"
#include "environment.h"
#include "exit_code.h"
#include "message.h"
#include "operand.h"
#include "page_view.h"
#include "text.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS 78
#define RANGE_BYTES 96

struct config_settings {
    bool env, json;
};

static const struct option_spec config_options[] = {
    {.name = "env",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct config_settings, env),
     .help = "a template for NEAP_CONF or systemd's EnvironmentFile: every option, its\n"
             "default and what it does, as comments"},
    {.name = "json",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct config_settings, json),
     .help = "one JSON object instead of text, schema neap.config/1"},
    {0},
};

const struct command_spec config_spec = {
    .name = "config",
    .summary = "the options of neap: values, where they come from, what they do",
    .usage = "[OPTION...] [PID] [NAME]",
    .examples = "  neap config                     what a program started from here would have\n"
                "  neap config 4127                what process 4127 was started with\n"
                "  neap config NEAP_LIMIT          one option, with its paragraph\n"
                "  neap config --env >neap.conf    a template\n",
    .notes = "NAME may be without NEAP_ and in small letters. Of a process its environment is\n"
             "read as it was when it started; a file that NEAP_CONF names is read as it is now.\n",
    .options = config_options,
    .operands = OPERANDS_FREE,
    .n_operands_max = 2,
};

static const char *const origin_names[] = {
    [CONFIG_FROM_DEFAULT] = "default",
    [CONFIG_FROM_FILE] = "file",
    [CONFIG_FROM_ENVIRONMENT] = "environment",
};

static void print_table(void)
{
    static struct config_description description;   // some kilobytes
    for (size_t i = 0; i < config_n_options(); i++) {
        config_describe(i, &description);
        printf("%-18s %-10s %-11s  %s\n", description.name,
               description.value_text[0] != '\0' ? description.value_text : "-",
               origin_names[description.origin], description.help);
    }
}

static void print_one(enum option_id id)
{
    static struct config_description description;
    char                             range[RANGE_BYTES];
    config_describe(id, &description);
    config_range_text(id, range, sizeof range);
    printf("%s=%s\n", description.name, description.value_text);
    printf("  %s\n", description.help);
    printf("  from     %s\n", origin_names[description.origin]);
    printf("  default  %s\n", options[id].is_text ? "none" : description.default_text);
    printf("  may be   %s\n\n", range);
    config_write_manual(id, "  ", COLUMNS, stdout);
}

static void print_template(void)
{
    static struct config_description description;
    printf("# Options of neap " NEAP_VERSION ", as NEAP_CONF and the environment take them.\n");
    for (size_t i = 0; i < config_n_options(); i++) {
        if (i == OPTION_conf)   // only for the environment
            continue;
        char range[RANGE_BYTES];
        config_describe(i, &description);
        config_range_text((enum option_id)i, range, sizeof range);
        printf("\n# %s; %s.\n", description.help, range);
        config_write_manual((enum option_id)i, "# ", COLUMNS, stdout);
        printf("#%s=%s\n", description.name, description.default_text);
    }
}

static void print_json_option(enum option_id id)
{
    static struct config_description description;
    char                             low[VALUE_TEXT_BYTES], high[VALUE_TEXT_BYTES];
    config_describe(id, &description);
    printf("{\"name\": \"%s\", \"origin\": \"%s\"", description.name,
           origin_names[description.origin]);
    if (description.value_text[0] != '\0') {
        printf(", \"value\": ");
        text_write_json(stdout, description.value_text);
    }
    if (!options[id].is_text) {
        option_print(&options[id], options[id].lowest, low);
        option_print(&options[id], options[id].highest, high);
        printf(", \"default\": \"%s\", \"lowest\": \"%s\", \"highest\": \"%s\"",
               description.default_text, low, high);
    }
    printf(", \"help\": ");
    text_write_json(stdout, description.help);
    printf("}");
}

static void print_json(enum option_id only, pid_t pid)
{
    printf("{\"schema\": \"neap.config/1\"");
    if (pid > 0)
        printf(", \"pid\": %d", (int)pid);
    printf(", \"options\": [");
    enum option_id first = only != OPTIONS ? only : 0;
    enum option_id end = only != OPTIONS ? only + 1 : OPTIONS;
    for (enum option_id id = first; id < end; id++) {
        if (id > first)
            printf(", ");
        print_json_option(id);
    }
    printf("]}\n");
}

static bool is_pid(const char *operand)
{
    return operand != NULL && isdigit((unsigned char)*operand) != 0;
}

// Puts this program into the place of the process: its environment, and its folder, where a
// relative NEAP_CONF starts. Returns 0, or an exit code after one line.
static int become(pid_t pid)
{
    struct page_view   *view;
    char              **entries;
    char                folder[64];
    enum process_result result = page_view_open(pid, NULL, &view);
    if (result == PROCESS_READ) {
        page_view_close(view);
        result = environment_of(pid, &entries);
    }
    if (result != PROCESS_READ)
        return page_view_complain(pid, result);
    (void)snprintf(folder, sizeof folder, "/proc/%d/cwd", (int)pid);
    if (chdir(folder) != 0)
        message("process %d: its folder is closed to us; NEAP_CONF may not be found", (int)pid);
    environ = entries;
    return 0;
}

// The option that an operand names. False after one line.
static bool find_option(const char *name, enum option_id *out_id)
{
    struct text text = text_of(name);
    *out_id = option_find_in_file(text);
    if (*out_id != OPTIONS)
        return true;
    enum option_id near = option_nearest(text);
    if (near != OPTIONS)
        message("no option '%s'; did you mean %s?", name, options[near].name);
    else
        message("no option '%s'; neap config lists them", name);
    return false;
}

int command_config(char **argv)
{
    struct config_settings settings = {0};
    int                    first, exit_code;
    if (!options_take(&config_spec, argv, &settings, &first, &exit_code))
        return exit_code;
    char         **operands = argv + first;
    pid_t          pid = 0;
    enum option_id only = OPTIONS;
    if (is_pid(operands[0]) && !operand_pid(*operands++, &pid))
        return EXIT_CODE_USAGE;
    if (operands[0] != NULL && !find_option(operands[0], &only))
        return EXIT_CODE_USAGE;
    if (operands[0] != NULL && operands[1] != NULL)
        return message_exit(EXIT_CODE_USAGE, "'%s' is too much; usage: neap config %s", operands[1],
                            config_spec.usage);
    if (pid > 0 && (exit_code = become(pid)) != 0)
        return exit_code;

    config_load_once();
    if (settings.json)
        print_json(only, pid);
    else if (settings.env)
        print_template();
    else if (only != OPTIONS)
        print_one(only);
    else
        print_table();
    return EXIT_CODE_DONE;
}
