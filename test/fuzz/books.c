#include "books.h"

#include "front/front.h"

#include <limits.h>
#include <stdio.h>

// Adds a comparison of two numbers to a conjunction, with a message where it is the first to fail.
#define SAME(left, right)                                                                          \
    ((size_t)(left) == (size_t)(right) ||                                                          \
     (snprintf(out_message, BOOKS_MESSAGE_BYTES, "%s is %zu, %s is %zu", #left, (size_t)(left),    \
               #right, (size_t)(right)),                                                           \
      false))

bool books_compare(const struct entry_points *entry, const struct books_expected *expected,
                   char out_message[BOOKS_MESSAGE_BYTES])
{
    if (entry->account_read == NULL)
        return true;
    struct front_account books;
    entry->account_read(&books);
    const struct page_account *pages = &books.pages;
    size_t cached_bytes = pages->cached_ready_bytes + pages->cached_released_bytes;
    size_t free_bytes = pages->free_ready_bytes + pages->free_released_bytes;
    size_t n_live = books.slots.used_slots + books.large_objects;
    size_t live_bytes = books.slots.used_bytes + books.large_bytes;
    return SAME(n_live, expected->n_objects) && SAME(live_bytes, expected->usable_bytes) &&
           SAME(live_bytes + books.slots.free_bytes + books.slots.released_bytes,
                pages->in_use_bytes) &&
           SAME(pages->in_use_bytes + pages->manual_bytes + cached_bytes + free_bytes,
                pages->mapped_bytes);
}

static size_t clamped(size_t value)
{
    return value < INT_MAX ? value : INT_MAX;
}

bool books_compare_mallinfo(const struct entry_points *entry, char out_message[BOOKS_MESSAGE_BYTES])
{
    struct mallinfo2 wide = entry->mallinfo2();
    struct mallinfo  narrow = entry->mallinfo();
    if (entry->account_read == NULL)
        return true;   // another malloc's numbers mean something else
    struct front_account books;
    entry->account_read(&books);
    return SAME(wide.hblks, books.large_objects) && SAME(wide.hblkhd, books.large_bytes) &&
           SAME(wide.uordblks, books.slots.used_bytes) &&
           SAME(wide.arena + wide.hblkhd, books.pages.mapped_bytes) &&
           SAME(wide.uordblks + wide.fordblks, wide.arena) &&
           SAME(narrow.arena, clamped(wide.arena)) && SAME(narrow.hblks, clamped(wide.hblks)) &&
           SAME(narrow.hblkhd, clamped(wide.hblkhd)) &&
           SAME(narrow.uordblks, clamped(wide.uordblks)) &&
           SAME(narrow.fordblks, clamped(wide.fordblks));
}

size_t books_scavenged_bytes(const struct entry_points *entry)
{
    if (entry->account_read == NULL)
        return 0;
    struct front_account books;
    entry->account_read(&books);
    return books.pages.scavenged_bytes + books.slots.scavenged_bytes;
}
