// Following the arrays and lists of a page's ranges.
#include "ranges.h"

#include "neap/page.h"
#include "page_view_parts.h"

#include <stdlib.h>
#include <string.h>

#define RANGE_PARTS_MAX 65536

static bool add(struct range_list *list, const struct range *range)
{
    if (list->n_ranges == list->capacity) {
        size_t        capacity = 2 * list->capacity + 16;
        struct range *ranges = realloc(list->ranges, capacity * sizeof *ranges);
        if (ranges == NULL)
            return false;
        list->ranges = ranges;
        list->capacity = capacity;
    }
    list->ranges[list->n_ranges++] = *range;
    return true;
}

static enum range_use use_of(const struct neap_page_range *range)
{
    if (strcmp(range->use, "heap") == 0)
        return RANGE_HEAP;
    return strcmp(range->use, "metadata") == 0 ? RANGE_METADATA : RANGE_OTHER;
}

static enum process_result add_element(struct page_view *view, const struct neap_page_range *row,
                                       uint64_t element, struct range_list *list)
{
    uint64_t             start, length;
    struct process_piece pieces[] = {{element + row->start, sizeof start, &start},
                                     {element + row->length, sizeof length, &length}};
    enum process_result  result = process_memory_read(view->pid, pieces, 2);
    if (result != PROCESS_READ)
        return result;
    struct range range = {.start = start * row->start_unit, .use = use_of(row)};
    range.end = range.start + length * row->length_unit;
    return range.end >= range.start && list->n_ranges < RANGE_PARTS_MAX && add(list, &range)
               ? PROCESS_READ
               : PROCESS_DAMAGED;
}

static enum process_result add_range(struct page_view *view, const struct neap_page_range *range,
                                     struct range_list *list)
{
    uint64_t             element, n_elements;
    struct process_piece pieces[] = {
        {view->heap + range->first, sizeof element, &element},
        {view->heap + range->count_at, sizeof n_elements, &n_elements}};
    enum process_result result = process_memory_read(view->pid, pieces, 2);
    for (uint64_t i = 0; result == PROCESS_READ; i++) {
        if (range->is_list ? element == 0 : i == n_elements)
            break;
        result = add_element(view, range, element, list);
        if (!range->is_list)
            element += range->stride;
        else if (result == PROCESS_READ)
            result =
                process_memory_read_one(view->pid, element + range->next, &element, sizeof element);
    }
    return result;
}

static int compare(const void *a, const void *b)
{
    const struct range *first = a, *second = b;
    return (first->start > second->start) - (first->start < second->start);
}

enum process_result ranges_read(struct page_view *view, struct range_list *list)
{
    enum process_result result = PROCESS_READ;
    for (size_t i = 0; i < view->table.n_ranges && result == PROCESS_READ; i++)
        result = add_range(view, &view->table.ranges[i], list);
    struct range heap = {view->heap, view->heap + view->table.head.heap_bytes, RANGE_METADATA};
    if (result == PROCESS_READ && !add(list, &heap))
        result = PROCESS_DAMAGED;
    if (list->n_ranges > 0)
        qsort(list->ranges, list->n_ranges, sizeof *list->ranges, compare);
    return result;
}

void ranges_free(struct range_list *list)
{
    free(list->ranges);
    *list = (struct range_list){.n_ranges = 0};
}
