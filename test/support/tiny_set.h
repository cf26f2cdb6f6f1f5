// A page set of a few pages where two tables, and the entries of all levels, meet; and the same
// set as small masks, to compare it with.
#ifndef NEAP_TEST_TINY_SET_H
#define NEAP_TEST_TINY_SET_H

#include "pageheap/page_cache.h"

#define TINY_EDGE_TABLE (TABLES_MAX / 2)
#define TINY_EDGE (TINY_EDGE_TABLE * TABLE_PAGES)   // the page above the middle of all addresses
#define TINY_NONE 31u                               // no such bit; as a hint: nothing is free
#define TINY_PIECES_MAX 40
#define TINY_SAVED_BYTES_MAX 1024

struct tiny_config {
    const char *name;
    unsigned    n_pages;   // at most 16, half of them below the edge
    unsigned    os_page_pages, huge_page_pages;
    bool        with_window;
};

// Bit i of a mask is page TINY_EDGE - n_pages / 2 + i.
struct tiny_state {
    uint16_t free, released;            // in the set
    uint16_t cached, cached_released;   // in the window
    uint8_t  window;                    // which one that is: 0 none, 1 below the edge, 2 above
    uint8_t  hint;                      // bit number of the search hint, or TINY_NONE
};

struct tiny_piece {
    void  *at;
    size_t n_bytes;
};

struct tiny_set {
    const struct tiny_config *config;
    size_t                    base;   // page number of bit 0
    struct page_set           set;
    struct page_set_table    *tables[2];
    struct page_window        window;
    struct tiny_piece         pieces[TINY_PIECES_MAX];   // all that an operation may change
    size_t                    n_pieces;
    unsigned char             saved[TINY_SAVED_BYTES_MAX];
};

// Requires: memory of `tiny` is zero.
void tiny_start(struct tiny_set *tiny, const struct tiny_config *config);
void tiny_end(struct tiny_set *tiny);

// Makes set and window what the state says.
void tiny_load(struct tiny_set *tiny, const struct tiny_state *state);

// Back to where the set was when it was saved, quickly.
void tiny_save(struct tiny_set *tiny);
void tiny_restore(struct tiny_set *tiny);

// Is the set what `state` says, all summaries and marks included? NULL, or what is wrong. The
// hint may be anything not above a free page.
const char *tiny_compare(const struct tiny_set *tiny, const struct tiny_state *state);
unsigned    tiny_hint(const struct tiny_set *tiny);

// ---- masks ------------------------------------------------------------------------------------

static inline unsigned tiny_mask(unsigned first, unsigned n)
{
    return ((1u << n) - 1) << first;
}

// Lowest run of n ones, or TINY_NONE.
unsigned tiny_lowest_fit(const struct tiny_set *tiny, unsigned mask, unsigned n);

// The OS pages that a mask touches; with `whole`, those it holds wholly.
unsigned tiny_os_pages_of(const struct tiny_set *tiny, unsigned mask, bool whole);

#endif
