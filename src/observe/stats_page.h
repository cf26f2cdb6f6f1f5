// The page: what there is to know about this process's heap, and where it lies. See neap/page.h.
//
// It is made of statistics.def when the library is built and never written to: a process that
// nobody looks at pays nothing for it.
#ifndef NEAP_OBSERVE_STATS_PAGE_H
#define NEAP_OBSERVE_STATS_PAGE_H

#include "base/compiler.h"
#include "neap/page.h"
#include "span/size_class.h"

// The statistics by number, as rows of the page.
enum statistic {
#define STATISTIC(name, ...) STATISTIC_##name,
#define TERM(...)
#include "observe/statistics.def"
#undef STATISTIC
#undef TERM
    STATISTICS
};

enum place { PLACE_HEAP, PLACE_PAGE_CACHE, PLACE_CENTRAL, PLACE_CACHE, PLACE_FIRST_CLASS, PLACES };

enum range { RANGE_HEAP, RANGE_METADATA, RANGES };

enum ring { RING_SECONDS, RING_MINUTES, RINGS };

#define ASKED 3     // kinds of requests
#define COLUMNS 6   // of struct history_sample

enum weights { WEIGHTS_SLOT, WEIGHTS_SPAN, WEIGHTS, WEIGHTS_ONE = NEAP_PAGE_UNWEIGHTED };

enum {
    PAGE_TERMS = 0
#define STATISTIC(...)
#define TERM(...) +1
#include "observe/statistics.def"
#undef STATISTIC
#undef TERM
};

struct stats_page {
    struct neap_page           head;   // first
    struct neap_page_statistic statistics[STATISTICS];
    struct neap_page_place     places[PLACES];
    struct neap_page_term      terms[PAGE_TERMS];
    struct neap_page_range     ranges[RANGES];
    struct neap_page_ring      rings[RINGS];
    struct neap_page_column    columns[COLUMNS];
    struct neap_page_request   requests[ASKED];
    uint32_t                   weights[WEIGHTS][SIZE_CLASSES];
};

extern const struct stats_page stats_page HIDDEN;

#endif
