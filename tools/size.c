// neap size: which slot serves a request, what is rounded up, and what a span of such slots is.
#include "commands.h"
#include "config/value.h"
#include "exit_code.h"
#include "format.h"
#include "message.h"

#include <inttypes.h>

#define SIZES_MAX 64                       // operands
#define PAGE_BYTES_OURS 8192u              // as README and neap help words have it
#define SIZE_BYTES_MAX ((size_t)1 << 46)   // what fits into the address space

struct size_settings {
    bool json;
};

static const struct option_spec size_options[] = {
    {.name = "json",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct size_settings, json),
     .help = "one JSON object instead of a table, schema neap.size/1"},
    {0},
};

const struct command_spec size_spec = {
    .name = "size",
    .summary = "how much memory an object of some size takes",
    .usage = "[--json] [SIZE...]",
    .examples = "  neap size 1040\n"
                "  neap size 100 4K 1.5MiB\n"
                "  neap size                       all size classes\n",
    .notes = "CLASS is the size of the slot or of the run, ROUNDING what of that was not asked\n"
             "for; LEFT is what of a span is too short for another slot. BELOW is the next\n"
             "smaller class: objects that fit into it take so much less.\n",
    .options = size_options,
    .operands = OPERANDS_FREE,
    .n_operands_max = SIZES_MAX,
};

// From the library's own table.
static const struct {
    uint32_t slot_bytes, span_pages;
} classes[] = {
#define SIZE_CLASS(bytes, pages) {(bytes), (pages)},
#define CLASS_OF_SIXTEENTHS(...)
#define CLASS_OF_128THS(...)
#include "span/size_class.def"
};
#define N_CLASSES (sizeof classes / sizeof *classes)

// What is said about a size.
struct fit {
    size_t asked_bytes, class_bytes;
    size_t below_bytes;           // the next smaller class; 0: none
    size_t span_bytes, n_slots;   // 0: a run of its own
};

static struct fit fit_of_class(size_t i, size_t asked_bytes)
{
    size_t span_bytes = (size_t)classes[i].span_pages * PAGE_BYTES_OURS;
    return (struct fit){.asked_bytes = asked_bytes,
                        .class_bytes = classes[i].slot_bytes,
                        .below_bytes = i > 0 ? classes[i - 1].slot_bytes : 0,
                        .span_bytes = span_bytes,
                        .n_slots = span_bytes / classes[i].slot_bytes};
}

static struct fit fit_of(size_t asked_bytes)
{
    for (size_t i = 0; i < N_CLASSES; i++) {
        if (asked_bytes <= classes[i].slot_bytes)
            return fit_of_class(i, asked_bytes);
    }
    size_t run_bytes = (asked_bytes + PAGE_BYTES_OURS - 1) / PAGE_BYTES_OURS * PAGE_BYTES_OURS;
    size_t largest = classes[N_CLASSES - 1].slot_bytes;
    size_t below = run_bytes - PAGE_BYTES_OURS;
    return (struct fit){.asked_bytes = asked_bytes,
                        .class_bytes = run_bytes,
                        .below_bytes = below > largest ? below : largest};
}

static size_t fit_left_bytes(const struct fit *fit)
{
    return fit->span_bytes - fit->n_slots * fit->class_bytes;
}

static double percent(size_t part, size_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static void print_heading(void)
{
    printf("%12s %12s %10s %6s %9s %6s %12s\n", "SIZE", "CLASS", "ROUNDING", "SLOTS", "SPAN",
           "LEFT", "BELOW");
}

static void print_row(const struct fit *fit)
{
    char   span[FORMAT_BYTES] = "run", left[FORMAT_BYTES] = "-", slots[FORMAT_BYTES] = "-";
    char   below[FORMAT_BYTES] = "-";
    size_t rounding = fit->class_bytes - fit->asked_bytes;
    if (fit->n_slots > 0) {
        format_bytes((double)fit->span_bytes, span);
        (void)snprintf(left, sizeof left, "%.1f %%", percent(fit_left_bytes(fit), fit->span_bytes));
        (void)snprintf(slots, sizeof slots, "%zu", fit->n_slots);
    }
    if (fit->below_bytes > 0)
        (void)snprintf(below, sizeof below, "%zu", fit->below_bytes);
    printf("%12zu %12zu %8.1f %% %6s %9s %6s %12s\n", fit->asked_bytes, fit->class_bytes,
           percent(rounding, fit->class_bytes), slots, span, left, below);
}

static void print_json(const struct fit *fit, bool is_first)
{
    printf("%s{\"asked_bytes\": %zu, \"class_bytes\": %zu, \"rounding_bytes\": %zu",
           is_first ? "" : ", ", fit->asked_bytes, fit->class_bytes,
           fit->class_bytes - fit->asked_bytes);
    if (fit->n_slots > 0)
        printf(", \"slots\": %zu, \"span_bytes\": %zu, \"left_bytes\": %zu", fit->n_slots,
               fit->span_bytes, fit_left_bytes(fit));
    if (fit->below_bytes > 0)
        printf(", \"below_bytes\": %zu", fit->below_bytes);
    printf("}");
}

// Operands as sizes, or every class if there are none. Returns how many; 0 after a complaint.
static size_t take_sizes(char **operands, struct fit out_fits[])
{
    size_t n = 0;
    for (; operands[n] != NULL; n++) {
        size_t n_bytes;
        if (!value_parse(UNIT_BYTES, text_of(operands[n]), &n_bytes) || n_bytes > SIZE_BYTES_MAX) {
            message("'%s' is not %s of at most 64TiB", operands[n], value_unit_text(UNIT_BYTES));
            return 0;
        }
        out_fits[n] = fit_of(n_bytes);
    }
    if (n > 0)
        return n;
    for (; n < N_CLASSES; n++)
        out_fits[n] = fit_of_class(n, classes[n].slot_bytes);
    return n;
}

int command_size(char **argv)
{
    struct size_settings settings = {0};
    struct fit           fits[SIZES_MAX > N_CLASSES ? SIZES_MAX : N_CLASSES];
    int                  first, exit_code;
    if (!options_take(&size_spec, argv, &settings, &first, &exit_code))
        return exit_code;
    size_t n = take_sizes(argv + first, fits);
    if (n == 0)
        return EXIT_CODE_USAGE;
    if (settings.json)
        printf("{\"schema\": \"neap.size/1\", \"sizes\": [");
    else
        print_heading();
    for (size_t i = 0; i < n; i++) {
        if (settings.json)
            print_json(&fits[i], i == 0);
        else
            print_row(&fits[i]);
    }
    if (settings.json)
        printf("]}\n");
    return EXIT_CODE_DONE;
}
