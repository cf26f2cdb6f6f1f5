// What glibc offers beside malloc itself: statistics, trimming and tuning, about our heap; about
// libc's where NEAP_DISABLE has it serve the requests.
#include "api/export.h"
#include "api/libc_fallback.h"
#include "base/units.h"
#include "front/front.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>

// Maps our books to glibc's fields. Bytes; what has no meaning here is 0.
NEAP_API struct mallinfo2 mallinfo2(void)
{
    if (libc_fallback_is_on())
        return libc_mallinfo2();
    struct front_account account;
    front_account_read(&account);
    const struct page_account *pages = &account.pages;
    size_t                     small_bytes = pages->mapped_bytes - account.large_bytes;
    size_t idle_ready_bytes = pages->free_ready_bytes + pages->cached_ready_bytes;
    return (struct mallinfo2){
        .arena = small_bytes,
        .ordblks = pages->mapped_bytes > 0,
        .hblks = account.large_objects,
        .hblkhd = account.large_bytes,
        .uordblks = account.slots.used_bytes,
        .fordblks = small_bytes - account.slots.used_bytes,
        .keepcost = idle_ready_bytes,   // what malloc_trim would give back
    };
}

static int clamp_to_int(size_t value)
{
    return value > INT_MAX ? INT_MAX : (int)value;
}

NEAP_API struct mallinfo mallinfo(void)
{
    struct mallinfo2 wide = mallinfo2();
    return (struct mallinfo){
        .arena = clamp_to_int(wide.arena),
        .ordblks = clamp_to_int(wide.ordblks),
        .smblks = clamp_to_int(wide.smblks),
        .hblks = clamp_to_int(wide.hblks),
        .hblkhd = clamp_to_int(wide.hblkhd),
        .usmblks = clamp_to_int(wide.usmblks),
        .fsmblks = clamp_to_int(wide.fsmblks),
        .uordblks = clamp_to_int(wide.uordblks),
        .fordblks = clamp_to_int(wide.fordblks),
        .keepcost = clamp_to_int(wide.keepcost),
    };
}

// `keep_bytes` is ignored: what was given back comes again, in small steps, when it is needed.
NEAP_API int malloc_trim(size_t keep_bytes)
{
    if (libc_fallback_is_on())
        return libc_malloc_trim(keep_bytes);
    return front_trim() > 0;
}

// No parameter of glibc's malloc has a meaning here; as there, 1 says the value was legal.
NEAP_API int mallopt(int parameter, int value)
{
    if (libc_fallback_is_on())
        return libc_mallopt(parameter, value);
    return 1;
}

static void print_account(FILE *out, const char *format)
{
    struct front_account account;
    front_account_read(&account);
    const struct page_account *pages = &account.pages;
    const struct {
        const char *name;
        size_t      n_bytes;
    } rows[] = {
        {"live_and_rounding", account.slots.used_bytes},
        {"free_slots", account.slots.free_bytes},
        {"large_objects", account.large_bytes},
        {"cached", pages->cached_ready_bytes},
        {"free_ready", pages->free_ready_bytes},
        {"released", page_account_released_bytes(pages)},
        {"mapped", pages->mapped_bytes},
        {"metadata", pages->metadata_bytes},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        fprintf(out, format, rows[i].name, rows[i].n_bytes);
}

NEAP_API void malloc_stats(void)
{
    if (libc_fallback_is_on()) {
        libc_malloc_stats();
        return;
    }
    fputs("neap, bytes:\n", stderr);
    print_account(stderr, "%-18s %20zu\n");
}

NEAP_API int malloc_info(int options, FILE *out)
{
    if (libc_fallback_is_on())
        return libc_malloc_info(options, out);
    if (options != 0) {
        errno = EINVAL;
        return -1;
    }
    fputs("<malloc version=\"neap-1\">\n", out);
    print_account(out, "<book name=\"%s\" bytes=\"%zu\"/>\n");
    fputs("</malloc>\n", out);
    return 0;
}
