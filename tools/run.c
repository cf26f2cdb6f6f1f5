// neap run: starts a command with libneap preloaded; on request watches its memory.
//
// Without --summary, --timeline or --svg nothing is sampled: neap only waits and passes
// signals on.
#include "commands.h"
#include "exit_code.h"
#include "format.h"
#include "launch.h"
#include "library.h"
#include "message.h"
#include "out_file.h"
#include "sample.h"
#include "svg.h"
#include "timeline.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TITLE_BYTES 100   // of the command in pictures and summaries

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
    .needs_command = true,
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

static void run_print_summary(char **command, const struct outcome *outcome,
                              const struct timeline *timeline)
{
    char title[TITLE_BYTES], status[64], a[FORMAT_BYTES], b[FORMAT_BYTES], c[FORMAT_BYTES];
    format_command(command, title, sizeof title);
    format_status(outcome->status, status, sizeof status);
    const struct rusage *usage = &outcome->usage;

    FILE *out = stderr;
    (void)fprintf(out, "neap  %s\n", title);
    (void)fprintf(out, "  ran            %s, %s\n", format_duration(outcome->wall_s, a), status);
    (void)fprintf(out, "  peak resident  %s at %s\n",
                  format_bytes((double)timeline->peak_resident_bytes, a),
                  format_duration(timeline->peak_resident_at_s, b));
    (void)fprintf(out, "  at the end     resident %s, mapped %s (peak %s)\n",
                  format_bytes((double)timeline->last.resident_bytes, a),
                  format_bytes((double)timeline->last.mapped_bytes, b),
                  format_bytes((double)timeline->peak_mapped_bytes, c));
    (void)fprintf(out, "  CPU            user %.3f s, system %.3f s\n",
                  (double)usage->ru_utime.tv_sec + (double)usage->ru_utime.tv_usec * 1e-6,
                  (double)usage->ru_stime.tv_sec + (double)usage->ru_stime.tv_usec * 1e-6);
    (void)fprintf(out, "  page faults    %s minor\n", format_count((uint64_t)usage->ru_minflt, a));
    (void)fprintf(out, "Next: neap try -- %s    compares with the present malloc\n", title);
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

// Runs and reports. The files are open; they are closed in any case.
static int run_watched(const struct launch *launch, char **command,
                       const struct run_settings *settings, struct run_files *files)
{
    struct timeline timeline;
    struct sampler  sampler;
    struct outcome  outcome;
    if (!timeline_init(&timeline))
        return message_exit(EXIT_CODE_NEAP, "out of memory");
    sampler_init(&sampler, &timeline, 0);

    int exit_code = launch_run(launch, &sampler, &outcome);
    if (exit_code == 0) {
        if (settings->summary)
            run_print_summary(command, &outcome, &timeline);
        exit_code = run_write_files(command, files, &timeline);
        if (exit_code == 0)
            exit_code = launch_exit_code(outcome.status);
    }
    timeline_free(&timeline);
    return exit_code;
}

int command_run(int argc, char **argv)
{
    struct run_settings settings = {0};
    int                 first;
    switch (options_parse(&run_spec, argc, argv, &settings, &first)) {
    case OPTIONS_WRONG:
        return EXIT_CODE_USAGE;
    case OPTIONS_HELP:
        options_print_help(&run_spec, stdout);
        return EXIT_CODE_DONE;
    case OPTIONS_PARSED:
        break;
    }

    char             path[LAUNCH_PATH_BYTES], preload[2 * LIBRARY_PATH_BYTES];
    struct launch    launch;
    struct run_files files;
    int              exit_code = run_open_files(&settings, &files);
    if (exit_code != 0)
        return exit_code;
    exit_code = run_prepare(argv + first, path, preload, &launch);

    struct outcome outcome;
    bool watch = settings.summary || files.timeline.path != NULL || files.svg.path != NULL;
    if (exit_code == 0 && watch) {
        exit_code = run_watched(&launch, argv + first, &settings, &files);
    } else if (exit_code == 0) {
        exit_code = launch_run(&launch, NULL, &outcome);
        if (exit_code == 0)
            exit_code = launch_exit_code(outcome.status);
    }
    out_file_discard(&files.timeline);
    out_file_discard(&files.svg);
    return exit_code;
}
