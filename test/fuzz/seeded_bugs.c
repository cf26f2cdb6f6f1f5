#include "seeded_bugs.h"

#include "base/units.h"
#include "front/front.h"

#include <errno.h>
#include <string.h>

#define LARGE_BYTES ((size_t)32 << 10)   // larger objects than this are large

static const struct entry_points *const real = &entry_points;

// Bugs that strike now and then count their calls; every child process begins at 0.
static unsigned n_calls;

static bool every(unsigned n)
{
    return ++n_calls % n == 0;
}

// ---- what is handed out -----------------------------------------------------------------------

static void *last;   // object of malloc

// How many bytes `last` has, if it is still alive.
static size_t last_bytes(void)
{
    size_t n_bytes = 0;
    return front_usable_bytes(last, &n_bytes) == POINTER_TO_OBJECT ? n_bytes : 0;
}

static void *malloc_twice_the_same(size_t n_bytes)
{
    if (every(5) && last_bytes() >= n_bytes)
        return last;
    return last = real->malloc(n_bytes);
}

static void plant_same_object_twice(struct entry_points *entry)
{
    entry->malloc = malloc_twice_the_same;
}

static size_t usable_size_16_too_large(void *object)
{
    size_t n_bytes = real->usable_size(object);
    return n_bytes == 112 ? n_bytes + 16 : n_bytes;
}

static void plant_usable_size_too_large(struct entry_points *entry)
{
    entry->usable_size = usable_size_16_too_large;
}

static bool trimmed;

static int trim_and_remember(size_t keep_bytes)
{
    trimmed = true;
    return real->malloc_trim(keep_bytes);
}

static size_t usable_size_less_after_trim(void *object)
{
    size_t n_bytes = real->usable_size(object);
    return trimmed && n_bytes > LARGE_BYTES ? n_bytes - 16 : n_bytes;
}

static void plant_usable_size_changes(struct entry_points *entry)
{
    entry->malloc_trim = trim_and_remember;
    entry->usable_size = usable_size_less_after_trim;
}

static void *memalign_half(size_t alignment, size_t n_bytes)
{
    return real->memalign(alignment > 4096 ? alignment / 2 : alignment, n_bytes);
}

static void plant_memalign_misaligned(struct entry_points *entry)
{
    entry->memalign = memalign_half;
}

static void plant_pvalloc_is_malloc(struct entry_points *entry)
{
    entry->pvalloc = real->malloc;
}

static void *malloc_null_for_0(size_t n_bytes)
{
    return n_bytes > 0 ? real->malloc(n_bytes) : NULL;
}

static void plant_malloc_of_0_is_null(struct entry_points *entry)
{
    entry->malloc = malloc_null_for_0;
}

// ---- contents ---------------------------------------------------------------------------------

static void *calloc_last_bytes(size_t n_objects, size_t object_bytes)
{
    unsigned char *object = real->calloc(n_objects, object_bytes);
    size_t         n_bytes = n_objects * object_bytes;
    if (object != NULL && n_bytes > 64 && n_bytes % 16 != 0)
        object[n_bytes - 1] = 1;
    return object;
}

static void plant_calloc_last_bytes(struct entry_points *entry)
{
    entry->calloc = calloc_last_bytes;
}

static void *calloc_takes_large_for_zero(size_t n_objects, size_t object_bytes)
{
    size_t n_bytes;
    if (!__builtin_mul_overflow(n_objects, object_bytes, &n_bytes) && n_bytes > LARGE_BYTES)
        return real->malloc(n_bytes);
    return real->calloc(n_objects, object_bytes);
}

static void plant_calloc_takes_large_for_zero(struct entry_points *entry)
{
    entry->calloc = calloc_takes_large_for_zero;
}

static void *realloc_one_byte_less(void *object, size_t n_bytes)
{
    size_t         old_bytes = real->usable_size(object);
    unsigned char *moved = real->realloc(object, n_bytes);
    if (moved != NULL && moved != object && object != NULL && n_bytes > old_bytes)
        moved[old_bytes - 1] = 0;
    return moved;
}

static void plant_realloc_one_byte_less(struct entry_points *entry)
{
    entry->realloc = realloc_one_byte_less;
}

static void free_touching_neighbour(void *object)
{
    if (object != NULL && real->usable_size(object) == 64)
        ((volatile unsigned char *)object)[64] = 0;
    real->free(object);
}

static void plant_free_touches_neighbour(struct entry_points *entry)
{
    entry->free = free_touching_neighbour;
}

static size_t trim_losing_a_page(void)
{
    if (last_bytes() > LARGE_BYTES)
        memset((char *)last + 4 * KIB, 0, 8 * KIB);
    return real->neap_trim();
}

static void *malloc_remembering(size_t n_bytes)
{
    return last = real->malloc(n_bytes);
}

static void plant_trim_loses_a_page(struct entry_points *entry)
{
    entry->malloc = malloc_remembering;
    entry->neap_trim = trim_losing_a_page;
}

// ---- errors -----------------------------------------------------------------------------------

static void free_setting_errno(void *object)
{
    bool is_large = real->usable_size(object) > LARGE_BYTES;
    real->free(object);
    if (is_large)
        errno = EINVAL;
}

static void plant_free_sets_errno(struct entry_points *entry)
{
    entry->free = free_setting_errno;
}

static void *malloc_clearing_errno(size_t n_bytes)
{
    if (n_bytes > LARGE_BYTES)
        errno = 0;
    return real->malloc(n_bytes);
}

static void plant_malloc_clears_errno(struct entry_points *entry)
{
    entry->malloc = malloc_clearing_errno;
}

static int posix_memalign_null(void **out_object, size_t alignment, size_t n_bytes)
{
    *out_object = NULL;
    return real->posix_memalign(out_object, alignment, n_bytes);
}

static void plant_posix_memalign_writes_on_failure(struct entry_points *entry)
{
    entry->posix_memalign = posix_memalign_null;
}

static void *malloc_adding_a_header(size_t n_bytes)
{
    return real->malloc(n_bytes > SIZE_MAX - 16 ? n_bytes + 16 : n_bytes);
}

static void plant_malloc_size_wraps(struct entry_points *entry)
{
    entry->malloc = malloc_adding_a_header;
}

static void *calloc_wrapping(size_t n_objects, size_t object_bytes)
{
    return real->calloc(1, n_objects * object_bytes);
}

static void plant_calloc_product_wraps(struct entry_points *entry)
{
    entry->calloc = calloc_wrapping;
}

static void *reallocarray_wrapping(void *object, size_t n_objects, size_t object_bytes)
{
    return real->realloc(object, n_objects * object_bytes);
}

static void plant_reallocarray_product_wraps(struct entry_points *entry)
{
    entry->reallocarray = reallocarray_wrapping;
}

static void *memalign_without_errno(size_t alignment, size_t n_bytes)
{
    int   before = errno;
    void *object = real->memalign(alignment, n_bytes);
    errno = before;
    return object;
}

static void plant_memalign_without_errno(struct entry_points *entry)
{
    entry->memalign = memalign_without_errno;
}

static void *aligned_alloc_any(size_t alignment, size_t n_bytes)
{
    return real->aligned_alloc(alignment == 24 ? 32 : alignment, n_bytes);
}

static void plant_aligned_alloc_takes_24(struct entry_points *entry)
{
    entry->aligned_alloc = aligned_alloc_any;
}

static void *new_without_handler(size_t n_bytes)
{
    new_watch.handlers_left = 0;
    return real->new_one(n_bytes);
}

static void plant_new_without_handler(struct entry_points *entry)
{
    entry->new_one = new_without_handler;
}

// ---- resizing ---------------------------------------------------------------------------------

static void *realloc_freeing_on_failure(void *object, size_t n_bytes)
{
    void *moved = real->realloc(object, n_bytes);
    if (moved == NULL && n_bytes > 0) {
        real->free(object);
        errno = ENOMEM;
    }
    return moved;
}

static void plant_failing_realloc_frees(struct entry_points *entry)
{
    entry->realloc = realloc_freeing_on_failure;
}

static void *realloc_keeping_0(void *object, size_t n_bytes)
{
    return real->realloc(object, n_bytes > 0 ? n_bytes : 1);
}

static void plant_realloc_to_0_keeps(struct entry_points *entry)
{
    entry->realloc = realloc_keeping_0;
}

static void *realloc_leaking(void *object, size_t n_bytes)
{
    if (object == NULL || n_bytes <= LARGE_BYTES || n_bytes > 64 * LARGE_BYTES)
        return real->realloc(object, n_bytes);
    void *moved = real->malloc(n_bytes);
    if (moved != NULL)
        memcpy(moved, object, size_min(real->usable_size(object), n_bytes));
    return moved;
}

static void plant_realloc_leaks(struct entry_points *entry)
{
    entry->realloc = realloc_leaking;
}

// ---- books ------------------------------------------------------------------------------------

static void free_leaking(void *object)
{
    if (object == NULL || real->usable_size(object) != 48 || !every(3))
        real->free(object);
}

static void plant_free_leaks(struct entry_points *entry)
{
    entry->free = free_leaking;
}

static void leak_sized(void *object, size_t n_bytes)
{
    if (n_bytes < 1000)
        real->delete_array_sized(object, n_bytes);
}

static void plant_delete_array_leaks(struct entry_points *entry)
{
    entry->delete_array_sized = leak_sized;
}

static void leak_aligned_sized(void *object, size_t alignment, size_t n_bytes)
{
    if (alignment < 64)
        real->free_aligned_sized(object, alignment, n_bytes);
}

static void plant_free_aligned_sized_leaks(struct entry_points *entry)
{
    entry->free_aligned_sized = leak_aligned_sized;
}

static void account_without_one(struct front_account *out_account)
{
    real->account_read(out_account);
    out_account->large_objects -= out_account->large_objects > 2;
}

static void plant_large_object_not_in_books(struct entry_points *entry)
{
    entry->account_read = account_without_one;
}

static void account_without_page(struct front_account *out_account)
{
    real->account_read(out_account);
    if (out_account->pages.free_released_bytes > 0 && out_account->pages.scavenged_bytes > 0)
        out_account->pages.free_released_bytes -= PAGE_BYTES;
}

static void plant_page_not_in_books(struct entry_points *entry)
{
    entry->account_read = account_without_page;
}

static void *malloc_leaking_on_failure(size_t n_bytes)
{
    void *object = real->malloc(n_bytes);
    if (object == NULL)
        (void)!real->malloc(16);
    return object;
}

static void plant_failing_malloc_leaks(struct entry_points *entry)
{
    entry->malloc = malloc_leaking_on_failure;
}

static struct mallinfo2 mallinfo2_late(void)
{
    static struct mallinfo2 now;
    struct mallinfo2        before = now;
    now = real->mallinfo2();
    return before.arena > 0 ? before : now;
}

static void plant_mallinfo2_late(struct entry_points *entry)
{
    entry->mallinfo2 = mallinfo2_late;
}

static int trim_saying_nothing(size_t keep_bytes)
{
    (void)real->malloc_trim(keep_bytes);
    return 0;
}

static void plant_trim_says_nothing(struct entry_points *entry)
{
    entry->malloc_trim = trim_saying_nothing;
}

const struct seeded_bug seeded_bugs[] = {
    {"malloc hands out one object twice", plant_same_object_twice},
    {"usable size is 16 too large", plant_usable_size_too_large},
    {"usable size changes after a trim", plant_usable_size_changes},
    {"memalign is misaligned beyond 4096", plant_memalign_misaligned},
    {"pvalloc is malloc", plant_pvalloc_is_malloc},
    {"malloc of 0 is NULL", plant_malloc_of_0_is_null},
    {"calloc leaves the last byte", plant_calloc_last_bytes},
    {"calloc takes large memory for zero", plant_calloc_takes_large_for_zero},
    {"realloc copies a byte too few", plant_realloc_one_byte_less},
    {"free touches the neighbour", plant_free_touches_neighbour},
    {"neap_trim loses a page in use", plant_trim_loses_a_page},
    {"free sets errno for large objects", plant_free_sets_errno},
    {"malloc clears errno", plant_malloc_clears_errno},
    {"posix_memalign writes its pointer on failure", plant_posix_memalign_writes_on_failure},
    {"malloc near SIZE_MAX wraps around", plant_malloc_size_wraps},
    {"calloc's product wraps around", plant_calloc_product_wraps},
    {"reallocarray's product wraps around", plant_reallocarray_product_wraps},
    {"memalign fails without errno", plant_memalign_without_errno},
    {"aligned_alloc takes an alignment of 24", plant_aligned_alloc_takes_24},
    {"new throws without asking the new_handler", plant_new_without_handler},
    {"a failing realloc frees the object", plant_failing_realloc_frees},
    {"realloc to 0 keeps an object", plant_realloc_to_0_keeps},
    {"realloc leaks the old object", plant_realloc_leaks},
    {"free leaks now and then", plant_free_leaks},
    {"sized delete[] leaks", plant_delete_array_leaks},
    {"free_aligned_sized leaks", plant_free_aligned_sized_leaks},
    {"a large object is missing in the books", plant_large_object_not_in_books},
    {"a page is missing in the books", plant_page_not_in_books},
    {"a failing malloc leaks", plant_failing_malloc_leaks},
    {"mallinfo2 says what was", plant_mallinfo2_late},
    {"malloc_trim says it gave nothing back", plant_trim_says_nothing},
};
const size_t n_seeded_bugs = sizeof seeded_bugs / sizeof seeded_bugs[0];
