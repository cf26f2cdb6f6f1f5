// What neap top shows, as lines of text: for a terminal, or one below the other.
#ifndef NEAP_TOOLS_TOP_FRAME_H
#define NEAP_TOOLS_TOP_FRAME_H

#include "top_data.h"

#define FRAME_COLUMNS_MAX 240
#define FRAME_LINE_BYTES (4 * FRAME_COLUMNS_MAX + 1)   // a column is 4 bytes of UTF-8 at most
#define FRAME_LINES_MAX 1024

enum frame_look { FRAME_PLAIN, FRAME_TITLE, FRAME_HEADING, FRAME_SELECTED };

struct frame_line {
    enum frame_look look;
    char            text[FRAME_LINE_BYTES];
};

struct frame {
    size_t            n_columns, n_lines_max, n_lines;
    bool              is_utf8;   // else pictures are of ASCII
    struct frame_line lines[FRAME_LINES_MAX];
};

// How the list is to look.
struct frame_list {
    enum top_column sorted_by;
    size_t          selected, first;   // rows; selected SIZE_MAX: none
    bool            is_frozen;
    const char     *clock;   // "10:42:07"
};

// Each begins the frame anew. Lines are no longer than n_columns, and not more than n_lines_max.
void frame_draw_list(struct frame *frame, const struct top_data *data,
                     const struct frame_list *list);
void frame_draw_detail(struct frame *frame, const struct top_detail *detail, const char *clock,
                       bool is_frozen);
void frame_draw_help(struct frame *frame);

// How many columns a picture of the past has.
size_t frame_past_columns(const struct frame *frame);

#endif
