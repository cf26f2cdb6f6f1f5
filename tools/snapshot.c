// neap snapshot: all that can be seen of a process, in one file.
//
// The file is lines of JSON, an object each, so that a reader takes those whose schema it knows.
#include "commands.h"
#include "exit_code.h"
#include "message.h"
#include "operand.h"
#include "out_file.h"
#include "proc_read.h"
#include "smaps.h"
#include "text.h"
#include "view_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 64
#define ENVIRONMENT_BYTES_MAX (1 << 20)

struct snapshot_settings {
    const char *path;
};

static const struct option_spec snapshot_options[] = {
    {.letter = 'o',
     .name = "output",
     .kind = OPTION_TEXT,
     .value_name = "FILE",
     .offset = offsetof(struct snapshot_settings, path),
     .help = "write it to FILE instead of stdout"},
    {0},
};

const struct command_spec snapshot_spec = {
    .name = "snapshot",
    .summary = "all that can be seen of a running process, in one file",
    .usage = "[OPTION...] PID",
    .examples = "  neap snapshot 4127 -o server.snap\n",
    .notes = "For a report of a problem, or to look at later: statistics, where the resident\n"
             "memory is, the history, neap's options as the process was started with them, and\n"
             "its mappings; no contents of its memory. The names of mapped files are in it.\n",
    .options = snapshot_options,
    .operands = OPERANDS_PROCESS,
    .n_operands_max = 1,
};

static enum process_result write_history(FILE *out, pid_t pid, struct page_view *view,
                                         const char *ring)
{
    struct history      history;
    enum process_result result = history_read(view, ring, &history);
    for (size_t i = 0; result == PROCESS_READ && i < history.n_samples; i++)
        view_json_write_sample(out, pid, &history.samples[i]);
    history_free(&history);
    return result;
}

// The options of neap among NAME=VALUE strings, each ended by a zero byte.
static void write_options(FILE *out, const char *text, size_t n_bytes)
{
    (void)fprintf(out, "{\"schema\": \"neap.environment/1\"");
    for (const char *entry = text; entry < text + n_bytes; entry += strlen(entry) + 1) {
        const char *sign = strchr(entry, '=');
        if (strncmp(entry, "NEAP_", 5) != 0 || sign == NULL)
            continue;
        (void)fprintf(out, ", \"%.*s\": ", (int)(sign - entry), entry);
        text_write_json(out, sign + 1);
    }
    (void)fprintf(out, "}\n");
}

static void write_environment(FILE *out, pid_t pid)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    FILE *file = fopen(path, "re");
    char *text = malloc(ENVIRONMENT_BYTES_MAX + 1);
    if (file != NULL && text != NULL) {
        size_t n_bytes = fread(text, 1, ENVIRONMENT_BYTES_MAX, file);
        text[n_bytes] = '\0';
        write_options(out, text, n_bytes);
    }
    free(text);
    if (file != NULL)
        (void)fclose(file);
}

static void write_mappings(FILE *out, pid_t pid)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%d/smaps", (int)pid);
    FILE                *smaps = fopen(path, "re");
    struct smaps_mapping mapping;
    while (smaps != NULL && smaps_next(smaps, &mapping)) {
        (void)fprintf(
            out,
            "{\"schema\": \"neap.mapping/1\", \"start\": \"%" PRIx64 "\", \"bytes\": %" PRIu64
            ", \"permissions\": \"%s\", \"resident_bytes\": %" PRIu64
            ", \"swapped_bytes\": %" PRIu64 ", \"huge_page_bytes\": %" PRIu64 ", \"name\": ",
            mapping.start, mapping.end - mapping.start, mapping.permissions, mapping.resident_bytes,
            mapping.swapped_bytes, mapping.huge_bytes);
        text_write_json(out, mapping.path);
        (void)fprintf(out, "}\n");
    }
    if (smaps != NULL)
        (void)fclose(smaps);
}

// What is seen first is written first, and nothing where the process cannot be seen.
static enum process_result write_all(FILE *out, pid_t pid, struct page_view *view,
                                     const struct explanation *explanation)
{
    char name[PROC_NAME_BYTES];
    (void)fprintf(out, "{\"schema\": \"neap.snapshot/1\", \"pid\": %d, \"name\": ", (int)pid);
    text_write_json(out, proc_read_name(pid, name));
    (void)fprintf(out, ", \"tool_version\": \"" NEAP_VERSION "\"}\n");
    view_json_write_statistics(out, pid, view);
    view_json_write_explanation(out, pid, view, explanation);
    write_environment(out, pid);
    write_mappings(out, pid);
    enum process_result result = write_history(out, pid, view, "minutes");
    return result == PROCESS_READ ? write_history(out, pid, view, "seconds") : result;
}

int command_snapshot(char **argv)
{
    struct snapshot_settings settings = {0};
    int                      first, exit_code;
    pid_t                    pid;
    if (!options_take(&snapshot_spec, argv, &settings, &first, &exit_code))
        return exit_code;
    if (!operand_pid(argv[first], &pid))
        return EXIT_CODE_USAGE;
    struct out_file file = {.path = NULL};
    exit_code = out_file_open(&file, settings.path, "--output");
    if (exit_code != 0)
        return exit_code;

    struct page_view   *view = NULL;
    struct explanation  explanation;
    enum process_result result = explanation_read(pid, &view, &explanation);
    if (result == PROCESS_READ)
        result = write_all(settings.path != NULL ? out_file_start(&file) : stdout, pid, view,
                           &explanation);
    page_view_close(view);
    if (result == PROCESS_READ)
        return out_file_finish(&file);
    out_file_discard(&file);
    return page_view_complain(pid, result);
}
