// What a process held in the past, from the rings that it keeps itself: so it is there also for who
// begins to look only now.
#ifndef NEAP_TOOLS_HISTORY_H
#define NEAP_TOOLS_HISTORY_H

#include "page_view.h"

struct history_sample {
    double   age_s;   // so long ago
    uint64_t resident_bytes, object_bytes, free_ready_bytes, allocations, returned_bytes;
};

struct history {
    struct history_sample *samples;   // oldest first
    size_t                 n_samples;
};

// Reads a ring by its name, "seconds" or "minutes". A library that has no such ring, and a process
// too young for a sample, have none. Whatever comes of it, *out is to be freed.
enum process_result history_read(struct page_view *view, const char *ring, struct history *out);
void                history_free(struct history *history);

#endif
