// Reading a page row by row, so that rows longer than ours do no harm.
#include "page_table.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES_MAX (1 << 20)
#define ROWS_MAX 4096
#define HEAP_BYTES_MAX (1 << 30)
#define ELEMENT_BYTES_MAX (1 << 20)   // of a list
#define NEAR_BYTES 256                // words nearer to one another are copied together

// The page while its tables are read.
struct source {
    const char      *bytes;
    struct neap_page head;
};

// Copies row `i` of a table. False: there is none.
static bool row_copy(const struct source *source, const struct neap_page_table *table, size_t i,
                     void *out_row, size_t row_bytes)
{
    if (i >= table->n_rows)
        return false;
    memcpy(out_row, source->bytes + table->start + i * table->row_bytes, row_bytes);
    return true;
}

static bool table_is_within(const struct source *source, const struct neap_page_table *table,
                            size_t row_bytes)
{
    if (table->n_rows == 0)
        return true;
    return table->n_rows <= ROWS_MAX && table->row_bytes >= row_bytes &&
           table->row_bytes <= PAGE_BYTES_MAX && table->start <= source->head.page_bytes &&
           (uint64_t)table->n_rows * table->row_bytes <= source->head.page_bytes - table->start;
}

static bool head_makes_sense(const struct source *source)
{
    const struct neap_page *head = &source->head;
    return head->heap_bytes <= HEAP_BYTES_MAX && head->places.n_rows <= PLACES_MAX &&
           head->version[sizeof head->version - 1] == '\0' &&
           table_is_within(source, &head->statistics, sizeof(struct neap_page_statistic)) &&
           table_is_within(source, &head->terms, sizeof(struct neap_page_term)) &&
           table_is_within(source, &head->places, sizeof(struct neap_page_place)) &&
           table_is_within(source, &head->ranges, sizeof(struct neap_page_range)) &&
           table_is_within(source, &head->rings, sizeof(struct neap_page_ring)) &&
           table_is_within(source, &head->columns, sizeof(struct neap_page_column)) &&
           table_is_within(source, &head->requests, sizeof(struct neap_page_request)) &&
           table_is_within(source, &head->weights, sizeof(uint32_t)) &&
           head->weights.row_bytes % sizeof(uint32_t) == 0;
}

// ---- rows -------------------------------------------------------------------------------------

static bool read_statistics(struct page_table *table, const struct source *source)
{
    const struct neap_page_table *rows = &source->head.statistics;
    table->statistics = calloc(rows->n_rows + 1, sizeof *table->statistics);
    table->shown = calloc(rows->n_rows + 1, sizeof *table->shown);
    if (table->statistics == NULL || table->shown == NULL)
        return false;
    struct neap_page_statistic row;
    while (row_copy(source, rows, table->n_statistics, &row, sizeof row)) {
        if (row.name[0] == '\0' || row.name[sizeof row.name - 1] != '\0' ||
            row.unit[sizeof row.unit - 1] != '\0' || row.help[sizeof row.help - 1] != '\0' ||
            row.metric[sizeof row.metric - 1] != '\0' || row.labels[sizeof row.labels - 1] != '\0')
            return false;
        table->statistics[table->n_statistics++] = row;
    }
    return true;
}

static bool read_places(struct page_table *table, const struct source *source)
{
    struct neap_page_place row;
    while (row_copy(source, &source->head.places, table->n_places, &row, sizeof row)) {
        size_t   n_bytes = row.is_list ? ELEMENT_BYTES_MAX : source->head.heap_bytes;
        uint64_t end = row.start + (uint64_t)row.count * row.stride;
        if (end > n_bytes ||
            (row.is_list && (row.first + sizeof(uint64_t) > source->head.heap_bytes ||
                             row.next > ELEMENT_BYTES_MAX)))
            return false;
        if (!row.is_list && row.stride == 0 && (row.count != 1 || row.start != 0))
            return false;
        if (row.count_at != 0 && row.count_at + sizeof(uint32_t) > source->head.heap_bytes)
            return false;
        table->places[table->n_places++] =
            (struct page_table_place){.row = row, .is_heap = !row.is_list && row.stride == 0};
    }
    return true;
}

static bool read_weights(struct page_table *table, const struct source *source)
{
    const struct neap_page_table *rows = &source->head.weights;
    size_t                        n_bytes = (size_t)rows->n_rows * rows->row_bytes;
    table->weights = malloc(n_bytes + 1);
    if (table->weights == NULL)
        return false;
    memcpy(table->weights, source->bytes + rows->start, n_bytes);
    return true;
}

static bool read_ranges(struct page_table *table, const struct source *source)
{
    struct neap_page_range row;
    while (table->n_ranges < RANGES_MAX &&
           row_copy(source, &source->head.ranges, table->n_ranges, &row, sizeof row)) {
        if (row.use[sizeof row.use - 1] != '\0' ||
            row.first + sizeof(uint64_t) > source->head.heap_bytes ||
            row.count_at + sizeof(uint64_t) > source->head.heap_bytes)
            return false;
        table->ranges[table->n_ranges++] = row;
    }
    return true;
}

static bool read_rings(struct page_table *table, const struct source *source)
{
    struct neap_page_ring   ring;
    struct neap_page_column column;
    while (table->n_columns < COLUMNS_MAX &&
           row_copy(source, &source->head.columns, table->n_columns, &column, sizeof column)) {
        if (column.name[sizeof column.name - 1] != '\0')
            return false;
        table->columns[table->n_columns++] = column;
    }
    while (table->n_rings < RINGS_MAX &&
           row_copy(source, &source->head.rings, table->n_rings, &ring, sizeof ring)) {
        if (ring.name[sizeof ring.name - 1] != '\0' || ring.n_rows == 0 ||
            ring.n_rows > RING_ROWS_MAX ||
            ring.start + (uint64_t)ring.n_rows * ring.row_bytes > source->head.heap_bytes ||
            ring.count_at + sizeof(uint64_t) > source->head.heap_bytes)
            return false;
        for (size_t i = 0; i < table->n_columns; i++) {
            if (table->columns[i].offset + sizeof(uint64_t) > ring.row_bytes)
                return false;
        }
        table->rings[table->n_rings++] = ring;
    }
    return true;
}

static bool read_requests(struct page_table *table, const struct source *source)
{
    struct neap_page_request row;
    uint32_t                 end = source->head.heap_bytes;
    while (table->n_requests < REQUESTS_MAX &&
           row_copy(source, &source->head.requests, table->n_requests, &row, sizeof row)) {
        const uint32_t offsets[] = {row.word_at, row.argument_at, row.count_at, row.result_at};
        for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
            if (offsets[i] + (uint64_t)sizeof(uint64_t) > end)
                return false;
        }
        if (row.name[sizeof row.name - 1] != '\0')
            return false;
        table->requests[table->n_requests++] = row;
    }
    return true;
}

// Do we know how to carry out a term of this kind? A newer library may have others.
static bool term_is_known(const struct neap_page_term *row)
{
    return row->operation <= NEAP_PAGE_ONE &&
           (row->word_bytes == 1 || row->word_bytes == 4 || row->word_bytes == 8);
}

static bool read_term(struct page_table *table, const struct source *source,
                      const struct neap_page_term *row)
{
    const struct neap_page_table *weights = &source->head.weights;
    if (row->statistic >= table->n_statistics || row->place >= table->n_places)
        return false;
    struct page_table_place *place = &table->places[row->place];
    size_t                   member_end = (size_t)row->offset + row->word_bytes;
    bool                     is_weighted = row->weights != NEAP_PAGE_UNWEIGHTED;
    if (place->is_heap ? is_weighted || member_end > source->head.heap_bytes
                       : member_end > place->row.stride)
        return false;
    if (is_weighted && (row->weights >= weights->n_rows ||
                        place->row.count > weights->row_bytes / sizeof(uint32_t)))
        return false;
    if (member_end > place->member_bytes)
        place->member_bytes = member_end;
    size_t first_weight = row->weights * (weights->row_bytes / sizeof(uint32_t));
    table->terms[table->n_terms++] = (struct page_table_term){
        .row = *row, .weights = is_weighted ? table->weights + first_weight : NULL};
    return true;
}

static bool read_terms(struct page_table *table, const struct source *source)
{
    const struct neap_page_table *rows = &source->head.terms;
    bool                         *is_unknown = calloc(table->n_statistics + 1, sizeof(bool));
    table->terms = calloc(rows->n_rows + 1, sizeof *table->terms);
    bool                  is_good = table->terms != NULL && is_unknown != NULL;
    struct neap_page_term row;
    for (size_t i = 0; is_good && row_copy(source, rows, i, &row, sizeof row); i++) {
        if (term_is_known(&row))
            is_good = read_term(table, source, &row);
        else if (row.statistic < table->n_statistics)
            is_unknown[row.statistic] = true;
    }
    for (size_t i = 0; is_good && i < table->n_statistics; i++) {
        uint32_t *kind = &table->statistics[i].kind;
        if (is_unknown[i])
            *kind = UINT32_MAX;
        if (*kind == NEAP_PAGE_GAUGE || *kind == NEAP_PAGE_COUNTER || *kind == NEAP_PAGE_LIMIT)
            table->shown[table->n_shown++] = i;
    }
    free(is_unknown);
    return is_good;
}

// ---- words of the heap ------------------------------------------------------------------------

static int compare_words(const void *a, const void *b)
{
    const struct page_table_words *first = a, *second = b;
    return (first->start > second->start) - (first->start < second->start);
}

// What lies near one another becomes one.
static void join_words(struct page_table *table)
{
    size_t n_joined = 0;
    qsort(table->words, table->n_words, sizeof *table->words, compare_words);
    for (size_t i = 0; i < table->n_words; i++) {
        struct page_table_words *last = &table->words[n_joined > 0 ? n_joined - 1 : 0];
        uint32_t                 end = table->words[i].start + table->words[i].n_bytes;
        if (n_joined == 0 || table->words[i].start > last->start + last->n_bytes + NEAR_BYTES)
            table->words[n_joined++] = table->words[i];
        else if (end > last->start + last->n_bytes)
            last->n_bytes = end - last->start;
    }
    table->n_words = n_joined;
}

// Where a word of the heap stands in the copy of all of them.
static size_t place_in_copy(const struct page_table *table, uint32_t offset)
{
    size_t at = 0;
    for (const struct page_table_words *words = table->words;; words++) {
        if (offset - words->start < words->n_bytes)
            return at + offset - words->start;
        at += words->n_bytes;
    }
}

static bool plan_words(struct page_table *table)
{
    table->words = calloc(table->n_terms + 1, sizeof *table->words);
    if (table->words == NULL)
        return false;
    for (size_t i = 0; i < table->n_terms; i++) {
        const struct neap_page_term *row = &table->terms[i].row;
        if (table->places[row->place].is_heap)
            table->words[table->n_words++] =
                (struct page_table_words){.start = row->offset, .n_bytes = row->word_bytes};
    }
    join_words(table);
    for (size_t i = 0; i < table->n_terms; i++) {
        const struct neap_page_term *row = &table->terms[i].row;
        if (table->places[row->place].is_heap)
            table->terms[i].at = place_in_copy(table, row->offset);
    }
    return true;
}

// -----------------------------------------------------------------------------------------------

static enum process_result read_tables(struct page_table *table, const struct source *source)
{
    bool is_good = head_makes_sense(source) && read_statistics(table, source) &&
                   read_places(table, source) && read_weights(table, source) &&
                   read_ranges(table, source) && read_rings(table, source) &&
                   read_requests(table, source) && read_terms(table, source) && plan_words(table);
    return is_good ? PROCESS_READ : PROCESS_DAMAGED;
}

enum process_result page_table_read(struct page_table *table, pid_t pid, uint64_t address)
{
    struct source       source;
    enum process_result result =
        process_memory_read_one(pid, address, &source.head, sizeof source.head);
    if (result != PROCESS_READ)
        return result;
    if (memcmp(source.head.magic, NEAP_PAGE_MAGIC, sizeof source.head.magic) != 0)
        return PROCESS_DAMAGED;
    if (source.head.layout != NEAP_PAGE_LAYOUT)
        return source.head.layout > NEAP_PAGE_LAYOUT ? PROCESS_NEWER : PROCESS_DAMAGED;
    if (source.head.page_bytes < sizeof source.head || source.head.page_bytes > PAGE_BYTES_MAX)
        return PROCESS_DAMAGED;

    char *bytes = malloc(source.head.page_bytes);
    if (bytes == NULL)
        return PROCESS_DAMAGED;
    result = process_memory_read_one(pid, address, bytes, source.head.page_bytes);
    source.bytes = bytes;
    table->head = source.head;
    if (result == PROCESS_READ)
        result = read_tables(table, &source);
    free(bytes);
    return result;
}

void page_table_free(struct page_table *table)
{
    free(table->statistics);
    free(table->terms);
    free(table->words);
    free(table->weights);
    free(table->shown);
}
