// Following the arrays and lists of a page's regions.
#include "regions.h"

#include "neap/page.h"
#include "page_view_parts.h"

#include <stdlib.h>
#include <string.h>

#define REGION_PARTS_MAX 65536

static bool add(struct region_list *list, const struct region *range)
{
    if (list->n_regions == list->capacity) {
        size_t         capacity = 2 * list->capacity + 16;
        struct region *regions = realloc(list->regions, capacity * sizeof *regions);
        if (regions == NULL)
            return false;
        list->regions = regions;
        list->capacity = capacity;
    }
    list->regions[list->n_regions++] = *range;
    return true;
}

static enum region_use use_of(const struct neap_page_region *region)
{
    if (strcmp(region->use, "heap") == 0)
        return REGION_HEAP;
    return strcmp(region->use, "metadata") == 0 ? REGION_METADATA : REGION_OTHER;
}

static enum process_result add_element(struct page_view              *view,
                                       const struct neap_page_region *region, uint64_t element,
                                       struct region_list *list)
{
    uint64_t             start, length;
    struct process_piece pieces[] = {{element + region->start, sizeof start, &start},
                                     {element + region->length, sizeof length, &length}};
    enum process_result  result = process_memory_read(view->pid, pieces, 2);
    if (result != PROCESS_READ)
        return result;
    struct region range = {.start = start * region->start_unit, .use = use_of(region)};
    range.end = range.start + length * region->length_unit;
    return range.end >= range.start && list->n_regions < REGION_PARTS_MAX && add(list, &range)
               ? PROCESS_READ
               : PROCESS_DAMAGED;
}

static enum process_result add_region(struct page_view *view, const struct neap_page_region *region,
                                      struct region_list *list)
{
    uint64_t             element, n_elements;
    struct process_piece pieces[] = {
        {view->heap + region->first, sizeof element, &element},
        {view->heap + region->count_at, sizeof n_elements, &n_elements}};
    enum process_result result = process_memory_read(view->pid, pieces, 2);
    for (uint64_t i = 0; result == PROCESS_READ; i++) {
        if (region->is_list ? element == 0 : i == n_elements)
            break;
        result = add_element(view, region, element, list);
        if (!region->is_list)
            element += region->stride;
        else if (result == PROCESS_READ)
            result = process_memory_read_one(view->pid, element + region->next, &element,
                                             sizeof element);
    }
    return result;
}

static int compare(const void *a, const void *b)
{
    const struct region *first = a, *second = b;
    return (first->start > second->start) - (first->start < second->start);
}

enum process_result regions_read(struct page_view *view, struct region_list *list)
{
    enum process_result result = PROCESS_READ;
    for (size_t i = 0; i < view->table.n_regions && result == PROCESS_READ; i++)
        result = add_region(view, &view->table.regions[i], list);
    struct region heap = {view->heap, view->heap + view->table.head.heap_bytes, REGION_METADATA};
    if (result == PROCESS_READ && !add(list, &heap))
        result = PROCESS_DAMAGED;
    qsort(list->regions, list->n_regions, sizeof *list->regions, compare);
    return result;
}

void regions_free(struct region_list *list)
{
    free(list->regions);
    *list = (struct region_list){.n_regions = 0};
}
