// neap run: starts a command with libneap preloaded; on request watches its memory.
//
// Without --summary, --timeline or --svg nothing is sampled: neap only waits and passes
// signals on.
#include "cgroup.h"
#include "commands.h"
#include "exit_code.h"
#include "exit_record.h"
#include "format.h"
#include "launch.h"
#include "library.h"
#include "message.h"
#include "out_file.h"
#include "sample.h"
#include "summary.h"
#include "svg.h"
#include "timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TITLE_BYTES 100   // of the command in pictures

struct run_settings {
    bool        summary;
    const char *timeline_path, *svg_path;
};

static const struct option_spec run_options[] = {
    {.letter = 's',
     .name = "summary",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct run_settings, summary),
     .help = "when CMD ends, say on stderr how much memory and time it took"},
    {.letter = 't',
     .name = "timeline",
     .kind = OPTION_TEXT,
     .value_name = "FILE",
     .offset = offsetof(struct run_settings, timeline_path),
     .help = "write resident and mapped memory over time as CSV"},
    {.name = "svg",
     .kind = OPTION_TEXT,
     .value_name = "FILE",
     .offset = offsetof(struct run_settings, svg_path),
     .help = "draw resident and mapped memory over time"},
    {0},
};

const struct command_spec run_spec = {
    .name = "run",
    .summary = "start a command with neap as its memory allocator",
    .usage = "[OPTION...] [--] CMD [ARGUMENT...]",
    .examples = "  neap run -- ./server --port 8080\n"
                "  neap run --summary -- python3 job.py\n"
                "  neap run --svg memory.svg --timeline memory.csv -- ./server\n",
    .notes = "LD_PRELOAD is set to libneap.so.0, in front of what it holds already; processes\n"
             "that CMD starts inherit it. Refused, because preloading would have no effect:\n"
             "programs of another architecture, static ones, set-uid and set-gid ones.\n"
             "\n"
             "Exit code: that of CMD; 128 + N when signal N ended it; 125 neap itself failed;\n"
             "126 CMD cannot be executed; 127 CMD was not found; 2 wrong usage.\n",
    .options = run_options,
    .operands = OPERANDS_COMMAND,
};

struct run_files {
    struct out_file timeline, svg;
};

static int run_open_files(const struct run_settings *settings, struct run_files *files)
{
    int exit_code = out_file_open(&files->timeline, settings->timeline_path, "--timeline");
    if (exit_code != 0)
        return exit_code;
    exit_code = out_file_open(&files->svg, settings->svg_path, "--svg");
    if (exit_code != 0)
        out_file_discard(&files->timeline);
    return exit_code;
}

// Finds command and library and fills *out. The texts lie in the two buffers.
static int run_prepare(char **command, char *path, char *preload, struct launch *out)
{
    char library[LIBRARY_PATH_BYTES];
    int  exit_code = launch_find(command[0], path, LAUNCH_PATH_BYTES);
    if (exit_code == 0)
        exit_code = library_find(library, sizeof library);
    if (exit_code != 0)
        return exit_code;
    if (!library_preload_text(library, getenv("LD_PRELOAD"), preload, 2 * LIBRARY_PATH_BYTES))
        return message_exit(EXIT_CODE_NEAP,
                            "%s: a path with a space or colon, or a very long one,"
                            " cannot stand in LD_PRELOAD; move it",
                            library);
    *out = (struct launch){
        .argv = command, .path = path, .preload = preload, .stdin_fd = -1, .stdout_fd = -1};
    return 0;
}

// Prints what was sampled, and what the processes that have ended left on record.
static void run_print_summary(char **command, const char *records_path,
                              const struct outcome *outcome, const struct timeline *timeline)
{
    struct summary summary = {.command = command,
                              .outcome = outcome,
                              .timeline = timeline,
                              .limit_bytes = cgroup_limit_bytes("/proc/self")};
    FILE          *records = fopen(records_path, "re");
    if (records != NULL) {
        exit_records_read(records, outcome->pid, &summary.records);
        (void)fclose(records);
    }
    summary_write(&summary, stderr);
}

static int run_write_files(char **command, struct run_files *files, const struct timeline *timeline)
{
    if (files->timeline.path != NULL)
        timeline_write_csv(timeline, out_file_start(&files->timeline));
    if (files->svg.path != NULL) {
        char title[TITLE_BYTES];
        format_command(command, title, sizeof title);
        struct svg_series  series = {.name = "neap", .timelines = &timeline, .n_timelines = 1};
        struct svg_picture picture = {
            .title = title, .series = &series, .n_series = 1, .subtitle = "neap run"};
        svg_write(&picture, out_file_start(&files->svg));
    }
    int timeline_code = out_file_finish(&files->timeline);
    int svg_code = out_file_finish(&files->svg);
    return timeline_code != 0 ? timeline_code : svg_code;
}

// Runs and reports. The files are open.
static int run_watched(const struct launch *launch, char **command, struct run_files *files)
{
    struct timeline timeline;
    struct sampler  sampler;
    struct outcome  outcome;
    if (!timeline_init(&timeline))
        return message_exit(EXIT_CODE_NEAP, "out of memory");
    sampler_init(&sampler, &timeline, 0);

    int exit_code = launch_run(launch, &sampler, &outcome);
    if (exit_code == 0) {
        if (launch->exit_stats != NULL)
            run_print_summary(command, launch->exit_stats, &outcome, &timeline);
        exit_code = run_write_files(command, files, &timeline);
        if (exit_code == 0)
            exit_code = launch_exit_code(outcome.status);
    }
    timeline_free(&timeline);
    return exit_code;
}

static int run_plain(const struct launch *launch)
{
    struct outcome outcome;
    int            exit_code = launch_run(launch, NULL, &outcome);
    return exit_code != 0 ? exit_code : launch_exit_code(outcome.status);
}

static int run_work(const struct run_settings *settings, char **command, struct run_files *files)
{
    char path[LAUNCH_PATH_BYTES], preload[2 * LIBRARY_PATH_BYTES], records[LAUNCH_PATH_BYTES];
    struct launch launch;
    int           exit_code = run_prepare(command, path, preload, &launch);
    if (exit_code != 0)
        return exit_code;
    if (!settings->summary && files->timeline.path == NULL && files->svg.path == NULL)
        return run_plain(&launch);
    if (!settings->summary)
        return run_watched(&launch, command, files);

    if (!exit_record_make_place(records, sizeof records))
        return message_exit(EXIT_CODE_NEAP, "cannot create a temporary folder: %s; set TMPDIR",
                            strerror(errno));
    launch.exit_stats = records;
    exit_code = run_watched(&launch, command, files);
    exit_record_remove_place(records);
    return exit_code;
}

int command_run(char **argv)
{
    struct run_settings settings = {0};
    int                 first, exit_code;
    if (!options_take(&run_spec, argv, &settings, &first, &exit_code))
        return exit_code;

    struct run_files files;
    exit_code = run_open_files(&settings, &files);
    if (exit_code != 0)
        return exit_code;
    exit_code = run_work(&settings, argv + first, &files);
    out_file_discard(&files.timeline);
    out_file_discard(&files.svg);
    return exit_code;
}
