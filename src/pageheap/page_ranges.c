// Sorted ranges: binary search, merging with both neighbours.
#include "pageheap/page_ranges.h"

#include "base/check.h"

#include <string.h>

static size_t range_end(const struct page_range *range)
{
    return range->first.number + range->n_pages;
}

struct page_range *page_ranges_move(struct page_ranges *list, struct page_range *storage,
                                    size_t capacity)
{
    CHECK_LE(list->n_ranges, capacity);
    struct page_range *old = list->ranges;
    if (list->n_ranges > 0)
        memcpy(storage, old, list->n_ranges * sizeof *storage);
    list->ranges = storage;
    list->capacity = capacity;
    return old;
}

size_t page_ranges_find_successor(const struct page_ranges *list, page_id page)
{
    size_t low = 0;
    size_t high = list->n_ranges;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (range_end(&list->ranges[middle]) <= page.number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool page_ranges_contains(const struct page_ranges *list, page_id page)
{
    size_t i = page_ranges_find_successor(list, page);
    return i < list->n_ranges && list->ranges[i].first.number <= page.number;
}

static void remove_at(struct page_ranges *list, size_t i)
{
    list->n_ranges--;
    memmove(&list->ranges[i], &list->ranges[i + 1], (list->n_ranges - i) * sizeof list->ranges[0]);
}

static void insert_at(struct page_ranges *list, size_t i, struct page_range range)
{
    CHECK(!page_ranges_is_full(list));
    memmove(&list->ranges[i + 1], &list->ranges[i], (list->n_ranges - i) * sizeof list->ranges[0]);
    list->ranges[i] = range;
    list->n_ranges++;
}

void page_ranges_add(struct page_ranges *list, page_id first, size_t n_pages)
{
    DCHECK(n_pages > 0);
    size_t i = page_ranges_find_successor(list, first);
    bool   joins_below = i > 0 && range_end(&list->ranges[i - 1]) == first.number;
    bool joins_above = i < list->n_ranges && list->ranges[i].first.number == first.number + n_pages;
    DCHECK(i == list->n_ranges || list->ranges[i].first.number >= first.number + n_pages);
    list->total_pages += n_pages;
    if (joins_below && joins_above) {
        list->ranges[i - 1].n_pages += n_pages + list->ranges[i].n_pages;
        remove_at(list, i);
    } else if (joins_below) {
        list->ranges[i - 1].n_pages += n_pages;
    } else if (joins_above) {
        list->ranges[i].first = first;
        list->ranges[i].n_pages += n_pages;
    } else {
        insert_at(list, i, (struct page_range){first, n_pages});
    }
}

const char *page_ranges_verify(const struct page_ranges *list)
{
    size_t total_pages = 0;
    for (size_t i = 0; i < list->n_ranges; i++) {
        if (list->ranges[i].n_pages == 0)
            return "R1 a range is empty";   // R1
        if (i > 0 && list->ranges[i].first.number < list->ranges[i - 1].first.number)
            return "R1 the ranges are not sorted";
        if (i > 0 && list->ranges[i].first.number <= range_end(&list->ranges[i - 1]))
            return "R2 two ranges touch or overlap";   // R2
        total_pages += list->ranges[i].n_pages;
    }
    return total_pages != list->total_pages ? "R3 the total is not the sum" : NULL;   // R3
}
