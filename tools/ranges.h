// The address space that neap has in a process.
#ifndef NEAP_TOOLS_RANGES_H
#define NEAP_TOOLS_RANGES_H

#include "page_view.h"

enum range_use { RANGE_HEAP, RANGE_METADATA, RANGE_OTHER };

struct range {
    uint64_t       start, end;
    enum range_use use;
};

struct range_list {
    struct range *ranges;   // sorted by address
    size_t        n_ranges, capacity;
};

// Adds what there is at present. Requires: memory of `list` is zero. Whatever comes of it, the list
// is to be freed.
enum process_result ranges_read(struct page_view *view, struct range_list *list);
void                ranges_free(struct range_list *list);

#endif
