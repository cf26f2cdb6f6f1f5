// neap explain: why the resident memory of a process is what it is.
#include "commands.h"
#include "exit_code.h"
#include "explanation.h"
#include "format.h"
#include "operand.h"
#include "view_json.h"

#include <stdio.h>

#define MIB_BYTES 1048576.0

struct explain_settings {
    bool json;
};

static const struct option_spec explain_options[] = {
    {.name = "json",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct explain_settings, json),
     .help = "one JSON object instead of text, schema neap.explain/1"},
    {0},
};

const struct command_spec explain_spec = {
    .name = "explain",
    .summary = "where the resident memory of a running process is",
    .usage = "[--json] PID",
    .examples = "  neap explain 4127\n"
                "  neap explain --json 4127\n",
    .notes = "An addition: what neap's books say, then what is not neap's, up to the number that\n"
             "the kernel has. The process is not stopped; what it does meanwhile may show as\n"
             "'never touched', which is what the books have and the kernel has not.\n",
    .options = explain_options,
    .operands = OPERANDS_PROCESS,
    .n_operands_max = 1,
};

static void print_row(const struct explanation *explanation, enum explanation_part part)
{
    const struct part_info *info = &explanation_parts[part];
    printf("%10.1f MiB  %-14s %s\n", (double)explanation->bytes[part] / MIB_BYTES, info->label,
           info->note);
}

static void print_sum(int64_t n_bytes, const char *label, const char *note)
{
    printf("%10.1f MiB  %-14s %s\n", (double)n_bytes / MIB_BYTES, label, note);
}

// What it says fits a ticket.
static void print_text(const struct explanation *explanation, pid_t pid)
{
    char                       text[FORMAT_BYTES];
    struct explanation_finding finding;
    printf("Resident memory of %d (%s): %s, and this is where it is\n", (int)pid, explanation->name,
           format_bytes((double)explanation->resident_bytes, text));
    for (enum explanation_part i = PART_OBJECTS; i <= PART_UNTOUCHED; i++)
        print_row(explanation, i);
    print_sum(explanation->neap_bytes, "= neap", "");
    for (enum explanation_part i = PART_LIBRARIES; i < PARTS; i++)
        print_row(explanation, i);
    print_sum(explanation->resident_bytes, "= resident", "as the kernel counts");
    if (explanation->swapped_bytes > 0)
        print_sum(explanation->swapped_bytes, "in swap", "besides");
    explanation_find(explanation, pid, &finding);
    printf("%s\nNext: %s\n", finding.sentence, finding.next);
}

int command_explain(char **argv)
{
    struct explain_settings settings = {0};
    int                     first, exit_code;
    pid_t                   pid;
    if (!options_take(&explain_spec, argv, &settings, &first, &exit_code))
        return exit_code;
    if (!operand_pid(argv[first], &pid))
        return EXIT_CODE_USAGE;

    struct page_view   *view = NULL;
    struct explanation  explanation;
    enum process_result result = explanation_read(pid, &view, &explanation);
    exit_code = EXIT_CODE_DONE;
    if (result != PROCESS_READ)
        exit_code = page_view_complain(pid, result);
    else if (settings.json)
        view_json_write_explanation(stdout, pid, view, &explanation);
    else
        print_text(&explanation, pid);
    page_view_close(view);
    return exit_code;
}
