// The statistics of a running process, read by way of its page (neap/page.h).
//
// A view is opened once and read as often as one likes; each reading copies the process's numbers
// anew, until a copy is whole. The page may come from any version of the library of a layout that
// we know, and nothing in it is believed before it has been looked at.
#ifndef NEAP_TOOLS_PAGE_VIEW_H
#define NEAP_TOOLS_PAGE_VIEW_H

#include "page_find.h"

#include <stdbool.h>

struct page_view;

struct page_statistic {
    const char *name, *unit, *help;
    const char *metric, *labels;   // for OpenMetrics; see neap/page.h
    bool        is_counter;        // else a gauge
};

// Finds the page of a process, or takes it where `place` says if that is not NULL. PROCESS_READ:
// *out_view is to be closed.
enum process_result page_view_open(pid_t pid, const struct page_place *place,
                                   struct page_view **out_view);
void                page_view_close(struct page_view *view);

// The version of the library.
const char *page_view_version(const struct page_view *view);

// What there is to know, in the order in which it is listed.
size_t                page_view_count(const struct page_view *view);
struct page_statistic page_view_describe(const struct page_view *view, size_t i);

// Copies all numbers. PROCESS_READ: page_view_value and _get tell them.
enum process_result page_view_read(struct page_view *view);

uint64_t page_view_value(const struct page_view *view, size_t i);

// Has it a value? A limit that there is not has none.
bool page_view_is_known(const struct page_view *view, size_t i);

// By name; false: this library does not have it, or it has no value.
bool page_view_get(const struct page_view *view, const char *name, uint64_t *out_value);

// The same; 0 if the library does not have it.
uint64_t page_view_number(const struct page_view *view, const char *name);

// Says in one line why there is nothing to see and returns the exit code. Requires: the result is
// not PROCESS_READ.
int page_view_complain(pid_t pid, enum process_result result);

#endif
