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

void cache_init(struct cache *cache, struct central *central, struct neap_heap *heap)
{
    cache->central = central;
    cache->inbox.heap = heap;
}

static bool is_word_of(const struct hot_word *hot, const struct span *span)
{
    return (uintptr_t)hot->word - (uintptr_t)span < sizeof *span;
}

// A span leaves the cache.
static void forget_hot(struct cache *cache, const struct span *span)
{
    struct cache_class *class = &cache->classes[span->size_class];
    for (size_t i = 0; i < HOT_WORDS; i++)
        if (is_word_of(&class->hot[i], span))
            class->hot[i] = (struct hot_word){NULL, 0};
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

// Makes the lowest word of the span that has a free slot the newest hot one, instead of one used
// up. False: none has.
static bool use_word_of(struct cache *cache, struct span *span)
{
    const struct size_class *shape = span_class(span);
    struct cache_class *class = &cache->classes[span->size_class];
    size_t i = 0;
    while (i < shape->n_words && load_relaxed(&span->free[i]) == 0)   // owner
        i++;
    if (i == shape->n_words)
        return false;
    uintptr_t start = (uintptr_t)run_start(&span->run);
    class->slot_bytes = shape->slot_bytes;
    class->hot[class->hot_at] =
        (struct hot_word){&span->free[i], start + i * WORD_BITS * shape->slot_bytes};
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
    const struct size_class *shape = span_class(span);
    uintptr_t                object = (uintptr_t)run_start(&span->run) + slot * shape->slot_bytes;
    enum cache_freed         freed =
        cache_free_at_once(&cache->classes[span->size_class], span, shape, slot, object);
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

// The newest hot word is used up: is another not?
static bool go_on_in_hot(struct cache *cache, unsigned size_class)
{
    struct cache_class *class = &cache->classes[size_class];
    for (uint32_t i = 0; i < HOT_WORDS; i++) {
        uint32_t          at = (class->hot_at - i) % HOT_WORDS;
        ATOMIC(uint64_t) *word = class->hot[at].word;
        if (word == NULL || load_relaxed(word) == 0)   // owner
            continue;
        class->hot_at = at;
        return true;
    }
    return false;
}

// Has the current span a free slot in a word that is not hot? What others have freed in it is left
// to the inbox, where it gathers: each taking in costs the same for one bit as for many.
static bool go_on_in_current(struct cache *cache, unsigned size_class)
{
    struct span *span = cache->classes[size_class].current;
    if (span == NULL)
        return false;
    if (use_word_of(cache, span))
        return true;
    cache->classes[size_class].current = NULL;
    put_aside(cache, span);
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
    if (!go_on_in_hot(cache, size_class) && !go_on_in_current(cache, size_class) &&
        !go_on_in_partial(cache, size_class))
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

static bool hot_word_fits(struct cache *cache, const struct hot_word *hot, unsigned size_class)
{
    if (hot->word == NULL)
        return true;
    const struct size_class *shape = &size_classes[size_class];
    struct run              *run = page_map_find(&cache->central->page_heap->map, hot->base);
    if (run == NULL || !is_word_of(hot, span_of_run(run)))
        return false;
    struct span *span = span_of_run(run);
    size_t       i = (size_t)(hot->word - span->free);   // wraps if it lies before
    // owner: nobody takes a span from the cache
    return load_relaxed(&span->owner) == &cache->inbox && span->size_class == size_class &&
           cache->classes[size_class].slot_bytes == shape->slot_bytes && i < shape->n_words &&
           hot->word == &span->free[i] &&
           hot->base == (uintptr_t)run_start(run) + i * WORD_BITS * shape->slot_bytes;
}

static const char *class_verify(struct cache *cache, unsigned size_class)
{
    struct cache_class *class = &cache->classes[size_class];
    for (size_t i = 0; i < HOT_WORDS; i++)
        if (!hot_word_fits(cache, &class->hot[i], size_class))
            return "K1 a hot word is not one of the cache's own";   // K1
    if (class->current != NULL && !owns_listed(cache, class->current, size_class))
        return "K2 the current span is not as one of the cache's should be";   // K2
    for (struct span *span = class->partial; span != NULL; span = span->next)
        if (!owns_listed(cache, span, size_class) || span == class->current)
            return "K2 a span is in a cache's list where it does not belong";
    for (struct span *span = class->full; span != NULL; span = span->next)
        if (span->listed || span->size_class != size_class || !cache_is_private(cache))
            return "K3 a span is among the full ones that is not";   // K3
    return NULL;
}

const char *cache_verify(struct cache *cache)
{
    const char *broken = NULL;
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASSES && broken == NULL; i++)
        broken = class_verify(cache, i);
    return broken;
}
