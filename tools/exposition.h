// Statistics of processes in the formats that monitoring systems read.
//
// Each sample has the labels name and pid. Of processes with libraries of different versions, each
// tells what it has.
#ifndef NEAP_TOOLS_EXPOSITION_H
#define NEAP_TOOLS_EXPOSITION_H

#include "targets.h"

#include <stdio.h>

enum exposition_format {
    EXPOSITION_PROMETHEUS,    // text format 0.0.4: the TYPE line has "_total" too
    EXPOSITION_OPENMETRICS,   // 1.0.0: it has not; ends with "# EOF"
    EXPOSITION_JSON,          // one object, schema neap.metrics/1
};

void exposition_write(const struct targets *targets, enum exposition_format format, FILE *out);

// What a server says about it.
const char *exposition_content_type(enum exposition_format format);

#endif
