// The names that programs use, from whichever library has them in this process; looked up at start,
// since a linker does not leave open what no library offers now but a preloaded one may.
#include "entry_points.h"

#include <dlfcn.h>
#include <string.h>

struct entry_points entry_points;

_Thread_local struct new_watch new_watch;

static void look_up(const char *symbol, void *out_function)
{
    void *found = dlsym(RTLD_DEFAULT, symbol);
    memcpy(out_function, &found, sizeof found);
}

__attribute__((constructor)) static void look_up_all(void)
{
#define ENTRY(result, field, symbol, parameters) look_up(#symbol, &entry_points.field);
#include "entry_points.def"
#undef ENTRY
}
