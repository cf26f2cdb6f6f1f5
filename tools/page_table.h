// The tables of a page, copied from a process and checked: whatever is in them, what is done with
// them stays within the process's heap and within our own memory.
#ifndef NEAP_TOOLS_PAGE_TABLE_H
#define NEAP_TOOLS_PAGE_TABLE_H

#include "neap/page.h"
#include "process_memory.h"

#include <stdbool.h>

#define PLACES_MAX 32

struct page_table_place {
    struct neap_page_place row;
    bool                   is_heap;        // words of the heap itself, not an array or a list
    size_t                 member_bytes;   // up to the last word of a member that a term asks for
};

struct page_table_term {
    struct neap_page_term row;
    const uint32_t       *weights;   // NULL: all are 1
    size_t                at;        // of a word of the heap: in `words`, one behind the other
};

// Bytes of the heap that are copied at once, as words lie in it near one another.
struct page_table_words {
    uint32_t start, n_bytes;
};

#define RANGES_MAX 8
#define RINGS_MAX 8
#define COLUMNS_MAX 32
#define REQUESTS_MAX 32
#define RING_ROWS_MAX 65536

struct page_table {
    struct neap_page            head;
    size_t                      n_statistics, n_terms, n_places, n_words, n_shown;
    struct neap_page_statistic *statistics;
    struct page_table_term     *terms;
    struct page_table_place     places[PLACES_MAX];
    struct page_table_words    *words;   // in the order of their addresses
    uint32_t                   *weights;
    struct neap_page_range      ranges[RANGES_MAX];
    size_t                      n_ranges;
    struct neap_page_ring       rings[RINGS_MAX];
    size_t                      n_rings;
    struct neap_page_column     columns[COLUMNS_MAX];
    size_t                      n_columns;
    struct neap_page_request    requests[REQUESTS_MAX];
    size_t                      n_requests;
    size_t                     *shown;   // rows of statistics that are gauges or counters we know
};

// Reads and checks the page at `address`. Requires: memory of `table` is zero. Whatever comes of
// it, page_table_free is to be called.
enum process_result page_table_read(struct page_table *table, pid_t pid, uint64_t address);
void                page_table_free(struct page_table *table);

#endif
