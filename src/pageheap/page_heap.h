// Page heap: hands out runs of pages and takes them back. The face of this folder.
//
// Address space is reserved an arena (64 MiB) at a time, but the heap grows into the current
// arena step by step: only what is asked for is prepared, and it counts as free and released
// until it is used. Free neighbours are one run at once; the lowest run that fits is taken; the
// highest is given back to the kernel, as much as the heap grew by when it grows.
//
// Locks: each page cache's lock, then page_heap.lock. Held across a system call only while
// growing, the heap or its books. Everything here may be called by any thread.
#ifndef NEAP_PAGEHEAP_PAGE_HEAP_H
#define NEAP_PAGEHEAP_PAGE_HEAP_H

#include "os/lock.h"
#include "pageheap/arena.h"
#include "pageheap/meta_source.h"
#include "pageheap/page_account.h"
#include "pageheap/page_cache.h"
#include "pageheap/page_map.h"
#include "pageheap/page_ranges.h"
#include "pageheap/page_set.h"
#include "pageheap/recent_peak.h"
#include "pageheap/run.h"

#define PAGE_CACHES_MAX 64
#define RESTS_MAX 16         // each took a refused call; past that, no further arena is begun
#define RETAIN_PCT_NEVER 0   // do not give back on growth

struct page_heap_config {
    size_t   arena_bytes;      // 0: 64 MiB
    size_t   record_bytes;     // of a run's record, the owner's part included; 0: as struct run
    unsigned n_caches;         // 0: one per CPU; at most PAGE_CACHES_MAX
    unsigned retain_pct;       // of what was in use lately, may stay on growth; RETAIN_PCT_NEVER
    size_t   step_bytes_max;   // by which a large heap grows at least; 0: by what is asked for
    uint64_t hold_ns;          // how long what was in use counts as needed; see recent_peak.h
    uint64_t random;           // where to look for address space
};

// Where the next step of giving back looks. Normally from the top; past what the kernel refused.
struct scavenge_walk {
    page_id below;
    size_t  narrow_pages;   // smaller steps from here on; 0: as asked for
};
#define SCAVENGE_FROM_THE_TOP                                                                      \
    ((struct scavenge_walk){.below = page_at_number((size_t)1 << PAGE_NUMBER_BITS)})

// Tables got in advance, for the next 2 GiB of address space that the heap comes to.
struct table_stock {
    struct page_set_table *set_table;
    struct page_map_table *map_table;
};

struct page_heap {
    // Constant after init.
    size_t   unit_bytes;   // the larger of page and OS page: growth is a multiple
    unsigned os_page_pages;
    unsigned retain_pct;
    size_t   step_pages_max;
    size_t   paid_pages_max;   // of owed growth, in one call that asks for less
    uint64_t hold_ns;
    unsigned n_caches;

    struct lock lock;   // rank PAGE_HEAP
    // Guarded by lock.
    struct page_ranges  grown;              // P2: every page prepared so far
    struct page_ranges  reserved;           // every page of every arena; P3
    struct arena        current;            // P3: where growth continues
    struct arena        rests[RESTS_MAX];   // P3: of arenas left behind, not prepared yet
    size_t              n_rests;            // almost always 0
    struct arena_source arenas;
    struct table_stock  table_stock;
    struct meta_source  metadata;
    struct meta_pool    records;
    size_t              in_use_pages, manual_pages;   // less what went through the caches; may wrap
    size_t              scavenging_pages;   // taken out to be given back; count as free ready
    struct scavenge_walk walk;
    unsigned           n_standing_still;   // forks in preparation: no step of giving back may begin
    size_t             released_inside;    // bytes of OS pages in runs in use, by their owner
    struct recent_peak peak;               // of what is in use, manual included
    size_t             alarm_pages;        // with more that is free and ready, is the alarm raised
    size_t             hard_limit_pages;   // more are not to be ready; SIZE_MAX: no limit
    size_t             watch_pages;        // with more that are ready, is `has_passed_watch` set
    size_t             n_looks;            // at the watch, since has_moved was set
    size_t             most_pages;         // that were ready, books included, at a time
    size_t             grown_times, scavenged_pages, scavenged_steps, scavenge_refused_times;

    ATOMIC(bool)   alarm;              // hint: see page_heap_set_alarm
    ATOMIC(bool)   has_passed_watch;   // hint: see page_heap_set_watch
    ATOMIC(bool)   has_moved;          // hint: set in every looks_apart-th look at the watch
    ATOMIC(size_t) looks_apart;        // hint
    ATOMIC(bool)   has_payer;          // hint: somebody pays for growth regularly
    ATOMIC(size_t) owed_pages;         // counter: growth that nothing has been given back for yet
    ATOMIC(size_t) unpaid_pages;       // counter: growth that what is idle here did not suffice for
    ATOMIC(size_t) paid_bytes;         // counter: given back for growth so far
    ATOMIC(size_t) payer_pages;        // hint: with a payer, so much of either before others pay

    // Large and mostly never touched, last; page_map's and page_set's first words lie together.
    struct page_cache caches[PAGE_CACHES_MAX];
    struct page_map   map;    // M1; lock-free
    struct page_set   free;   // P1, P4; guarded by lock
};
// Invariants:
//   P1  a page grown is free in the set, free in one window, being scavenged, or in one run
//   P2  mapped == in use + manual + cached + free ready + free released; as counted, and as
//       found by going through bitmaps, windows and map page by page
//   P3  what is reserved is grown, or in the current arena, or in a rest: in one of these
//   P4  no page outside of `grown` is free

// Requires: memory of `heap` is zero.
void page_heap_init(struct page_heap *heap, const struct page_heap_config *config);

// Gives all address space back, runs handed out included. Best effort: the kernel may refuse.
void page_heap_destroy(struct page_heap *heap);

// A request. One made with a lock held, under which no system call shall be made but for growth,
// owes what the heap should give back for having grown; see page_heap_pay_owed.
struct run_request {
    size_t        n_pages;         // 1 to RUN_PAGES_MAX
    size_t        align_pages;     // a power of two; 0 and 1: any page
    enum run_kind kind;            // RUN_IN_USE or RUN_MANUAL
    bool          owes_scavenge;   // leave giving back to page_heap_pay_owed
};

// Hands out a run, lowest address first.
// Fails:  NULL when the OS has no more memory or the request is out of range; what is in use and
//         what is resident are as before.
NODISCARD struct run *page_heap_alloc(struct page_heap *heap, const struct run_request *request);

// Takes a run back. The record is void from here on.
void page_heap_free(struct page_heap *heap, struct run *run);

// The same, and of a run shorter than 64 pages some, a bit each in `released`, hold no memory any
// more: the owner has given them back. Requires: whole OS pages. `noted_bytes` of the run have been
// noted as released.
void page_heap_free_partly_released(struct page_heap *heap, struct run *run, uint64_t released,
                                    size_t noted_bytes);

// Makes a run longer or shorter in place. *out_zero_known, when it grew: the new pages are zero.
// Fails:  false when the pages behind it are not free; the run is as before.
NODISCARD bool page_heap_resize(struct page_heap *heap, struct run *run, size_t n_pages,
                                bool *out_zero_known);

// How much of a run page_heap_move would move, in bytes: what was moved here before, or all of it
// if nothing was. 0: nothing.
size_t page_heap_movable_bytes(const struct page_heap *heap, const struct run *run);

// Moves the start of a run to the start of another one without copying; the rest stays, for the
// owner to copy. *out_moved_bytes says how much was moved, 0 if the kernel refused. The place it
// was moved away from may not be touched until the run is freed. Whole OS pages only: where these
// are larger than ours, a run that starts within one is not moved.
// Requires: `to` is longer than `from`, and its contents are void. The heap is never destroyed.
// Fails:  false when `to` has become unusable: it can only be freed.
// A run that became unusable stays as one for manual use, for ever, when it is freed.
NODISCARD bool page_heap_move(struct page_heap *heap, struct run *from, struct run *to,
                              size_t *out_moved_bytes);

// The run that an address lies in, or NULL; see page_map_find. Takes no lock.
static inline struct run *page_heap_find(struct page_heap *heap, uintptr_t address)
{
    return page_map_find(&heap->map, address);
}

// Tags the pages of a run; see page_map.h. Requires: it is shorter than a leaf.
static inline void page_heap_tag(struct page_heap *heap, const struct run *run, uint8_t tag)
{
    page_map_tag(&heap->map, run->first, run->n_pages, tag);
}

// Does the address lie in an arena of this heap, whatever holds it now? Takes the lock.
bool page_heap_has_reserved(struct page_heap *heap, uintptr_t address);

// One step of giving back, for whoever paces it: finds the highest idle run of at most
// `n_pages_max` pages (or one huge page), takes it out, and without the lock returns it to the
// kernel. Returns how many pages went back; 0: nothing is idle, or the kernel refused.
size_t page_heap_scavenge_step(struct page_heap *heap, size_t n_pages_max);

// Gives back about `n_bytes` (at least, if that much is idle). Returns how much, in bytes.
size_t page_heap_scavenge(struct page_heap *heap, size_t n_bytes);

// The same, but spares the leaves that pages were handed out of lately: what is idle there is
// needed soon. *out_spared: there were such with something idle, and less went back.
size_t page_heap_scavenge_unused(struct page_heap *heap, size_t n_bytes, bool *out_spared);

// Time has gone by: "lately" is since the call before the last one. Takes the lock.
void page_heap_age(struct page_heap *heap);

// Gives back everything idle, also what the page caches hold. Returns how much, in bytes.
size_t page_heap_trim(struct page_heap *heap);

// The owner of runs in use has given OS pages inside of them back to the kernel, or takes them into
// use again. In bytes. Takes the lock.
void page_heap_note_released_inside(struct page_heap *heap, size_t n_bytes);
void page_heap_note_used_inside(struct page_heap *heap, size_t n_bytes);

// The same, unless that would pass the hard limit: false, and nothing has changed.
NODISCARD bool page_heap_try_use_inside(struct page_heap *heap, size_t n_bytes);

// How much is resident beyond `retain_pct` of what was in use lately, in bytes. Takes note of what
// is in use now. Takes the locks.
size_t page_heap_excess(struct page_heap *heap, unsigned retain_pct);

// Has `alarm` set as soon as more than `n_bytes` are free and ready (now, or when something is
// freed), until it is set anew. SIZE_MAX: never. Takes the lock.
void page_heap_set_alarm(struct page_heap *heap, size_t n_bytes);

// What limits count: what is mapped and not released, our own books included, in bytes. Too much by
// what of page caches is released, until they are flushed. Takes the lock.
size_t page_heap_counted(struct page_heap *heap);

// From now on nothing is handed out that would make what is counted more than so much. SIZE_MAX: no
// limit. What is more already stays. Only books that a growth needs, 2 MiB for each 2 GiB of
// address space, may come on top, and what the kernel does not take back as it is locked. Takes
// the lock.
void page_heap_set_hard_limit(struct page_heap *heap, size_t n_bytes);

// Has `has_passed_watch` set as soon as more than that is counted (now, or when more is handed
// out), until it is set anew. SIZE_MAX: never. Takes the lock.
void page_heap_set_watch(struct page_heap *heap, size_t n_bytes);

// Returns the pages and records held by all caches to the heap.
void page_heap_flush_caches(struct page_heap *heap);

// Reads all books at one instant. Takes the locks.
void page_heap_account_read(struct page_heap *heap, struct page_account *out_account);

// Counts everything anew, page by page, and compares. Returns NULL or the invariant found
// broken ("P2 ..."). Takes all locks, and time in proportion to the heap.
const char *page_heap_verify(struct page_heap *heap);

// Memory for the owner's books beside the runs' records: zero, aligned to a cache line, apart from
// the memory handed out, counted as metadata, there as long as the heap. NULL: the OS has no more.
NODISCARD void *page_heap_metadata_take(struct page_heap *heap, size_t n_bytes);

// Gives back, if there is reason to, for growth that requests with `owes_scavenge` caused. Call it
// when the lock is dropped; costs a load when nothing is owed.
void page_heap_pay_owed(struct page_heap *heap);

// The same, up to so much, whoever else pays. Returns how much went back, in bytes.
size_t page_heap_pay_owed_by(struct page_heap *heap, size_t n_pages_max);

// All locks of the heap, for whoever needs its books to stand still.
void page_heap_lock_all(struct page_heap *heap);
void page_heap_unlock_all(struct page_heap *heap);

// Around fork. Prepare takes all locks at a moment when no pages are on their way to the kernel;
// parent lets go of them; child makes them anew.
void page_heap_fork_prepare(struct page_heap *heap);
void page_heap_fork_parent(struct page_heap *heap);
void page_heap_fork_child(struct page_heap *heap);
// Makes all locks usable again in the only thread there is. Requires: they were held at the fork.
void page_heap_reset_locks(struct page_heap *heap);

// Calls `visit` with each range of pages grown so far. Takes the lock; `visit` may not allocate.
void page_heap_each_range(struct page_heap *heap,
                          void (*visit)(void *context, page_id first, size_t n_pages),
                          void *context);

// The same with each run handed out. Requires: the caller holds all locks.
void page_heap_each_run_locked(struct page_heap *heap,
                               void (*visit)(void *context, struct run *run), void *context);

// ---- within the folder ------------------------------------------------------------------------

// Adds at least `n_pages` consecutive free released pages to the set. Returns how many pages
// were added in all; 0: the OS has no more memory, every book is as before. When RESTS_MAX rests
// wait, it may add the pages of one of those only.
size_t page_heap_grow_locked(struct page_heap *heap, size_t n_pages) REQUIRES(heap->lock);

// The same, but only if the new pages follow the last ones grown without a gap.
size_t page_heap_grow_in_place_locked(struct page_heap *heap, size_t n_pages) REQUIRES(heap->lock);

// May so many pages that are released now become ready? Always, where there is no hard limit.
bool page_heap_may_ready_locked(struct page_heap *heap, size_t n_pages) REQUIRES(heap->lock);

// May these free pages be handed out?
bool page_heap_may_take_locked(struct page_heap *heap, page_id first, size_t n_pages)
    REQUIRES(heap->lock);

// To be called when pages may have become ready.
void page_heap_look_at_watch_locked(struct page_heap *heap) REQUIRES(heap->lock);

// Returns which pages behind the first `n_pages` of a run, which are about to be freed, are
// released: those that were moved away, and those moved here, whose mapping must not outlive them.
// Calls the kernel: no lock may be held.
struct page_range page_heap_release_moved(const struct page_heap *heap, struct run *run,
                                          size_t n_pages);

// Keeps a run that became unusable, as one for manual use.
void page_heap_abandon(struct page_heap *heap, struct run *run);

#endif
