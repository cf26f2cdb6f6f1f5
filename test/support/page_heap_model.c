// Performing operations on the heap and on the model, and comparing what came of it.
#include "page_heap_model.h"

#include "host_fake.h"
#include "vm_fake.h"

#include "pageheap/scavenge_policy.h"

#include <string.h>

static size_t n_refused_so_far(void)
{
    struct vm_counts counts;
    vm_counts_read(&counts);
    return counts.refused;
}

// Did the kernel refuse, or might it have, something that growth needs?
static bool may_have_failed(const struct page_heap_model *model)
{
    return model->is_limited || n_refused_so_far() != model->n_refused_before;
}

// Are several outcomes right?
static bool is_uncertain(const struct page_heap_model *model)
{
    return model->refuses_unuse || model->a_rest_waited || model->walk_goes_on ||
           may_have_failed(model);
}

static void occupy_next_hint(const struct page_heap *heap)
{
    if (heap->arenas.n_hints == 0)
        return;
    const struct arena_hint *hint = &heap->arenas.hints[heap->arenas.n_hints - 1];
    uintptr_t at = hint->downwards ? hint->address - heap->unit_bytes : hint->address;
    if (vm_fake_state_at(at) == VM_FAKE_NONE)
        vm_fake_occupy(at, heap->unit_bytes);
}

void model_start(struct page_heap_model *model, struct page_heap *heap,
                 const struct model_config *config, uint64_t seed)
{
    struct random_source random = {seed};
    vm_fake_reset(config->os_page_bytes);
    host_fake_become(0, 1);
    memset(model, 0, sizeof *model);
    model->heap = heap;
    model->config = config;
    page_heap_init(heap, &(struct page_heap_config){
                             .arena_bytes = config->arena_bytes,
                             .n_caches = config->n_caches,
                             .retain_pct = config->retain_pct,
                             .random = random_next(&random),
                         });
    model->os_page_pages = heap->os_page_pages;
    model->huge_page_pages = heap->free.huge_page_pages;
    // Two tables meet here; every eighth such place joins entries of the next level too.
    model->place = pages_to_bytes(random_between(&random, 4, 9) * TABLE_PAGES);
    vm_fake_place_next(model->place + pages_to_bytes(align_down(random_below(&random, 200), 8)));
    for (size_t i = 0; config->at_table_edge && i < heap->arenas.n_hints; i++)
        vm_fake_occupy(heap->arenas.hints[i].address, heap->unit_bytes);
}

// ---- growth -----------------------------------------------------------------------------------

// As much as was asked for, and what was left of an arena that is not used any more. A cache may
// ask for up to a window more.
static bool compare_growth(struct page_heap_model *model, size_t n_asked, bool for_cache)
{
    const struct arena *before = &model->current_before;
    bool   is_bump = model->heap->current.base == before->base + pages_to_bytes(model->n_grown);
    size_t rest = is_bump ? 0 : bytes_to_pages_down(before->end - before->base);
    size_t least = align_up(n_asked, model->os_page_pages) + rest;
    size_t most = least + (for_cache ? WINDOW_PAGES : 0);
    if (model->n_grown != 0 && (model->n_grown < least || model->n_grown > most))
        return model_diverges(model, "grew by %zu pages, asked for %zu, rest of the arena %zu",
                              model->n_grown, n_asked, rest);
    return true;
}

// What goes back elsewhere because the heap grew.
static bool follow_growth_release(struct page_heap_model *model, bool uncertain)
{
    if (!model_follow_caches(model))
        return false;
    if (uncertain)
        return model_follow_kernel(model);
    if (model->n_grown == 0 || model->config->retain_pct == RETAIN_PCT_NEVER)
        return true;
    size_t used = pages_to_bytes(model->in_use_pages + model->manual_pages);
    size_t goal = used / 100 * model->config->retain_pct + SCAVENGE_SLACK_BYTES;
    size_t ready = pages_to_bytes(model->n_ready);
    if (ready > goal) {
        size_t n_bytes = size_min(pages_to_bytes(model->n_grown), ready - goal);
        (void)model_scavenge(model, bytes_to_pages_up(n_bytes));
    }
    return true;
}

// ---- alloc ------------------------------------------------------------------------------------

struct asked {
    size_t n_pages, align_pages;
    bool   cacheable;
};

// The lowest place for the run. An aligned one goes into the lowest run of its own length, if it
// is aligned there, else into the lowest that has room for any position.
static size_t number_of_fit(const struct page_heap_model *model, const struct asked *asked,
                            unsigned cache)
{
    size_t i = model_lowest_fit(model, asked->n_pages, cache);
    if (i == MODEL_NOWHERE)
        return MODEL_NOWHERE;
    size_t first = align_up(model->number[i], asked->align_pages);
    if (model_is_free_for(model, first, asked->n_pages, cache))
        return first;
    i = model_lowest_fit(model, asked->n_pages + asked->align_pages - 1, cache);
    return i == MODEL_NOWHERE ? MODEL_NOWHERE : align_up(model->number[i], asked->align_pages);
}

// The first aligned place behind what was grown, if the current arena has room there; the heap
// grows for an aligned run by as much as that takes.
static size_t place_at_the_end(const struct page_heap_model *model, const struct asked *asked)
{
    const struct arena *current = &model->current_before;
    size_t              end = page_of_address(current->base).number;
    size_t              first = align_up(end, asked->align_pages);
    bool fits = pages_to_bytes(first - end + asked->n_pages) <= current->end - current->base;
    return asked->align_pages > 1 && fits ? first : MODEL_NOWHERE;
}

// Where the run must lie if nothing is in the way; MODEL_NOWHERE: the heap must grow.
static size_t expected_place(const struct page_heap_model *model, const struct asked *asked)
{
    if (!asked->cacheable)
        return number_of_fit(model, asked, MODEL_NO_CACHE);
    if (model->n_records_before > 0) {
        for (size_t at = 0; at + asked->n_pages <= WINDOW_PAGES; at++) {
            uint64_t mask = bits_mask((unsigned)at, (unsigned)asked->n_pages);
            if ((model->window_before.free & mask) == mask)
                return model->window_before.first.number + at;
        }
    }
    return number_of_fit(model, asked, model->cache);
}

static bool compare_place(struct page_heap_model *model, const struct asked *asked, size_t first,
                          size_t expected, bool uncertain)
{
    if (first == expected && (uncertain || model->n_grown == 0))
        return true;
    if (expected != MODEL_NOWHERE && !uncertain)
        return model_diverges(model, "run at page %zu, grown by %zu; should be at %zu", first,
                              model->n_grown, expected);
    unsigned cache = asked->cacheable ? model->cache : MODEL_NO_CACHE;
    size_t   at_the_end = place_at_the_end(model, asked);
    size_t   after_growth = number_of_fit(model, asked, cache);
    size_t   after_flush = number_of_fit(model, asked, MODEL_ALL_CACHES);
    if (after_growth == MODEL_NOWHERE)
        after_growth = at_the_end;   // pages before it are free, but not as many as a search asks
    if (first == after_growth || (uncertain && (first == after_flush || first == at_the_end)))
        return true;
    return model_diverges(model, "run at page %zu; after growth by %zu it should be at %zu", first,
                          model->n_grown, after_growth);
}

// A request may only fail if the kernel refused; then nothing that fits may be free.
static bool compare_failure(struct page_heap_model *model, const struct asked *asked)
{
    if (!may_have_failed(model))
        return model_diverges(model, "NULL although the kernel refused nothing");
    bool has_record = model->heap->records.free_records != NULL;
    if (has_record && number_of_fit(model, asked, MODEL_ALL_CACHES) != MODEL_NOWHERE)
        return model_diverges(model, "NULL although the run fits at %zu",
                              number_of_fit(model, asked, MODEL_ALL_CACHES));
    for (unsigned c = 0; c < model->heap->n_caches; c++) {
        if (model->heap->caches[c].window.free != 0)
            return model_diverges(model, "NULL although a cache holds pages");
    }
    return model_follow_kernel(model);
}

static bool compare_run(struct page_heap_model *model, const struct asked *asked,
                        const struct run *run, enum run_kind kind)
{
    size_t first = run->first.number;
    if (run->n_pages != asked->n_pages || run->kind != kind || first % asked->align_pages != 0)
        return model_diverges(model, "the run is not what was asked for");
    if (!model_is_free(model, first, asked->n_pages))
        return model_diverges(model, "the run at page %zu was not free", first);
    if (run->zero_known != model_is_released(model, first, asked->n_pages))
        return model_diverges(model, "the run at page %zu: zero known is %d", first,
                              run->zero_known);
    return true;
}

static size_t *book_of(struct page_heap_model *model, uint8_t kind)
{
    return kind == RUN_MANUAL ? &model->manual_pages : &model->in_use_pages;
}

static bool apply_alloc(struct page_heap_model *model, const struct heap_op *op)
{
    struct model_slot *slot = &model->slots[op->slot];
    enum run_kind      kind = op->kind == OP_ALLOC_MANUAL ? RUN_MANUAL : RUN_IN_USE;
    struct asked       asked = {op->pages, (size_t)1 << op->detail, false};
    asked.cacheable = asked.n_pages < UNCACHED_RUN_PAGES_MIN && asked.align_pages == 1;
    if (slot->run != NULL ||
        model->in_use_pages + model->manual_pages + op->pages > model->config->live_pages_max)
        return true;
    size_t      expected = expected_place(model, &asked);
    struct run *run = page_heap_alloc(
        model->heap, &(struct run_request){
                         .n_pages = asked.n_pages, .align_pages = asked.align_pages, .kind = kind});
    bool uncertain = is_uncertain(model);
    if (!model_follow_growth(model) || model->is_full)
        return model->is_full;
    if (run == NULL)
        return compare_failure(model, &asked);

    size_t first = run->first.number;
    size_t n_asked = asked.n_pages + asked.align_pages - 1;
    size_t at_the_end = place_at_the_end(model, &asked);
    if (at_the_end != MODEL_NOWHERE)
        n_asked = at_the_end + asked.n_pages - page_of_address(model->current_before.base).number;
    if (!compare_place(model, &asked, first, expected, uncertain) ||
        !compare_run(model, &asked, run, kind) ||
        (!uncertain && !compare_growth(model, n_asked, asked.cacheable)))
        return false;
    *slot = (struct model_slot){run, first, asked.n_pages, (uint8_t)kind};
    *book_of(model, slot->kind) += slot->n_pages;
    model_take(model, first, slot->n_pages, op->slot);
    return model_compare_around(model, first, slot->n_pages) &&
           follow_growth_release(model, uncertain);
}

// ---- the other operations ---------------------------------------------------------------------

static bool apply_free(struct page_heap_model *model, const struct heap_op *op)
{
    struct model_slot *slot = &model->slots[op->slot];
    if (slot->run == NULL)
        return true;
    page_heap_free(model->heap, slot->run);
    model_give(model, slot->first, slot->n_pages);
    *book_of(model, slot->kind) -= slot->n_pages;
    slot->run = NULL;
    return model_compare_around(model, slot->first, slot->n_pages);
}

enum room { ROOM_NONE, ROOM_CERTAIN, ROOM_PERHAPS };

// Can the pages [first, first + n_pages) be had in place, from caches too? *out_to_grow: how many
// are not there yet. Beyond the current arena that depends on who else is there: in a calm world,
// nobody.
static enum room room_behind(const struct page_heap_model *model, size_t first, size_t n_pages,
                             size_t *out_to_grow)
{
    size_t i = model_index_at(model, first);
    size_t n = 0;
    while (n < n_pages && i + n < model->n_pages && model->number[i + n] == first + n &&
           model->owner[i + n] == 0)
        n++;
    *out_to_grow = n_pages - n;
    const struct arena *current = &model->current_before;
    if (n < n_pages && pages_to_bytes(first + n) != current->base)
        return ROOM_NONE;
    if (current->end - current->base >= pages_to_bytes(n_pages - n))
        return ROOM_CERTAIN;
    return model->config->hostile || model->config->at_table_edge ? ROOM_PERHAPS : ROOM_CERTAIN;
}

static bool apply_resize(struct page_heap_model *model, const struct heap_op *op)
{
    struct model_slot *slot = &model->slots[op->slot];
    size_t             n_pages = op->detail != 0 ? slot->n_pages + op->pages : op->pages;
    if (slot->run == NULL || model->in_use_pages + model->manual_pages + n_pages - slot->n_pages >
                                 model->config->live_pages_max)
        return true;
    bool      grows = n_pages > slot->n_pages;
    size_t    n_more = grows ? n_pages - slot->n_pages : 0;
    size_t    behind = slot->first + slot->n_pages;
    size_t    to_grow = 0;
    enum room room = grows ? room_behind(model, behind, n_more, &to_grow) : ROOM_CERTAIN;
    bool      zero_known = false;
    bool      done = page_heap_resize(model->heap, slot->run, n_pages, &zero_known);
    bool      uncertain = is_uncertain(model);
    if (!model_follow_growth(model) || model->is_full)
        return model->is_full;
    if (done ? room == ROOM_NONE : room == ROOM_CERTAIN && !may_have_failed(model))
        return model_diverges(model, "resizing to %zu pages: %s", n_pages, done ? "true" : "false");
    if (!model->a_rest_waited &&
        model->n_grown != (done ? align_up(to_grow, model->os_page_pages) : 0))
        return model_diverges(model, "resizing grew the heap by %zu pages, not %zu", model->n_grown,
                              to_grow);
    if (slot->run->n_pages != (done ? n_pages : slot->n_pages))
        return model_diverges(model, "the run has %zu pages", slot->run->n_pages);
    if (!done)
        return model_compare_around(model, slot->first, slot->n_pages);
    if (grows && !model_is_free(model, behind, n_more))
        return model_diverges(model, "the pages behind %zu were not free", behind);
    if (grows && zero_known != model_is_released(model, behind, n_more))
        return model_diverges(model, "the pages behind %zu: zero known is %d", behind, zero_known);
    if (grows)
        model_take(model, behind, n_more, op->slot);
    else if (n_pages < slot->n_pages)
        model_give(model, slot->first + n_pages, slot->n_pages - n_pages);
    *book_of(model, slot->kind) += n_pages - slot->n_pages;
    slot->n_pages = n_pages;
    return model_compare_around(model, slot->first, n_pages) &&
           follow_growth_release(model, uncertain);
}

static bool apply_giving_back(struct page_heap_model *model, const struct heap_op *op)
{
    size_t n_ready_before = model->n_ready;
    size_t done_pages;
    if (op->kind == OP_STEP)
        done_pages = page_heap_scavenge_step(model->heap, op->pages);
    else if (op->kind == OP_SCAVENGE)
        done_pages = page_heap_scavenge(model->heap, pages_to_bytes(op->pages)) / PAGE_BYTES;
    else
        done_pages = page_heap_trim(model->heap) / PAGE_BYTES;
    if (op->kind == OP_TRIM)
        memset(model->cached, 0, model->n_pages);
    size_t expected;
    if (is_uncertain(model)) {
        if (!model_follow_kernel(model))
            return false;
        expected = n_ready_before - model->n_ready;
    } else if (op->kind == OP_STEP) {
        expected = model_scavenge_step(model, op->pages);
    } else {
        expected = model_scavenge(model, op->kind == OP_TRIM ? MODEL_PAGES_MAX : op->pages);
    }
    if (done_pages != expected)
        return model_diverges(model, "gave back %zu pages, not %zu", done_pages, expected);
    return true;
}

static bool apply_flush(struct page_heap_model *model)
{
    page_heap_flush_caches(model->heap);
    for (unsigned c = 0; c < model->heap->n_caches; c++) {
        const struct page_cache *cache = &model->heap->caches[c];
        if (cache->window.free != 0 || cache->n_records != 0)
            return model_diverges(model, "cache %u is not empty", c);
    }
    return true;
}

static void apply_to_kernel(struct page_heap_model *model, const struct heap_op *op)
{
    struct vm_fake_bytes kernel = vm_fake_heap_bytes();
    size_t n_reserved = kernel.reserved + kernel.prepared + kernel.ready + vm_fake_metadata_bytes();
    switch (op->kind) {
    case OP_REFUSE:
        vm_fake_refuse(op->pages, op->detail != 0);
        break;
    case OP_REFUSE_UNUSE:
        model->refuses_unuse = op->detail != 0;
        vm_fake_refuse_unuse(model->refuses_unuse);
        break;
    case OP_LIMIT:
        vm_fake_limit_bytes(op->pages != 0 ? n_reserved + pages_to_bytes(op->pages) : SIZE_MAX);
        model->is_limited = op->pages != 0;
        break;
    case OP_OCCUPY:
        occupy_next_hint(model->heap);
        break;
    default:
        vm_fake_place_next(model->place + pages_to_bytes(align_down(op->pages, 8)));
        break;
    }
}

static bool apply_one(struct page_heap_model *model, const struct heap_op *op)
{
    switch (op->kind) {
    case OP_ALLOC:
    case OP_ALLOC_MANUAL:
        return apply_alloc(model, op);
    case OP_FREE:
        return apply_free(model, op);
    case OP_RESIZE:
        return apply_resize(model, op);
    case OP_STEP:
    case OP_SCAVENGE:
    case OP_TRIM:
        return apply_giving_back(model, op);
    case OP_FLUSH:
        return apply_flush(model);
    default:
        apply_to_kernel(model, op);
        return true;
    }
}

bool model_apply(struct page_heap_model *model, const struct heap_op *op)
{
    unsigned n_caches = model->heap->n_caches;
    unsigned cache = op->cache % n_caches;
    host_fake_become(cache, n_caches);
    model->cache = cache + 1;
    model->window_before = model->heap->caches[cache].window;
    model->n_records_before = model->heap->caches[cache].n_records;
    model->current_before = model->heap->current;
    model->a_rest_waited = model->heap->n_rests > 0;
    model->walk_goes_on = model->heap->walk.below.number != (size_t)1 << PAGE_NUMBER_BITS ||
                          model->heap->walk.narrow_pages != 0;
    model->n_refused_before = n_refused_so_far();
    return model_follow_caches(model) && apply_one(model, op) &&
           (model->is_full || model_compare_books(model));
}

bool model_end(struct page_heap_model *model)
{
    vm_fake_refuse(0, false);
    page_heap_destroy(model->heap);
    struct vm_fake_bytes kernel = vm_fake_heap_bytes();
    size_t               n_mapped = kernel.prepared + kernel.ready;
    if (kernel.reserved + n_mapped != 0)
        return model_diverges(model, "after the end the kernel has %zu bytes reserved, %zu mapped",
                              kernel.reserved, n_mapped);
    // A kernel that refused to prepare metadata and then to take it back keeps it for good.
    if (!model->config->hostile && vm_fake_metadata_bytes() != 0)
        return model_diverges(model, "after the end the kernel has %zu bytes of metadata",
                              vm_fake_metadata_bytes());
    return true;
}
