// What central.c and central_cool.c share: which list a span is in, and which it should be in. For
// nobody else.
#ifndef NEAP_SPAN_CENTRAL_PARTS_H
#define NEAP_SPAN_CENTRAL_PARTS_H

#include "span/central.h"

static inline struct central_list *list_of(struct central *central, const struct span *span)
{
    return &central->lists[span->size_class];
}

static inline bool is_idle_locked(const struct span *span)
{
    return span->n_free == span_class(span)->n_slots && span->owed_notes == 0;
}

static inline void list_add_locked(struct central_list *list, struct span *span)
    REQUIRES(list->lock)
{
    span->is_cooled = false;
    span_list_add(&list->first, span);
}

static inline void list_add_cooled_locked(struct central_list *list, struct span *span)
    REQUIRES(list->lock)
{
    span->is_cooled = true;
    span_list_add(&list->cooled, span);
}

static inline void list_remove_locked(struct central_list *list, struct span *span)
    REQUIRES(list->lock)
{
    span_list_remove(span->is_cooled ? &list->cooled : &list->first, span);
}

// Looks through the inbox. A span that has gone to another owner meanwhile follows him there.
void central_take_in_locked(struct central *central, struct central_list *list)
    REQUIRES(list->lock);

// None of the span's OS pages counts as released any more; those but `still_released` are to be
// touched. The page heap knows.
void central_warm_noted(struct central *central, struct span *span, uint64_t still_released);

// Before an idle span goes back to the page heap, which knows whole pages of ours only: where a
// part of one is released, that part counts as used again, and the page heap knows. Where the hard
// limit does not allow that, the rest of the page is released, too.
void central_part_whole_pages(struct central *central, struct span *span);

// As central_warm_noted, of all of them, and the page heap is told. False: it would take the heap
// beyond its hard limit.
NODISCARD bool central_try_warm(struct central *central, struct span *span);

// Takes the lock of whoever cools: he sees that somebody waits after the next batch.
void central_stop_cooling(struct central *central);

#endif
