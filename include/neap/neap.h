/* neap/neap.h: malloc's family under names of neap's own.
 *
 * libneap also offers these functions under libc's names; a program that is linked with it or
 * runs with it preloaded needs nothing from here. The names below are for programs that want
 * neap beside another malloc and say so at each call. An object may be freed under either name.
 *
 * Thread safety: every function may be called by any thread. malloc's family may also be called
 * by a signal handler that has interrupted it; what it asks for at such a moment may be refused
 * (64 KiB at a time are kept for it), and nothing hangs.
 * Errors: NULL with errno ENOMEM when there is no memory or the size is beyond PTRDIFF_MAX, EINVAL
 * for an alignment that is no power of two. Freeing keeps errno. A pointer that is not the start
 * of an object, or of one freed already, stops the program with one line on stderr; see neap(3).
 * Units: bytes. */
#ifndef NEAP_NEAP_H
#define NEAP_NEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An object of at least `size` bytes, aligned to 16. Of size 0: unique, and to be freed. */
void *neap_malloc(size_t size);

/* Room for `count` objects of `size` bytes, all zero. ENOMEM also if the product overflows. */
void *neap_calloc(size_t count, size_t size);

/* Changes the size of an object, moving it if need be; what fits of its contents is kept. NULL:
 * the object is as before. `object` may be NULL (neap_malloc); a size of 0 frees it, NULL. */
void *neap_realloc(void *object, size_t size);
void *neap_reallocarray(void *object, size_t count, size_t size);

/* An object at a multiple of `alignment`, a power of two; neap_memalign rounds others up to one. */
void *neap_aligned_alloc(size_t alignment, size_t size);
void *neap_memalign(size_t alignment, size_t size);

/* Returns 0, or ENOMEM, or EINVAL (a power of two, at least sizeof(void *)), with *out_object as
 * it was and errno untouched. */
int neap_posix_memalign(void **out_object, size_t alignment, size_t size);

/* `object` may be NULL. A size (or alignment) that objects of another size class are asked for with
 * stops the program; sizes of the same class are not told apart. C++'s sized operator delete stops
 * it if the object is of a smaller class. */
void neap_free(void *object);
void neap_free_sized(void *object, size_t size);
void neap_free_aligned_sized(void *object, size_t alignment, size_t size);

/* How much of the object may be used: at least what was asked for. 0 for NULL. */
size_t neap_malloc_usable_size(void *object);

/* Gives everything idle back to the kernel, at once. Returns bytes given back. */
size_t neap_trim(void);

/* Goes through all that neap knows of its memory and works every number out anew. Returns NULL if
 * all agrees, or a sentence about the first thing that does not, which begins with the number of
 * an invariant of ARCHITECTURE.md. For tests and debuggers: other threads wait meanwhile, and one
 * that frees at this moment may be taken for a mistake. */
const char *neap_check(void);

/* ---- presence and numbers ---------------------------------------------------------------------
 *
 * None of these functions takes a lock or allocates, and all but neap_is_active may be called from
 * a signal handler. */

/* Of the library, as "0.1.0". */
const char *neap_version(void);

/* Is neap what malloc and free of this process lead to? False where another malloc stands before
 * it, or with NEAP_DISABLE. */
bool neap_is_active(void);

/* The same for a program that is not linked with the library: false where it is absent. */
#if defined(__GNUC__) && !defined(NEAP_LIBRARY)
#pragma weak neap_is_active
#endif
#define NEAP_IS_ACTIVE() (neap_is_active != NULL && neap_is_active())

/* The statistics of the heap, page heaps (neap/pageheap.h) left out. Bytes, nanoseconds or counts,
 * as the names say; counters are since the process began. object_bytes, free_slots_bytes,
 * cached_bytes, free_ready_bytes and metadata_bytes add up to resident_bytes, and are of one
 * instant; objects are counted by each thread for itself, so that under load what follows from
 * their number is as of some microseconds. In a signal handler that has interrupted malloc or free
 * pages may be missing that were on their way from one book to another.
 * Later versions add fields at the end. */
struct neap_stats {
    uint64_t object_bytes;            /* in objects not freed yet: asked for, and rounding */
    uint64_t free_slots_bytes;        /* in spans that are in use, but in no object */
    uint64_t cached_bytes;            /* free pages set aside for the next small runs */
    uint64_t free_ready_bytes;        /* in free pages that have not been given back */
    uint64_t metadata_bytes;          /* in the books of the heap, as far as they are mapped */
    uint64_t resident_bytes;          /* held: objects, free slots, cached, free ready, metadata */
    uint64_t counted_bytes;           /* what limits count: resident, and the heap's own struct */
    uint64_t peak_counted_bytes;      /* the most that was counted at a time */
    uint64_t soft_limit_bytes;        /* above it what is idle goes back; UINT64_MAX: none */
    uint64_t hard_limit_bytes;        /* beyond it requests fail; UINT64_MAX: none */
    uint64_t released_bytes;          /* given back to the kernel, address space kept */
    uint64_t mapped_bytes;            /* grown into so far, without the books */
    uint64_t reserved_bytes;          /* address space kept for the heap to grow into */
    uint64_t objects;                 /* objects not freed yet */
    uint64_t large_objects;           /* of these larger than 32 KiB */
    uint64_t large_object_bytes;      /* in objects larger than 32 KiB */
    uint64_t allocations;             /* objects handed out */
    uint64_t frees;                   /* objects taken back */
    uint64_t growths;                 /* times that the heap has grown */
    uint64_t returned_bytes;          /* given back to the kernel so far */
    uint64_t returned_idle_bytes;     /* of these because they were not used for a while */
    uint64_t returned_growth_bytes;   /* because the heap grew by as much */
    uint64_t returned_limit_bytes;    /* because a limit was near */
    uint64_t returned_pressure_bytes; /* because the system was short of memory */
    uint64_t returned_request_bytes;  /* because the program asked for it, as by malloc_trim */
    uint64_t return_cpu_ns;           /* CPU time that giving back took, but for growth */
    uint64_t returns_refused;         /* times that the kernel took nothing back */
    uint64_t refused_requests;        /* requests that found no memory */
    uint64_t foreign_frees;           /* frees of what another malloc had handed out */
    uint64_t shortages;               /* times that the system became short of memory */
    uint64_t thread_caches;           /* caches of threads, those without a thread included */
    uint64_t idle_thread_caches;      /* of these without a thread */
};

/* Reads them into a struct of `size` bytes, sizeof(struct neap_stats): fields that the library does
 * not know become 0. Returns 0, or EINVAL: `size` is 0 or no multiple of 8. */
int neap_stats_read(struct neap_stats *out_stats, size_t size);

/* The same one by one, by name: also those that a later library adds. */
struct neap_metric {
    const char *name; /* as in struct neap_stats; lasts as long as the process */
    const char *unit; /* "bytes", "ns" or "count" */
    const char *help; /* one line */
    bool        is_counter;
};

size_t neap_metric_count(void);

/* Returns 0, ENOENT (`i` is not below neap_metric_count()) or EINVAL (`size` is less than
 * sizeof(struct neap_metric)). */
int neap_metric_describe(size_t i, struct neap_metric *out_metric, size_t size);

/* Reads `n` statistics at once. Returns 0, or ENOENT: there is none of one of the names, its value
 * is 0, and all others have been read. */
int neap_metric_read(const char *const *names, uint64_t *out_values, size_t n);

enum neap_stats_format {
    NEAP_STATS_TEXT,        /* a line for each */
    NEAP_STATS_JSON,        /* one object, schema neap.stats/1 */
    NEAP_STATS_OPENMETRICS, /* as Prometheus reads it */
};

/* Writes all of them to a file descriptor. Returns 0, EINVAL (no such format), or the errno value
 * of the write that failed. Keeps errno. */
int neap_stats_print(int fd, enum neap_stats_format format);

/* ---- limits -----------------------------------------------------------------------------------
 *
 * Counted is what is mapped and has not been given back, neap's own books included; memory of
 * page heaps (neap/pageheap.h) is not. Near the soft limit, whoever would take the process beyond
 * it first gives back what is idle; it never refuses memory. Beyond the hard limit requests fail
 * with ENOMEM, once all that is idle has gone back. At first the limits are as the environment
 * says: NEAP_LIMIT and NEAP_HARD_LIMIT, see neap-env(7). None of these functions may be called
 * from a signal handler. */
enum neap_limit_kind { NEAP_SOFT_LIMIT, NEAP_HARD_LIMIT };

#define NEAP_LIMIT_OFF ((size_t)-1)
#define NEAP_LIMIT_AUTO ((size_t)-2) /* the tightest of the control groups', less a margin */

/* Sets a limit; what is above the soft one goes back at once. A hard limit below what is in use
 * takes nothing away. Returns 0, or EINVAL: 0 bytes, an unknown kind, NEAP_LIMIT_AUTO as a hard
 * limit; then nothing has changed. */
int neap_limit_set(enum neap_limit_kind kind, size_t bytes);

/* The limit in force, also where it came from the system; NEAP_LIMIT_OFF: none. */
size_t neap_limit_get(enum neap_limit_kind kind);

/* What is counted at present. */
size_t neap_limit_counted(void);

/* ---- pressure ---------------------------------------------------------------------------------
 *
 * A program that can do with less, as it has caches of its own, may have itself told when memory
 * becomes short: a callback is called when what is counted passes 75, 90 or 100 per cent of the
 * limit, the tighter of the two; of several passed at once, for the highest. 100 means: beyond
 * the soft limit although what is idle has gone back, or a request has failed at the hard one. A
 * level is told again after what is counted has fallen 5 per cent of the limit below it. What is
 * passed when a callback is registered is told to all. Changed limits are told anew.
 *
 * A callback is called by a thread of neap's own, within about 50 ms, with all signals blocked and
 * a stack of 128 KiB; with NEAP_BACKGROUND=0 or NEAP_RETAIN=off, or where no thread can be had, by
 * a thread of the program that calls malloc or free, which may hold locks of the program's. None of
 * neap's is held: it may allocate, free and call any function of neap. Callbacks are called one
 * after the other, and none while it is at work already. It must return: no longjmp, no exception,
 * no pthread_exit. In the child of a fork callbacks stay registered; what was not told yet is
 * forgotten.
 *
 * While there are callbacks, neap's own thread also follows whether the control group or the system
 * is short of memory, as neap-env(7) says about NEAP_PRESSURE, and tells it as level 0: when it
 * becomes so, and again at the earliest when it has not been so for ten seconds. */
struct neap_pressure {
    unsigned level;         /* 75, 90 or 100; 0: the system is short of memory */
    size_t   counted_bytes; /* when it was noticed */
    size_t   limit_bytes;   /* of level 0: NEAP_LIMIT_OFF */
};

/* `pressure` is gone when the callback returns. Later versions may add fields at its end. */
typedef void neap_pressure_callback(const struct neap_pressure *pressure, void *context);

/* Returns 0, EINVAL (`callback` is NULL) or ENOSPC (8 are registered already). A callback that is
 * registered twice is called twice. */
int neap_pressure_register(neap_pressure_callback *callback, void *context);

/* Once it returns, the callback is not at work and is not called with `context` any more; if it is
 * at work, this waits for it, unless a callback calls it. Returns 0, or ENOENT: it was not
 * registered with `context`. Neither function may be called from a signal handler. */
int neap_pressure_unregister(neap_pressure_callback *callback, void *context);

/* ---- heaps ------------------------------------------------------------------------------------
 *
 * A heap holds objects that belong together and can be freed all at once. Its objects are freed,
 * resized and described by the functions above, by any thread; resizing keeps them in the heap. */
typedef struct neap_heap neap_heap;

/* `name`, cut to 31 bytes, stands in reports; may be NULL. NULL with ENOMEM: no memory. */
neap_heap *neap_heap_create(const char *name);

/* Frees all objects of the heap, and the heap. Nobody may use it or them meanwhile or later. */
void neap_heap_destroy(neap_heap *heap);

void *neap_heap_malloc(neap_heap *heap, size_t size);
void *neap_heap_calloc(neap_heap *heap, size_t count, size_t size);
void *neap_heap_aligned_alloc(neap_heap *heap, size_t alignment, size_t size);

/* Of one heap, in bytes but for the counts. Takes time in proportion to its number of spans. */
struct neap_heap_stats {
    size_t objects;      /* not freed yet */
    size_t object_bytes; /* room they take: asked for, and rounding */
    size_t held_bytes;   /* room the heap takes, free slots included */
};
void neap_heap_stats_read(neap_heap *heap, struct neap_heap_stats *out_stats);

/* ---- looking at memory ---------------------------------------------------------------------- */

enum neap_block_state {
    NEAP_BLOCK_FOREIGN, /* not in memory of neap */
    NEAP_BLOCK_LIVE,    /* in an object, not freed yet */
    NEAP_BLOCK_FREE,    /* in memory of neap that holds no object */
};

struct neap_block {
    enum neap_block_state state;
    void                 *start; /* of the object or free slot; NULL where there is neither */
    size_t                size;  /* usable bytes from `start` on */
    void       *span_start; /* of the pages cut into slots of this size, or of the object's own */
    size_t      span_size;
    const char *heap_name; /* of the first-class heap it belongs to; NULL: none */
};

/* Describes what lies at `address`, which may be any value. What others do at the same moment may
 * or may not show. */
void neap_block_describe(const void *address, struct neap_block *out_block);

/* Calls `visit` with each object that is not freed, in `heap` or, with NULL, in the whole process,
 * until it returns false. Every other thread that allocates or frees waits meanwhile; `visit`
 * itself may only allocate a little (see Thread safety). Returns whether all were visited. */
bool neap_heap_walk(neap_heap *heap, bool (*visit)(const struct neap_block *found, void *context),
                    void      *context);

#ifdef __cplusplus
}
#endif

#endif
