// Reading the records of spans for those who want to know.
#include "front/describe.h"

#include "front/heap.h"

static void describe_span(struct span *span, struct place *place)
{
    place->span_start = run_start(&span->run);
    place->span_bytes = run_bytes(&span->run);
    place->size_class = span->size_class;
    place->heap = heap_of_span(span);
}

static void describe_slot(struct span *span, size_t slot, struct place *place)
{
    place->n_bytes = size_classes[place->size_class].slot_bytes;
    place->start = (char *)place->span_start + slot * place->n_bytes;
    place->state = span_slot_is_free(span, slot) ? PLACE_FREE : PLACE_LIVE;
}

static void describe_large(struct span *span, struct place *place)
{
    place->n_bytes = place->span_bytes;
    place->start = place->span_start;
    place->state = load_relaxed(&span->notes) != 0 ? PLACE_FREE : PLACE_LIVE;   // hint
}

static void describe_in_slots(struct span *span, uintptr_t address, struct place *place)
{
    const struct size_class *shape = &size_classes[place->size_class];
    size_t                   slot = (address - (uintptr_t)place->span_start) / shape->slot_bytes;
    if (slot < shape->n_slots)
        describe_slot(span, slot, place);
    else
        place->state = PLACE_FREE;   // the tail, too short for a slot
}

bool place_describe_in_span(const void *address, struct place *out_place)
{
    struct run *run = page_heap_find(&heap_get()->pages, (uintptr_t)address);
    *out_place = (struct place){.state = PLACE_FOREIGN};
    if (run == NULL)
        return false;
    struct span *span = span_of_run(run);
    describe_span(span, out_place);
    if (out_place->size_class == SPAN_LARGE)
        describe_large(span, out_place);
    else
        describe_in_slots(span, (uintptr_t)address, out_place);
    return true;
}

void place_describe(const void *address, struct place *out_place)
{
    if (place_describe_in_span(address, out_place))
        return;
    if (!lock_this_thread_has_any() &&
        page_heap_has_reserved(&heap_get()->pages, (uintptr_t)address))
        out_place->state = PLACE_FREE;
}

// ---- walking ----------------------------------------------------------------------------------

struct walk {
    struct neap_heap *heap;   // NULL: all
    bool (*visit)(void *context, const struct place *place);
    void *context;
    bool  goes_on;
};

static void walk_span(void *context, struct run *run)
{
    struct walk *walk = context;
    struct span *span = span_of_run(run);
    struct place place;
    if (!walk->goes_on || (walk->heap != NULL && heap_of_span(span) != walk->heap))
        return;
    describe_span(span, &place);
    if (span_is_large(span)) {
        describe_large(span, &place);
        if (place.state == PLACE_LIVE)
            walk->goes_on = walk->visit(walk->context, &place);
        return;
    }
    for (size_t slot = 0; walk->goes_on && slot < span_class(span)->n_slots; slot++) {
        describe_slot(span, slot, &place);
        if (place.state == PLACE_LIVE)
            walk->goes_on = walk->visit(walk->context, &place);
    }
}

bool places_walk(struct neap_heap *heap, bool (*visit)(void *context, const struct place *place),
                 void             *context)
{
    struct heap *process = heap_get();
    struct walk  walk = {.heap = heap, .visit = visit, .context = context, .goes_on = true};
    heap_stand_still(process);
    page_heap_each_run_locked(&process->pages, walk_span, &walk);
    heap_go_on(process);
    return walk.goes_on;
}
