// A cache: the spans that one thread allocates from, without a lock.
//
// For each size class it has a current span and a list of further spans with free slots, of which
// it allocates from one word of 64 slots at a time. To allocate takes the lowest bit out of the
// word, to free sets a bit in the word where it belongs: the bits are all that counts, so there is
// nothing to keep in step, to limit or to flush. Spans without a free slot are in no list; a free
// brings them back.
//
// The words in which slots were freed last are hot: their bits and, likely, what was in the slots
// are in the CPU's caches. An allocation takes from the newest of them, and a word used up makes
// room for the one before. A hot word may have no free slot any more; that shows in it.
//
// Whose a cache is at the moment is decided without a locked instruction. Its thread says that it
// is `inside` before it touches anything, and looks whether the cache is `closed`. Anybody else
// closes it first, makes sure by a barrier on all CPUs that the thread has seen this or that its
// being inside is seen, and then touches it only if the thread is not inside (caches.h). A signal
// handler that interrupted its thread inside finds it inside and goes another way.
#ifndef NEAP_CACHE_CACHE_H
#define NEAP_CACHE_CACHE_H

#include "span/central.h"

#define HOT_WORDS 4   // two cache lines for a class; eight are no faster

struct hot_word {
    ATOMIC(uint64_t) *word;   // of a span's `free`; NULL: none
    uintptr_t         base;   // address of the first of its slots
};

struct cache_class {
    uint32_t         hot_at;           // the newest hot word
    uint32_t         slot_bytes;       // as soon as there was a span
    ATOMIC(uint64_t) n_allocated;      // counter, since the cache began
    ATOMIC(uint64_t) n_freed;          // counter, by the cache's threads, whoever owns the slot
    struct span     *current;          // K2
    struct span     *partial;          // K2
    struct span     *full;             // K3
    struct hot_word  hot[HOT_WORDS];   // K1
    uint64_t         unused[2];
};
_Static_assert(sizeof(struct cache_class) == 2 * CACHE_LINE_BYTES, "an index is a shift");

enum cache_state {
    CACHE_IN_USE,   // has a thread
    CACHE_IDLE,     // has none
    CACHE_LOST,     // will never be whole again, after a fork; nobody touches it
};

struct cache {
    struct span_inbox inbox;   // first, so that the owner of a span is compared with the cache

    // The protocol of the file's head. Apart from the inbox, which others write to.
    ATOMIC(bool) inside CACHE_ALIGNED;   // written by the cache's thread
    ATOMIC(bool)        closed;          // written by the holder of the lock of all caches

    // The rest belongs to the thread inside, or to who closed it.
    struct span    *incoming;   // out of the inbox, not looked at yet
    struct central *central;    // constant
    struct cache   *next;       // of all caches; constant

    // Guarded by the lock of all caches.
    enum cache_state state;
    struct cache    *next_idle;
    bool             whole_at_fork;

    size_t listed_bytes;   // of spans that may cool: listed since it was looked what they hold

    struct cache_class classes[SIZE_CLASSES] CACHE_ALIGNED;
} CACHE_ALIGNED;
// Invariants:
//   K1  hot words are words of spans owned, of the class, whose slots begin at `base`
//   K2  current is a span owned, partial are others, among them all that have a slot in `free`;
//       they are `listed`, the others owned are not
//   K3  full are, in a private cache, the other spans; elsewhere nobody lists those

// Requires: memory of `cache` is zero. `heap`: the first-class heap it is private to, or NULL.
void cache_init(struct cache *cache, struct central *central, struct neap_heap *heap);

// Of a first-class heap, whose spans nobody shares?
static inline bool cache_is_private(const struct cache *cache)
{
    return cache->inbox.heap != NULL;
}

// ---- by the cache's thread --------------------------------------------------------------------

// False: the thread is inside already (we are in a signal handler), or the cache is closed.
static ALWAYS_INLINE bool cache_enter(struct cache *cache)
{
    if (UNLIKELY(load_relaxed(&cache->inside)))   // owner
        return false;
    store_relaxed(&cache->inside, true);   // owner
    compiler_barrier();                    // the other half is the barrier in caches.c
    // pairs with: cache_reopen
    if (LIKELY(!load_acquire(&cache->closed)))
        return true;
    store_release(&cache->inside, false);   // pairs with: cache_is_quiet
    return false;
}

static ALWAYS_INLINE void cache_leave(struct cache *cache)
{
    compiler_barrier();
    store_release(&cache->inside, false);   // pairs with: cache_is_quiet
}

// Requires for all below: the caller is inside, or has closed the cache and found it quiet.

// A slot from the newest hot word, or NULL if that is used up.
static ALWAYS_INLINE void *cache_allocate_at_once(struct cache *cache, unsigned size_class)
{
    struct cache_class *class = &cache->classes[size_class];
    KEEP(class);
    uint32_t               at = class->hot_at;
    const struct hot_word *hot = &class->hot[at];
    ATOMIC(uint64_t)      *word = hot->word;
    if (UNLIKELY(word == NULL))
        return NULL;
    uint64_t bits = load_relaxed(word);   // owner
    if (UNLIKELY(bits == 0))
        return NULL;
    uint64_t after = bits & (bits - 1);
    store_relaxed(word, after);   // owner
    class->hot_at = (at - (after == 0)) % HOT_WORDS;
    count_up_owned(&class->n_allocated);
    return (void *)(hot->base + bits_lowest(bits) * (size_t) class->slot_bytes);
}

// The same; if it is used up, from another hot word, or of a span that the cache has in its list:
// a few loads. NULL: there is none.
NODISCARD void *cache_allocate_next(struct cache *cache, unsigned size_class);

// The same; if there is none, from what others have freed, or from a span that it gets. NULL: the
// OS has no more memory.
NODISCARD void *cache_allocate(struct cache *cache, unsigned size_class);

enum cache_freed {
    CACHE_FREED,
    CACHE_FREED_WORD,    // one of the span's words has become all free: call cache_end_free
    CACHE_FREED_FIRST,   // the first slot of a span that is not listed: call cache_end_free
    CACHE_NOT_FREED,     // it is free already; nothing has happened
};

// The next allocation takes from this word first.
static ALWAYS_INLINE void cache_note_hot(struct cache_class *class, ATOMIC(uint64_t) *word,
                                         uintptr_t base)
{
    uint32_t at = class->hot_at;
    if (class->hot[at].word == word)
        return;
    at = (at + 1) % HOT_WORDS;
    class->hot_at = at;
    class->hot[at] = (struct hot_word){word, base};
}

// Takes an object of an own span of the class back. Requires: the cache owns it; `slot` is its.
static ALWAYS_INLINE enum cache_freed cache_free_at_once(struct cache_class *class,
                                                         struct span             *span,
                                                         const struct size_class *shape,
                                                         size_t slot, uintptr_t object)
{
    ATOMIC(uint64_t) *word = &span->free[slot / WORD_BITS];
    KEEP(word);
    uint64_t before = load_relaxed(word);   // owner
    if (UNLIKELY(bits_has(before, slot % WORD_BITS)))
        return CACHE_NOT_FREED;
    // Two threads that free a slot at one instant are found out when the bits are taken in. hint
    if (UNLIKELY(load_relaxed(&span->visited)) && span_slot_is_free_elsewhere(span, slot))
        return CACHE_NOT_FREED;
    uint64_t after = bits_with(before, slot % WORD_BITS);
    store_relaxed(word, after);   // owner
    count_up_owned(&class->n_freed);
    cache_note_hot(class, word, object - slot % WORD_BITS * class->slot_bytes);
    if (UNLIKELY(after == ~UINT64_C(0) || after == shape->last_word))
        return CACHE_FREED_WORD;
    return LIKELY(span->listed) ? CACHE_FREED : CACHE_FREED_FIRST;
}

// What is left to do then. Returns SPAN_GIVEN or SPAN_GIVEN_ALARM.
enum span_give_result cache_end_free(struct cache *cache, struct span *span,
                                     enum cache_freed freed);

// All of it.
NODISCARD enum span_give_result cache_free(struct cache *cache, struct span *span, size_t slot);

// The same in a span that the cache has just been given by the central lists.
NODISCARD enum span_give_result cache_free_in_new(struct cache *cache, struct span *span,
                                                  size_t slot);

// Takes in all that others have freed.
void cache_take_in(struct cache *cache);

// ---- emptying ---------------------------------------------------------------------------------

// Takes in what others have freed and gives idle spans back to the page heap.
void cache_tidy(struct cache *cache);

// Tidies, and hands over to the central lists, where OS pages inside of spans may be given back,
// those spans that it has not used since the last call.
void cache_rest(struct cache *cache);

// Hands so many over whether it has used them or not, if there are.
void cache_hand_over(struct cache *cache, size_t n_spans);

// Hands all spans with free slots over to the central lists: the cache holds no memory any more,
// but that of live objects.
void cache_empty(struct cache *cache);

// Of a private cache: calls `visit` with each of its spans; it may destroy that span.
void cache_each_span(struct cache *cache, void (*visit)(void *context, struct span *span),
                     void         *context);

// Gives all spans of a private cache back to the page heap, whatever is in them, and leaves its
// counters to the central lists.
void cache_discard(struct cache *cache);

// Returns NULL, or the invariant found broken.
const char *cache_verify(struct cache *cache);

#endif
