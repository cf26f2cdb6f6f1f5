#include "seeded_bugs.h"

#include "base/atomic.h"
#include "front/front.h"

#include <sched.h>

static const struct entry_points *const real = &entry_points;

// A place for one freed object, taken from without an exchange: two threads may get the same.
static ATOMIC(void *) stash;

static void *malloc_from_stash(size_t n_bytes)
{
    void *object = n_bytes <= 64 ? load_relaxed(&stash) : NULL;   // the bug: two see the same
    if (object == NULL)
        return real->malloc(n_bytes);
    sched_yield();
    store_relaxed(&stash, NULL);
    return object;
}

static void free_to_stash(void *object)
{
    void *none = NULL;
    if (object == NULL || real->usable_size(object) != 64 || !cas_acquire(&stash, &none, object))
        real->free(object);
}

static void account_with_stash(struct front_account *out_account)
{
    real->account_read(out_account);
    if (load_relaxed(&stash) != NULL) {
        out_account->slots.used_slots--;
        out_account->slots.used_bytes -= 64;
        out_account->slots.free_bytes += 64;
    }
}

static void plant_stash(struct entry_points *entry)
{
    entry->malloc = malloc_from_stash;
    entry->free = free_to_stash;
    entry->account_read = account_with_stash;
}

static _Thread_local void *own;   // something this thread has allocated

static void *malloc_owned(size_t n_bytes)
{
    return own = real->malloc(n_bytes);
}

static void free_before_malloc_leaks(void *object)
{
    if (object != NULL && own != NULL)
        real->free(object);
}

static void plant_new_thread_leaks(struct entry_points *entry)
{
    entry->malloc = malloc_owned;
    entry->free = free_before_malloc_leaks;
}

const struct seeded_bug seeded_thread_bugs[] = {
    {"two threads get one object", plant_stash},
    {"a new thread's first frees are lost", plant_new_thread_leaks},
};
const size_t n_seeded_thread_bugs = sizeof seeded_thread_bugs / sizeof seeded_thread_bugs[0];
