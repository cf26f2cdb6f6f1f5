// The fake kernel: one byte of state per OS page, and a list of real mappings for metadata.
#include "vm_fake.h"

#include "base/units.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define METADATA_MAX 4096

struct metadata_mapping {
    uintptr_t start;
    size_t    n_bytes;
};

static struct {
    pthread_mutex_t         mutex;
    size_t                  page_bytes;
    unsigned char          *states;     // enum vm_fake_state per OS page of the window
    unsigned char          *contents;   // a byte per OS page; zero unless it is ready
    bool                    check_states;
    size_t                  refuse_nth, refusable_calls;
    bool                    refuse_from_there_on, refuse_unuse;
    enum vm_fake_loss       loss;                          // of the next vm_move
    size_t                  limit_bytes, reserved_bytes;   // reserved: everything not none
    uintptr_t               place_next;
    uintptr_t               lowest, highest;   // of the window, touched so far
    struct vm_fake_bytes    heap;
    struct vm_counts        counts;
    struct metadata_mapping metadata[METADATA_MAX];
    size_t                  n_metadata, metadata_bytes;
} fake = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void wrong(const char *what, uintptr_t start, size_t n_bytes)
{
    fprintf(stderr, "vm_fake: %s: %zu bytes at 0x%zx\n", what, n_bytes, (size_t)start);
    abort();
}

static void enter(void)
{
    pthread_mutex_lock(&fake.mutex);
}

static void leave(void)
{
    pthread_mutex_unlock(&fake.mutex);
}

static size_t states_bytes(void)
{
    return VM_FAKE_WINDOW_BYTES / (4 * KIB);
}

static unsigned char *map_window_bytes(unsigned char *old)
{
    // In the same place: an emulator has books of its own, of every page there was.
    int   in_place = old != NULL ? MAP_FIXED : 0;
    void *bytes = mmap(old, states_bytes(), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | in_place, -1, 0);
    if (bytes == MAP_FAILED)
        wrong("no room for the states", 0, states_bytes());
    return bytes;
}

static void (*at_unuse)(size_t n_bytes);

void vm_fake_reset(size_t page_bytes)
{
    enter();
    for (size_t i = 0; i < fake.n_metadata; i++)
        munmap((void *)fake.metadata[i].start, fake.metadata[i].n_bytes);
    fake.states = map_window_bytes(fake.states);
    fake.contents = map_window_bytes(fake.contents);
    fake.page_bytes = page_bytes;
    fake.check_states = true;
    fake.refuse_nth = fake.refusable_calls = 0;
    fake.refuse_from_there_on = fake.refuse_unuse = false;
    fake.loss = VM_FAKE_LOSE_NOTHING;
    at_unuse = NULL;
    fake.limit_bytes = SIZE_MAX;
    fake.reserved_bytes = 0;
    fake.place_next = VM_FAKE_WINDOW_BYTES - 16 * MIB;
    memset(&fake.heap, 0, sizeof fake.heap);
    memset(&fake.counts, 0, sizeof fake.counts);
    fake.n_metadata = fake.metadata_bytes = 0;
    leave();
}

void vm_fake_check_states(bool check)
{
    fake.check_states = check;
}

void vm_fake_refuse(size_t nth, bool from_there_on)
{
    fake.refuse_nth = nth;
    fake.refuse_from_there_on = from_there_on;
    fake.refusable_calls = 0;
}

size_t vm_fake_refusable_calls(void)
{
    return fake.refusable_calls;
}

void vm_fake_refuse_unuse(bool refuse)
{
    fake.refuse_unuse = refuse;
}

void vm_fake_lose(enum vm_fake_loss loss)
{
    fake.loss = loss;
}

void vm_fake_at_unuse(void (*act)(size_t n_bytes))
{
    at_unuse = act;
}

void vm_fake_limit_bytes(size_t n_bytes)
{
    fake.limit_bytes = n_bytes;
}

void vm_fake_place_next(uintptr_t end)
{
    fake.place_next = end;
}

// Is it this call's turn to be refused?
static bool refused(void)
{
    fake.refusable_calls++;
    bool refuse = fake.refuse_nth != 0 &&
                  (fake.refuse_from_there_on ? fake.refusable_calls >= fake.refuse_nth
                                             : fake.refusable_calls == fake.refuse_nth);
    fake.counts.refused += refuse;
    return refuse;
}

static void check_shape(uintptr_t start, size_t n_bytes)
{
    if (n_bytes == 0 || start % fake.page_bytes != 0 || n_bytes % fake.page_bytes != 0)
        wrong("not whole OS pages", start, n_bytes);
}

static struct metadata_mapping *metadata_at(uintptr_t start)
{
    for (size_t i = 0; i < fake.n_metadata; i++) {
        struct metadata_mapping *mapping = &fake.metadata[i];
        if (start - mapping->start < mapping->n_bytes)
            return mapping;
    }
    return NULL;
}

static bool in_window(uintptr_t start, size_t n_bytes)
{
    return start < VM_FAKE_WINDOW_BYTES && n_bytes <= VM_FAKE_WINDOW_BYTES - start;
}

static bool all_are(uintptr_t start, size_t n_bytes, unsigned state_a, unsigned state_b)
{
    if (!fake.check_states)
        return true;
    for (uintptr_t at = start; at < start + n_bytes; at += fake.page_bytes) {
        unsigned char state = fake.states[at / fake.page_bytes];
        if (state != state_a && state != state_b)
            return false;
    }
    return true;
}

static size_t *book_of(unsigned state)
{
    static size_t nobody;
    switch (state) {
    case VM_FAKE_RESERVED:
        return &fake.heap.reserved;
    case VM_FAKE_PREPARED:
        return &fake.heap.prepared;
    case VM_FAKE_READY:
        return &fake.heap.ready;
    default:
        return &nobody;
    }
}

static void make(uintptr_t start, size_t n_bytes, unsigned state)
{
    if (!fake.check_states)
        return;
    for (uintptr_t at = start; at < start + n_bytes; at += fake.page_bytes) {
        unsigned char *entry = &fake.states[at / fake.page_bytes];
        *book_of(*entry) -= fake.page_bytes;
        *book_of(state) += fake.page_bytes;
        *entry = (unsigned char)state;
        if (state != VM_FAKE_READY && fake.contents[at / fake.page_bytes] != 0)
            fake.contents[at / fake.page_bytes] = 0;
    }
}

void vm_fake_occupy(uintptr_t start, size_t n_bytes)
{
    enter();
    if (!all_are(start, n_bytes, VM_FAKE_NONE, VM_FAKE_NONE))
        wrong("occupied twice", start, n_bytes);
    make(start, n_bytes, VM_FAKE_FOREIGN);
    leave();
}

enum vm_fake_state vm_fake_state_at(uintptr_t address)
{
    return fake.states[address / fake.page_bytes];
}

static unsigned char *contents_at(uintptr_t address)
{
    if (fake.states[address / fake.page_bytes] != VM_FAKE_READY)
        wrong("touched: not ready", address, 1);
    return &fake.contents[address / fake.page_bytes];
}

void vm_fake_write(uintptr_t address, unsigned char value)
{
    enter();
    *contents_at(address) = value;
    leave();
}

unsigned char vm_fake_read(uintptr_t address)
{
    enter();
    unsigned char value = *contents_at(address);
    leave();
    return value;
}

struct vm_fake_bytes vm_fake_heap_bytes(void)
{
    return fake.heap;
}

size_t vm_fake_metadata_bytes(void)
{
    return fake.metadata_bytes;
}

// ---- the contract of os/vm.h ------------------------------------------------------------------

size_t vm_page_bytes(void)
{
    return fake.page_bytes;
}

size_t vm_huge_page_bytes(void)
{
    return fake.page_bytes == 4 * KIB ? 2 * MIB : 0;
}

void vm_counts_read(struct vm_counts *out_counts)
{
    *out_counts = fake.counts;
}

static bool reserve_may_go_on(size_t n_bytes)
{
    fake.counts.reserve++;
    if (refused())
        return false;
    return fake.limit_bytes >= fake.reserved_bytes &&
           n_bytes <= fake.limit_bytes - fake.reserved_bytes;
}

static void mark_reserved(uintptr_t start, size_t n_bytes)
{
    make(start, n_bytes, VM_FAKE_RESERVED);
    fake.reserved_bytes += n_bytes;
}

enum vm_reserve_result vm_reserve_at(uintptr_t start, size_t n_bytes, enum vm_purpose purpose)
{
    enter();
    check_shape(start, n_bytes);
    enum vm_reserve_result result = VM_RESERVED;
    if (purpose != VM_HEAP)
        wrong("metadata at a hint", start, n_bytes);
    if (!reserve_may_go_on(n_bytes))
        result = VM_NO_SPACE;
    else if (!in_window(start, n_bytes) || !all_are(start, n_bytes, VM_FAKE_NONE, VM_FAKE_NONE))
        result = VM_OCCUPIED;
    else
        mark_reserved(start, n_bytes);
    leave();
    return result;
}

static uintptr_t reserve_metadata(size_t n_bytes)
{
    // Aligned to the pretended OS page: what is too much is cut off at both ends.
    size_t wide_bytes = n_bytes + fake.page_bytes;
    char  *wide =
        mmap(NULL, wide_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (wide == MAP_FAILED || fake.n_metadata == METADATA_MAX)
        wrong("no room for metadata", 0, n_bytes);
    char *start = (char *)align_up((uintptr_t)wide, fake.page_bytes);
    if (start > wide)
        munmap(wide, (size_t)(start - wide));
    munmap(start + n_bytes, (size_t)(wide + wide_bytes - (start + n_bytes)));
    fake.metadata[fake.n_metadata++] = (struct metadata_mapping){(uintptr_t)start, n_bytes};
    fake.metadata_bytes += n_bytes;
    fake.reserved_bytes += n_bytes;
    return (uintptr_t)start;
}

// Going downwards like the kernel, past whatever is there.
static uintptr_t place_downwards(size_t n_bytes, size_t alignment)
{
    uintptr_t start = align_down(fake.place_next - n_bytes, alignment);
    while (!all_are(start, n_bytes, VM_FAKE_NONE, VM_FAKE_NONE))
        start = align_down(start - fake.page_bytes, alignment);
    fake.place_next = start;
    return start;
}

uintptr_t vm_reserve_anywhere(size_t n_bytes, size_t alignment, enum vm_purpose purpose)
{
    enter();
    check_shape(0, n_bytes);
    uintptr_t start = 0;
    if (reserve_may_go_on(n_bytes)) {
        if (purpose == VM_METADATA) {
            start = reserve_metadata(n_bytes);
        } else {
            start = place_downwards(n_bytes, alignment);
            mark_reserved(start, n_bytes);
        }
    }
    leave();
    return start;
}

bool vm_prepare(uintptr_t start, size_t n_bytes)
{
    enter();
    check_shape(start, n_bytes);
    fake.counts.prepare++;
    bool granted = !refused();
    if (granted && metadata_at(start) != NULL) {
        granted = mprotect((void *)start, n_bytes, PROT_READ | PROT_WRITE) == 0;
    } else if (granted) {
        if (!all_are(start, n_bytes, VM_FAKE_RESERVED, VM_FAKE_RESERVED))
            wrong("prepare: not reserved", start, n_bytes);
        make(start, n_bytes, VM_FAKE_PREPARED);
    }
    leave();
    return granted;
}

bool vm_could_prepare(size_t n_bytes)
{
    enter();
    check_shape(0, n_bytes);
    bool granted = reserve_may_go_on(n_bytes);
    leave();
    return granted;
}

void vm_use(uintptr_t start, size_t n_bytes)
{
    enter();
    check_shape(start, n_bytes);
    if (metadata_at(start) == NULL) {
        if (!all_are(start, n_bytes, VM_FAKE_PREPARED, VM_FAKE_READY))
            wrong("use: neither prepared nor ready", start, n_bytes);
        make(start, n_bytes, VM_FAKE_READY);
    }
    leave();
}

bool vm_unuse(uintptr_t start, size_t n_bytes)
{
    enter();
    check_shape(start, n_bytes);
    if (!all_are(start, n_bytes, VM_FAKE_READY, VM_FAKE_READY))
        wrong("unuse: not ready", start, n_bytes);
    fake.counts.unuse++;
    bool granted = !refused() && !fake.refuse_unuse;
    if (granted)
        make(start, n_bytes, VM_FAKE_PREPARED);
    leave();
    if (at_unuse != NULL)
        at_unuse(n_bytes);
    return granted;
}

static void lose(uintptr_t start, size_t n_bytes)
{
    make(start, n_bytes, VM_FAKE_FOREIGN);
    fake.reserved_bytes -= n_bytes;
}

static void check_move(const struct vm_move *move)
{
    check_shape(move->from, move->from_bytes);
    check_shape(move->to, move->to_bytes);
    if (move->to_bytes < move->from_bytes)
        wrong("move: the target is smaller", move->to, move->to_bytes);
    if (move->from < move->to + move->to_bytes && move->to < move->from + move->from_bytes)
        wrong("move: onto itself", move->to, move->to_bytes);
    if (!all_are(move->from, move->from_bytes, VM_FAKE_READY, VM_FAKE_READY))
        wrong("move: from is not ready", move->from, move->from_bytes);
    if (!all_are(move->to, move->to_bytes, VM_FAKE_PREPARED, VM_FAKE_READY))
        wrong("move: to is neither prepared nor ready", move->to, move->to_bytes);
}

static void move_pages(const struct vm_move *move)
{
    make(move->to, move->to_bytes, VM_FAKE_PREPARED);
    make(move->to, move->to_bytes, VM_FAKE_READY);
    if (fake.check_states)
        memcpy(&fake.contents[move->to / fake.page_bytes],
               &fake.contents[move->from / fake.page_bytes], move->from_bytes / fake.page_bytes);
    make(move->from, move->from_bytes, VM_FAKE_PREPARED);
}

enum vm_move_result vm_move(const struct vm_move *move)
{
    enter();
    check_move(move);
    fake.counts.move++;
    enum vm_move_result result = VM_MOVED;
    if (refused()) {
        result = VM_NOT_MOVED;
    } else if (fake.loss == VM_FAKE_LOSE_TO) {
        lose(move->to, move->to_bytes);
        fake.counts.refused++;
        result = VM_TO_LOST;
    } else {
        move_pages(move);
        if (fake.loss == VM_FAKE_LOSE_FROM) {
            lose(move->from, move->from_bytes);
            result = VM_MOVED_FROM_LOST;
        }
    }
    if (result != VM_NOT_MOVED)
        fake.loss = VM_FAKE_LOSE_NOTHING;
    leave();
    return result;
}

bool vm_renew(uintptr_t start, size_t n_bytes)
{
    enter();
    check_shape(start, n_bytes);
    if (!all_are(start, n_bytes, VM_FAKE_READY, VM_FAKE_READY))
        wrong("renew: not ready", start, n_bytes);
    fake.counts.renew++;
    bool granted = !refused();
    if (granted)
        make(start, n_bytes, VM_FAKE_PREPARED);
    leave();
    return granted;
}

static void release_metadata(struct metadata_mapping *mapping, uintptr_t start, size_t n_bytes)
{
    if (mapping->start != start || mapping->n_bytes != n_bytes)
        wrong("release: part of a metadata mapping", start, n_bytes);
    munmap((void *)start, n_bytes);
    fake.metadata_bytes -= n_bytes;
    *mapping = fake.metadata[--fake.n_metadata];
}

bool vm_release(uintptr_t start, size_t n_bytes)
{
    enter();
    check_shape(start, n_bytes);
    fake.counts.release++;
    bool                     granted = !refused();
    struct metadata_mapping *mapping = metadata_at(start);
    if (granted && mapping != NULL) {
        release_metadata(mapping, start, n_bytes);
    } else if (granted) {
        for (uintptr_t at = start; at < start + n_bytes; at += fake.page_bytes) {
            if (all_are(at, fake.page_bytes, VM_FAKE_NONE, VM_FAKE_FOREIGN) && fake.check_states)
                wrong("release: not ours", at, fake.page_bytes);
        }
        make(start, n_bytes, VM_FAKE_NONE);
    }
    if (granted)
        fake.reserved_bytes -= n_bytes;
    leave();
    return granted;
}
