// Samples of the past as lines of a table.
#ifndef NEAP_TOOLS_HISTORY_TEXT_H
#define NEAP_TOOLS_HISTORY_TEXT_H

#include "history.h"

#include <stdio.h>

// All from `first` on, under a heading. Rates are since the sample before.
void history_write_text(FILE *out, const struct history *history, size_t first);

#endif
