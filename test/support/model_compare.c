// Comparing books, map, set and kernel with the model.
#include "page_heap_model.h"
#include "vm_fake.h"

// Beside the tables: records of all slots and caches, ranges, in steps of 64 KiB.
#define METADATA_MORE_BYTES (192 * KIB)

bool model_compare_books(struct page_heap_model *model)
{
    struct page_account account;
    page_heap_account_read(model->heap, &account);
    size_t n_cached = 0;
    for (unsigned c = 0; c < model->heap->n_caches; c++)
        n_cached += bits_count(model->heap->caches[c].window.free);
    size_t released = pages_to_bytes(model->n_pages - model->n_ready);
    if (!page_account_adds_up(&account))
        return model_diverges(model, "the books do not add up");
    if (account.mapped_bytes != pages_to_bytes(model->n_pages))
        return model_diverges(model, "mapped: %zu", account.mapped_bytes);
    if (account.in_use_bytes != pages_to_bytes(model->in_use_pages))
        return model_diverges(model, "in use: %zu", account.in_use_bytes);
    if (account.manual_bytes != pages_to_bytes(model->manual_pages))
        return model_diverges(model, "manual: %zu", account.manual_bytes);
    if (account.cached_ready_bytes + account.cached_released_bytes != pages_to_bytes(n_cached))
        return model_diverges(model, "cached: %zu", account.cached_ready_bytes);
    if (account.free_released_bytes + account.cached_released_bytes != released)
        return model_diverges(model, "released: %zu and %zu cached against %zu",
                              account.free_released_bytes, account.cached_released_bytes, released);
    struct vm_fake_bytes kernel = vm_fake_heap_bytes();
    if (kernel.prepared + kernel.ready != account.mapped_bytes || kernel.prepared != released)
        return model_diverges(model, "the kernel has %zu prepared, %zu ready", kernel.prepared,
                              kernel.ready);
    size_t spare = model->heap->arenas.spare.end - model->heap->arenas.spare.base;
    if (kernel.reserved + account.mapped_bytes != account.reserved_bytes + spare)
        return model_diverges(model, "the kernel has %zu reserved", kernel.reserved);
    return true;
}

static bool compare_page(struct page_heap_model *model, size_t i)
{
    size_t            number = model->number[i];
    page_id           page = page_at_number(number);
    const struct run *run = page_heap_find(model->heap, page_address(page));
    const struct run *expected =
        model->owner[i] != 0 ? model->slots[model->owner[i] - 1].run : NULL;
    if (run != expected)
        return model_diverges(model, "the map is wrong about page %zu", number);
    bool in_set = page_set_free_from(&model->heap->free, page, 1) == 1;
    if (in_set != (model->owner[i] == 0 && model->cached[i] == 0))
        return model_diverges(model, "page %zu: free in the set or not", number);
    bool ready = vm_fake_state_at(page_address(page)) == VM_FAKE_READY;
    if (ready != model->ready[i])
        return model_diverges(model, "page %zu: %s in the kernel", number,
                              ready ? "ready" : "not ready");
    return true;
}

bool model_compare_all(struct page_heap_model *model)
{
    if (!model_follow_caches(model))
        return false;
    for (size_t i = 0; i < model->n_pages; i++) {
        if (!compare_page(model, i))
            return false;
    }
    return true;
}

// Records are used again: what metadata takes does not grow with the number of operations.
static bool compare_metadata(struct page_heap_model *model)
{
    const struct page_heap *heap = model->heap;
    size_t                  n_records = 0;
    for (size_t i = 0; i < MODEL_SLOTS; i++)
        n_records += model->slots[i].run != NULL;
    for (unsigned c = 0; c < heap->n_caches; c++)
        n_records += heap->caches[c].n_records;
    if (heap->records.n_handed_out != n_records)
        return model_diverges(model, "%zu records handed out, %zu used", heap->records.n_handed_out,
                              n_records);
    size_t n_tables = heap->table_stock.set_table != NULL || heap->table_stock.map_table != NULL;
    for (size_t i = 0; i < TABLES_MAX; i++)
        n_tables += heap->free.tables[i] != NULL;
    size_t table_bytes = sizeof(struct page_set_table) + sizeof(struct page_map_table) +
                         2 * model->config->os_page_bytes;
    size_t most = n_tables * table_bytes + METADATA_MORE_BYTES;
    if (heap->metadata.mapped_bytes > most)
        return model_diverges(model, "%zu bytes of metadata", heap->metadata.mapped_bytes);
    return true;
}

bool model_verify(struct page_heap_model *model)
{
    const char *broken = page_heap_verify(model->heap);
    if (broken != NULL)
        return model_diverges(model, "verify: %s", broken);
    return compare_metadata(model) && model_compare_all(model);
}

bool model_compare_around(struct page_heap_model *model, size_t first, size_t n_pages)
{
    const size_t places[] = {first - 1, first, first + n_pages / 2, first + n_pages - 1,
                             first + n_pages};
    for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
        size_t            i = model_index_at(model, places[k]);
        bool              is_known = i < model->n_pages && model->number[i] == places[k];
        size_t            owner = is_known ? model->owner[i] : 0;
        const struct run *expected = owner != 0 ? model->slots[owner - 1].run : NULL;
        if (page_heap_find(model->heap, page_address(page_at_number(places[k]))) != expected)
            return model_diverges(model, "the map is wrong about page %zu", places[k]);
    }
    return true;
}
