// neap trim, neap limit: what changes a running process. Both say what was before and what is now.
#include "ask.h"
#include "commands.h"
#include "exit_code.h"
#include "format.h"
#include "message.h"
#include "operand.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LIMIT_OFF UINT64_MAX
#define LIMIT_AUTO (UINT64_MAX - 1)

struct trim_settings {
    bool json;
};

static const struct option_spec trim_options[] = {
    {.name = "json",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct trim_settings, json),
     .help = "one JSON object instead of text, schema neap.trim/1"},
    {0},
};

const struct command_spec trim_spec = {
    .name = "trim",
    .summary = "have a running process give everything idle back",
    .usage = "[--json] PID",
    .examples = "  neap trim 4127\n",
    .notes =
        "As malloc_trim(3) does, by a thread of neap's in the process; where there is none at\n"
        "the moment, the next of its threads that takes memory starts it. A process that\n"
        "sleeps and has little idle does not answer; after two seconds this gives up.\n",
    .options = trim_options,
    .operands = OPERANDS_PROCESS,
    .n_operands_max = 1,
};

struct limit_settings {
    bool json, hard;
};

static const struct option_spec limit_options[] = {
    {.name = "hard",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct limit_settings, hard),
     .help = "the hard limit, beyond which requests fail, instead of the soft one"},
    {.name = "json",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct limit_settings, json),
     .help = "one JSON object instead of text, schema neap.limit/1"},
    {0},
};

const struct command_spec limit_spec = {
    .name = "limit",
    .summary = "change a memory limit of a running process",
    .usage = "[OPTION...] PID SIZE|off|auto",
    .examples = "  neap limit 4127 1.5GiB\n"
                "  neap limit 4127 auto\n"
                "  neap limit --hard 4127 2G\n",
    .notes =
        "Limits are as NEAP_LIMIT and NEAP_HARD_LIMIT, see neap-env(7): what is above the soft\n"
        "limit goes back at once. Answered as neap trim says.\n",
    .options = limit_options,
    .operands = OPERANDS_PROCESS,
    .n_operands_max = 2,
};

// ---- asking -----------------------------------------------------------------------------------

// The process before and after.
struct change {
    pid_t             pid;
    struct page_view *view;
    uint64_t          resident_before, resident_after, result;
};

static int ask_and_read(struct change *change, const char *name, uint64_t argument)
{
    enum process_result process = page_view_open(change->pid, NULL, &change->view);
    if (process == PROCESS_READ)
        process = page_view_read(change->view);
    if (process != PROCESS_READ)
        return page_view_complain(change->pid, process);
    change->resident_before = page_view_number(change->view, "resident_bytes");
    enum ask_result result = ask(change->view, name, argument, &change->result, &process);
    if (result == ASK_ANSWERED && change->result == 0 && strcmp(name, "trim") != 0)
        result = ASK_REFUSED;
    if (result != ASK_ANSWERED)
        return ask_complain(change->pid, result, process);
    process = page_view_read(change->view);
    if (process != PROCESS_READ)
        return page_view_complain(change->pid, process);
    change->resident_after = page_view_number(change->view, "resident_bytes");
    return EXIT_CODE_DONE;
}

static void print_change(const struct change *change)
{
    char before[FORMAT_BYTES], after[FORMAT_BYTES];
    printf("neap holds %s of process %d; it held %s\n",
           format_bytes((double)change->resident_after, after), (int)change->pid,
           format_bytes((double)change->resident_before, before));
}

static void print_change_json(const struct change *change, const char *schema)
{
    printf("{\"schema\": \"%s\", \"pid\": %d, \"held_before_bytes\": %" PRIu64
           ", \"held_bytes\": %" PRIu64,
           schema, (int)change->pid, change->resident_before, change->resident_after);
}

// ---- the commands -----------------------------------------------------------------------------

int command_trim(char **argv)
{
    struct trim_settings settings = {0};
    struct change        change = {.view = NULL};
    int                  first, exit_code;
    if (!options_take(&trim_spec, argv, &settings, &first, &exit_code))
        return exit_code;
    if (!operand_pid(argv[first], &change.pid))
        return EXIT_CODE_USAGE;
    exit_code = ask_and_read(&change, "trim", 0);
    if (exit_code == EXIT_CODE_DONE && settings.json) {
        print_change_json(&change, "neap.trim/1");
        printf(", \"returned_bytes\": %" PRIu64 "}\n", change.result);
    } else if (exit_code == EXIT_CODE_DONE) {
        char text[FORMAT_BYTES];
        printf("%s went back. ", format_bytes((double)change.result, text));
        print_change(&change);
    }
    page_view_close(change.view);
    return exit_code;
}

static bool take_limit(const char *text, bool is_hard, uint64_t *out_limit)
{
    if (text == NULL) {
        message("a limit is missing: a size, off or auto");
        return false;
    }
    if (strcmp(text, "off") == 0) {
        *out_limit = LIMIT_OFF;
        return true;
    }
    if (strcmp(text, "auto") != 0)
        return operand_bytes(text, out_limit);
    *out_limit = LIMIT_AUTO;
    if (is_hard)
        message("a hard limit is a size or off, not auto");
    return !is_hard;
}

static void print_limit(const struct change *change, const char *name, bool json)
{
    char     text[FORMAT_BYTES];
    uint64_t limit_bytes;
    bool     is_set = page_view_get(change->view, name, &limit_bytes);
    if (json) {
        print_change_json(change, "neap.limit/1");
        if (is_set)
            printf(", \"%s\": %" PRIu64, name, limit_bytes);
        printf("}\n");
        return;
    }
    printf("limit %s. ", is_set ? format_bytes((double)limit_bytes, text) : "off");
    print_change(change);
}

int command_limit(char **argv)
{
    struct limit_settings settings = {0};
    struct change         change = {.view = NULL};
    int                   first, exit_code;
    uint64_t              limit_bytes;
    if (!options_take(&limit_spec, argv, &settings, &first, &exit_code))
        return exit_code;
    if (!operand_pid(argv[first], &change.pid) ||
        !take_limit(argv[first + 1], settings.hard, &limit_bytes))
        return EXIT_CODE_USAGE;
    exit_code = ask_and_read(&change, settings.hard ? "hard_limit" : "soft_limit", limit_bytes);
    if (exit_code == EXIT_CODE_DONE)
        print_limit(&change, settings.hard ? "hard_limit_bytes" : "soft_limit_bytes",
                    settings.json);
    page_view_close(change.view);
    return exit_code;
}
