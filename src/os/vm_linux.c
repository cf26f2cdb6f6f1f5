// The memory states of os/vm.h on Linux: the only file with system calls on memory.
//
//   reserved  PROT_NONE, private, anonymous: the kernel charges what can be written, so not this
//   prepared  readable and writable, never touched or given back by MADV_DONTNEED
//   ready     the same mapping: the kernel tells them apart by whether a page is there
//
// Some kernels and emulators accept MADV_DONTNEED and do nothing. Whether ours clears is tried
// once, before the first vm_unuse; where it does not, a fresh mapping is put over the range.
//
// Moving is mremap with a longer length: of all ways the one after which the object is in a single
// mapping (with MREMAP_DONTUNMAP the old place would never be free for others, but each move would
// leave one mapping more). Where it fails, kernels differ in whether they have unmapped the target.
#include "os/vm.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/units.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define RESERVE_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS)   // charged when prepared, not before
#define HUGE_PAGE_BYTES (2 * MIB)                     // of x86-64 and of 4 KiB kernels elsewhere

enum unuse_method { UNUSE_UNPROVEN, UNUSE_ADVISE, UNUSE_REMAP };

static struct {
    ATOMIC(size_t)   reserve, prepare, unuse, move, renew, release, refused;   // counter
    ATOMIC(unsigned) unuse_method;                                             // enum unuse_method
    ATOMIC(bool)     move_forbidden;   // hint: this kernel, or a filter, has no mremap for us
} vm;

static void count(ATOMIC(size_t) *counter, bool granted)
{
    add_relaxed(counter, 1);   // counter
    if (!granted)
        add_relaxed(&vm.refused, 1);   // counter
}

void vm_counts_read(struct vm_counts *out_counts)
{
    // Each is a counter of its own; the seven are not read at one instant.
    *out_counts = (struct vm_counts){
        .reserve = load_relaxed(&vm.reserve),   // counter
        .prepare = load_relaxed(&vm.prepare),   // counter
        .unuse = load_relaxed(&vm.unuse),       // counter
        .move = load_relaxed(&vm.move),         // counter
        .renew = load_relaxed(&vm.renew),       // counter
        .release = load_relaxed(&vm.release),   // counter
        .refused = load_relaxed(&vm.refused),   // counter
    };
}

size_t vm_page_bytes(void)
{
    size_t n_bytes = getauxval(AT_PAGESZ);
    return n_bytes != 0 ? n_bytes : 4 * KIB;
}

size_t vm_huge_page_bytes(void)
{
    return vm_page_bytes() == 4 * KIB ? HUGE_PAGE_BYTES : 0;
}

// Maps `n_bytes` and keeps errno. Returns 0 on refusal.
static uintptr_t map(uintptr_t start, size_t n_bytes, int protection, int flags)
{
    int   saved_errno = errno;
    void *at = mmap((void *)start, n_bytes, protection, flags, -1, 0);
    errno = saved_errno;
    return at == MAP_FAILED ? 0 : (uintptr_t)at;
}

static bool unmap(uintptr_t start, size_t n_bytes)
{
    int  saved_errno = errno;
    bool granted = munmap((void *)start, n_bytes) == 0;
    errno = saved_errno;
    return granted;
}

static bool advise(uintptr_t start, size_t n_bytes, int advice)
{
    int  saved_errno = errno;
    bool granted = madvise((void *)start, n_bytes, advice) == 0;
    errno = saved_errno;
    return granted;
}

// Our books are touched here and there: a huge page would back what nobody reads.
static void keep_metadata_in_small_pages(uintptr_t start, size_t n_bytes, enum vm_purpose purpose)
{
    if (purpose == VM_METADATA && n_bytes >= HUGE_PAGE_BYTES)
        (void)advise(start, n_bytes, MADV_NOHUGEPAGE);   // refused where there are none: fine
}

enum vm_reserve_result vm_reserve_at(uintptr_t start, size_t n_bytes, enum vm_purpose purpose)
{
    int saved_errno = errno;
    // Kernels before 4.17 take the flag for a hint; the address they answer tells.
    void *at = mmap((void *)start, n_bytes, PROT_NONE, RESERVE_FLAGS | MAP_FIXED_NOREPLACE, -1, 0);
    bool  occupied = at == MAP_FAILED && errno != ENOMEM && errno != EAGAIN;
    errno = saved_errno;
    count(&vm.reserve, (uintptr_t)at == start);
    if (at == MAP_FAILED)
        return occupied ? VM_OCCUPIED : VM_NO_SPACE;
    if ((uintptr_t)at != start) {
        // A fresh mapping of ours: if the kernel will not take it back, it costs address space.
        (void)unmap((uintptr_t)at, n_bytes);
        return VM_OCCUPIED;
    }
    keep_metadata_in_small_pages(start, n_bytes, purpose);
    return VM_RESERVED;
}

uintptr_t vm_reserve_anywhere(size_t n_bytes, size_t alignment, enum vm_purpose purpose)
{
    DCHECK(is_power_of_two(alignment));
    uintptr_t start = map(0, n_bytes, PROT_NONE, RESERVE_FLAGS);
    count(&vm.reserve, start != 0);
    if (start == 0)
        return 0;
    if ((start & (alignment - 1)) != 0) {
        // Ask for more and give the ends back; an end that is refused only costs address space.
        (void)unmap(start, n_bytes);
        size_t    wide_bytes = n_bytes + alignment - vm_page_bytes();
        uintptr_t wide = map(0, wide_bytes, PROT_NONE, RESERVE_FLAGS);
        count(&vm.reserve, wide != 0);
        if (wide == 0)
            return 0;
        start = align_up(wide, alignment);
        if (start > wide)
            (void)unmap(wide, start - wide);
        if (wide + wide_bytes > start + n_bytes)
            (void)unmap(start + n_bytes, wide + wide_bytes - start - n_bytes);
    }
    keep_metadata_in_small_pages(start, n_bytes, purpose);
    return start;
}

bool vm_could_prepare(size_t n_bytes)
{
    uintptr_t start = map(0, n_bytes, PROT_READ | PROT_WRITE, RESERVE_FLAGS);
    count(&vm.reserve, start != 0);
    return start != 0 && unmap(start, n_bytes);
}

bool vm_prepare(uintptr_t start, size_t n_bytes)
{
    int  saved_errno = errno;
    bool granted = mprotect((void *)start, n_bytes, PROT_READ | PROT_WRITE) == 0;
    errno = saved_errno;
    count(&vm.prepare, granted);
    return granted;
}

void vm_use(uintptr_t start, size_t n_bytes)
{
    (void)start;
    (void)n_bytes;
}

// Does MADV_DONTNEED clear here? Unproven if the trial cannot be held now: no memory for it, or
// all memory of the process is locked.
static enum unuse_method try_unuse(void)
{
    size_t    n_bytes = vm_page_bytes();
    uintptr_t start = map(0, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    if (start == 0)
        return UNUSE_UNPROVEN;
    volatile unsigned char *byte = (volatile unsigned char *)start;
    *byte = 0xA5;
    int  saved_errno = errno;
    bool accepted = madvise((void *)start, n_bytes, MADV_DONTNEED) == 0;
    bool locked = !accepted && errno == EINVAL;
    errno = saved_errno;
    bool cleared = *byte == 0;
    (void)unmap(start, n_bytes);
    if (locked)
        return UNUSE_UNPROVEN;
    return accepted && cleared ? UNUSE_ADVISE : UNUSE_REMAP;
}

bool vm_unuse(uintptr_t start, size_t n_bytes)
{
    unsigned method = load_relaxed(&vm.unuse_method);   // hint: whoever sees 0 tries by himself
    if (method == UNUSE_UNPROVEN) {
        method = try_unuse();
        store_relaxed(&vm.unuse_method, method);   // hint
    }
    bool granted = false;
    if (method == UNUSE_ADVISE)
        granted = advise(start, n_bytes, MADV_DONTNEED);
    else if (method == UNUSE_REMAP)
        granted = map(start, n_bytes, PROT_READ | PROT_WRITE, RESERVE_FLAGS | MAP_FIXED) != 0;
    count(&vm.unuse, granted);
    return granted;
}

// ---- moving -----------------------------------------------------------------------------------

#define MARK 0x6E656170u   // nobody has this at the start of a fresh mapping

// Maps what was unmapped by us a moment ago. False: somebody else has it.
static bool map_again(uintptr_t start, size_t n_bytes)
{
    uintptr_t at = map(start, n_bytes, PROT_READ | PROT_WRITE, RESERVE_FLAGS | MAP_FIXED_NOREPLACE);
    if (at != 0 && at != start)   // kernels before 4.17 take the flag for a hint
        (void)unmap(at, n_bytes);
    return at == start;
}

// Does the word at `address` say MARK, if there is anything? A futex is the one system call that
// compares a word: with one that differs, or cannot be read, it does not wait.
static bool is_marked(uintptr_t address)
{
    static const struct timespec at_once = {.tv_sec = 0};
    int                          saved_errno = errno;
    long result = syscall(SYS_futex, address, FUTEX_WAIT_PRIVATE, MARK, &at_once, NULL, 0);
    bool waited = result == 0 || errno == ETIMEDOUT || errno == EINTR;
    errno = saved_errno;
    return waited;
}

// mremap, which is refused for this time or for ever.
static bool try_move(const struct vm_move *move)
{
    int   saved_errno = errno;
    void *at = mremap((void *)move->from, move->from_bytes, move->to_bytes,
                      MREMAP_MAYMOVE | MREMAP_FIXED, (void *)move->to);
    bool  moved = at != MAP_FAILED;
    if (!moved && errno != ENOMEM && errno != EFAULT && errno != EAGAIN)
        store_relaxed(&vm.move_forbidden, true);   // hint
    errno = saved_errno;
    count(&vm.move, moved);
    return moved;
}

enum vm_move_result vm_move(const struct vm_move *move)
{
    if (load_relaxed(&vm.move_forbidden))   // hint: whoever does not see it finds out
        return VM_NOT_MOVED;
    // After a refusal the mark tells whether `to` is still what it was.
    *(volatile uint32_t *)move->to = MARK;
    if (try_move(move))
        return map_again(move->from, move->from_bytes) ? VM_MOVED : VM_MOVED_FROM_LOST;
    bool still_ours = is_marked(move->to) || map_again(move->to, move->to_bytes);
    return still_ours ? VM_NOT_MOVED : VM_TO_LOST;
}

bool vm_renew(uintptr_t start, size_t n_bytes)
{
    bool granted = map(start, n_bytes, PROT_READ | PROT_WRITE, RESERVE_FLAGS | MAP_FIXED) != 0;
    count(&vm.renew, granted);
    return granted;
}

bool vm_release(uintptr_t start, size_t n_bytes)
{
    bool granted = unmap(start, n_bytes);
    count(&vm.release, granted);
    return granted;
}
