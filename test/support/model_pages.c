// The model's pages: every search a loop over all of them.
#include "page_heap_model.h"
#include "vm_fake.h"

#include <stdarg.h>
#include <string.h>

bool model_diverges(struct page_heap_model *model, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(model->message, sizeof model->message, format, arguments);
    va_end(arguments);
    return false;
}

size_t model_index_at(const struct page_heap_model *model, size_t number)
{
    size_t low = 0;
    size_t high = model->n_pages;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (model->number[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool joins_the_one_below(const struct page_heap_model *model, size_t i)
{
    if (model->number[i - 1] + 1 != model->number[i])
        return false;
    return model->config->error != MODEL_LEAVES_DO_NOT_JOIN || model->number[i] % LEAF_PAGES != 0;
}

static inline bool is_visibly_free(const struct page_heap_model *model, size_t i, unsigned cache)
{
    return model->owner[i] == 0 &&
           (model->cached[i] == 0 || model->cached[i] == cache || cache == MODEL_ALL_CACHES);
}

size_t model_lowest_fit(const struct page_heap_model *model, size_t n_pages, unsigned cache)
{
    size_t run = 0;
    for (size_t i = 0; i < model->n_pages; i++) {
        if (!is_visibly_free(model, i, cache)) {
            run = 0;
            continue;
        }
        run = run > 0 && joins_the_one_below(model, i) ? run + 1 : 1;
        if (run == n_pages)
            return i + 1 - n_pages;
    }
    return MODEL_NOWHERE;
}

bool model_is_free_for(const struct page_heap_model *model, size_t first, size_t n_pages,
                       unsigned cache)
{
    size_t i = model_index_at(model, first);
    if (i + n_pages > model->n_pages)
        return false;
    for (size_t k = 0; k < n_pages; k++) {
        if (model->number[i + k] != first + k || !is_visibly_free(model, i + k, cache))
            return false;
    }
    return true;
}

bool model_is_free(const struct page_heap_model *model, size_t first, size_t n_pages)
{
    return model_is_free_for(model, first, n_pages, MODEL_ALL_CACHES);
}

bool model_is_released(const struct page_heap_model *model, size_t first, size_t n_pages)
{
    size_t i = model_index_at(model, first);
    for (size_t k = 0; k < n_pages; k++) {
        if (model->ready[i + k])
            return false;
    }
    return true;
}

void model_take(struct page_heap_model *model, size_t first, size_t n_pages, size_t slot)
{
    size_t i = model_index_at(model, first);
    memset(model->owner + i, (int)slot + 1, n_pages);
    size_t low = model_index_at(model, align_down(first, model->os_page_pages));
    size_t high = model_index_at(model, align_up(first + n_pages, model->os_page_pages));
    for (size_t k = low; k < high; k++) {
        model->n_ready += !model->ready[k];
        model->ready[k] = true;
    }
}

static void release(struct page_heap_model *model, size_t i, size_t n_pages)
{
    for (size_t k = i; k < i + n_pages; k++) {
        model->n_ready -= model->ready[k];
        model->ready[k] = false;
    }
}

void model_give(struct page_heap_model *model, size_t first, size_t n_pages)
{
    size_t i = model_index_at(model, first);
    memset(model->owner + i, 0, n_pages);
    if (model->config->error == MODEL_FREED_20_IS_RELEASED && n_pages == 20)
        release(model, i, n_pages);
}

// ---- giving back ------------------------------------------------------------------------------

// Is the OS page that starts at index i free, in no cache, and ready?
static bool is_releasable(const struct page_heap_model *model, size_t i)
{
    for (size_t k = i; k < i + model->os_page_pages; k++) {
        if (model->owner[k] != 0 || model->cached[k] != 0 || !model->ready[k])
            return false;
    }
    return true;
}

// Extends a run of releasable OS pages downwards within its leaf. `end` is behind its last page.
static size_t run_low_end(const struct page_heap_model *model, size_t end)
{
    size_t unit = model->os_page_pages;
    size_t low = end - unit;
    while (low >= unit && is_releasable(model, low - unit) &&
           model->number[low - unit] + unit == model->number[low] &&
           model->number[low] % LEAF_PAGES != 0)
        low -= unit;
    return low;
}

size_t model_scavenge_step(struct page_heap_model *model, size_t n_pages_max)
{
    size_t unit = model->os_page_pages;
    size_t end = MODEL_NOWHERE;
    bool   from_below = model->config->error == MODEL_SCAVENGES_LOWEST_OF_5 && n_pages_max == 5;
    for (size_t i = 0; i < model->n_pages; i += unit) {
        size_t at = from_below ? i : model->n_pages - unit - i;
        if (is_releasable(model, at)) {
            end = at + unit;
            break;
        }
    }
    if (end == MODEL_NOWHERE)
        return 0;
    size_t low = run_low_end(model, end);
    size_t wanted = align_up(size_max(size_min(n_pages_max, LEAF_PAGES), 1), unit);
    size_t start = end - size_min(wanted, end - low);
    size_t huge = model->huge_page_pages;
    if (huge > unit) {
        // Numbers follow one another from `low` to `end`, so the distance is in pages.
        size_t below_start = model->number[start] % huge;
        if (start - low >= below_start && start - below_start + huge <= end)
            start -= below_start;
    }
    release(model, start, end - start);
    return end - start;
}

size_t model_scavenge(struct page_heap_model *model, size_t n_pages)
{
    size_t done = 0;
    while (done < n_pages) {
        size_t n = model_scavenge_step(model, size_min(n_pages - done, LEAF_PAGES));
        if (n == 0)
            break;
        done += n;
    }
    return done;
}

// ---- following --------------------------------------------------------------------------------

struct merge {
    struct page_heap_model *model;
    size_t                  n_seen;   // of the model's pages
    size_t                  n_pages;
    bool                    is_too_much;
    size_t                  number[MODEL_PAGES_MAX];
    uint8_t                 owner[MODEL_PAGES_MAX];
    bool                    ready[MODEL_PAGES_MAX];
    uint8_t                 cached[MODEL_PAGES_MAX];
};

static void merge_range(void *context, page_id first, size_t n_pages)
{
    struct merge           *merge = context;
    struct page_heap_model *model = merge->model;
    for (size_t number = first.number; number < first.number + n_pages; number++) {
        if (merge->n_pages == MODEL_PAGES_MAX) {
            merge->is_too_much = true;
            return;
        }
        size_t to = merge->n_pages++;
        size_t from = merge->n_seen;
        bool   is_known = from < model->n_pages && model->number[from] == number;
        merge->n_seen += is_known;
        merge->number[to] = number;
        merge->owner[to] = is_known ? model->owner[from] : 0;
        merge->ready[to] = is_known && model->ready[from];
        merge->cached[to] = is_known ? model->cached[from] : 0;
    }
}

bool model_follow_growth(struct page_heap_model *model)
{
    static struct merge merge;
    model->n_grown = 0;
    if (model->heap->grown.total_pages == model->n_pages)
        return true;
    merge.model = model;
    merge.n_seen = merge.n_pages = 0;
    merge.is_too_much = false;
    page_heap_each_range(model->heap, merge_range, &merge);
    if (merge.is_too_much) {
        model->is_full = true;
        return true;
    }
    if (merge.n_seen != model->n_pages)
        return model_diverges(model, "pages that were grown are in no range any more");
    model->n_grown = merge.n_pages - model->n_pages;
    model->n_pages = merge.n_pages;
    memcpy(model->number, merge.number, merge.n_pages * sizeof merge.number[0]);
    memcpy(model->owner, merge.owner, merge.n_pages);
    memcpy(model->ready, merge.ready, merge.n_pages);
    memcpy(model->cached, merge.cached, merge.n_pages);
    return true;
}

bool model_follow_caches(struct page_heap_model *model)
{
    memset(model->cached, 0, model->n_pages);
    for (unsigned c = 0; c < model->heap->n_caches; c++) {
        const struct page_window *window = &model->heap->caches[c].window;
        if (window->free == 0)
            continue;
        size_t   first = window->first.number;
        uint64_t seen = 0;
        for (size_t i = model_index_at(model, first);
             i < model->n_pages && model->number[i] < first + WINDOW_PAGES; i++) {
            size_t   at = model->number[i] - first;
            uint64_t bit = UINT64_C(1) << at;
            if ((window->free & bit) == 0)
                continue;
            if (model->owner[i] != 0 || model->cached[i] != 0)
                return model_diverges(model, "page %zu is cached and elsewhere", model->number[i]);
            if (((window->released & bit) != 0) == model->ready[i])
                return model_diverges(model, "cached page %zu: released or not", model->number[i]);
            model->cached[i] = (uint8_t)(c + 1);
            seen |= bit;
        }
        if (seen != window->free)
            return model_diverges(model, "cache %u holds pages that were not grown", c);
    }
    return true;
}

bool model_follow_kernel(struct page_heap_model *model)
{
    for (size_t i = 0; i < model->n_pages; i++) {
        bool ready = vm_fake_state_at(model->number[i] << PAGE_SHIFT) == VM_FAKE_READY;
        if (ready && !model->ready[i])
            return model_diverges(model, "released page %zu is backed", model->number[i]);
        if (!ready && model->owner[i] != 0)
            return model_diverges(model, "page %zu in use is not backed", model->number[i]);
        if (!ready)
            release(model, i, 1);
    }
    return true;
}
