// neap autopsy: what a process that was killed held in its last minutes.
#include "black_box.h"
#include "commands.h"
#include "exit_code.h"
#include "format.h"
#include "history_text.h"
#include "message.h"
#include "text.h"
#include "view_json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINES 20   // of the history, without --all
#define MINUTE_S 60.0
#define GROWTH_PCT 10   // within a minute, is worth a sentence
#define NEAR_PCT 90     // of a limit
#define TIME_BYTES 32

struct autopsy_settings {
    bool        json, all;
    const char *last, *folder;
};

static const struct option_spec autopsy_options[] = {
    {.letter = 'l',
     .name = "last",
     .kind = OPTION_TEXT,
     .value_name = "NAME",
     .offset = offsetof(struct autopsy_settings, last),
     .help = "the last process of that name, instead of a file"},
    {.name = "folder",
     .kind = OPTION_TEXT,
     .value_name = "FOLDER",
     .offset = offsetof(struct autopsy_settings, folder),
     .help = "where to look for it; $NEAP_BLACKBOX, or else /dev/shm and /run"},
    {.letter = 'a',
     .name = "all",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct autopsy_settings, all),
     .help = "all of the last ten minutes, not only the end"},
    {.name = "json",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct autopsy_settings, json),
     .help = "JSON instead of text: a line neap.autopsy/1, then lines neap.history/1"},
    {0},
};

const struct command_spec autopsy_spec = {
    .name = "autopsy",
    .summary = "what a process that was killed held in its last minutes",
    .usage = "[OPTION...] [FILE]",
    .examples = "  neap autopsy --last server\n"
                "  neap autopsy /dev/shm/neap-4127\n",
    .notes = "A process leaves a file for this where NEAP_BLACKBOX names a folder in memory, as\n"
             "/dev/shm, and it is killed: by the kernel for want of memory, or by any signal.\n",
    .options = autopsy_options,
    .operands = OPERANDS_PROCESS,
    .n_operands_max = 1,
};

// ---- what there is to say ---------------------------------------------------------------------

static const struct history_sample *sample_before(const struct history *history, double age_s)
{
    size_t i = history->n_samples - 1;
    while (i > 0 && history->samples[i].age_s < age_s)
        i--;
    return &history->samples[i];
}

static void print_growth(const struct black_box *box)
{
    char                         before[FORMAT_BYTES], after[FORMAT_BYTES], time[FORMAT_BYTES];
    const struct history_sample *last = &box->history.samples[box->history.n_samples - 1];
    const struct history_sample *first = sample_before(&box->history, MINUTE_S);
    uint64_t                     object_pct =
        last->resident_bytes > 0 ? last->object_bytes * 100 / last->resident_bytes : 0;
    bool has_grown = last->resident_bytes * 100 > first->resident_bytes * (100 + GROWTH_PCT);
    if (has_grown)
        printf("What neap held grew from %s to %s within %s. ",
               format_bytes((double)first->resident_bytes, before),
               format_bytes((double)last->resident_bytes, after),
               format_duration(first->age_s, time));
    else
        printf("What neap held did not grow in the last minute: %s. ",
               format_bytes((double)last->resident_bytes, after));
    printf("%" PRIu64 " %% of it were the program's own objects.\n", object_pct);
}

static void print_limit(const struct black_box *box, uint64_t limit_bytes, const char *name)
{
    char     text[FORMAT_BYTES];
    uint64_t held_bytes = box->history.samples[box->history.n_samples - 1].resident_bytes;
    uint64_t pct = limit_bytes > 0 ? held_bytes * 100 / limit_bytes : 0;
    if (pct >= NEAR_PCT)
        printf("That is %" PRIu64 " %% of the %s limit of %s.\n", pct, name,
               format_bytes((double)limit_bytes, text));
}

static void print_text(const struct black_box *box, bool all)
{
    char      text[TIME_BYTES];
    time_t    noted = (time_t)box->wall_time_s;
    struct tm parts;
    size_t    n_samples = box->history.n_samples;
    (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&noted, &parts));
    printf("%s, process %d under neap %s, was last seen at %s\n", box->name, (int)box->pid,
           box->version, text);
    history_write_text(stdout, &box->history, all || n_samples < LINES ? 0 : n_samples - LINES);
    print_growth(box);
    print_limit(box, box->soft_limit_bytes, "soft");
    print_limit(box, box->hard_limit_bytes, "hard");
    if (box->refused_requests > 0)
        printf("%" PRIu64 " of its requests found no memory.\n", box->refused_requests);
    if (box->shortages > 0)
        printf("The system had become short of memory %" PRIu64 " times.\n", box->shortages);
}

static void print_json(const struct black_box *box)
{
    printf("{\"schema\": \"neap.autopsy/1\", \"pid\": %d, \"name\": ", (int)box->pid);
    text_write_json(stdout, box->name);
    printf(", \"version\": ");
    text_write_json(stdout, box->version);
    printf(", \"last_seen_seconds\": %.3f", box->wall_time_s);
    if (box->soft_limit_bytes > 0)
        printf(", \"soft_limit_bytes\": %" PRIu64, box->soft_limit_bytes);
    if (box->hard_limit_bytes > 0)
        printf(", \"hard_limit_bytes\": %" PRIu64, box->hard_limit_bytes);
    printf(", \"refused_requests\": %" PRIu64 ", \"shortages\": %" PRIu64 "}\n",
           box->refused_requests, box->shortages);
    for (size_t i = 0; i < box->history.n_samples; i++)
        view_json_write_sample(stdout, box->pid, &box->history.samples[i]);
}

// ---- finding it -------------------------------------------------------------------------------

static int read_file(const char *path, struct black_box *out)
{
    switch (black_box_read(path, out)) {
    case BLACK_BOX_READ:
        return EXIT_CODE_DONE;
    case BLACK_BOX_ABSENT:
        return message_exit(EXIT_CODE_FAILED, "cannot read %s: %s", path, strerror(errno));
    case BLACK_BOX_NEWER:
        return message_exit(EXIT_CODE_FAILED, "%s is of a newer neap than this", path);
    case BLACK_BOX_NONE:
        break;
    }
    return message_exit(EXIT_CODE_FAILED, "%s is no black box of neap's, or it is damaged", path);
}

static int find_last(const struct autopsy_settings *settings, struct black_box *out)
{
    const char *folder = settings->folder != NULL ? settings->folder : getenv("NEAP_BLACKBOX");
    if (folder != NULL && *folder != '\0') {
        if (black_box_find(folder, settings->last, out))
            return EXIT_CODE_DONE;
        return message_exit(EXIT_CODE_FAILED, "no '%s' has left a black box in %s", settings->last,
                            folder);
    }
    if (black_box_find("/dev/shm", settings->last, out) ||
        black_box_find("/run", settings->last, out))
        return EXIT_CODE_DONE;
    return message_exit(EXIT_CODE_FAILED,
                        "no '%s' has left a black box in /dev/shm or /run; processes leave one"
                        " where NEAP_BLACKBOX names a folder",
                        settings->last);
}

int command_autopsy(char **argv)
{
    struct autopsy_settings settings = {0};
    struct black_box        box = {.pid = 0};
    int                     first, exit_code;
    if (!options_take(&autopsy_spec, argv, &settings, &first, &exit_code))
        return exit_code;
    const char *path = argv[first];
    if ((path != NULL) == (settings.last != NULL))
        return message_exit(EXIT_CODE_USAGE, "one of both: a FILE, or --last NAME");
    exit_code = path != NULL ? read_file(path, &box) : find_last(&settings, &box);
    if (exit_code == EXIT_CODE_DONE && settings.json)
        print_json(&box);
    else if (exit_code == EXIT_CODE_DONE)
        print_text(&box, settings.all);
    black_box_free(&box);
    return exit_code;
}
