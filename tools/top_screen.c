// One loop: draw, wait for a key or for the time of the next refresh.
#include "top_screen.h"

#include "clock.h"
#include "exit_code.h"
#include "message.h"

#define NCURSES_NOMACROS   // the macros mix signed and unsigned
#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEY_ESCAPE 27
#define ESCAPE_MS 50   // until Esc is a key of its own

enum shown { SHOWN_LIST, SHOWN_DETAIL, SHOWN_HELP };

struct screen {
    struct top_data  *data;
    struct frame     *frame;
    struct top_detail detail;
    enum shown        shown, before_help;
    enum top_column   sorted_by;
    pid_t             selected;   // 0: the first row
    size_t            first;      // row at the top
    bool              is_frozen, is_over;
    char              clock[16];
};

// ---- drawing ----------------------------------------------------------------------------------

static size_t selected_row(struct screen *screen)
{
    for (size_t i = 0; i < screen->data->n_rows; i++) {
        if (screen->data->rows[i].pid == screen->selected)
            return i;
    }
    screen->selected = screen->data->n_rows > 0 ? screen->data->rows[0].pid : 0;
    return 0;
}

static void draw_list(struct screen *screen)
{
    size_t selected = selected_row(screen);
    size_t n_visible = screen->frame->n_lines_max > 3 ? screen->frame->n_lines_max - 2 : 1;
    if (selected < screen->first)
        screen->first = selected;
    if (selected >= screen->first + n_visible)
        screen->first = selected - n_visible + 1;
    frame_draw_list(screen->frame, screen->data,
                    &(struct frame_list){.sorted_by = screen->sorted_by,
                                         .selected = selected,
                                         .first = screen->first,
                                         .is_frozen = screen->is_frozen,
                                         .clock = screen->clock});
}

static void draw_frame(struct screen *screen)
{
    int n_lines, n_columns;
    getmaxyx(stdscr, n_lines, n_columns);
    screen->frame->n_columns =
        n_columns > FRAME_COLUMNS_MAX ? FRAME_COLUMNS_MAX : (size_t)n_columns;
    screen->frame->n_lines_max = n_lines > 1 ? (size_t)n_lines - 1 : 1;   // the last is for keys
    switch (screen->shown) {
    case SHOWN_LIST:
        draw_list(screen);
        break;
    case SHOWN_DETAIL:
        top_detail_read(screen->data, screen->selected, frame_past_columns(screen->frame),
                        &screen->detail);
        frame_draw_detail(screen->frame, &screen->detail, screen->clock, screen->is_frozen);
        break;
    case SHOWN_HELP:
        frame_draw_help(screen->frame);
        break;
    }
}

static void draw(struct screen *screen)
{
    static const int         looks[] = {[FRAME_PLAIN] = (int)A_NORMAL,
                                        [FRAME_TITLE] = (int)A_BOLD,
                                        [FRAME_HEADING] = (int)A_REVERSE,
                                        [FRAME_SELECTED] = (int)(A_BOLD | A_REVERSE)};
    static const char *const footers[] = {
        [SHOWN_LIST] = "Enter closer  < > sort  space freeze  ? help  q end",
        [SHOWN_DETAIL] = "Esc list  space freeze  ? help  q end",
        [SHOWN_HELP] = "any key: back",
    };
    draw_frame(screen);
    (void)erase();
    for (size_t i = 0; i < screen->frame->n_lines; i++) {
        (void)attrset(looks[screen->frame->lines[i].look]);
        (void)mvaddstr((int)i, 0, screen->frame->lines[i].text);
    }
    (void)attrset(A_NORMAL);
    (void)mvaddnstr(getmaxy(stdscr) - 1, 0, footers[screen->shown], getmaxx(stdscr) - 1);
    (void)refresh();
}

// ---- keys -------------------------------------------------------------------------------------

static void move_selection(struct screen *screen, int by)
{
    size_t selected = selected_row(screen);
    if (by < 0 && selected > 0)
        selected--;
    if (by > 0 && selected + 1 < screen->data->n_rows)
        selected++;
    if (screen->data->n_rows > 0)
        screen->selected = screen->data->rows[selected].pid;
}

static void sort_by(struct screen *screen, int by)
{
    unsigned n = TOP_COLUMNS;
    screen->sorted_by = (enum top_column)(((unsigned)screen->sorted_by + n + (unsigned)by) % n);
    top_data_sort(screen->data, screen->sorted_by);
    screen->selected = 0;
    screen->first = 0;
}

static void take_list_key(struct screen *screen, int key)
{
    switch (key) {
    case KEY_UP:
    case 'k':
        move_selection(screen, -1);
        break;
    case KEY_DOWN:
    case 'j':
        move_selection(screen, 1);
        break;
    case '<':
        sort_by(screen, -1);
        break;
    case '>':
        sort_by(screen, 1);
        break;
    case '\n':
    case KEY_ENTER:
        (void)selected_row(screen);
        if (screen->selected != 0)
            screen->shown = SHOWN_DETAIL;
        break;
    default:
        break;
    }
}

static void take_key(struct screen *screen, int key)
{
    if (screen->shown == SHOWN_HELP && key != 'q' && key != KEY_RESIZE) {
        screen->shown = screen->before_help;
    } else if (key == 'q') {
        screen->is_over = true;
    } else if (key == ' ') {
        screen->is_frozen = !screen->is_frozen;
    } else if (key == '?' || key == 'h') {
        screen->before_help = screen->shown;
        screen->shown = SHOWN_HELP;
    } else if (screen->shown == SHOWN_LIST) {
        take_list_key(screen, key);
    } else if (key == KEY_ESCAPE || key == KEY_LEFT || key == KEY_BACKSPACE) {
        screen->shown = SHOWN_LIST;
    }
}

// ---- the loop ---------------------------------------------------------------------------------

static void read_clock(char out[16])
{
    time_t    now = time(NULL);
    struct tm parts;
    (void)strftime(out, 16, "%H:%M:%S", localtime_r(&now, &parts));
}

static bool refresh_data(struct screen *screen)
{
    if (screen->is_frozen)
        return true;
    read_clock(screen->clock);
    bool is_read = top_data_refresh(screen->data);
    top_data_sort(screen->data, screen->sorted_by);
    return is_read;
}

// Takes keys until it is time for the next refresh.
static void wait_for_keys(struct screen *screen, double until_s)
{
    double wait_s;
    while (!screen->is_over && (wait_s = until_s - clock_now_s()) > 0) {
        timeout((int)(wait_s * 1000) + 1);
        int key = getch();
        if (key == ERR)
            continue;
        take_key(screen, key);
        draw(screen);
    }
}

int top_screen_run(struct top_data *data, struct frame *frame, double delay_s, unsigned count)
{
    static struct screen screen;   // large
    const char          *terminal = getenv("TERM");
    bool                 is_one = data->targets.n_wanted == 1;
    screen = (struct screen){.data = data,
                             .frame = frame,
                             .sorted_by = TOP_RESIDENT,
                             .shown = is_one ? SHOWN_DETAIL : SHOWN_LIST,
                             .selected = is_one ? data->targets.wanted[0] : 0};
    set_escdelay(ESCAPE_MS);
    if (newterm(NULL, stdout, stdin) == NULL)
        return message_exit(EXIT_CODE_FAILED, "the terminal '%s' is not known; neap top --batch",
                            terminal != NULL ? terminal : "");
    (void)cbreak();
    (void)noecho();
    (void)curs_set(0);
    (void)keypad(stdscr, true);
    top_data_sort(data, screen.sorted_by);
    read_clock(screen.clock);
    bool is_read = true;
    for (unsigned n = 1; is_read && !screen.is_over; n++) {
        draw(&screen);
        wait_for_keys(&screen, clock_now_s() + delay_s);
        if (count > 0 && n == count)
            break;
        is_read = screen.is_over || refresh_data(&screen);
    }
    (void)endwin();
    if (!is_read)
        return message_exit(EXIT_CODE_FAILED, "cannot read /proc");
    return EXIT_CODE_DONE;
}
