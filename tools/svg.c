// SVG: two panels above one time axis, resident memory and mapped memory, a colour for each
// allocator. The typical run is bold, the others faint, so that the spread is seen as well.
//
// Everything is drawn with presentation classes; the style sheet inside gives them colours
// for light and dark. No scripts, no fonts, nothing from outside.
#include "svg.h"

#include "axis.h"
#include "format.h"
#include "text.h"
#include "timeline.h"

#include <stdbool.h>
#include <stdint.h>

#define PICTURE_WIDTH 960.0
#define PANEL_LEFT 68.0
#define PANEL_RIGHT 834.0   // the rest is for the names at the ends of the lines
#define PANEL_HEIGHT 216.0
#define PANEL_GAP 66.0
#define LEGEND_TOP 92.0
#define LEGEND_ROW 23.0
#define LABEL_DISTANCE 15.0   // between names at line ends, so that they stay readable
#define N_COLOURS 6

enum panel_kind { PANEL_RESIDENT, PANEL_MAPPED };

struct panel {
    enum panel_kind kind;
    double          top;
    struct axis     seconds, memory;
    double          unit_bytes;
    const char     *unit_name;
};

static const char style_sheet[] =
    "<style>\n"
    "  text { font-family: 'Inter', 'Segoe UI', 'DejaVu Sans', sans-serif; font-size: 12px;"
    " fill: #57606a; }\n"
    "  .paper { fill: #ffffff; }\n"
    "  .title { font-size: 17px; font-weight: 600; fill: #1f2328; }\n"
    "  .panel { font-size: 13px; font-weight: 600; fill: #1f2328; }\n"
    "  .name { font-weight: 600; }\n"
    "  .legend { font-size: 13px; }\n"
    "  .end { text-anchor: end; }\n"
    "  .middle { text-anchor: middle; }\n"
    "  .grid { stroke: #d8dee4; stroke-width: 1; }\n"
    "  .base { stroke: #8c959f; stroke-width: 1; }\n"
    "  .line { fill: none; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round; }\n"
    "  .faint { fill: none; stroke-width: 1; stroke-linejoin: round; opacity: 0.35; }\n"
    "  .area { stroke: none; opacity: 0.09; }\n"
    "  .s0 { stroke: #bc4c00; } .f0 { fill: #bc4c00; }\n"
    "  .s1 { stroke: #0969da; } .f1 { fill: #0969da; }\n"
    "  .s2 { stroke: #1a7f37; } .f2 { fill: #1a7f37; }\n"
    "  .s3 { stroke: #8250df; } .f3 { fill: #8250df; }\n"
    "  .s4 { stroke: #bf3989; } .f4 { fill: #bf3989; }\n"
    "  .s5 { stroke: #6e7781; } .f5 { fill: #6e7781; }\n"
    "  @media (prefers-color-scheme: dark) {\n"
    "    text { fill: #9aa4af; }\n"
    "    .paper { fill: #0d1117; }\n"
    "    .title, .panel { fill: #f0f3f6; }\n"
    "    .grid { stroke: #262c36; }\n"
    "    .base { stroke: #59636e; }\n"
    "    .area { opacity: 0.14; }\n"
    "    .s0 { stroke: #f0883e; } .f0 { fill: #f0883e; }\n"
    "    .s1 { stroke: #58a6ff; } .f1 { fill: #58a6ff; }\n"
    "    .s2 { stroke: #3fb950; } .f2 { fill: #3fb950; }\n"
    "    .s3 { stroke: #bc8cff; } .f3 { fill: #bc8cff; }\n"
    "    .s4 { stroke: #f778ba; } .f4 { fill: #f778ba; }\n"
    "    .s5 { stroke: #8b949e; } .f5 { fill: #8b949e; }\n"
    "  }\n"
    "</style>\n";

static double max_of(double a, double b)
{
    return a > b ? a : b;
}

static double panel_x(const struct panel *panel, double at_s)
{
    return PANEL_LEFT + at_s / panel->seconds.end * (PANEL_RIGHT - PANEL_LEFT);
}

static double panel_y(const struct panel *panel, double n_bytes)
{
    return panel->top + PANEL_HEIGHT * (1 - n_bytes / panel->unit_bytes / panel->memory.end);
}

static double point_bytes(const struct panel *panel, const struct timeline_point *point)
{
    return (double)(panel->kind == PANEL_RESIDENT ? point->resident_bytes : point->mapped_bytes);
}

// The largest time (kind < 0) or memory of a kind in all timelines of the picture.
static double picture_largest(const struct svg_picture *picture, int kind)
{
    double largest = 0;
    for (size_t s = 0; s < picture->n_series; s++) {
        for (size_t i = 0; i < picture->series[s].n_timelines; i++) {
            const struct timeline *timeline = picture->series[s].timelines[i];
            double value = kind == PANEL_RESIDENT ? (double)timeline->peak_resident_bytes
                           : kind == PANEL_MAPPED ? (double)timeline->peak_mapped_bytes
                                                  : timeline_end_s(timeline);
            largest = max_of(largest, value);
        }
    }
    return largest;
}

// Writes the coordinates of a curve; points that fall on the same pixel are left out.
static void write_points(const struct panel *panel, const struct timeline *timeline, FILE *out)
{
    double last_x = -1, last_y = -1;
    for (size_t i = 0; i < timeline->n_points; i++) {
        const struct timeline_point *point = &timeline->points[i];
        double x = panel_x(panel, point->at_s), y = panel_y(panel, point_bytes(panel, point));
        bool   is_last = i + 1 == timeline->n_points;
        if (!is_last && x - last_x < 1 && y - last_y < 0.75 && last_y - y < 0.75)
            continue;
        (void)fprintf(out, "%s%.1f,%.1f", last_x < 0 ? "" : " ", x, y);
        last_x = x;
        last_y = y;
    }
}

static void write_curve(const struct panel *panel, const struct timeline *timeline,
                        const char *class, size_t colour, FILE *out)
{
    (void)fprintf(out, "<polyline class=\"%s s%zu\" points=\"", class, colour);
    write_points(panel, timeline, out);
    (void)fprintf(out, "\"/>\n");
}

static void write_area(const struct panel *panel, const struct timeline *timeline, size_t colour,
                       FILE *out)
{
    if (timeline->n_points == 0)
        return;
    double                       bottom = panel->top + PANEL_HEIGHT;
    const struct timeline_point *last = &timeline->points[timeline->n_points - 1];
    (void)fprintf(out, "<polygon class=\"area f%zu\" points=\"%.1f,%.1f ", colour,
                  panel_x(panel, timeline->points[0].at_s), bottom);
    write_points(panel, timeline, out);
    (void)fprintf(out, " %.1f,%.1f\"/>\n", panel_x(panel, last->at_s), bottom);
}

static void write_grid(const struct panel *panel, FILE *out)
{
    double bottom = panel->top + PANEL_HEIGHT;
    for (int i = 0; i * panel->memory.tick_step < panel->memory.end * 1.001; i++) {
        double value = i * panel->memory.tick_step;
        double y = panel_y(panel, value * panel->unit_bytes);
        (void)fprintf(out,
                      "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>"
                      "<text class=\"end\" x=\"%.1f\" y=\"%.1f\">%.*f</text>\n",
                      i == 0 ? "base" : "grid", PANEL_LEFT, y, PANEL_RIGHT, y, PANEL_LEFT - 9,
                      y + 4, panel->memory.n_decimals, value);
    }
    for (int i = 0; i * panel->seconds.tick_step < panel->seconds.end * 1.001; i++) {
        double value = i * panel->seconds.tick_step, x = panel_x(panel, value);
        (void)fprintf(out,
                      "<line class=\"base\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>"
                      "<text class=\"middle\" x=\"%.1f\" y=\"%.1f\">%.*f</text>\n",
                      x, bottom, x, bottom + 5, x, bottom + 19, panel->seconds.n_decimals, value);
    }
}

// Writes the names at the ends of the bold lines, pushed apart where they would overlap.
static void write_end_labels(const struct panel *panel, const struct svg_picture *picture,
                             FILE *out)
{
    double ys[SVG_SERIES_MAX];
    size_t order[SVG_SERIES_MAX];   // from the top down
    for (size_t s = 0; s < picture->n_series; s++) {
        ys[s] = panel_y(panel, point_bytes(panel, &picture->series[s].timelines[0]->last));
        size_t place = s;
        while (place > 0 && ys[order[place - 1]] > ys[s]) {
            order[place] = order[place - 1];
            place--;
        }
        order[place] = s;
    }

    // From the bottom up, so that the lowest stays inside the panel.
    double floor_y = panel->top + PANEL_HEIGHT - 2;
    for (size_t i = picture->n_series; i-- > 0;) {
        size_t s = order[i];
        double y = ys[s] < floor_y ? ys[s] : floor_y;
        floor_y = y - LABEL_DISTANCE;
        double end_x = panel_x(panel, timeline_end_s(picture->series[s].timelines[0]));
        (void)fprintf(out,
                      "<circle class=\"f%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>"
                      "<text class=\"name f%zu\" style=\"stroke:none\" x=\"%.1f\" y=\"%.1f\">",
                      s % N_COLOURS, end_x, ys[s], s % N_COLOURS, PANEL_RIGHT + 10, y + 4);
        text_write_xml(out, picture->series[s].name);
        (void)fprintf(out, "</text>\n");
    }
}

static void write_panel(const struct panel *panel, const struct svg_picture *picture, FILE *out)
{
    (void)fprintf(out, "<text class=\"panel\" x=\"%.1f\" y=\"%.1f\">%s memory, %s</text>\n",
                  PANEL_LEFT, panel->top - 14,
                  panel->kind == PANEL_RESIDENT ? "Resident" : "Mapped", panel->unit_name);
    write_grid(panel, out);
    for (size_t s = 0; s < picture->n_series; s++) {
        for (size_t i = 1; i < picture->series[s].n_timelines; i++)
            write_curve(panel, picture->series[s].timelines[i], "faint", s % N_COLOURS, out);
    }
    for (size_t s = 0; s < picture->n_series; s++) {
        write_area(panel, picture->series[s].timelines[0], s % N_COLOURS, out);
        write_curve(panel, picture->series[s].timelines[0], "line", s % N_COLOURS, out);
    }
    write_end_labels(panel, picture, out);
}

static void write_legend(const struct svg_picture *picture, FILE *out)
{
    for (size_t s = 0; s < picture->n_series; s++) {
        const struct timeline *timeline = picture->series[s].timelines[0];
        double                 y = LEGEND_TOP + LEGEND_ROW * (double)s;
        char peak[FORMAT_BYTES], end[FORMAT_BYTES], mapped[FORMAT_BYTES], time[FORMAT_BYTES];
        (void)fprintf(out,
                      "<line class=\"line s%zu\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\""
                      " y2=\"%.1f\"/><text class=\"legend name f%zu\" x=\"%.1f\" y=\"%.1f\">",
                      s % N_COLOURS, PANEL_LEFT, y - 4, PANEL_LEFT + 26, y - 4, s % N_COLOURS,
                      PANEL_LEFT + 36, y);
        text_write_xml(out, picture->series[s].name);
        (void)fprintf(out,
                      "</text><text class=\"legend\" x=\"%.1f\" y=\"%.1f\">peak resident %s,"
                      " at the end %s, peak mapped %s, ran %s</text>\n",
                      PANEL_LEFT + 190, y,
                      format_bytes((double)timeline->peak_resident_bytes, peak),
                      format_bytes((double)timeline->last.resident_bytes, end),
                      format_bytes((double)timeline->peak_mapped_bytes, mapped),
                      format_duration(timeline_end_s(timeline), time));
    }
}

// Both panels get one scale where that flattens neither; memory is then compared by eye.
static void make_panels(const struct svg_picture *picture, struct panel panels[2], double top)
{
    double largest[2] = {picture_largest(picture, PANEL_RESIDENT),
                         picture_largest(picture, PANEL_MAPPED)};
    if (largest[0] < 2 * largest[1] && largest[1] < 2 * largest[0])
        largest[0] = largest[1] = max_of(largest[0], largest[1]);

    for (int kind = 0; kind < 2; kind++) {
        struct panel *panel = &panels[kind];
        panel->kind = (enum panel_kind)kind;
        panel->top = top + (PANEL_HEIGHT + PANEL_GAP) * kind;
        panel->seconds = axis_make(picture_largest(picture, -1), 12, false);
        panel->unit_bytes = axis_memory_unit(largest[kind], &panel->unit_name);
        panel->memory = axis_make(largest[kind] / panel->unit_bytes, 6, true);
    }
}

void svg_write(const struct svg_picture *picture, FILE *out)
{
    double       top = LEGEND_TOP + LEGEND_ROW * (double)picture->n_series + 36;
    struct panel panels[2];
    make_panels(picture, panels, top);
    double bottom = panels[1].top + PANEL_HEIGHT;
    double height = bottom + 58;

    (void)fprintf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\""
                  " width=\"%.0f\" height=\"%.0f\" role=\"img\">\n<title>",
                  PICTURE_WIDTH, height, PICTURE_WIDTH, height);
    text_write_xml(out, picture->title);
    (void)fprintf(out,
                  "</title>\n%s<rect class=\"paper\" width=\"100%%\" height=\"100%%\""
                  " rx=\"10\"/>\n<text class=\"title\" x=\"%.0f\" y=\"38\">",
                  style_sheet, PANEL_LEFT);
    text_write_xml(out, picture->title);
    (void)fprintf(out, "</text>\n<text x=\"%.0f\" y=\"60\">", PANEL_LEFT);
    text_write_xml(out, picture->subtitle);
    (void)fprintf(out, "</text>\n");
    write_legend(picture, out);
    for (size_t i = 0; i < 2; i++)
        write_panel(&panels[i], picture, out);
    (void)fprintf(out,
                  "<text class=\"middle\" x=\"%.1f\" y=\"%.1f\">seconds since the start"
                  "</text>\n</svg>\n",
                  (PANEL_LEFT + PANEL_RIGHT) / 2, bottom + 40);
}
