// neap stat: the statistics of a running process, once or again and again.
#include "clock.h"
#include "commands.h"
#include "exit_code.h"
#include "format.h"
#include "history_text.h"
#include "message.h"
#include "operand.h"
#include "page_view.h"
#include "view_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define INTERVAL_S_MIN 0.01
#define LINES_PER_HEADING 20

struct stat_settings {
    bool        json;
    const char *history;   // the ring's name
};

static const struct option_spec stat_options[] = {
    {.name = "json",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct stat_settings, json),
     .help = "one JSON object for each reading, schema neap.stat/1"},
    {.name = "history",
     .kind = OPTION_TEXT,
     .value_name = "UNIT",
     .offset = offsetof(struct stat_settings, history),
     .help = "what was: the last ten minutes by 'seconds', or a day by 'minutes'"},
    {0},
};

const struct command_spec stat_spec = {
    .name = "stat",
    .summary = "the statistics of a running process, once or every few seconds",
    .usage = "[OPTION...] PID [INTERVAL [COUNT]]",
    .examples = "  neap stat 4127                  all statistics, one a line\n"
                "  neap stat 4127 1                a line a second until the process ends\n"
                "  neap stat --json 4127 0.5 20    twenty readings, for a program\n"
                "  neap stat --history seconds 4127\n",
    .notes = "The process is not stopped and does not notice. INTERVAL is in seconds. Lines show\n"
             "what is in use now, and what was done per second since the line before:\n"
             "objects + free slots + cached + free ready + metadata = resident.\n"
             "The process itself keeps its history, from when it was a second old. Seconds in\n"
             "which it took no pages have no line; of a minute it is the one with most resident.\n",
    .options = stat_options,
    .operands = OPERANDS_PROCESS,
    .n_operands_max = 3,
};

struct stat_request {
    pid_t         pid;
    bool          is_repeated, is_counted;
    double        interval_s;
    unsigned long count;
};

struct column {
    const char *heading, *name;
};

static const struct column columns[] = {
    {"OBJECTS", "object_bytes"},
    {"FREE SLOTS", "free_slots_bytes"},
    {"CACHED", "cached_bytes"},
    {"FREE READY", "free_ready_bytes"},
    {"METADATA", "metadata_bytes"},
    {"RESIDENT", "resident_bytes"},
    {"RELEASED", "released_bytes"},
    {"ALLOC/s", "allocations"},
    {"FREE/s", "frees"},
    {"RETURNED/s", "returned_bytes"},
};
#define N_COLUMNS (sizeof columns / sizeof *columns)

// A reading and the one before.
struct readings {
    uint64_t now[N_COLUMNS], before[N_COLUMNS];
    double   now_s, before_s;
    size_t   n;   // so far
};

static void print_list(const struct page_view *view)
{
    for (size_t i = 0; i < page_view_count(view); i++) {
        struct page_statistic statistic = page_view_describe(view, i);
        if (!page_view_is_known(view, i))
            continue;
        printf("%-20s %16" PRIu64 "  %-6s %s\n", statistic.name, page_view_value(view, i),
               strcmp(statistic.unit, "count") == 0 ? "" : statistic.unit, statistic.help);
    }
}

static void print_cell(size_t i, const struct readings *readings, bool is_bytes, bool is_rate)
{
    char   text[FORMAT_BYTES] = "-";
    double number = (double)readings->now[i];
    if (is_rate)
        number = (double)(readings->now[i] - readings->before[i]) /
                 (readings->now_s - readings->before_s);
    if (is_bytes)
        format_bytes(number, text);
    else if (!is_rate || readings->n > 0)
        format_count((uint64_t)(number + 0.5), text);
    printf(" %11s", is_rate && readings->n == 0 ? "-" : text);
}

// A line as of vmstat(8).
static void print_line(const struct page_view *view, struct readings *readings)
{
    if (readings->n % LINES_PER_HEADING == 0) {
        for (size_t i = 0; i < N_COLUMNS; i++)
            printf(" %11s", columns[i].heading);
        printf("\n");
    }
    memcpy(readings->before, readings->now, sizeof readings->now);
    readings->before_s = readings->now_s;
    readings->now_s = clock_now_s();
    for (size_t i = 0; i < N_COLUMNS; i++) {
        readings->now[i] = page_view_number(view, columns[i].name);
        bool is_rate = strchr(columns[i].heading, '/') != NULL;
        bool is_bytes = strstr(columns[i].name, "_bytes") != NULL;
        print_cell(i, readings, is_bytes, is_rate);
    }
    printf("\n");
    readings->n++;
}

static int print_readings(struct page_view *view, const struct stat_request *request, bool json)
{
    struct readings readings = {.n = 0};
    for (unsigned long n = 0; !request->is_counted || n < request->count; n++) {
        if (n > 0)
            clock_sleep(request->interval_s);
        enum process_result result = page_view_read(view);
        if (result != PROCESS_READ)
            return page_view_complain(request->pid, result);
        if (json)
            view_json_write_statistics(stdout, request->pid, view);
        else
            print_line(view, &readings);
        if (fflush(stdout) != 0)
            return EXIT_CODE_FAILED;   // main says why
    }
    return EXIT_CODE_DONE;
}

static int print_once(struct page_view *view, pid_t pid, bool json)
{
    enum process_result result = page_view_read(view);
    if (result != PROCESS_READ)
        return page_view_complain(pid, result);
    if (json)
        view_json_write_statistics(stdout, pid, view);
    else
        print_list(view);
    return EXIT_CODE_DONE;
}

// ---- the past ---------------------------------------------------------------------------------

static int print_history(struct page_view *view, pid_t pid, const struct stat_settings *settings)
{
    struct history      history;
    enum process_result result = history_read(view, settings->history, &history);
    if (result == PROCESS_READ && !settings->json)
        history_write_text(stdout, &history, 0);
    for (size_t i = 0; result == PROCESS_READ && settings->json && i < history.n_samples; i++)
        view_json_write_sample(stdout, pid, &history.samples[i]);
    history_free(&history);
    return result == PROCESS_READ ? EXIT_CODE_DONE : page_view_complain(pid, result);
}

// ---- the command ------------------------------------------------------------------------------

static bool take_operands(char **operands, const struct stat_settings *settings,
                          struct stat_request *out)
{
    *out = (struct stat_request){.is_repeated = operands[0] != NULL && operands[1] != NULL};
    out->is_counted = out->is_repeated && operands[2] != NULL;
    if (!operand_pid(operands[0], &out->pid) ||
        (out->is_repeated && !operand_seconds(operands[1], INTERVAL_S_MIN, &out->interval_s)) ||
        (out->is_counted && !operand_count(operands[2], &out->count)))
        return false;
    if (settings->history == NULL)
        return true;
    if (strcmp(settings->history, "seconds") != 0 && strcmp(settings->history, "minutes") != 0) {
        message("--history is by 'seconds' or by 'minutes', not by '%s'", settings->history);
        return false;
    }
    if (out->is_repeated)
        message("--history takes no INTERVAL");
    return !out->is_repeated;
}

int command_stat(char **argv)
{
    struct stat_settings settings = {0};
    int                  first, exit_code;
    if (!options_take(&stat_spec, argv, &settings, &first, &exit_code))
        return exit_code;
    struct stat_request request;
    if (!take_operands(argv + first, &settings, &request))
        return EXIT_CODE_USAGE;

    struct page_view   *view;
    enum process_result result = page_view_open(request.pid, NULL, &view);
    if (result != PROCESS_READ)
        return page_view_complain(request.pid, result);
    if (settings.history != NULL)
        exit_code = print_history(view, request.pid, &settings);
    else if (request.is_repeated)
        exit_code = print_readings(view, &request, settings.json);
    else
        exit_code = print_once(view, request.pid, settings.json);
    page_view_close(view);
    return exit_code;
}
