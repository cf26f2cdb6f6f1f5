// What the files of a view share.
#ifndef NEAP_TOOLS_PAGE_VIEW_PARTS_H
#define NEAP_TOOLS_PAGE_VIEW_PARTS_H

#include "page_table.h"
#include "page_view.h"

// The elements of a place at the time of a reading.
struct place_copy {
    size_t at;   // in the copy
    size_t n_members, element_bytes, n_elements;
};

struct page_view {
    pid_t             pid;
    uint64_t          heap;
    struct page_table table;
    struct place_copy places[PLACES_MAX];
    uint64_t         *values;

    struct process_piece *pieces;   // what is copied
    size_t                n_pieces, n_pieces_max;
    char                 *copy;
    size_t                copy_bytes, copy_bytes_max;
};

#endif
