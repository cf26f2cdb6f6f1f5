// The summary of a run: how much memory and time a command took, in a few lines for people.
#ifndef NEAP_TOOLS_SUMMARY_H
#define NEAP_TOOLS_SUMMARY_H

#include "exit_record.h"
#include "launch.h"
#include "timeline.h"

#include <stdint.h>
#include <stdio.h>

struct summary {
    char *const           *command;
    const struct outcome  *outcome;
    const struct timeline *timeline;
    struct exit_records    records;
    uint64_t               limit_bytes;   // of the control group; 0: none
};

// Writes it; a line about what is not known is left out.
void summary_write(const struct summary *summary, FILE *out);

#endif
