// neap try: runs a command under its present malloc and under neap, and says what differs.
#include "commands.h"
#include "exit_code.h"
#include "launch.h"
#include "library.h"
#include "message.h"
#include "out_file.h"
#include "report.h"
#include "trial.h"

#include <stdlib.h>
#include <string.h>

struct try_settings {
    unsigned           n_runs;
    bool               warm_up;
    double             settle_s;
    const char        *svg_path, *json_path;
    struct option_list others;
};

static const struct option_spec try_options[] = {
    {.letter = 'n',
     .name = "runs",
     .kind = OPTION_COUNT,
     .value_name = "RUNS",
     .offset = offsetof(struct try_settings, n_runs),
     .minimum = 1,
     .maximum = TRIAL_RUNS_MAX,
     .help = "runs with each allocator (default 3)"},
    {.letter = 'w',
     .name = "with",
     .kind = OPTION_LIST,
     .value_name = "LIST",
     .choices = LIBRARY_PEER_NAMES,
     .offset = offsetof(struct try_settings, others),
     .help = "compare with these allocators as well: jemalloc, mimalloc, tcmalloc,\n"
             "tbb, or libraries to preload; with commas between them"},
    {.name = "settle",
     .kind = OPTION_SECONDS,
     .value_name = "SECONDS",
     .offset = offsetof(struct try_settings, settle_s),
     .minimum = 0.1,
     .maximum = 3600,
     .help = "for a CMD that does not end by itself: when it has used next to no\n"
             "CPU time for SECONDS, note its memory and stop it with SIGTERM"},
    {.name = "warm-up",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct try_settings, warm_up),
     .help = "run once with each allocator before measuring"},
    {.name = "svg",
     .kind = OPTION_TEXT,
     .value_name = "FILE",
     .offset = offsetof(struct try_settings, svg_path),
     .help = "draw resident and mapped memory over time"},
    {.name = "json",
     .kind = OPTION_OUTPUT,
     .value_name = "FILE",
     .offset = offsetof(struct try_settings, json_path),
     .help = "all figures and timelines as one JSON object, schema neap.try/1:\n"
             "to FILE, or to stdout instead of the text"},
    {0},
};

const struct command_spec try_spec = {
    .name = "try",
    .summary = "compare a command under its present malloc and under neap",
    .usage = "[OPTION...] [--] CMD [ARGUMENT...]",
    .examples = "  neap try -- python3 job.py\n"
                "  neap try -n 5 --with jemalloc,mimalloc --svg memory.svg -- ./job input.txt\n"
                "  neap try --settle 5 -- ./server\n",
    .notes = "Runs are interleaved, in rotating order. What CMD writes to stdout is not shown\n"
             "but compared: it has to be the same, byte for byte, and so has the exit code.\n"
             "CMD reads stdin from its start in every run if it is a file, else nothing.\n"
             "\n"
             "Resident: memory in RAM, of CMD and its descendants, pages they share counted\n"
             "once. Mapped: private, writable, anonymous memory; ranges that are reserved but\n"
             "not accessible do not count. Area: resident memory added up over time.\n"
             "At the end: the last sample before CMD ended, or when it had settled.\n"
             "\n"
             "Exit code: 3 output or exit code was not the same in all runs; else that of\n"
             "CMD; 128 + N when signal N ended it; 125 neap itself failed; 126 CMD cannot be\n"
             "executed; 127 CMD was not found; 2 wrong usage.\n",
    .options = try_options,
    .operands = OPERANDS_COMMAND,
};

struct try_files {
    struct out_file svg, json;
};

// Says what is wrong with an allocator that cannot be preloaded: the comparison would be of the
// present malloc with itself.
static int try_check_subject(const struct subject *subject)
{
    if (library_can_be_preloaded(subject->library))
        return 0;
    const struct library_peer *peer = library_find_peer(subject->name);
    if (peer != NULL)
        return message_exit(EXIT_CODE_NEAP, "%s: %s is not installed; apt-get install %s",
                            peer->name, peer->library, peer->debian_package);
    return message_exit(EXIT_CODE_NEAP,
                        "%s cannot be preloaded; see what"
                        " LD_PRELOAD=%s /bin/true says",
                        subject->library, subject->library);
}

// Fills the subjects: the present malloc, neap, then the others.
// `neap_library` and the settings' texts must outlive the trial.
static int try_make_subjects(const struct try_settings *settings, const char *neap_library,
                             struct trial *trial)
{
    trial->n_subjects = 2 + settings->others.count;
    trial->subjects = calloc(trial->n_subjects, sizeof *trial->subjects);
    if (trial->subjects == NULL)
        return message_exit(EXIT_CODE_NEAP, "out of memory");

    trial->subjects[0].name = "present malloc";
    trial->subjects[1].name = "neap";
    trial->subjects[1].library = neap_library;
    for (size_t i = 0; i < settings->others.count; i++) {
        const char                *given = settings->others.values[i];
        const char                *slash = strrchr(given, '/');
        const struct library_peer *peer = library_find_peer(given);
        trial->subjects[2 + i].name = slash != NULL ? slash + 1 : given;
        trial->subjects[2 + i].library = peer != NULL ? peer->library : given;
    }
    for (size_t s = 1; s < trial->n_subjects; s++) {
        int exit_code = try_check_subject(&trial->subjects[s]);
        if (exit_code != 0)
            return exit_code;
    }
    const char *present = getenv("LD_PRELOAD");
    if (present != NULL && strstr(present, LIBRARY_NAME) != NULL)
        message("LD_PRELOAD holds neap already: this compares neap with itself");
    return 0;
}

static int try_open_files(const struct try_settings *settings, struct try_files *files)
{
    int exit_code = out_file_open(&files->svg, settings->svg_path, "--svg");
    if (exit_code != 0)
        return exit_code;
    if (strcmp(settings->json_path != NULL ? settings->json_path : "", "-") != 0)
        exit_code = out_file_open(&files->json, settings->json_path, "--json");
    if (exit_code != 0)
        out_file_discard(&files->svg);
    return exit_code;
}

// Writes the files; names them unless stdout is for a program to read.
static int try_write_files(const struct trial *trial, struct try_files *files, bool says_so)
{
    if (files->svg.path != NULL) {
        report_write_svg(trial, out_file_start(&files->svg));
        if (says_so)
            printf("picture: %s\n", files->svg.path);
    }
    if (files->json.path != NULL) {
        report_write_json(trial, out_file_start(&files->json));
        printf("figures: %s\n", files->json.path);
    }
    int svg_code = out_file_finish(&files->svg);
    int json_code = out_file_finish(&files->json);
    return svg_code != 0 ? svg_code : json_code;
}

static int try_report(const struct trial *trial, const struct try_settings *settings,
                      struct try_files *files)
{
    bool is_for_programs = settings->json_path != NULL && files->json.path == NULL;
    if (is_for_programs)
        report_write_json(trial, stdout);
    else
        report_write_text(trial, stdout);
    int exit_code = try_write_files(trial, files, !is_for_programs);
    if (exit_code != 0)
        return exit_code;

    if (trial_output_agreement(trial) != AGREEMENT_FULL ||
        trial_status_agreement(trial) != AGREEMENT_FULL)
        return EXIT_CODE_FINDING;
    const struct outcome *outcome = &trial->subjects[0].runs[0].outcome;
    return outcome->settled ? EXIT_CODE_DONE : launch_exit_code(outcome->status);
}

static int try_work(const struct try_settings *settings, char **command, struct try_files *files)
{
    char path[LAUNCH_PATH_BYTES], neap_library[LIBRARY_PATH_BYTES];
    int  exit_code = launch_find(command[0], path, sizeof path);
    if (exit_code == 0)
        exit_code = library_find(neap_library, sizeof neap_library);
    if (exit_code != 0)
        return exit_code;

    struct trial trial = {.command = command,
                          .path = path,
                          .n_runs = settings->n_runs,
                          .warm_up = settings->warm_up,
                          .settle_s = settings->settle_s};
    exit_code = try_make_subjects(settings, neap_library, &trial);
    if (exit_code == 0)
        exit_code = trial_perform(&trial);
    if (exit_code == 0) {
        trial_conclude(&trial);
        exit_code = try_report(&trial, settings, files);
    }
    trial_free(&trial);
    return exit_code;
}

int command_try(char **argv)
{
    struct try_settings settings = {.n_runs = 3};
    int                 first, exit_code;
    if (!options_take(&try_spec, argv, &settings, &first, &exit_code))
        return exit_code;

    struct try_files files = {0};
    exit_code = try_open_files(&settings, &files);
    if (exit_code != 0)
        return exit_code;
    exit_code = try_work(&settings, argv + first, &files);
    out_file_discard(&files.svg);
    out_file_discard(&files.json);
    return exit_code;
}
