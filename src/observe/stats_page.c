// The page itself, and the note by which it is found.
#include "observe/stats_page.h"

#include "front/heap.h"

#include <stddef.h>

#define OFFSET(field) offsetof(struct heap, field)

// In a member of each place.
#define OFFSET_HEAP(word) offsetof(struct heap, word)
#define OFFSET_PAGE_CACHE(word) offsetof(struct page_cache, word)
#define OFFSET_CENTRAL(word) offsetof(struct central_list, word)
#define OFFSET_CACHE(word) offsetof(struct cache_class, word)
#define OFFSET_FIRST_CLASS(word) offsetof(struct cache_class, word)
#define BYTES_HEAP(word) sizeof(((struct heap *)0)->word)
#define BYTES_PAGE_CACHE(word) sizeof(((struct page_cache *)0)->word)
#define BYTES_CENTRAL(word) sizeof(((struct central_list *)0)->word)
#define BYTES_CACHE(word) sizeof(((struct cache_class *)0)->word)
#define BYTES_FIRST_CLASS(word) sizeof(((struct cache_class *)0)->word)

#define COLUMN(field)                                                                              \
    {                                                                                              \
        .name = #field, .offset = offsetof(struct history_sample, field)                           \
    }
_Static_assert(sizeof(struct history_sample) == COLUMNS * sizeof(uint64_t), "each has a column");

#define ASK_FOR(name_, word_)                                                                      \
    {                                                                                              \
        .name = name_, .word = REQUEST_##word_, .word_at = OFFSET(request.kind),                   \
        .argument_at = OFFSET(request.argument), .count_at = OFFSET(request.n_answered),           \
        .result_at = OFFSET(request.result)                                                        \
    }

// The black box is written by front, and read as the public header says.
_Static_assert(sizeof(struct neap_box) == sizeof(struct black_box_head) &&
                   offsetof(struct neap_box, shortages) ==
                       offsetof(struct black_box_head, n_shortages) &&
                   offsetof(struct neap_box, wall_time_ns) ==
                       offsetof(struct black_box_head, wall_time_ns) &&
                   sizeof(struct neap_box_sample) == sizeof(struct history_sample) &&
                   NEAP_BOX_LAYOUT == BLACK_BOX_LAYOUT,
               "the same fields");

#define TABLE(rows)                                                                                \
    {                                                                                              \
        .start = offsetof(struct stats_page, rows),                                                \
        .row_bytes = sizeof(((struct stats_page *)0)->rows[0]),                                    \
        .n_rows =                                                                                  \
            sizeof(((struct stats_page *)0)->rows) / sizeof(((struct stats_page *)0)->rows[0])     \
    }

const struct stats_page
    stats_page =
        {
            .head = {.magic = NEAP_PAGE_MAGIC,
                     .layout = NEAP_PAGE_LAYOUT,
                     .page_bytes = sizeof(struct stats_page),
                     .version = NEAP_VERSION,
                     .heap_bytes = sizeof(struct heap),
                     .statistics = TABLE(statistics),
                     .terms = TABLE(terms),
                     .places = TABLE(places),
                     .weights = TABLE(weights),
                     .ranges = TABLE(ranges),
                     .rings = TABLE(rings),
                     .columns = TABLE(columns),
                     .requests = TABLE(requests)},
            .statistics =
                {
#define STATISTIC(name_, unit_, kind_, metric_, labels_, help_)                                    \
    {.name = #name_,                                                                               \
     .unit = unit_,                                                                                \
     .metric = metric_,                                                                            \
     .labels = labels_,                                                                            \
     .help = help_,                                                                                \
     .kind = NEAP_PAGE_##kind_},
#define TERM(...)
#include "observe/statistics.def"
#undef STATISTIC
#undef TERM
                },
            .places = {[PLACE_HEAP] = {.count = 1},
                       [PLACE_PAGE_CACHE] = {.start = OFFSET(pages.caches),
                                             .stride = sizeof(struct page_cache),
                                             .count = PAGE_CACHES_MAX,
                                             .count_at = OFFSET(pages.n_caches)},
                       [PLACE_CENTRAL] = {.start = OFFSET(central.lists),
                                          .stride = sizeof(struct central_list),
                                          .count = SIZE_CLASSES},
                       [PLACE_CACHE] = {.is_list = 1,
                                        .first = OFFSET(caches.first),
                                        .next = offsetof(struct cache, next),
                                        .start = offsetof(struct cache, classes),
                                        .stride = sizeof(struct cache_class),
                                        .count = SIZE_CLASSES},
                       [PLACE_FIRST_CLASS] = {.is_list = 1,
                                              .first = OFFSET(heaps.alive),
                                              .next = offsetof(struct neap_heap, next),
                                              .start = offsetof(struct neap_heap, cache.classes),
                                              .stride = sizeof(struct cache_class),
                                              .count = SIZE_CLASSES}},
            .ranges = {[RANGE_HEAP] = {.use = "heap",
                                       .first = OFFSET(pages.reserved.ranges),
                                       .count_at = OFFSET(pages.reserved.n_ranges),
                                       .stride = sizeof(struct page_range),
                                       .start = offsetof(struct page_range, first),
                                       .length = offsetof(struct page_range, n_pages),
                                       .start_unit = PAGE_BYTES,
                                       .length_unit = PAGE_BYTES},
                       [RANGE_METADATA] = {.use = "metadata",
                                           .is_list = 1,
                                           .first = OFFSET(pages.metadata.newest),
                                           .next = offsetof(struct meta_reservation, older),
                                           .start = offsetof(struct meta_reservation, start),
                                           .length = offsetof(struct meta_reservation, n_bytes),
                                           .start_unit = 1,
                                           .length_unit = 1}},
            .rings = {[RING_SECONDS] = {.name = "seconds",
                                        .start = OFFSET(rings.seconds),
                                        .row_bytes = sizeof(struct history_sample),
                                        .n_rows = HISTORY_SECONDS,
                                        .count_at = OFFSET(history.n_seconds),
                                        .period_ns = HISTORY_SECOND_NS},
                      [RING_MINUTES] = {.name = "minutes",
                                        .start = OFFSET(rings.minutes),
                                        .row_bytes = sizeof(struct history_sample),
                                        .n_rows = HISTORY_MINUTES,
                                        .count_at = OFFSET(history.n_minutes),
                                        .period_ns = HISTORY_MINUTE_NS}},
            .columns = {COLUMN(time_ns), COLUMN(resident_bytes), COLUMN(object_bytes),
                        COLUMN(free_ready_bytes), COLUMN(allocations), COLUMN(returned_bytes)},
            .requests = {ASK_FOR("trim", TRIM), ASK_FOR("soft_limit", SOFT_LIMIT),
                         ASK_FOR("hard_limit", HARD_LIMIT)},
            .terms =
                {
#define STATISTIC(...)
#define TERM(statistic_, place_, word_, operation_, weights_, factor_)                             \
    {.statistic = STATISTIC_##statistic_,                                                          \
     .place = PLACE_##place_,                                                                      \
     .operation = NEAP_PAGE_##operation_,                                                          \
     .word_bytes = BYTES_##place_(word_),                                                          \
     .weights = WEIGHTS_##weights_,                                                                \
     .offset = OFFSET_##place_(word_),                                                             \
     .factor = (int64_t)(factor_)},
#include "observe/statistics.def"
#undef STATISTIC
#undef TERM
                },
#define CLASS_OF_SIXTEENTHS(...)
#define CLASS_OF_128THS(...)
            .weights = {[WEIGHTS_SLOT] =
                            {
                                0,
#define SIZE_CLASS(bytes, pages) bytes,
#include "span/size_class.def"
#undef SIZE_CLASS
                            },
                        [WEIGHTS_SPAN] =
                            {
                                0,
#define SIZE_CLASS(bytes, pages) (pages) * PAGE_BYTES,
#include "span/size_class.def"
#undef SIZE_CLASS
                            }},
};

// An ELF note: the sizes of its name and content, its type, both. The content is struct
// neap_page_note; only the assembler can write the distance of two symbols.
__asm__(".pushsection .note.neap,\"a\",%note\n"
        ".balign 4\n"
        ".long 5, 16, 1\n"
        ".asciz \"neap\"\n"
        ".balign 4\n"
        "1: .quad stats_page - 1b\n"
        ".quad process_heap - 1b\n"
        ".popsection\n");
