// The statistics of this process as text, for people and for programs.
#ifndef NEAP_OBSERVE_STATS_TEXT_H
#define NEAP_OBSERVE_STATS_TEXT_H

#include "observe/statistics.h"

enum stats_format {
    STATS_TEXT,          // a line for each
    STATS_JSON,          // one object, schema neap.stats/1
    STATS_OPENMETRICS,   // ends with "# EOF"
};

// Writes them to a file descriptor. Takes no lock and a kilobyte of stack; may be called by a
// signal handler. Returns 0 or an errno value of write(2).
int stats_text_print(int fd, enum stats_format format);

#endif
