// Lines of neap top. Pure but for the frame: no terminal, no clock.
#include "top_frame.h"

#include "format.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME_COLUMNS 11
#define PAST_LABEL_COLUMNS 21   // what stands beside a picture

static const struct {
    const char *heading;
    int         width;   // negative: to the left
} columns[TOP_COLUMNS] = {
    [TOP_PID] = {"PID", 7},
    [TOP_NAME] = {"NAME", -NAME_COLUMNS},
    [TOP_RESIDENT] = {"RESIDENT", 9},
    [TOP_HELD] = {"HELD", 8},
    [TOP_OBJECTS] = {"OBJECTS", 8},
    [TOP_FREE] = {"FREE%", 6},
    [TOP_ALLOCATIONS] = {"ALLOC/s", 8},
    [TOP_RETURNED] = {"RETURN/s", 9},
    [TOP_LIMIT] = {"LIMIT", 6},
};

// ---- lines ------------------------------------------------------------------------------------

// Cuts a text behind so many columns; what starts with a byte 10xxxxxx goes with the one before.
static void cut(char *text, size_t n_columns)
{
    size_t n = 0;
    for (char *at = text; *at != '\0'; at++) {
        if (((unsigned char)*at & 0xc0) != 0x80 && n++ == n_columns) {
            *at = '\0';
            return;
        }
    }
}

static void add_line(struct frame *frame, enum frame_look look, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add_line(struct frame *frame, enum frame_look look, const char *format, ...)
{
    if (frame->n_lines >= frame->n_lines_max || frame->n_lines >= FRAME_LINES_MAX)
        return;
    struct frame_line *line = &frame->lines[frame->n_lines++];
    va_list            arguments;
    va_start(arguments, format);
    (void)vsnprintf(line->text, sizeof line->text, format, arguments);
    va_end(arguments);
    line->look = look;
    cut(line->text, frame->n_columns);
}

// The first line: what this is on the left, the time on the right.
static void add_title(struct frame *frame, const char *text, const char *clock, bool is_frozen)
{
    const char *state = is_frozen ? "[frozen] " : "";
    size_t      n_right = strlen(state) + strlen(clock);
    int         n_left = frame->n_columns > n_right ? (int)(frame->n_columns - n_right) : 0;
    add_line(frame, FRAME_TITLE, "%-*.*s%s%s", n_left, n_left, text, state, clock);
}

// "812 MiB" without the blank and the last letters: "812M".
static char *short_bytes(double n_bytes, char out[FORMAT_BYTES])
{
    format_bytes(n_bytes, out);
    char *blank = strchr(out, ' ');
    if (blank != NULL && blank[1] != 'B') {
        blank[0] = blank[1];
        blank[1] = '\0';
    } else if (blank != NULL) {
        blank[0] = '\0';
    }
    return out;
}

static char *short_count(double count, char out[FORMAT_BYTES])
{
    static const char suffixes[] = " kMGT";
    size_t            i = 0;
    for (; count >= 9999.5 && i + 2 < sizeof suffixes; i++)
        count /= 1000;
    (void)snprintf(out, FORMAT_BYTES, i > 0 ? "%.0f%c" : "%.0f", count, suffixes[i]);
    return out;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

// ---- pictures ---------------------------------------------------------------------------------

// Columns from 0 to the largest of all.
static void draw_past(const struct frame *frame, const uint64_t *values, size_t n, char *out)
{
    static const char *const blocks[] = {"\u2581", "\u2582", "\u2583", "\u2584",
                                         "\u2585", "\u2586", "\u2587", "\u2588"};
    static const char        letters[] = "_.,-~=*#";
    uint64_t                 largest = 1;
    for (size_t i = 0; i < n; i++)
        largest = values[i] > largest ? values[i] : largest;
    for (size_t i = 0; i < n; i++) {
        size_t level = (size_t)(share(values[i], largest) * 7.999);
        if (values[i] == 0)
            *out++ = ' ';
        else if (frame->is_utf8)
            out = stpcpy(out, blocks[level]);
        else
            *out++ = letters[level];
    }
    *out = '\0';
}

static void draw_bar(const struct frame *frame, double part, size_t n_columns, char *out)
{
    size_t n_full = (size_t)(part * (double)n_columns + 0.5);
    for (size_t i = 0; i < n_columns; i++)
        out = stpcpy(out, i >= n_full ? " " : frame->is_utf8 ? "\u2588" : "#");
}

size_t frame_past_columns(const struct frame *frame)
{
    size_t n_max =
        frame->n_columns > PAST_LABEL_COLUMNS ? frame->n_columns - PAST_LABEL_COLUMNS : 1;
    return n_max < TOP_PAST_MAX ? n_max : TOP_PAST_MAX;
}

// ---- the list ---------------------------------------------------------------------------------

static void add_headings(struct frame *frame, enum top_column sorted_by)
{
    char  text[FRAME_LINE_BYTES];
    char *at = text;
    for (enum top_column i = 0; i < TOP_COLUMNS; i++) {
        char heading[16];
        (void)snprintf(heading, sizeof heading, "%s%s", columns[i].heading,
                       i == sorted_by ? "*" : "");
        at += sprintf(at, "%*s ", columns[i].width, heading);
    }
    add_line(frame, FRAME_HEADING, "%s", text);
}

static void add_row(struct frame *frame, const struct top_row *row, enum frame_look look)
{
    char resident[FORMAT_BYTES], held[FORMAT_BYTES], objects[FORMAT_BYTES];
    char allocations[FORMAT_BYTES] = "-", returned[FORMAT_BYTES] = "-", limit[FORMAT_BYTES] = "-";
    if (row->has_rates) {
        short_count(row->allocations_per_s, allocations);
        short_bytes(row->returned_per_s, returned);
    }
    if (row->limit_bytes > 0)
        (void)snprintf(limit, sizeof limit, "%.0f%%",
                       100 * share(row->counted_bytes, row->limit_bytes));
    uint64_t free_bytes =
        row->held_bytes > row->object_bytes ? row->held_bytes - row->object_bytes : 0;
    add_line(frame, look, "%7d %-*.*s %9s %8s %8s %6.0f %8s %9s %6s", (int)row->pid, NAME_COLUMNS,
             NAME_COLUMNS, row->name, short_bytes((double)row->resident_bytes, resident),
             short_bytes((double)row->held_bytes, held),
             short_bytes((double)row->object_bytes, objects),
             100 * share(free_bytes, row->held_bytes), allocations, returned, limit);
}

void frame_draw_list(struct frame *frame, const struct top_data *data,
                     const struct frame_list *list)
{
    uint64_t resident_bytes = 0, held_bytes = 0, object_bytes = 0;
    char     title[256], resident[FORMAT_BYTES], held[FORMAT_BYTES], objects[FORMAT_BYTES];
    for (size_t i = 0; i < data->n_rows; i++) {
        resident_bytes += data->rows[i].resident_bytes;
        held_bytes += data->rows[i].held_bytes;
        object_bytes += data->rows[i].object_bytes;
    }
    (void)snprintf(
        title, sizeof title, "neap top  %zu process%s  resident %s  held %s  objects %s",
        data->n_rows, data->n_rows == 1 ? "" : "es", short_bytes((double)resident_bytes, resident),
        short_bytes((double)held_bytes, held), short_bytes((double)object_bytes, objects));
    frame->n_lines = 0;
    add_title(frame, title, list->clock, list->is_frozen);
    add_headings(frame, list->sorted_by);
    for (size_t i = list->first; i < data->n_rows; i++)
        add_row(frame, &data->rows[i], i == list->selected ? FRAME_SELECTED : FRAME_PLAIN);
    if (data->n_rows == 0)
        add_line(frame, FRAME_PLAIN, "no process runs neap; to start one: neap run -- CMD");
    if (targets_n_forbidden(&data->targets) > 0)
        add_line(frame, FRAME_PLAIN, "(left out, as we may not look into them: %zu)",
                 targets_n_forbidden(&data->targets));
}

// ---- one process ------------------------------------------------------------------------------

static void add_past(struct frame *frame, const char *what, const uint64_t *values,
                     uint64_t now_bytes, size_t n_past)
{
    char picture[4 * TOP_PAST_MAX + 1], now[FORMAT_BYTES];
    draw_past(frame, values, n_past, picture);
    format_bytes((double)now_bytes, now);
    add_line(frame, FRAME_PLAIN, "%-9s%s %10s", what, picture, now);
}

static void add_limit(struct frame *frame, const struct top_row *row)
{
    char   bar[4 * TOP_PAST_MAX + 1], limit[FORMAT_BYTES];
    double part = share(row->counted_bytes, row->limit_bytes);
    size_t n_columns = frame_past_columns(frame) > 2 ? frame_past_columns(frame) - 2 : 1;
    if (row->limit_bytes == 0) {
        add_line(frame, FRAME_PLAIN, "limit    none");
        return;
    }
    draw_bar(frame, part < 1 ? part : 1, n_columns, bar);
    add_line(frame, FRAME_PLAIN, "limit    [%s] %10s %3.0f%%", bar,
             format_bytes((double)row->limit_bytes, limit), 100 * part);
}

static void add_states(struct frame *frame, const struct top_detail *detail)
{
    char     bar[4 * TOP_PAST_MAX + 1], text[FORMAT_BYTES];
    uint64_t held_bytes = detail->row.held_bytes;
    size_t   n_columns = frame_past_columns(frame) > 20 ? frame_past_columns(frame) - 20 : 1;
    add_line(frame, FRAME_HEADING, "%-12s %10s %6s", "STATE", "BYTES", "SHARE");
    for (int i = 0; i < TOP_STATES; i++) {
        double part = share(detail->state_bytes[i], held_bytes);
        draw_bar(frame, part < 1 ? part : 1, n_columns, bar);
        add_line(frame, FRAME_PLAIN, "%-12s %10s %4.0f %%  %s", top_state_names[i],
                 format_bytes((double)detail->state_bytes[i], text), 100 * part, bar);
    }
    add_line(frame, FRAME_PLAIN, "%-12s %10s", "= held", format_bytes((double)held_bytes, text));
    add_line(frame, FRAME_PLAIN, "%-12s %10s          given back, address space kept", "released",
             format_bytes((double)detail->released_bytes, text));
    add_line(frame, FRAME_PLAIN, "%-12s %10s          the whole process, as the kernel counts",
             "resident", format_bytes((double)detail->row.resident_bytes, text));
}

void frame_draw_detail(struct frame *frame, const struct top_detail *detail, const char *clock,
                       bool is_frozen)
{
    const struct top_row *row = &detail->row;
    char                  title[256], text[FORMAT_BYTES], allocations[FORMAT_BYTES] = "-";
    char                  frees[FORMAT_BYTES] = "-", returned[FORMAT_BYTES] = "-";
    (void)snprintf(title, sizeof title, "neap top  %d %s  neap %s%s", (int)detail->pid, row->name,
                   detail->version, detail->has_ended ? "  has ended" : "");
    frame->n_lines = 0;
    add_title(frame, title, clock, is_frozen);
    add_past(frame, "held", detail->past_resident, row->held_bytes, detail->n_past);
    add_past(frame, "objects", detail->past_objects, row->object_bytes, detail->n_past);
    add_line(frame, FRAME_PLAIN, "%9s%-*s now", "", (int)frame_past_columns(frame) - 4,
             detail->past_s < TOP_PAST_S ? "1 min ago" : "10 min ago");
    add_limit(frame, row);
    add_line(frame, FRAME_PLAIN, "%s", "");
    add_states(frame, detail);
    add_line(frame, FRAME_PLAIN, "%s", "");
    if (row->has_rates) {
        short_count(row->allocations_per_s, allocations);
        short_count(row->frees_per_s, frees);
        format_bytes(row->returned_per_s, returned);
    }
    add_line(frame, FRAME_PLAIN, "%s allocations/s  %s frees/s  %s/s given back", allocations,
             frees, returned);
    add_line(frame, FRAME_PLAIN, "%s objects not freed  %zu caches of threads",
             format_count(detail->objects, text), (size_t)detail->thread_caches);
    add_line(frame, FRAME_PLAIN, "Next: neap explain %d", (int)detail->pid);
}

void frame_draw_help(struct frame *frame)
{
    static const char *const lines[] = {
        "q         end",
        "up, down  choose a process",
        "Enter     look at it closer; Esc: back to the list",
        "< >       sort by the column to the left, to the right (marked with *)",
        "space     freeze, go on",
        "?         this text, and away again",
        "",
        "RESIDENT  what the kernel counts for the whole process",
        "HELD      what neap holds of it, by its own books",
        "OBJECTS   what of that the program has not freed",
        "FREE%     what of HELD is in no object",
        "RETURN/s  bytes given back to the kernel, per second",
        "LIMIT     how much of the soft limit is used",
        "",
        "Pictures go back ten minutes, also to before neap top was started.",
    };
    frame->n_lines = 0;
    add_line(frame, FRAME_TITLE, "%-*s", (int)frame->n_columns, "neap top");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        add_line(frame, FRAME_PLAIN, "%s", lines[i]);
}
