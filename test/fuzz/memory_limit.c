#include "memory_limit.h"

#include "base/check.h"
#include "base/units.h"
#include "sanitizer.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)128 << 10)   // that may be touched under a limit

bool memory_limit_is_possible(void)
{
    return !SANITIZES_ADDRESS && !SANITIZES_THREAD;
}

// A column of /proc/self/statm, in bytes. Without stdio, which allocates.
static size_t statm_bytes(size_t column)
{
    char text[256] = {0};
    int  file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    CHECK(file >= 0);
    CHECK(read(file, text, sizeof text - 1) > 0);
    close(file);
    const char *at = text;
    while (column-- > 0)
        at = strchr(at, ' ') + 1;
    size_t n_os_pages = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        n_os_pages = n_os_pages * 10 + (size_t)(*at - '0');
    return n_os_pages * (size_t)sysconf(_SC_PAGESIZE);
}

// Stack that is not there yet would fall under the limit.
__attribute__((noinline)) static void touch_stack(void)
{
    volatile char below[STACK_BYTES];
    for (size_t at = 0; at < sizeof below; at += 4 * KIB)
        below[at] = 0;
}

static void set_limit(bool is_of_data, rlim_t n_bytes)
{
    struct rlimit       limit;
    __rlimit_resource_t what = is_of_data ? RLIMIT_DATA : RLIMIT_AS;
    CHECK_EQ(getrlimit(what, &limit), 0);
    limit.rlim_cur = n_bytes < limit.rlim_max ? n_bytes : limit.rlim_max;
    CHECK_EQ(setrlimit(what, &limit), 0);
}

void memory_limit_tighten(bool is_of_data, size_t room_bytes)
{
    enum { COLUMN_SIZE = 0, COLUMN_DATA = 5 };
    touch_stack();
    set_limit(is_of_data, statm_bytes(is_of_data ? COLUMN_DATA : COLUMN_SIZE) + room_bytes);
}

void memory_limit_relax(void)
{
    set_limit(false, RLIM_INFINITY);
    set_limit(true, RLIM_INFINITY);
}
