// A page heap on the fake kernel with central lists and caches over it, for one thread that plays
// the threads of all caches.
#ifndef NEAP_TEST_SPAN_WORLD_H
#define NEAP_TEST_SPAN_WORLD_H

#include "cache/caches.h"
#include "unit_kit.h"

struct span_world {
    struct page_heap pages;
    struct central   central;
    struct caches    caches;
};

struct span_world *span_world_new(void);   // with OS pages of 4 KiB
struct span_world *span_world_new_on(size_t os_page_bytes);
// Having verified it.
void span_world_delete(struct span_world *world);

void   expect_world(struct span_world *world);
size_t world_in_use_bytes(struct span_world *world);
size_t world_span_bytes(unsigned size_class);

// Where a slot's address lies.
struct span *world_span_at(struct span_world *world, const void *slot);
size_t       world_slot_at(struct span_world *world, const void *slot);
void        *world_slot(const struct span *span, size_t slot);
// May all bytes of the slot be touched?
bool world_slot_is_ready(const struct span *span, size_t slot);

// By who has no cache.
void                 *world_fetch(struct span_world *world, unsigned size_class);
enum span_give_result world_give_back(struct span_world *world, const void *slot);

struct cache *world_cache(struct span_world *world);
void         *world_allocate(struct cache *cache, unsigned size_class);
// As front does it: an own slot goes where it belongs, one of a central list brings its span along,
// all others are freed elsewhere.
enum span_give_result world_free(struct span_world *world, struct cache *cache, const void *slot);

// Allocates all slots of `n_spans` spans; the last one stays current.
void world_fill_spans(struct cache *cache, unsigned size_class, size_t n_spans, void **out_slots);

void world_free_all(struct span_world *world, struct cache *cache, void **slots, size_t n);

size_t world_n_spans(const struct span_world *world, unsigned size_class);

// The smallest class whose spans have so many slots.
unsigned class_with_slots(size_t n_slots);

// As the functions of their names, for tests that do not care for crowded inboxes.
static inline enum span_give_result free_elsewhere(struct span *span, size_t slot)
{
    struct span_inbox *crowded;
    return span_free_elsewhere(span, slot, &crowded);
}

static inline enum span_give_result give_back_to(struct central *central, struct span *span,
                                                 size_t slot)
{
    struct span_inbox *crowded;
    return central_give_back(central, span, slot, &crowded);
}

// As if the owner looked at the bits before he receives the notes for them.
static inline void take_bits_only(struct span *span)
{
    uint32_t notes = exchange_acq_rel(&span->notes, 0);
    span_take_in(span);
    store_relaxed(&span->notes, notes);
}

#endif
