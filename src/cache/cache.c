// The slower ways of a cache: another word, another span, what others have freed.
#include "cache/cache.h"

#include "base/check.h"

#include <string.h>

// Taking in is paid by one allocation: enough to find a slot, few enough to be short.
#define TAKEN_IN_AT_ONCE 16

// When spans of so much in all had their first slot freed it is time to look what free slots hold.
#define LISTED_BYTES_MAX (16 * MIB)

// A span of which nothing is in use is kept if it is small: the next objects of the class may come
// soon, and the page heap costs ten times what a slot does.
#define KEPT_IDLE_PAGES_MAX 2

ATOMIC(uint64_t) cache_no_slots;

static void use_no_word(struct cache_class *class)
{
    class->free_at = 0;
    class->base = 0;
}

void cache_init(struct cache *cache, struct central *central, struct neap_heap *heap)
{
    cache->central = central;
    cache->inbox.heap = heap;
}

// A span leaves the cache.
static void forget_hot(struct cache *cache, const struct span *span)
{
    struct cache_class *class = &cache->classes[span->size_class];
    for (size_t i = 0; i < HOT_SLOTS; i++)
        if (hot_span(class->hot[i]) == span)
            class->hot[i] = 0;
}

static void destroy_span(struct cache *cache, struct span *span)
{
    forget_hot(cache, span);
    central_destroy_span(cache->central, span);
}

static void put_span(struct cache *cache, struct span *span)
{
    forget_hot(cache, span);
    central_put_span(cache->central, span);
}

// Allocates from a word of the span that has a free slot: where one was freed last, or the lowest.
// False: none has.
static bool use_word_of(struct cache *cache, struct span *span)
{
    const struct size_class *shape = span_class(span);
    struct cache_class *class = &cache->classes[span->size_class];
    size_t i = span->hot_word;
    if (load_relaxed(&span->free[i]) == 0) {   // owner
        i = 0;
        while (i < shape->n_words && load_relaxed(&span->free[i]) == 0)   // owner
            i++;
        if (i == shape->n_words)
            return false;
    }
    class->slot_bytes = shape->slot_bytes;
    class->free_at = (uintptr_t)&span->free[i] - (uintptr_t)&cache_no_slots;
    class->base = (uintptr_t)run_start(&span->run) + i * WORD_BITS * shape->slot_bytes;
    return true;
}

static void make_current(struct cache *cache, struct span *span)
{
    cache->classes[span->size_class].current = span;
    span->listed = true;
    bool found = use_word_of(cache, span);
    CHECK(found);   // K2
}

// ---- what others have freed -------------------------------------------------------------------

// A span without a free slot: it comes back when one is freed.
static void put_aside(struct cache *cache, struct span *span)
{
    if (cache_is_private(cache))
        span_list_add(&cache->classes[span->size_class].full, span);
    span->listed = false;
}

// One that was put aside has a free slot again.
static void list_span(struct cache *cache, struct span *span)
{
    struct cache_class *class = &cache->classes[span->size_class];
    if (cache_is_private(cache))
        span_list_remove(&class->full, span);
    span_list_add(&class->partial, span);
    cache->listed_bytes += span_may_cool(span) ? run_bytes(&span->run) : 0;
}

// False: it is the current one, or has no free slot.
static bool list_if_it_has_free(struct cache *cache, struct span *span)
{
    if (span == cache->classes[span->size_class].current || !span_has_free(span))
        return false;
    if (!span->listed)
        list_span(cache, span);
    return true;
}

static void list_or_destroy(struct cache *cache, struct span *span)
{
    struct cache_class *class = &cache->classes[span->size_class];
    if (!list_if_it_has_free(cache, span) || !span_is_idle(span))
        return;
    bool only_one = class->partial == span && span->next == NULL;
    if (only_one && span->run.n_pages <= KEPT_IDLE_PAGES_MAX)
        return;
    span_list_remove(&class->partial, span);
    destroy_span(cache, span);
}

static enum span_give_result given(struct cache *cache)
{
    bool is_time = cache->listed_bytes >= LISTED_BYTES_MAX;
    if (UNLIKELY(is_time))
        cache->listed_bytes = 0;
    is_time |= load_relaxed(&cache->central->page_heap->alarm);   // hint: or the next time
    return UNLIKELY(is_time) ? SPAN_GIVEN_ALARM : SPAN_GIVEN;
}

static void note_freed(struct cache *cache, struct span *span)
{
    // A signal handler may have interrupted its thread where that holds the page heap's lock: then
    // even an idle span stays.
    if (UNLIKELY(lock_this_thread_has_any()))
        list_if_it_has_free(cache, span);
    else
        list_or_destroy(cache, span);
}

enum span_give_result cache_end_free(struct cache *cache, struct span *span, enum cache_freed freed)
{
    if (freed == CACHE_FREED_FIRST)
        list_span(cache, span);
    else
        note_freed(cache, span);
    return given(cache);
}

enum span_give_result cache_free(struct cache *cache, struct span *span, size_t slot)
{
    enum cache_freed freed =
        cache_free_at_once(&cache->classes[span->size_class], span, span_class(span), slot);
    if (freed == CACHE_NOT_FREED)
        return SPAN_ALREADY_FREE;
    return freed == CACHE_FREED ? SPAN_GIVEN : cache_end_free(cache, span, freed);
}

enum span_give_result cache_free_in_new(struct cache *cache, struct span *span, size_t slot)
{
    struct cache_class *class = &cache->classes[span->size_class];
    enum span_give_result result = span_give_slot(span, slot);
    class->slot_bytes = span_class(span)->slot_bytes;
    if (result == SPAN_GIVEN)
        count_up_owned(&class->n_freed);
    list_or_destroy(cache, span);
    return result;
}

// Looks at up to `n_max` spans in which others have freed something. A span that has gone to
// another owner meanwhile follows him there.
static void take_in(struct cache *cache, size_t n_max)
{
    for (size_t i = 0; i < n_max; i++) {
        if (cache->incoming == NULL) {
            if (span_inbox_is_empty(&cache->inbox))
                return;
            cache->incoming = span_inbox_take_all(&cache->inbox);
        }
        struct span *span = cache->incoming;
        cache->incoming = span->next_in_inbox;
        // pairs with: span_free_elsewhere. Nobody takes a span from us, so ours stays ours.
        struct span_inbox *owner = load_acquire(&span->owner);
        if (owner != &cache->inbox) {
            span_inbox_put(owner, span);
            continue;
        }
        span_take_in(span);
        list_or_destroy(cache, span);
    }
}

void cache_take_in(struct cache *cache)
{
    take_in(cache, SIZE_MAX);
}

// ---- allocating -------------------------------------------------------------------------------

// The current span has no free slot in the word in use: has it any elsewhere? What others have
// freed in it is left to the inbox, where it gathers: each taking in costs the same for one bit as
// for many.
static bool go_on_in_current(struct cache *cache, unsigned size_class)
{
    struct span *span = cache->classes[size_class].current;
    if (span == NULL)
        return false;
    if (use_word_of(cache, span))
        return true;
    cache->classes[size_class].current = NULL;
    put_aside(cache, span);
    use_no_word(&cache->classes[size_class]);
    return false;
}

// Spans of which the free slots were hot and are in use again are in the list as well.
static bool go_on_in_partial(struct cache *cache, unsigned size_class)
{
    struct cache_class *class = &cache->classes[size_class];
    for (struct span *span = class->partial; span != NULL; span = class->partial) {
        span_list_remove(&class->partial, span);
        if (span_has_free(span)) {
            make_current(cache, span);
            return true;
        }
        put_aside(cache, span);
    }
    return false;
}

// A span nobody has, or a new one.
static bool go_on_in_new(struct cache *cache, unsigned size_class)
{
    struct span *span = NULL;
    if (!cache_is_private(cache))
        span = central_take_span(cache->central, size_class, &cache->inbox);
    if (span == NULL)
        span = central_create_span(cache->central, size_class, &cache->inbox, false);
    if (span == NULL)
        return false;
    make_current(cache, span);
    return true;
}

void *cache_allocate_next(struct cache *cache, unsigned size_class)
{
    void *slot = cache_allocate_at_once(cache, size_class);
    if (slot != NULL)
        return slot;
    if (!go_on_in_current(cache, size_class) && !go_on_in_partial(cache, size_class))
        return NULL;
    return cache_allocate_at_once(cache, size_class);
}

void *cache_allocate(struct cache *cache, unsigned size_class)
{
    void *slot = cache_allocate_next(cache, size_class);
    if (slot != NULL)
        return slot;
    take_in(cache, TAKEN_IN_AT_ONCE);
    if (!go_on_in_partial(cache, size_class) && !go_on_in_new(cache, size_class))
        return NULL;
    return cache_allocate_at_once(cache, size_class);
}

// ---- emptying ---------------------------------------------------------------------------------

static void drop_current(struct cache *cache, unsigned size_class)
{
    memset(cache->classes[size_class].hot, 0, sizeof cache->classes[size_class].hot);
    struct span *span = cache->classes[size_class].current;
    if (span == NULL)
        return;
    cache->classes[size_class].current = NULL;
    put_aside(cache, span);
    use_no_word(&cache->classes[size_class]);
    list_or_destroy(cache, span);
}

void cache_tidy(struct cache *cache)
{
    take_in(cache, SIZE_MAX);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        struct cache_class *class = &cache->classes[i];
        drop_current(cache, i);
        for (struct span *span = class->partial, *next; span != NULL; span = next) {
            next = span->next;
            if (!span_is_idle(span))
                continue;
            span_list_remove(&class->partial, span);
            destroy_span(cache, span);
        }
    }
}

void cache_empty(struct cache *cache)
{
    cache_tidy(cache);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        struct cache_class *class = &cache->classes[i];
        while (class->partial != NULL) {
            struct span *span = class->partial;
            span_list_remove(&class->partial, span);
            put_span(cache, span);
        }
    }
}

static void hand_over_span(struct cache *cache, struct span *span)
{
    span_list_remove(&cache->classes[span->size_class].partial, span);
    put_span(cache, span);
}

void cache_rest(struct cache *cache)
{
    cache_tidy(cache);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        if (!size_class_may_cool(i))
            continue;
        for (struct span *span = cache->classes[i].partial, *next; span != NULL; span = next) {
            next = span->next;
            if (span->rested)
                hand_over_span(cache, span);
            else
                span->rested = true;
        }
    }
}

void cache_hand_over(struct cache *cache, size_t n_spans)
{
    size_t n = 0;
    for (unsigned i = SIZE_CLASSES - 1; i >= SIZE_CLASS_FIRST; i--)
        for (; size_class_may_cool(i) && cache->classes[i].partial != NULL; n++) {
            if (n == n_spans)
                return;
            hand_over_span(cache, cache->classes[i].partial);
        }
}

// ---- private caches ---------------------------------------------------------------------------

static void each_in_list(struct span *span, void (*visit)(void *context, struct span *span),
                         void        *context)
{
    while (span != NULL) {
        struct span *next = span->next;
        visit(context, span);
        span = next;
    }
}

void cache_each_span(struct cache *cache, void (*visit)(void *context, struct span *span),
                     void         *context)
{
    DCHECK(cache_is_private(cache));
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        struct cache_class *class = &cache->classes[i];
        each_in_list(class->partial, visit, context);
        each_in_list(class->full, visit, context);
        if (class->current != NULL)
            visit(context, class->current);
    }
}

static void discard_span(void *context, struct span *span)
{
    struct cache *cache = context;
    central_discard_span(cache->central, span);
}

void cache_discard(struct cache *cache)
{
    take_in(cache, SIZE_MAX);
    cache_each_span(cache, discard_span, cache);
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES; i++) {
        struct cache_class *class = &cache->classes[i];
        struct central_list *list = &cache->central->lists[i];
        add_relaxed(&list->n_allocated, load_relaxed(&class->n_allocated));   // counter
        add_relaxed(&list->n_freed, load_relaxed(&class->n_freed));           // counter
        *class = (struct cache_class){.current = NULL};
    }
}

// ---- verify -----------------------------------------------------------------------------------

static bool owns_listed(struct cache *cache, struct span *span, unsigned size_class)
{
    // owner: nobody takes a span from the cache
    return load_relaxed(&span->owner) == &cache->inbox && span->listed &&
           span->size_class == size_class;
}

static bool word_is_in(const struct cache_class *class, struct span *span)
{
    ATOMIC(uint64_t) *word = cache_class_word(class);
    size_t            i = (size_t)(word - span->free);   // wraps if it lies elsewhere
    return i < span_class(span)->n_words && word == &span->free[i] &&
           class->slot_bytes == span_class(span)->slot_bytes &&
           class->base ==
               (uintptr_t)run_start(&span->run) + i * WORD_BITS * span_class(span)->slot_bytes;
}

static bool hot_notes_fit(struct cache *cache, const struct cache_class *class, unsigned size_class)
{
    for (size_t i = 0; i < HOT_SLOTS; i++) {
        struct span *span = hot_span(class->hot[i]);
        if (span == NULL)
            continue;
        // owner: nobody takes a span from the cache
        if (load_relaxed(&span->owner) != &cache->inbox || span->size_class != size_class ||
            class->slot_bytes != span_class(span)->slot_bytes ||
            hot_slot(class->hot[i]) >= span_class(span)->n_slots)
            return false;
    }
    return true;
}

static const char *class_verify(struct cache *cache, unsigned size_class)
{
    struct cache_class *class = &cache->classes[size_class];
    struct span *current = class->current;
    bool         word_fits = current == NULL ? class->free_at == 0 : word_is_in(class, current);
    if (!word_fits || (current != NULL && !owns_listed(cache, current, size_class)))
        return "K1 the word allocated from is not one of the current span";   // K1
    for (struct span *span = class->partial; span != NULL; span = span->next)
        if (!owns_listed(cache, span, size_class) || span == current)
            return "K2 a span is in a cache's list where it does not belong";   // K2
    for (struct span *span = class->full; span != NULL; span = span->next)
        if (span->listed || span->size_class != size_class || !cache_is_private(cache))
            return "K3 a span is among the full ones that is not";   // K3
    if (!hot_notes_fit(cache, class, size_class))
        return "K4 a slot is noted as hot that the cache does not own";   // K4
    return NULL;
}

const char *cache_verify(struct cache *cache)
{
    const char *broken = NULL;
    if (load_relaxed(&cache_no_slots) != 0)   // owner: nobody
        return "K1 the word without slots has one";
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES && broken == NULL; i++)
        broken = class_verify(cache, i);
    return broken;
}
