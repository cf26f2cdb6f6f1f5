// What is seen of a process, as JSON: one object a line each, with its schema's name.
#ifndef NEAP_TOOLS_VIEW_JSON_H
#define NEAP_TOOLS_VIEW_JSON_H

#include "explanation.h"
#include "history.h"
#include "page_view.h"

#include <stdio.h>

// "neap.stat/1": every statistic that has a value, by its name. Requires: the view has been read.
void view_json_write_statistics(FILE *out, pid_t pid, const struct page_view *view);

// "neap.history/1".
void view_json_write_sample(FILE *out, pid_t pid, const struct history_sample *sample);

// "neap.explain/1".
void view_json_write_explanation(FILE *out, pid_t pid, const struct page_view *view,
                                 const struct explanation *explanation);

#endif
