// A malloc that is wrong on purpose, to see that the comparisons notice.
//
// FAULT says how it is wrong, EVERY how often. The same file becomes a library to preload and one
// to link, under the names of neap's. Without a fault it is a plain malloc: lists of free pieces of
// 2^n bytes, one lock, nothing given back.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define HARMLESS 0   // nothing: nobody may notice
#define TEXT 1       // a realloc that moves an object changes a letter in it where there is text
#define REALLOC 2    // a realloc that moves an object flips a bit of it
#define CALLOC 3     // one byte of what calloc returns is not zero
#define OVERLAP 4    // malloc returns an object that is in use
#define LARGE 5      // a large object lies within the large one before
#define HANG 6       // a call does not return

#define LISTS 48
#define LIST_MIN 6           // 64 bytes
#define LIST_CARVED_MAX 18   // smaller pieces are cut from areas of this size times four
#define HEAD_BYTES 16
#define OS_PAGE_BYTES 4096
#define SHARED_BYTES 4096
#define LARGE_BYTES 32768
#define LETTERS 8   // so many in a row are text

struct piece {
    struct piece *next;
    uint32_t      list;
    uint32_t      owners;   // of the object in it; more than one: LARGE was at work
};

struct head {   // right before an object
    size_t        n_bytes;
    struct piece *piece;
};

static struct piece *free_pieces[LISTS];
static char         *rest, *rest_end;   // of the area that pieces are cut from
static atomic_flag   locked = ATOMIC_FLAG_INIT;
static atomic_ulong  n_turns;
static _Alignas(64) char shared[SHARED_BYTES];
static void *_Atomic last_large;

static void lock(void)
{
    while (atomic_flag_test_and_set_explicit(&locked, memory_order_acquire))
        sched_yield();
}

static void unlock(void)
{
    atomic_flag_clear_explicit(&locked, memory_order_release);
}

__attribute__((constructor)) static void lock_around_forks(void)
{
    pthread_atfork(lock, unlock, unlock);
}

static int is_turn(int fault)
{
    return FAULT == fault && atomic_fetch_add(&n_turns, 1) % EVERY == EVERY - 1;
}

static char *map(size_t n_bytes)
{
    void *area = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return area == MAP_FAILED ? NULL : area;
}

static struct piece *cut_locked(size_t list)
{
    size_t n_bytes = (size_t)1 << list;
    if (list > LIST_CARVED_MAX)
        return (struct piece *)map(n_bytes);
    if ((size_t)(rest_end - rest) < n_bytes) {
        rest = map((size_t)4 << LIST_CARVED_MAX);
        rest_end = rest == NULL ? NULL : rest + ((size_t)4 << LIST_CARVED_MAX);
    }
    if (rest == NULL)
        return NULL;
    rest += n_bytes;
    return (struct piece *)(rest - n_bytes);
}

static struct piece *take(size_t n_bytes)
{
    size_t list = LIST_MIN;
    while (list < LISTS && (size_t)1 << list < n_bytes)
        list++;
    if (list >= LISTS)
        return NULL;
    lock();
    struct piece *piece = free_pieces[list];
    if (piece != NULL)
        free_pieces[list] = piece->next;
    else
        piece = cut_locked(list);
    unlock();
    if (piece != NULL)
        *piece = (struct piece){.list = (uint32_t)list, .owners = 1};
    return piece;
}

static struct head *head_of(void *object)
{
    return (struct head *)((char *)object - HEAD_BYTES);
}

// The large object before, if it could hold the wanted one.
static void *within_last_large(size_t n_bytes)
{
    char *large = atomic_load(&last_large);
    if (n_bytes < LARGE_BYTES || large == NULL || head_of(large)->n_bytes < n_bytes)
        return NULL;
    if (!is_turn(LARGE))
        return NULL;
    head_of(large)->piece->owners++;
    return large;
}

void *memalign(size_t alignment, size_t n_bytes)
{
    void *large = FAULT == LARGE ? within_last_large(n_bytes) : NULL;
    if (large != NULL)
        return large;
    if (is_turn(HANG))
        for (;;)
            sched_yield();
    if (is_turn(OVERLAP) && n_bytes <= SHARED_BYTES && alignment <= 64)
        return shared;
    struct piece *piece = NULL;
    if (n_bytes <= PTRDIFF_MAX)
        piece = take(n_bytes + alignment + 2 * HEAD_BYTES);
    if (piece == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    uintptr_t object = (uintptr_t)piece + 2 * HEAD_BYTES + alignment - 1;
    object -= object % alignment;
    *head_of((void *)object) = (struct head){n_bytes, piece};
    if (FAULT == LARGE && n_bytes >= LARGE_BYTES)
        atomic_store(&last_large, (void *)object);
    return (void *)object;
}

void *malloc(size_t n_bytes)
{
    return memalign(HEAD_BYTES, n_bytes);
}

extern void *neap_malloc(size_t n_bytes) __attribute__((alias("malloc")));   // as in libneap.a

void free(void *object)
{
    if (object == NULL || object == shared)
        return;
    struct piece *piece = head_of(object)->piece;
    lock();
    if (object == last_large)
        last_large = NULL;
    if (--piece->owners == 0) {
        piece->next = free_pieces[piece->list];
        free_pieces[piece->list] = piece;
    }
    unlock();
}

size_t malloc_usable_size(void *object)
{
    return object == NULL ? 0 : object == shared ? SHARED_BYTES : head_of(object)->n_bytes;
}

void *calloc(size_t n_objects, size_t object_bytes)
{
    size_t n_bytes;
    if (__builtin_mul_overflow(n_objects, object_bytes, &n_bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    char *object = malloc(n_bytes);
    if (object != NULL)
        memset(object, 0, n_bytes);
    if (object != NULL && n_bytes > 0 && is_turn(CALLOC))
        object[n_bytes / 2] = 1;
    return object;
}

// Changes a letter in the middle of the first row of them.
static void spoil_text(char *object, size_t n_bytes)
{
    size_t letters = 0;
    for (size_t i = 0; i < n_bytes && letters < LETTERS; i++) {
        letters = object[i] >= 'b' && object[i] <= 'y' ? letters + 1 : 0;
        if (letters == LETTERS)
            object[i - LETTERS / 2] ^= 1;
    }
}

void *realloc(void *object, size_t n_bytes)
{
    if (object == NULL)
        return malloc(n_bytes);
    if (n_bytes == 0) {
        free(object);
        return NULL;
    }
    size_t old_bytes = malloc_usable_size(object), kept = old_bytes < n_bytes ? old_bytes : n_bytes;
    char  *moved = malloc(n_bytes);
    if (moved == NULL)
        return NULL;
    memcpy(moved, object, kept);
    free(object);
    if (kept >= LETTERS && is_turn(TEXT))
        spoil_text(moved, kept);
    if (kept > 0 && is_turn(REALLOC))
        moved[kept * 3 / 4] ^= 1;
    return moved;
}

void *reallocarray(void *object, size_t n_objects, size_t object_bytes)
{
    size_t n_bytes;
    if (__builtin_mul_overflow(n_objects, object_bytes, &n_bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(object, n_bytes);
}

void *aligned_alloc(size_t alignment, size_t n_bytes)
{
    return memalign(alignment < HEAD_BYTES ? HEAD_BYTES : alignment, n_bytes);
}

int posix_memalign(void **out_object, size_t alignment, size_t n_bytes)
{
    void *object = aligned_alloc(alignment, n_bytes);
    if (object == NULL)
        return ENOMEM;
    *out_object = object;
    return 0;
}

void *valloc(size_t n_bytes)
{
    return memalign(OS_PAGE_BYTES, n_bytes);
}

void *pvalloc(size_t n_bytes)
{
    return memalign(OS_PAGE_BYTES, (n_bytes + OS_PAGE_BYTES - 1) & ~(size_t)(OS_PAGE_BYTES - 1));
}
