// The memory states of os/vm.h on Linux: the only file with system calls on memory.
//
//   reserved  PROT_NONE, private, anonymous: the kernel charges what can be written, so not this
//   prepared  readable and writable, never touched or given back by MADV_DONTNEED
//   ready     the same mapping: the kernel tells them apart by whether a page is there
//
// Some kernels and emulators accept MADV_DONTNEED and do nothing. Whether ours clears is tried
// once, before the first vm_unuse; where it does not, a fresh mapping is put over the range.
#include "os/vm.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/units.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define RESERVE_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS)   // charged when prepared, not before
#define HUGE_PAGE_BYTES (2 * MIB)                     // of x86-64 and of 4 KiB kernels elsewhere

enum unuse_method { UNUSE_UNPROVEN, UNUSE_ADVISE, UNUSE_REMAP };

static struct {
    ATOMIC(size_t)   reserve, prepare, unuse, release, refused;   // counter
    ATOMIC(unsigned) unuse_method;                                // enum unuse_method
} vm;

static void count(ATOMIC(size_t) *counter, bool granted)
{
    add_relaxed(counter, 1);   // counter
    if (!granted)
        add_relaxed(&vm.refused, 1);   // counter
}

void vm_counts_read(struct vm_counts *out_counts)
{
    // Each is a counter of its own; the five are not read at one instant.
    *out_counts = (struct vm_counts){
        .reserve = load_relaxed(&vm.reserve),   // counter
        .prepare = load_relaxed(&vm.prepare),   // counter
        .unuse = load_relaxed(&vm.unuse),       // counter
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

bool vm_release(uintptr_t start, size_t n_bytes)
{
    bool granted = unmap(start, n_bytes);
    count(&vm.release, granted);
    return granted;
}
