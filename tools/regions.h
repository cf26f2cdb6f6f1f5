// The address space that neap has in a process.
#ifndef NEAP_TOOLS_REGIONS_H
#define NEAP_TOOLS_REGIONS_H

#include "page_view.h"

enum region_use { REGION_HEAP, REGION_METADATA, REGION_OTHER };

struct region {
    uint64_t        start, end;
    enum region_use use;
};

struct region_list {
    struct region *regions;   // sorted by address
    size_t         n_regions, capacity;
};

// Adds what there is at present. Requires: memory of `list` is zero. Whatever comes of it, the list
// is to be freed.
enum process_result regions_read(struct page_view *view, struct region_list *list);
void                regions_free(struct region_list *list);

#endif
