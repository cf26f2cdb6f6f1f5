// neap ps: the processes that run neap.
#include "commands.h"
#include "exit_code.h"
#include "format.h"
#include "message.h"
#include "targets.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct ps_settings {
    bool json;
};

static const struct option_spec ps_options[] = {
    {.name = "json",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct ps_settings, json),
     .help = "one JSON object a line instead of a table, schema neap.ps/1"},
    {0},
};

const struct command_spec ps_spec = {
    .name = "ps",
    .summary = "the processes that run neap",
    .usage = "[--json]",
    .examples = "  neap ps\n"
                "  sudo neap ps --json\n",
    .notes =
        "RESIDENT is what the kernel counts for the whole process, HELD what neap holds of it\n"
        "by its own books, OBJECTS what of that the program has asked for. Processes that the\n"
        "system does not let you look into are left out, and counted on stderr.\n",
    .options = ps_options,
    .operands = OPERANDS_NONE,
};

static void print_bytes(uint64_t n_bytes)
{
    char text[FORMAT_BYTES];
    printf(" %10s", format_bytes((double)n_bytes, text));
}

static void print_row(pid_t pid, const struct page_view *view)
{
    char     name[PROC_NAME_BYTES];
    uint64_t limit_bytes;
    printf("%7d", (int)pid);
    print_bytes(proc_read_resident_bytes(pid));
    print_bytes(page_view_number(view, "resident_bytes"));
    print_bytes(page_view_number(view, "object_bytes"));
    if (page_view_get(view, "soft_limit_bytes", &limit_bytes))
        print_bytes(limit_bytes);
    else
        printf(" %10s", "-");
    printf("  %-8s %s\n", page_view_version(view), proc_read_name(pid, name));
}

static void print_json(pid_t pid, const struct page_view *view)
{
    char     name[PROC_NAME_BYTES];
    uint64_t limit_bytes;
    printf("{\"schema\": \"neap.ps/1\", \"pid\": %d, \"name\": ", (int)pid);
    text_write_json(stdout, proc_read_name(pid, name));
    printf(", \"version\": ");
    text_write_json(stdout, page_view_version(view));
    printf(", \"resident_bytes\": %" PRIu64 ", \"held_bytes\": %" PRIu64
           ", \"object_bytes\": %" PRIu64,
           proc_read_resident_bytes(pid), page_view_number(view, "resident_bytes"),
           page_view_number(view, "object_bytes"));
    if (page_view_get(view, "soft_limit_bytes", &limit_bytes))
        printf(", \"soft_limit_bytes\": %" PRIu64, limit_bytes);
    printf("}\n");
}

static size_t print_all(const struct targets *targets, bool json)
{
    size_t         n = 0;
    struct target *target = NULL;
    while ((target = targets_next(targets, target)) != NULL) {
        if (n++ == 0 && !json)
            printf("%7s %10s %10s %10s %10s  %-8s %s\n", "PID", "RESIDENT", "HELD", "OBJECTS",
                   "LIMIT", "VERSION", "NAME");
        if (json)
            print_json(target->pid, target->view);
        else
            print_row(target->pid, target->view);
    }
    return n;
}

int command_ps(char **argv)
{
    struct ps_settings settings = {0};
    struct targets     targets = {0};
    int                first, exit_code;
    if (!options_take(&ps_spec, argv, &settings, &first, &exit_code))
        return exit_code;
    if (!targets_refresh(&targets)) {
        exit_code = message_exit(EXIT_CODE_FAILED, "cannot read /proc: %s", strerror(errno));
        targets_free(&targets);
        return exit_code;
    }
    size_t n_shown = print_all(&targets, settings.json);
    size_t n_forbidden = targets_n_forbidden(&targets);
    targets_free(&targets);
    if (n_forbidden > 0)
        message("%zu processes left out: not allowed to look into them", n_forbidden);
    else if (n_shown == 0)
        message("no process runs neap; to start one: neap run -- CMD");
    return EXIT_CODE_DONE;
}
