// neap's entry points under their names with `tested_` in front.
#include "entry_points.h"

#include "front/front.h"
#include "sanitizer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define ENTRY(result, field, symbol, parameters)                                                   \
    extern result tested_##field parameters __asm__("tested_" #symbol);
#include "entry_points.def"
#undef ENTRY

struct entry_points entry_points = {
#define ENTRY(result, field, symbol, parameters) .field = tested_##field,
#include "entry_points.def"
#undef ENTRY
    .account_read = front_account_read,
    .verify = front_verify,
    .new_is_watched = true,
};

// What goes back is to be what the operations say, at the moment they say. Before the library's own
// constructor, which reads the options: with a priority that the compiler calls reserved.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wprio-ctor-dtor"
#endif
__attribute__((constructor(100))) static void give_back_only_when_asked(void)
{
    setenv("NEAP_BACKGROUND", "off", 1);
    setenv("NEAP_RETURN_DELAY", "1h", 1);
}

_Thread_local struct new_watch new_watch;

static void handle_new(void)
{
    new_watch.handled++;
    new_watch.handlers_left--;
}

// std::get_new_handler() and std::__throw_bad_alloc() for the library under test, and only for it.
void (*tested_get_new_handler(void))(void) __asm__("tested__ZSt15get_new_handlerv");
void tested_throw_bad_alloc(void) __asm__("tested__ZSt17__throw_bad_allocv");

void (*tested_get_new_handler(void))(void)
{
    return new_watch.handlers_left > 0 ? handle_new : NULL;
}

void tested_throw_bad_alloc(void)
{
    longjmp(new_watch.thrown, 1);
}

#if SANITIZES_THREAD
// All calls of mmap in this program come here (-Wl,--wrap; with file offsets of 64 bits it goes by
// this name). The sanitizer has its shadow where the allocator would like its memory best, and
// ends the program; a refusal says the same in a way that the allocator understands.
void *__real_mmap64(void *start, size_t n_bytes, int protection, int flags, int file, off_t at);
void *__wrap_mmap64(void *start, size_t n_bytes, int protection, int flags, int file, off_t at);

void *__wrap_mmap64(void *start, size_t n_bytes, int protection, int flags, int file, off_t at)
{
    if ((flags & MAP_FIXED_NOREPLACE) == MAP_FIXED_NOREPLACE) {
        errno = EEXIST;
        return MAP_FAILED;
    }
    return __real_mmap64(start, n_bytes, protection, flags, file, at);
}
#endif
