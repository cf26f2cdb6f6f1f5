// neap top: processes that run neap, on a terminal, again and again; or as tables without one.
#include "clock.h"
#include "commands.h"
#include "exit_code.h"
#include "message.h"
#include "operand.h"
#include "top_frame.h"
#include "top_screen.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PIDS_MAX 64
#define BATCH_COLUMNS 80

struct top_settings {
    bool     batch;
    unsigned count;
    double   delay_s;
};

static const struct option_spec top_options[] = {
    {.letter = 'b',
     .name = "batch",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct top_settings, batch),
     .help = "tables one below the other, without a terminal"},
    {.letter = 'n',
     .name = "count",
     .kind = OPTION_COUNT,
     .value_name = "N",
     .minimum = 1,
     .maximum = 1000000,
     .offset = offsetof(struct top_settings, count),
     .help = "end after so many refreshes"},
    {.letter = 'd',
     .name = "delay",
     .kind = OPTION_SECONDS,
     .value_name = "SECONDS",
     .minimum = 0.05,
     .maximum = 3600,
     .offset = offsetof(struct top_settings, delay_s),
     .help = "from one refresh to the next; 1 by default"},
    {0},
};

const struct command_spec top_spec = {
    .name = "top",
    .summary = "the processes that run neap, live, with what they held before",
    .usage = "[OPTION...] [PID...]",
    .examples = "  neap top                        every process that may be looked into\n"
                "  neap top 4127                   one, closer\n"
                "  neap top --batch -n 2           two tables, for a file\n",
    .notes = "The key ? shows keys and columns. Processes are not stopped and do not notice.\n",
    .options = top_options,
    .operands = OPERANDS_FREE,
    .n_operands_max = PIDS_MAX,
};

static void read_clock(char out[16])
{
    time_t    now = time(NULL);
    struct tm parts;
    (void)strftime(out, 16, "%H:%M:%S", localtime_r(&now, &parts));
}

static void print_frame(const struct frame *frame)
{
    for (size_t i = 0; i < frame->n_lines; i++) {
        size_t length = strlen(frame->lines[i].text);
        while (length > 0 && frame->lines[i].text[length - 1] == ' ')
            length--;
        printf("%.*s\n", (int)length, frame->lines[i].text);
    }
}

static void print_tables(struct top_data *data, struct frame *frame)
{
    char clock[16];
    read_clock(clock);
    if (data->targets.n_wanted == 1) {
        static struct top_detail detail;
        top_detail_read(data, data->targets.wanted[0], frame_past_columns(frame), &detail);
        frame_draw_detail(frame, &detail, clock, false);
    } else {
        top_data_sort(data, TOP_RESIDENT);
        frame_draw_list(
            frame, data,
            &(struct frame_list){.sorted_by = TOP_RESIDENT, .selected = SIZE_MAX, .clock = clock});
    }
    print_frame(frame);
}

static size_t batch_columns(void)
{
    const char *text = getenv("COLUMNS");
    size_t      n = text != NULL ? strtoul(text, NULL, 10) : 0;
    return n >= BATCH_COLUMNS && n <= FRAME_COLUMNS_MAX ? n : BATCH_COLUMNS;
}

// The first refresh is done.
static int run_batch(const struct top_settings *settings, struct top_data *data,
                     struct frame *frame)
{
    frame->n_columns = batch_columns();
    frame->n_lines_max = FRAME_LINES_MAX;
    for (unsigned n = 0; settings->count == 0 || n < settings->count; n++) {
        if (n > 0) {
            clock_sleep(settings->delay_s);
            if (!top_data_refresh(data))
                return message_exit(EXIT_CODE_FAILED, "cannot read /proc: %s", strerror(errno));
            printf("\n");
        }
        print_tables(data, frame);
        if (fflush(stdout) != 0)
            return EXIT_CODE_FAILED;   // main says why
    }
    return EXIT_CODE_DONE;
}

// Of processes asked for by their ids, each has to be there at the start.
static int complain_of_missing(const struct targets *targets)
{
    for (size_t i = 0; targets->wanted != NULL && i < targets->n_all; i++) {
        if (targets->all[i].result != PROCESS_READ)
            return page_view_complain(targets->all[i].pid, targets->all[i].result);
    }
    return 0;
}

static int run(const struct top_settings *settings, struct top_data *data)
{
    static struct frame frame;   // large
    if (!top_data_refresh(data))
        return message_exit(EXIT_CODE_FAILED, "cannot read /proc: %s", strerror(errno));
    int exit_code = complain_of_missing(&data->targets);
    if (exit_code != 0)
        return exit_code;
    frame.is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (settings->batch)
        return run_batch(settings, data, &frame);
    return top_screen_run(data, &frame, settings->delay_s, settings->count);
}

int command_top(char **argv)
{
    struct top_settings settings = {.delay_s = 1};
    struct top_data     data = {.n_rows = 0};
    pid_t               pids[PIDS_MAX];
    int                 first, exit_code;
    if (!options_take(&top_spec, argv, &settings, &first, &exit_code))
        return exit_code;
    size_t n_pids = 0;
    for (char **operand = argv + first; *operand != NULL; operand++) {
        if (!operand_pid(*operand, &pids[n_pids++]))
            return EXIT_CODE_USAGE;
    }
    if (!settings.batch && (isatty(STDOUT_FILENO) == 0 || isatty(STDIN_FILENO) == 0))
        return message_exit(EXIT_CODE_USAGE, "there is no terminal; neap top --batch needs none");
    data.targets.wanted = n_pids > 0 ? pids : NULL;
    data.targets.n_wanted = n_pids;
    (void)setlocale(LC_CTYPE, "");   // the rest stays as it is: numbers have a point
    exit_code = run(&settings, &data);
    top_data_free(&data);
    return exit_code;
}
