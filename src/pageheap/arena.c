// Reserving arenas: hints, collisions, and smaller steps where space is short.
#include "pageheap/arena.h"

#include "base/check.h"
#include "base/units.h"
#include "os/vm.h"

// The first hints lie 1 TiB apart, above where programs without position independence are put
// and below the kernel's own choices: from 16 TiB on x86-64, up to 64 TiB. A random start in steps
// of an arena keeps addresses from being known beforehand.
#define FIRST_HINT ((uintptr_t)1 << 44)
#define HINT_DISTANCE ((uintptr_t)1 << 40)
#define RANDOM_STARTS ((uint64_t)1 << 19)   // times 64 MiB: 32 TiB
#define NO_HINT (~(size_t)0)
#define ALIGNMENT_MAX (4 * MIB)   // a leaf of the page set: two huge pages

void arena_source_init(struct arena_source *source, size_t arena_bytes, size_t unit_bytes,
                       uint64_t random)
{
    CHECK(is_power_of_two(unit_bytes));
    CHECK_EQ(arena_bytes % unit_bytes, 0);
    *source = (struct arena_source){
        .arena_bytes = arena_bytes, .unit_bytes = unit_bytes, .ask_bytes = arena_bytes};
    uintptr_t first = FIRST_HINT + (uintptr_t)(random % RANDOM_STARTS) * (64 * MIB);
    source->n_hints = ARENA_HINTS_MAX;
    for (size_t i = 0; i < ARENA_HINTS_MAX; i++)
        source->hints[ARENA_HINTS_MAX - 1 - i].address = first + i * HINT_DISTANCE;
}

static void hint_add(struct arena_source *source, uintptr_t address, bool downwards)
{
    if (source->n_hints < ARENA_HINTS_MAX)
        source->hints[source->n_hints++] = (struct arena_hint){address, downwards};
}

static void hint_remove(struct arena_source *source, size_t i)
{
    source->n_hints--;
    for (; i < source->n_hints; i++)
        source->hints[i] = source->hints[i + 1];
}

// Tries one hint.
static enum vm_reserve_result reserve_at_hint(struct arena_source *source, struct arena_hint *hint,
                                              size_t n_bytes)
{
    uintptr_t start = hint->downwards ? hint->address - n_bytes : hint->address;
    bool      possible = (start >> ADDRESS_BITS) == 0 && (start + n_bytes) >> ADDRESS_BITS == 0;
    enum vm_reserve_result result = possible ? vm_reserve_at(start, n_bytes, VM_HEAP) : VM_OCCUPIED;
    if (result == VM_RESERVED) {
        hint->address = hint->downwards ? start : start + n_bytes;
        source->spare = (struct arena){start, start + n_bytes};
    }
    return result;
}

// Tries the hints in turn. False: none is left, or space is short; *out_refused: that hint.
static bool reserve_at_hints(struct arena_source *source, size_t n_bytes, size_t *out_refused)
{
    *out_refused = NO_HINT;
    for (size_t i = source->n_hints; i > 0; i--) {
        enum vm_reserve_result result = reserve_at_hint(source, &source->hints[i - 1], n_bytes);
        if (result == VM_RESERVED)
            return true;
        if (result == VM_NO_SPACE) {
            *out_refused = i - 1;
            return false;
        }
        // Where an arena of the usual size collides, others will; a larger one proves nothing.
        if (n_bytes <= source->arena_bytes)
            hint_remove(source, i - 1);
    }
    return false;
}

static bool reserve_anywhere(struct arena_source *source, size_t n_bytes)
{
    size_t alignment =
        n_bytes >= ALIGNMENT_MAX ? size_max(ALIGNMENT_MAX, source->unit_bytes) : source->unit_bytes;
    uintptr_t start = vm_reserve_anywhere(n_bytes, alignment, VM_HEAP);
    if (start == 0)
        return false;
    if ((start + n_bytes) >> ADDRESS_BITS != 0) {
        vm_release_best_effort(start, n_bytes);   // beyond what the page map covers
        return false;
    }
    source->spare = (struct arena){start, start + n_bytes};
    // The kernel goes downwards, so the place below is the likelier one: tried first.
    hint_add(source, start + n_bytes, false);
    hint_add(source, start, true);
    return true;
}

static bool reserve(struct arena_source *source, size_t n_bytes)
{
    size_t refused;
    if (reserve_at_hints(source, n_bytes, &refused))
        return true;
    if (!reserve_anywhere(source, n_bytes))
        return false;
    // "No space" at a hint, and yet there is some: user space ends before it, so it is of no use.
    // What was added by now stands behind it.
    if (refused != NO_HINT)
        hint_remove(source, refused);
    return true;
}

bool arena_source_fill_spare(struct arena_source *source, size_t n_bytes)
{
    DCHECK_EQ(n_bytes % source->unit_bytes, 0);
    if (source->spare.end - source->spare.base >= n_bytes)
        return true;
    if (source->spare.end > source->spare.base) {
        // Too small for this request; a later one would find it again, but two spares it is not.
        if (!vm_release(source->spare.base, source->spare.end - source->spare.base))
            return false;
        source->spare = (struct arena){0, 0};
    }
    for (;;) {
        size_t ask = size_max(source->ask_bytes, n_bytes);
        if (reserve(source, ask)) {
            source->ask_bytes = size_min(source->ask_bytes * 2, source->arena_bytes);
            return true;
        }
        if (source->ask_bytes <= n_bytes || source->ask_bytes == source->unit_bytes)
            return false;
        source->ask_bytes =
            size_max(align_down(source->ask_bytes / 2, source->unit_bytes), source->unit_bytes);
    }
}

const char *arena_source_verify(const struct arena_source *source)
{
    if (source->ask_bytes < source->unit_bytes || source->ask_bytes > source->arena_bytes)
        return "A1 the size asked for is out of range";   // A1
    bool odd = (source->spare.base | source->spare.end) % source->unit_bytes != 0;
    for (size_t i = 0; i < source->n_hints; i++)
        odd |= source->hints[i].address % source->unit_bytes != 0;
    return odd ? "A2 an arena or a hint is not aligned" : NULL;   // A2
}
