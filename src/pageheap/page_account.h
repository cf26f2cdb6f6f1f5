// The books of a page heap: every byte of it in exactly one of them.
#ifndef NEAP_PAGEHEAP_PAGE_ACCOUNT_H
#define NEAP_PAGEHEAP_PAGE_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>

// All in bytes, read at one instant.
struct page_account {
    size_t reserved_bytes;          // address space of all arenas, mapped or not
    size_t mapped_bytes;            // prepared: grown into so far
    size_t in_use_bytes;            // in runs handed out
    size_t released_inside_bytes;   // of that: given back by the runs' owner
    size_t manual_bytes;            // in runs handed out for manual use
    size_t cached_ready_bytes;      // in page caches, resident
    size_t cached_released_bytes;   // in page caches, not resident
    size_t free_ready_bytes;        // free and resident, also while being given back
    size_t free_released_bytes;     // free and not resident
    size_t metadata_bytes;          // our own books, outside `mapped`

    // Since the heap began.
    size_t grown_times;              // growths that succeeded
    size_t scavenged_bytes;          // given back to the kernel
    size_t scavenged_steps;          // in how many calls of the kernel
    size_t scavenge_refused_times;   // "not now" from the kernel
};

// in use + manual + cached + free == mapped?
static inline bool page_account_adds_up(const struct page_account *account)
{
    return account->in_use_bytes + account->manual_bytes + account->cached_ready_bytes +
               account->cached_released_bytes + account->free_ready_bytes +
               account->free_released_bytes ==
           account->mapped_bytes;
}

// Not resident, free or inside of runs in use.
static inline size_t page_account_released_bytes(const struct page_account *account)
{
    return account->free_released_bytes + account->cached_released_bytes +
           account->released_inside_bytes;
}

// In use, and not given back by its owner.
static inline size_t page_account_used_bytes(const struct page_account *account)
{
    return account->in_use_bytes + account->manual_bytes - account->released_inside_bytes;
}

// What limits count: everything mapped and not released, our own books included.
static inline size_t page_account_counted_bytes(const struct page_account *account)
{
    return page_account_used_bytes(account) + account->cached_ready_bytes +
           account->free_ready_bytes + account->metadata_bytes;
}

#endif
