// One metric after the other, as the formats ask for: of each, the samples of all processes.
#include "exposition.h"

#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define METRICS_MAX 128
#define NS_PER_S UINT64_C(1000000000)

// What has been written so far.
struct exposition {
    const struct targets  *targets;
    enum exposition_format format;
    FILE                  *out;
    size_t                 n_written;
    const char            *written[METRICS_MAX];   // names of metrics
};

const char *exposition_content_type(enum exposition_format format)
{
    switch (format) {
    case EXPOSITION_PROMETHEUS:
        return "text/plain; version=0.0.4; charset=utf-8";
    case EXPOSITION_OPENMETRICS:
        return "application/openmetrics-text; version=1.0.0; charset=utf-8";
    case EXPOSITION_JSON:
        break;
    }
    return "application/json";
}

// ---- one metric -------------------------------------------------------------------------------

// A label's value may hold any text but has to escape three characters.
static void write_label(const char *name, const char *value, FILE *out)
{
    (void)fprintf(out, "%s=\"", name);
    while (*value != '\0') {
        size_t length = text_utf8_length(value);
        if (*value == '\\' || *value == '"')
            (void)fprintf(out, "\\%c", *value);
        else if (*value == '\n')
            (void)fprintf(out, "\\n");
        else if (length == 0)
            (void)fputs("\xef\xbf\xbd", out);   // U+FFFD
        else
            (void)fwrite(value, 1, length, out);
        value += length > 0 ? length : 1;
    }
    (void)fputc('"', out);
}

static void write_head(const struct exposition *exposition, const char *name, bool is_counter,
                       const char *unit, const char *help)
{
    FILE       *out = exposition->out;
    bool        is_open = exposition->format == EXPOSITION_OPENMETRICS;
    const char *suffix = is_counter && !is_open ? "_total" : "";
    (void)fprintf(out, "# HELP %s%s %s\n", name, suffix, help);
    (void)fprintf(out, "# TYPE %s%s %s\n", name, suffix, is_counter ? "counter" : "gauge");
    if (is_open && unit != NULL)
        (void)fprintf(out, "# UNIT %s %s\n", name, unit);
}

static void write_labels(const struct exposition *exposition, const struct target *target,
                         const char *more)
{
    char pid[16];
    (void)snprintf(pid, sizeof pid, "%d", (int)target->pid);
    (void)fputc('{', exposition->out);
    write_label("name", target->name, exposition->out);
    (void)fputc(',', exposition->out);
    write_label("pid", pid, exposition->out);
    (void)fprintf(exposition->out, "%s%s} ", *more != '\0' ? "," : "", more);
}

static void write_sample(const struct exposition *exposition, const struct target *target,
                         const struct page_statistic *statistic, uint64_t value)
{
    FILE *out = exposition->out;
    (void)fprintf(out, "neap_%s%s", statistic->metric, statistic->is_counter ? "_total" : "");
    write_labels(exposition, target, statistic->labels);
    if (strcmp(statistic->unit, "ns") == 0)
        (void)fprintf(out, "%" PRIu64 ".%09" PRIu64 "\n", value / NS_PER_S, value % NS_PER_S);
    else
        (void)fprintf(out, "%" PRIu64 "\n", value);
}

// Samples of a metric in all processes.
static void write_samples(const struct exposition *exposition, const char *metric)
{
    for (struct target *target = targets_next(exposition->targets, NULL); target != NULL;
         target = targets_next(exposition->targets, target)) {
        for (size_t i = 0; i < page_view_count(target->view); i++) {
            struct page_statistic statistic = page_view_describe(target->view, i);
            if (strcmp(statistic.metric, metric) == 0 && page_view_is_known(target->view, i))
                write_sample(exposition, target, &statistic, page_view_value(target->view, i));
        }
    }
}

// The line that explains a metric: of several with labels, that of the statistic which is their
// sum and has the metric's name.
static const char *metric_help(const struct page_view *view, const struct page_statistic *statistic)
{
    for (size_t i = 0; i < page_view_count(view); i++) {
        struct page_statistic other = page_view_describe(view, i);
        if (strcmp(other.name, statistic->metric) == 0)
            return other.help;
    }
    return statistic->help;
}

static bool is_written(const struct exposition *exposition, const char *metric)
{
    for (size_t i = 0; i < exposition->n_written; i++) {
        if (strcmp(exposition->written[i], metric) == 0)
            return true;
    }
    return exposition->n_written == METRICS_MAX;
}

// Metrics of a process that no process before it had.
static void write_new_metrics(struct exposition *exposition, const struct target *target)
{
    for (size_t i = 0; i < page_view_count(target->view); i++) {
        struct page_statistic statistic = page_view_describe(target->view, i);
        if (statistic.metric[0] == '\0' || !page_view_is_known(target->view, i) ||
            is_written(exposition, statistic.metric))
            continue;
        char name[64];
        (void)snprintf(name, sizeof name, "neap_%s", statistic.metric);
        write_head(exposition, name, statistic.is_counter,
                   strcmp(statistic.unit, "ns") == 0      ? "seconds"
                   : strcmp(statistic.unit, "bytes") == 0 ? "bytes"
                                                          : NULL,
                   metric_help(target->view, &statistic));
        write_samples(exposition, statistic.metric);
        exposition->written[exposition->n_written++] = statistic.metric;
    }
}

// ---- what the kernel says, under the names that are usual -------------------------------------

// When the machine started, in seconds since 1970; 0: not known.
static double boot_time_s(void)
{
    char   line[128];
    double found = 0;
    FILE  *file = fopen("/proc/stat", "re");
    while (file != NULL && found == 0 && fgets(line, sizeof line, file) != NULL)
        (void)sscanf(line, "btime %lf", &found);
    if (file != NULL)
        (void)fclose(file);
    return found;
}

enum process_metric { PROCESS_RESIDENT, PROCESS_VIRTUAL, PROCESS_START, PROCESS_METRICS };

static const struct {
    const char *name, *unit, *help;
} process_metrics[PROCESS_METRICS] = {
    [PROCESS_RESIDENT] = {"process_resident_memory_bytes", "bytes",
                          "resident memory of the whole process"},
    [PROCESS_VIRTUAL] = {"process_virtual_memory_bytes", "bytes",
                         "address space of the whole process"},
    [PROCESS_START] = {"process_start_time_seconds", "seconds",
                       "when the process started, since 1970"},
};

static double process_value(const struct target *target, enum process_metric metric, double boot_s)
{
    struct target_times times = {0};
    if (metric == PROCESS_RESIDENT)
        return (double)proc_read_resident_bytes(target->pid);
    (void)target_read_times(target->pid, &times);
    if (metric == PROCESS_VIRTUAL)
        return (double)times.virtual_bytes;
    return boot_s + (double)times.start_ticks / (double)sysconf(_SC_CLK_TCK);
}

static void write_process_metrics(const struct exposition *exposition)
{
    double boot_s = boot_time_s();
    for (enum process_metric metric = 0; metric < PROCESS_METRICS; metric++) {
        write_head(exposition, process_metrics[metric].name, false, process_metrics[metric].unit,
                   process_metrics[metric].help);
        for (struct target *target = targets_next(exposition->targets, NULL); target != NULL;
             target = targets_next(exposition->targets, target)) {
            (void)fputs(process_metrics[metric].name, exposition->out);
            write_labels(exposition, target, "");
            (void)fprintf(exposition->out, "%.*f\n", metric == PROCESS_START ? 2 : 0,
                          process_value(target, metric, boot_s));
        }
    }
}

static void write_build_info(const struct exposition *exposition)
{
    FILE *out = exposition->out;
    bool  is_open = exposition->format == EXPOSITION_OPENMETRICS;
    (void)fprintf(out, "# HELP %s which library the process runs\n",
                  is_open ? "neap_build" : "neap_build_info");
    (void)fprintf(out, is_open ? "# TYPE neap_build info\n" : "# TYPE neap_build_info gauge\n");
    for (struct target *target = targets_next(exposition->targets, NULL); target != NULL;
         target = targets_next(exposition->targets, target)) {
        char  *version = NULL;
        size_t n_bytes;
        FILE  *text = open_memstream(&version, &n_bytes);
        if (text == NULL)
            return;
        write_label("version", page_view_version(target->view), text);
        (void)fclose(text);
        (void)fputs("neap_build_info", out);
        write_labels(exposition, target, version);
        (void)fputs("1\n", out);
        free(version);
    }
}

// ---- JSON -------------------------------------------------------------------------------------

static void write_json(const struct targets *targets, FILE *out)
{
    bool is_first = true;
    (void)fputs("{\"schema\": \"neap.metrics/1\", \"processes\": [", out);
    for (struct target *target = targets_next(targets, NULL); target != NULL;
         target = targets_next(targets, target)) {
        (void)fprintf(out, "%s{\"pid\": %d, \"name\": ", is_first ? "" : ", ", (int)target->pid);
        text_write_json(out, target->name);
        (void)fputs(", \"version\": ", out);
        text_write_json(out, page_view_version(target->view));
        (void)fprintf(out, ", \"process_resident_bytes\": %" PRIu64,
                      proc_read_resident_bytes(target->pid));
        for (size_t i = 0; i < page_view_count(target->view); i++) {
            if (page_view_is_known(target->view, i))
                (void)fprintf(out, ", \"%s\": %" PRIu64, page_view_describe(target->view, i).name,
                              page_view_value(target->view, i));
        }
        (void)fputc('}', out);
        is_first = false;
    }
    (void)fputs("]}\n", out);
}

void exposition_write(const struct targets *targets, enum exposition_format format, FILE *out)
{
    struct exposition exposition = {.targets = targets, .format = format, .out = out};
    if (format == EXPOSITION_JSON) {
        write_json(targets, out);
        return;
    }
    if (targets_next(targets, NULL) != NULL) {
        write_build_info(&exposition);
        for (struct target *target = targets_next(targets, NULL); target != NULL;
             target = targets_next(targets, target))
            write_new_metrics(&exposition, target);
        write_process_metrics(&exposition);
    }
    if (format == EXPOSITION_OPENMETRICS)
        (void)fputs("# EOF\n", out);
}
