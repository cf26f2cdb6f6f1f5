/* neap/pageheap.h: a page heap for allocators and language runtimes.
 *
 * Hands out runs of whole pages and takes them back. Address space is reserved an arena (64 MiB)
 * at a time, but the heap grows into it in small steps; what is free is merged at once and can be
 * given back to the kernel while it stays reserved; every byte is in exactly one book.
 *
 * Thread safety: every function may be called by any thread at any time, except create, destroy
 * and the fork functions, whose comments say more. None may be called from a signal handler,
 * except neap_pageheap_find.
 * Errors: functions that return bool or a pointer say in their comment what false or NULL means
 * and set errno then. A call that fails changes nothing that is in use or resident.
 * Units: bytes throughout. Sizes are rounded up to NEAP_PAGE_BYTES. */
#ifndef NEAP_PAGEHEAP_H
#define NEAP_PAGEHEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NEAP_PAGE_BYTES ((size_t)8192)

typedef struct neap_pageheap neap_pageheap;

/* Zero in any field: the default. Fill in by name, so that later fields stay zero. */
struct neap_pageheap_config {
    size_t   arena_bytes;    /* address space reserved at a time; default 64 MiB; a multiple of
                                64 KiB, at most 1 TiB */
    unsigned caches;         /* page caches, 1 to 64; default one per CPU */
    unsigned retain_percent; /* when the heap grows, give back what is resident beyond this share
                                of what is in use; 100 to 1000; default 110 */
    bool     retain_all;     /* never give back but when asked to */
};

/* Makes a heap; `config` may be NULL. NULL: EINVAL for a config out of range, ENOMEM. */
neap_pageheap *neap_pageheap_create(const struct neap_pageheap_config *config);

/* Gives all of its memory back to the kernel, runs still handed out included. Nobody may be
 * using the heap. */
void neap_pageheap_destroy(neap_pageheap *heap);

enum neap_run_kind {
    NEAP_RUN_IN_USE = 0, /* for the users of the heap */
    NEAP_RUN_MANUAL = 1  /* for the owner himself (metadata, stacks): counted apart */
};

struct neap_run_request {
    size_t             bytes;       /* at least 1, rounded up to whole pages */
    size_t             align_bytes; /* a power of two; 0: a page */
    enum neap_run_kind kind;
    void              *owner; /* yours; neap_pageheap_find tells it */
};

struct neap_run {
    void              *start;
    size_t             bytes;
    enum neap_run_kind kind;
    void              *owner;
    bool               zero_known; /* when it was handed out, every byte of it was zero */
};

/* Hands out a run, at the lowest address that fits. `out_run` may be NULL.
 * NULL: ENOMEM, or EINVAL for a size of 0, an alignment that is no power of two, or an unknown
 * kind. */
void *neap_pageheap_alloc(neap_pageheap *heap, const struct neap_run_request *request,
                          struct neap_run *out_run);

/* Takes a run back. False: EINVAL, `start` is not where a run of this heap starts. */
bool neap_pageheap_free(neap_pageheap *heap, void *start);

/* Makes a run longer or shorter where it is. `out_zero_known` (may be NULL): what came to it is
 * all zero. False: ENOMEM, what lies behind it is not free; EINVAL, as above, or a size of 0. */
bool neap_pageheap_resize(neap_pageheap *heap, void *start, size_t bytes, bool *out_zero_known);

/* The run that `address` lies in; any value at all may be asked for. Takes no lock. Reliable from
 * when neap_pageheap_alloc has returned it, as long as it cannot be freed or resized meanwhile.
 * `out_run` may be NULL. False: none; errno is not set. */
bool neap_pageheap_find(neap_pageheap *heap, const void *address, struct neap_run *out_run);

/* One step of giving back, for whoever paces it: the highest idle run, without a lock held across
 * the system call. `max_bytes` is rounded up to an OS page, and a huge page that is all idle goes
 * as a whole. Returns bytes given back; 0: nothing is idle, or the kernel refused. */
size_t neap_pageheap_scavenge_step(neap_pageheap *heap, size_t max_bytes);

/* Gives back at least `bytes`, if so much is idle. Returns bytes given back. */
size_t neap_pageheap_scavenge(neap_pageheap *heap, size_t bytes);

/* Gives back everything idle, page caches included. Returns bytes given back. */
size_t neap_pageheap_trim(neap_pageheap *heap);

/* All read at one instant. in_use + manual + cached_ready + cached_released + free_ready +
 * free_released == mapped. */
struct neap_pageheap_stats {
    size_t reserved;         /* address space of all arenas */
    size_t mapped;           /* grown into so far */
    size_t in_use;           /* in runs handed out */
    size_t manual;           /* in runs handed out for manual use */
    size_t cached_ready;     /* in page caches, resident */
    size_t cached_released;  /* in page caches, not resident */
    size_t free_ready;       /* free, resident */
    size_t free_released;    /* free, not resident */
    size_t metadata;         /* address space prepared for the heap's own books, beside `mapped`;
                                what of it is resident is mostly far less */
    size_t grown_times;      /* growths, since it was made (a count) */
    size_t scavenged;        /* given back, since it was made */
    size_t scavenged_steps;  /* in how many pieces (a count) */
    size_t scavenge_refused; /* "not now" from the kernel, since it was made (a count) */
};
void neap_pageheap_stats_read(neap_pageheap *heap, struct neap_pageheap_stats *out_stats);

/* Counts everything anew, page by page, and compares with the books. Returns NULL, or a sentence
 * that begins with the number of the invariant found broken. Time in proportion to the heap. */
const char *neap_pageheap_verify(neap_pageheap *heap);

/* For a process that forks while other threads use the heap: prepare before, then parent or
 * child after, as with pthread_atfork. */
void neap_pageheap_fork_prepare(neap_pageheap *heap);
void neap_pageheap_fork_parent(neap_pageheap *heap);
void neap_pageheap_fork_child(neap_pageheap *heap);

#ifdef __cplusplus
}
#endif

#endif
