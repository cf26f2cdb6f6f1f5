// neap metrics: the statistics of running processes for monitoring systems, once.
#include "commands.h"
#include "exit_code.h"
#include "exposition.h"
#include "message.h"
#include "operand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIDS_MAX 64
#define PATH_BYTES 4096

struct metrics_settings {
    const char *format, *textfile;
    bool        all;
};

static const struct option_spec metrics_options[] = {
    {.letter = 'a',
     .name = "all",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct metrics_settings, all),
     .help = "of every process that runs neap and may be looked into"},
    {.letter = 'f',
     .name = "format",
     .kind = OPTION_TEXT,
     .value_name = "FORMAT",
     .choices = "prom openmetrics json",
     .offset = offsetof(struct metrics_settings, format),
     .help = "prom (the default), openmetrics, or json, schema neap.metrics/1"},
    {.name = "textfile",
     .kind = OPTION_TEXT,
     .value_name = "DIR",
     .offset = offsetof(struct metrics_settings, textfile),
     .help = "write DIR/neap.prom at one stroke, for node_exporter's textfile collector"},
    {0},
};

const struct command_spec metrics_spec = {
    .name = "metrics",
    .summary = "the statistics of running processes, for Prometheus and others",
    .usage = "[OPTION...] [PID...]",
    .examples = "  neap metrics 4127\n"
                "  neap metrics --all --format openmetrics\n"
                "  neap metrics --all --textfile /var/lib/prometheus/node-exporter\n",
    .notes = "Each sample has the labels name and pid. neap serve answers requests instead.\n",
    .options = metrics_options,
    .operands = OPERANDS_FREE,
    .n_operands_max = PIDS_MAX,
};

static bool read_format(const char *name, enum exposition_format *out)
{
    static const char *const names[] = {[EXPOSITION_PROMETHEUS] = "prom",
                                        [EXPOSITION_OPENMETRICS] = "openmetrics",
                                        [EXPOSITION_JSON] = "json"};
    *out = EXPOSITION_PROMETHEUS;
    if (name == NULL)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum exposition_format)i;
            return true;
        }
    }
    message("--format is prom, openmetrics or json, not '%s'", name);
    return false;
}

// Writes beside the file and puts it into its place, so that nobody reads half of it.
static int write_textfile(const struct targets *targets, const char *folder)
{
    char path[PATH_BYTES], beside[PATH_BYTES + 16];
    int  length = snprintf(path, sizeof path, "%s/neap.prom", folder);
    if (length < 0 || (size_t)length >= sizeof path)
        return message_exit(EXIT_CODE_USAGE, "--textfile: the path is too long");
    (void)snprintf(beside, sizeof beside, "%s.%d", path, (int)getpid());
    FILE *out = fopen(beside, "we");
    if (out == NULL)
        return message_exit(EXIT_CODE_USAGE, "--textfile: cannot write %s: %s", beside,
                            strerror(errno));
    exposition_write(targets, EXPOSITION_PROMETHEUS, out);
    bool is_written = fflush(out) == 0 && ferror(out) == 0;
    is_written = fclose(out) == 0 && is_written;
    if (is_written && rename(beside, path) == 0)
        return EXIT_CODE_DONE;
    int error = errno;
    (void)unlink(beside);
    return message_exit(EXIT_CODE_FAILED, "--textfile: cannot write %s: %s", path, strerror(error));
}

// Of processes asked for by their ids, each has to be there.
static int complain_of_missing(const struct targets *targets)
{
    for (size_t i = 0; i < targets->n_all; i++) {
        const struct target *target = &targets->all[i];
        if (targets->wanted != NULL && target->result != PROCESS_READ)
            return page_view_complain(target->pid, target->result);
    }
    return 0;
}

static int export(struct targets *targets, const struct metrics_settings *settings,
                  enum exposition_format format)
{
    if (!targets_refresh(targets))
        return message_exit(EXIT_CODE_FAILED, "cannot read /proc: %s", strerror(errno));
    int exit_code = complain_of_missing(targets);
    if (exit_code != 0)
        return exit_code;
    if (targets->wanted == NULL && targets_n_forbidden(targets) > 0)
        message("%zu processes left out: not allowed to look into them",
                targets_n_forbidden(targets));
    if (settings->textfile != NULL)
        return write_textfile(targets, settings->textfile);
    exposition_write(targets, format, stdout);
    return EXIT_CODE_DONE;
}

int command_metrics(char **argv)
{
    struct metrics_settings settings = {0};
    struct targets          targets = {.n_all = 0};
    pid_t                   pids[PIDS_MAX];
    enum exposition_format  format;
    int                     first, exit_code;
    if (!options_take(&metrics_spec, argv, &settings, &first, &exit_code))
        return exit_code;
    if (!read_format(settings.format, &format))
        return EXIT_CODE_USAGE;
    if (settings.textfile != NULL && format != EXPOSITION_PROMETHEUS)
        return message_exit(EXIT_CODE_USAGE, "--textfile is for the format prom");
    for (char **operand = argv + first; *operand != NULL; operand++) {
        if (!operand_pid(*operand, &pids[targets.n_wanted++]))
            return EXIT_CODE_USAGE;
    }
    if (settings.all == (targets.n_wanted > 0))
        return message_exit(EXIT_CODE_USAGE, settings.all
                                                 ? "--all or process ids, not both"
                                                 : "of which process? A process id or --all");
    targets.wanted = settings.all ? NULL : pids;
    exit_code = export(&targets, &settings, format);
    targets_free(&targets);
    return exit_code;
}
