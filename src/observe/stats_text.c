// Text put together on the stack, a few lines at a time.
#include "observe/stats_text.h"

#include "base/check.h"
#include "os/host.h"

#include <string.h>

#define BUFFER_BYTES 512
#define NS_PER_S UINT64_C(1000000000)
#define NAME_WIDTH 24
#define NUMBER_WIDTH 20

struct text {
    int    fd;
    int    error;   // of the first write that failed
    size_t n_bytes;
    char   bytes[BUFFER_BYTES];
};

static void text_flush(struct text *text)
{
    if (text->error == 0)
        text->error = host_write(text->fd, text->bytes, text->n_bytes);
    text->n_bytes = 0;
}

static void text_add(struct text *text, const char *part)
{
    size_t length = strlen(part);
    if (length > BUFFER_BYTES - text->n_bytes)
        text_flush(text);
    memcpy(text->bytes + text->n_bytes, part, length);   // parts are shorter than that
    text->n_bytes += length;
}

static void text_add_spaces(struct text *text, size_t n)
{
    while (n-- > 0)
        text_add(text, " ");
}

static void text_add_number(struct text *text, uint64_t number)
{
    char digits[NUMBER_TEXT_BYTES];
    text_add(text, number_to_text(number, digits));
}

// As seconds, with nine digits behind the point.
static void text_add_ns(struct text *text, uint64_t n_ns)
{
    char        digits[NUMBER_TEXT_BYTES];
    const char *rest = number_to_text(NS_PER_S + n_ns % NS_PER_S, digits);
    text_add_number(text, n_ns / NS_PER_S);
    text_add(text, ".");
    text_add(text, rest + 1);   // without the 1 that keeps the zeros
}

// What is told: no checks, no limits that there are not.
static bool is_told(enum statistic statistic, const uint64_t *values)
{
    uint32_t kind = statistic_row(statistic)->kind;
    return kind != NEAP_PAGE_CHECK &&
           (kind != NEAP_PAGE_LIMIT || values[statistic] != STATISTICS_NO_LIMIT);
}

// ---- formats ----------------------------------------------------------------------------------

static void print_text(struct text *text, const uint64_t *values)
{
    for (enum statistic i = 0; i < STATISTICS; i++) {
        const struct neap_page_statistic *row = statistic_row(i);
        char                              digits[NUMBER_TEXT_BYTES];
        if (!is_told(i, values))
            continue;
        const char *number = number_to_text(values[i], digits);
        text_add(text, row->name);
        text_add_spaces(text, NAME_WIDTH - strlen(row->name));
        text_add_spaces(text, NUMBER_WIDTH - strlen(number));
        text_add(text, number);
        text_add(text, strcmp(row->unit, "count") == 0 ? "        " : "  ");
        if (strcmp(row->unit, "count") != 0) {
            text_add(text, row->unit);
            text_add_spaces(text, sizeof "bytes" - strlen(row->unit));
        }
        text_add(text, row->help);
        text_add(text, "\n");
    }
}

static void print_json(struct text *text, const uint64_t *values)
{
    text_add(text, "{\"schema\": \"neap.stats/1\", \"version\": \"");
    text_add(text, stats_page.head.version);
    text_add(text, "\"");
    for (enum statistic i = 0; i < STATISTICS; i++) {
        if (!is_told(i, values))
            continue;
        text_add(text, ", \"");
        text_add(text, statistic_row(i)->name);
        text_add(text, "\": ");
        text_add_number(text, values[i]);
    }
    text_add(text, "}\n");
}

// The line that explains a metric: of several with labels, the help of the statistic that is their
// sum, which has the metric's name.
static const char *metric_help(const struct neap_page_statistic *row)
{
    for (enum statistic i = 0; i < STATISTICS; i++) {
        if (strcmp(statistic_row(i)->name, row->metric) == 0)
            return statistic_row(i)->help;
    }
    return row->help;
}

static void print_metric_head(struct text *text, const struct neap_page_statistic *row)
{
    bool is_ns = strcmp(row->unit, "ns") == 0;
    text_add(text, "# TYPE neap_");
    text_add(text, row->metric);
    text_add(text, row->kind == NEAP_PAGE_COUNTER ? " counter\n" : " gauge\n");
    if (is_ns || strcmp(row->unit, "bytes") == 0) {
        text_add(text, "# UNIT neap_");
        text_add(text, row->metric);
        text_add(text, is_ns ? " seconds\n" : " bytes\n");
    }
    text_add(text, "# HELP neap_");
    text_add(text, row->metric);
    text_add(text, " ");
    text_add(text, metric_help(row));
    text_add(text, "\n");
}

static void print_sample(struct text *text, const struct neap_page_statistic *row, uint64_t value)
{
    text_add(text, "neap_");
    text_add(text, row->metric);
    if (row->kind == NEAP_PAGE_COUNTER)
        text_add(text, "_total");
    if (row->labels[0] != '\0') {
        text_add(text, "{");
        text_add(text, row->labels);
        text_add(text, "}");
    }
    text_add(text, " ");
    if (strcmp(row->unit, "ns") == 0)
        text_add_ns(text, value);
    else
        text_add_number(text, value);
    text_add(text, "\n");
}

static void print_openmetrics(struct text *text, const uint64_t *values)
{
    const char *metric = "";
    text_add(text, "# TYPE neap_build info\n"
                   "# HELP neap_build which library this is\n"
                   "neap_build_info{version=\"");
    text_add(text, stats_page.head.version);
    text_add(text, "\"} 1\n");
    for (enum statistic i = 0; i < STATISTICS; i++) {
        const struct neap_page_statistic *row = statistic_row(i);
        if (row->metric[0] == '\0' || !is_told(i, values))
            continue;
        if (strcmp(row->metric, metric) != 0)
            print_metric_head(text, row);
        metric = row->metric;
        print_sample(text, row, values[i]);
    }
    text_add(text, "# EOF\n");
}

int stats_text_print(int fd, enum stats_format format)
{
    uint64_t    values[STATISTICS];
    struct text text = {.fd = fd};
    statistics_read(values);
    switch (format) {
    case STATS_TEXT:
        print_text(&text, values);
        break;
    case STATS_JSON:
        print_json(&text, values);
        break;
    case STATS_OPENMETRICS:
        print_openmetrics(&text, values);
        break;
    }
    text_flush(&text);
    return text.error;
}
