// What a page heap should do, the slow way: one entry per page, searched from the lowest.
//
// The model performs an operation on a real heap over the fake kernel and compares all that can
// be seen with what the rules say: where a run lies, whether it is known to be zero, what a step
// gives back, every book, the map, and the state of each page in the kernel. Only the address
// space itself is taken from the heap: which pages it grew by is looked up, not foretold.
//
// Where the kernel refused something on the way, several outcomes are right; then the model
// accepts any of those and follows the kernel's states.
#ifndef NEAP_TEST_PAGE_HEAP_MODEL_H
#define NEAP_TEST_PAGE_HEAP_MODEL_H

#include "heap_op.h"
#include "pageheap/page_heap.h"

#define MODEL_PAGES_MAX 4096
#define MODEL_SLOTS 96
#define MODEL_NOWHERE (~(size_t)0)

// Rules told wrong on purpose, to see that the comparison notices.
enum model_error {
    MODEL_RIGHT,
    MODEL_LEAVES_DO_NOT_JOIN,      // free pages in two leaves are never one run
    MODEL_FREED_20_IS_RELEASED,    // a run of 20 pages goes back to the kernel when freed
    MODEL_SCAVENGES_LOWEST_OF_5,   // a step of 5 pages takes the lowest run
};

struct model_config {
    const char      *name;
    size_t           os_page_bytes;
    size_t           arena_bytes;
    unsigned         n_caches, retain_pct;
    size_t           run_pages_max;    // of a request; most are smaller
    size_t           live_pages_max;   // requests beyond are skipped
    bool             hostile;          // refusals, limits and strangers' mappings
    bool             at_table_edge;    // around an address where two tables meet
    enum model_error error;
};

struct model_slot {
    struct run *run;   // NULL: empty
    size_t      first, n_pages;
    uint8_t     kind;
};

struct page_heap_model {
    struct page_heap          *heap;
    const struct model_config *config;
    unsigned                   os_page_pages, huge_page_pages;
    uintptr_t                  place;   // around which the kernel puts things

    // One entry per page grown, sorted by address.
    size_t  n_pages;
    size_t  number[MODEL_PAGES_MAX];
    uint8_t owner[MODEL_PAGES_MAX];    // slot + 1, or 0: free
    bool    ready[MODEL_PAGES_MAX];    // backed by the kernel: not known to be zero
    uint8_t cached[MODEL_PAGES_MAX];   // in this page cache, counted from 1; 0: in none
    size_t  n_ready;
    bool    is_full;   // the heap outgrew the model: the sequence ends

    struct model_slot slots[MODEL_SLOTS];
    size_t            in_use_pages, manual_pages;

    // Of the operation under way.
    size_t       n_refused_before;
    size_t       n_grown;
    struct arena current_before;
    bool         a_rest_waited;   // of an arena, refused earlier
    bool walk_goes_on;   // giving back does not start from the top: the kernel refused something
    unsigned           cache;           // of the thread that asks, counted from 1
    struct page_window window_before;   // of that cache
    size_t             n_records_before;
    bool               is_limited, refuses_unuse;   // until told otherwise

    char message[256];
};

// Starts a sequence: a fresh kernel, heap and model. Requires: the heap's memory is zero.
void model_start(struct page_heap_model *model, struct page_heap *heap,
                 const struct model_config *config, uint64_t seed);

// Performs one operation. False: a divergence, told in model->message.
bool model_apply(struct page_heap_model *model, const struct heap_op *op);

// Compares every page: map, set, caches, kernel.
bool model_compare_all(struct page_heap_model *model);
// The same and the heap's own recount.
bool model_verify(struct page_heap_model *model);

// Destroys the heap; the kernel must have everything back.
bool model_end(struct page_heap_model *model);

// The books, and what the fake kernel says about them.
bool model_compare_books(struct page_heap_model *model);
// The ends of a place where pages changed hands, and the pages next to it.
bool model_compare_around(struct page_heap_model *model, size_t first, size_t n_pages);

// ---- the pages: model_pages.c -----------------------------------------------------------------

// Writes the message. Returns false.
__attribute__((format(printf, 2, 3))) bool model_diverges(struct page_heap_model *model,
                                                          const char             *format, ...);

// Index of the first page at or above `number`.
size_t model_index_at(const struct page_heap_model *model, size_t number);

// Index of the lowest run of `n_pages` free pages, or MODEL_NOWHERE. Pages in caches count as
// free only where `cache` is theirs, or for all caches with MODEL_ALL_CACHES.
#define MODEL_NO_CACHE 0u
#define MODEL_ALL_CACHES (~0u)
size_t model_lowest_fit(const struct page_heap_model *model, size_t n_pages, unsigned cache);

// Are the pages [first, first + n_pages) there and free? For whom caches are as above?
bool model_is_free(const struct page_heap_model *model, size_t first, size_t n_pages);
bool model_is_free_for(const struct page_heap_model *model, size_t first, size_t n_pages,
                       unsigned cache);
bool model_is_released(const struct page_heap_model *model, size_t first, size_t n_pages);

// Hands pages to a slot: the kernel backs every OS page they touch.
void model_take(struct page_heap_model *model, size_t first, size_t n_pages, size_t slot);
void model_give(struct page_heap_model *model, size_t first, size_t n_pages);

// Gives back up to `n_pages_max` as one step does. Returns how many pages.
size_t model_scavenge_step(struct page_heap_model *model, size_t n_pages_max);
size_t model_scavenge(struct page_heap_model *model, size_t n_pages);

// Looks up what the heap, its caches and the kernel hold. False: a divergence.
bool model_follow_growth(struct page_heap_model *model);
bool model_follow_caches(struct page_heap_model *model);
bool model_follow_kernel(struct page_heap_model *model);

#endif
