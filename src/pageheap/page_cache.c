// Taking runs from one word of free bits.
#include "pageheap/page_cache.h"

#include "base/check.h"

bool page_window_take(struct page_window *window, unsigned n_pages, unsigned os_page_pages,
                      page_id *out_first, size_t *out_released_pages)
{
    if (window->free == 0)
        return false;
    unsigned at = bits_find_run(window->free, n_pages);
    if (at == WORD_BITS)
        return false;
    uint64_t taken = bits_mask(at, n_pages);
    *out_first = page_plus(window->first, at);
    *out_released_pages = bits_count(window->released & taken);
    window->free &= ~taken;
    // An OS page that is cut counts as ready, also the part that stays.
    window->released &= ~bits_fill_groups(taken, os_page_pages);
    return true;
}

bool page_window_give(struct page_window *window, page_id first, unsigned n_pages)
{
    size_t at = first.number - window->first.number;   // wraps if it lies below: too large then
    if (at >= WINDOW_PAGES || at + n_pages > WINDOW_PAGES)
        return false;
    uint64_t given = bits_mask((unsigned)at, n_pages);
    DCHECK_EQ(window->free & given, 0);
    window->free |= given;
    return true;
}

const char *page_window_verify(const struct page_window *window, unsigned os_page_pages)
{
    if ((window->released & ~window->free) != 0)
        return "C2 a released page of a window is not free";   // C2
    if (bits_whole_groups(window->released, os_page_pages) != window->released)
        return "C2 part of an OS page of a window is released";
    return NULL;
}
