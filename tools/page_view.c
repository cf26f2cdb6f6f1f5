// Copying what the page says that there is to copy, and adding it up.
//
// A copy that is not whole, because the process changed its books in the middle, is taken again. In
// a process that changes them all the time a copy is whole soon enough: between two changes there
// is more time than a change takes.
#include "page_view_parts.h"

#include "clock.h"
#include "exit_code.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

#define ELEMENTS_MAX 65536   // of a list: caches of threads, or first-class heaps
#define COPY_BYTES_MAX ((size_t)1 << 30)
// Attempts at a whole copy. Who changes the books has lost the CPU if the first ones fail; he is
// given time to get it back.
#define ATTEMPTS_AT_ONCE 100
#define ATTEMPTS 1000
#define WAIT_S 0.0002

// ---- what is to be copied ---------------------------------------------------------------------

static bool add_piece(struct page_view *view, uint64_t address, size_t n_bytes)
{
    if (view->n_pieces == view->n_pieces_max) {
        size_t                n_max = 2 * view->n_pieces_max + 16;
        struct process_piece *pieces = realloc(view->pieces, n_max * sizeof *pieces);
        if (pieces == NULL)
            return false;
        view->pieces = pieces;
        view->n_pieces_max = n_max;
    }
    if (n_bytes > COPY_BYTES_MAX - view->copy_bytes)
        return false;
    view->pieces[view->n_pieces++] = (struct process_piece){.address = address, .n_bytes = n_bytes};
    view->copy_bytes += n_bytes;
    return true;
}

// Follows a list through the process; one that leads in a circle is none.
static enum process_result add_list(struct page_view *view, const struct page_table_place *place,
                                    struct place_copy *copy)
{
    uint64_t element;

    enum process_result result =
        process_memory_read_one(view->pid, view->heap + place->row.first, &element, sizeof element);
    while (result == PROCESS_READ && element != 0) {
        if (copy->n_elements++ == ELEMENTS_MAX ||
            !add_piece(view, element + place->row.start, copy->element_bytes))
            return PROCESS_DAMAGED;
        result =
            process_memory_read_one(view->pid, element + place->row.next, &element, sizeof element);
    }
    return result;
}

static enum process_result add_place(struct page_view *view, size_t i)
{
    const struct page_table_place *place = &view->table.places[i];
    struct place_copy             *copy = &view->places[i];
    uint32_t                       n_members = place->row.count;
    if (place->row.count_at != 0) {
        uint32_t            n_used;
        enum process_result result = process_memory_read_one(
            view->pid, view->heap + place->row.count_at, &n_used, sizeof n_used);
        if (result != PROCESS_READ)
            return result;
        n_members = n_used < n_members ? n_used : n_members;
    }
    *copy = (struct place_copy){.at = view->copy_bytes, .n_members = n_members};
    if (n_members == 0 || place->member_bytes == 0)
        return PROCESS_READ;
    copy->element_bytes = (size_t)(n_members - 1) * place->row.stride + place->member_bytes;
    if (place->row.is_list)
        return add_list(view, place, copy);
    copy->n_elements = 1;
    return add_piece(view, view->heap + place->row.start, copy->element_bytes) ? PROCESS_READ
                                                                               : PROCESS_DAMAGED;
}

// Words of the heap itself, from anywhere in it; then the arrays and lists.
static enum process_result plan_copy(struct page_view *view)
{
    view->n_pieces = view->copy_bytes = 0;
    for (size_t i = 0; i < view->table.n_words; i++) {
        const struct page_table_words *words = &view->table.words[i];
        if (!add_piece(view, view->heap + words->start, words->n_bytes))
            return PROCESS_DAMAGED;
    }
    for (size_t i = 0; i < view->table.n_places; i++) {
        enum process_result result =
            view->table.places[i].is_heap ? PROCESS_READ : add_place(view, i);
        if (result != PROCESS_READ)
            return result;
    }
    if (view->copy_bytes > view->copy_bytes_max) {
        free(view->copy);
        view->copy = malloc(view->copy_bytes);
        view->copy_bytes_max = view->copy != NULL ? view->copy_bytes : 0;
        if (view->copy == NULL)
            return PROCESS_DAMAGED;
    }
    char *to = view->copy;
    for (size_t i = 0; i < view->n_pieces; i++) {
        view->pieces[i].to = to;
        to += view->pieces[i].n_bytes;
    }
    return PROCESS_READ;
}

// ---- adding up --------------------------------------------------------------------------------

static uint64_t word_at(const char *from, const struct neap_page_term *row)
{
    uint64_t wide = 0;
    memcpy(&wide, from, row->word_bytes);   // little-endian
    switch (row->operation) {
    case NEAP_PAGE_BITS:
        return (uint64_t)__builtin_popcountll(wide);
    case NEAP_PAGE_ONE:
        return 1;
    default:
        return wide;
    }
}

static uint64_t sum_of(const struct page_view *view, const struct page_table_term *term)
{
    const struct page_table_place *place = &view->table.places[term->row.place];
    const struct place_copy       *copy = &view->places[term->row.place];
    if (place->is_heap)
        return word_at(view->copy + term->at, &term->row);
    uint64_t sum = 0;
    for (size_t element = 0; element < copy->n_elements; element++) {
        const char *from = view->copy + copy->at + element * copy->element_bytes + term->row.offset;
        for (size_t i = 0; i < copy->n_members; i++, from += place->row.stride)
            sum += word_at(from, &term->row) * (term->weights != NULL ? term->weights[i] : 1);
    }
    return sum;
}

static void add_up(struct page_view *view)
{
    memset(view->values, 0, view->table.n_statistics * sizeof *view->values);
    for (size_t i = 0; i < view->table.n_terms; i++) {
        const struct page_table_term *term = &view->table.terms[i];
        view->values[term->row.statistic] += (uint64_t)term->row.factor * sum_of(view, term);
    }
}

static bool is_whole(const struct page_view *view)
{
    for (size_t i = 0; i < view->table.n_statistics; i++) {
        uint32_t kind = view->table.statistics[i].kind;
        if ((kind == NEAP_PAGE_CHECK && view->values[i] != 0) ||
            (kind == NEAP_PAGE_GAUGE && (int64_t)view->values[i] < 0))
            return false;
    }
    return true;
}

enum process_result page_view_read(struct page_view *view)
{
    for (unsigned n = 0; n < ATTEMPTS; n++) {
        if (n > ATTEMPTS_AT_ONCE)
            clock_sleep(WAIT_S);
        enum process_result result = plan_copy(view);
        if (result == PROCESS_READ)
            result = process_memory_read(view->pid, view->pieces, view->n_pieces);
        if (result != PROCESS_READ)
            return result;
        add_up(view);
        if (is_whole(view))
            return PROCESS_READ;
    }
    return PROCESS_DAMAGED;
}

// ---- the view ---------------------------------------------------------------------------------

void page_view_close(struct page_view *view)
{
    if (view == NULL)
        return;
    page_table_free(&view->table);
    free(view->values);
    free(view->pieces);
    free(view->copy);
    free(view);
}

enum process_result page_view_open(pid_t pid, const struct page_place *place,
                                   struct page_view **out_view)
{
    struct page_place   found;
    enum process_result result = PROCESS_READ;
    if (place != NULL)
        found = *place;
    else
        result = page_find(pid, &found);
    if (result != PROCESS_READ)
        return result;

    struct page_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return PROCESS_DAMAGED;
    view->pid = pid;
    view->heap = found.heap;
    result = page_table_read(&view->table, pid, found.page);
    if (result == PROCESS_READ) {
        view->values = calloc(view->table.n_statistics, sizeof *view->values);
        if (view->values == NULL)
            result = PROCESS_DAMAGED;
    }
    if (result == PROCESS_READ)
        *out_view = view;
    else
        page_view_close(view);
    return result;
}

const char *page_view_version(const struct page_view *view)
{
    return view->table.head.version;
}

size_t page_view_count(const struct page_view *view)
{
    return view->table.n_shown;
}

struct page_statistic page_view_describe(const struct page_view *view, size_t i)
{
    const struct neap_page_statistic *row = &view->table.statistics[view->table.shown[i]];
    return (struct page_statistic){.name = row->name,
                                   .unit = row->unit,
                                   .help = row->help,
                                   .metric = row->metric,
                                   .labels = row->labels,
                                   .is_counter = row->kind == NEAP_PAGE_COUNTER};
}

uint64_t page_view_value(const struct page_view *view, size_t i)
{
    return view->values[view->table.shown[i]];
}

bool page_view_is_known(const struct page_view *view, size_t i)
{
    uint32_t kind = view->table.statistics[view->table.shown[i]].kind;
    uint64_t value = page_view_value(view, i);
    return kind != NEAP_PAGE_LIMIT || (value != 0 && value != UINT64_MAX);
}

bool page_view_get(const struct page_view *view, const char *name, uint64_t *out_value)
{
    for (size_t i = 0; i < page_view_count(view); i++) {
        if (strcmp(page_view_describe(view, i).name, name) == 0) {
            *out_value = page_view_value(view, i);
            return page_view_is_known(view, i);
        }
    }
    return false;
}

uint64_t page_view_number(const struct page_view *view, const char *name)
{
    uint64_t value;
    return page_view_get(view, name, &value) ? value : 0;
}

int page_view_complain(pid_t pid, enum process_result result)
{
    int number = (int)pid;
    switch (result) {
    case PROCESS_ABSENT:
        return message_exit(EXIT_CODE_NO_PROCESS, "no process %d, or it has ended", number);
    case PROCESS_WITHOUT:
        return message_exit(EXIT_CODE_NO_PROCESS,
                            "process %d does not run neap; neap ps lists those that do", number);
    case PROCESS_FORBIDDEN:
        return message_exit(EXIT_CODE_FORBIDDEN,
                            "not allowed to read process %d: be its user or root, as for"
                            " ptrace(2)",
                            number);
    case PROCESS_NEWER:
        return message_exit(EXIT_CODE_FAILED,
                            "process %d runs a newer neap than this; use the program neap that"
                            " came with it",
                            number);
    case PROCESS_DAMAGED:
    case PROCESS_READ:
        break;
    }
    return message_exit(EXIT_CODE_FAILED,
                        "the statistics of process %d make no sense: its memory is damaged",
                        number);
}
