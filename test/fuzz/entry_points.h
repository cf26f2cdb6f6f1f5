// The functions under test as a table: the fuzzer reaches the allocator through nothing else.
//
// Two tables are linked in turn. entry_points_own.c binds names in front of which the build has put
// `tested_` (test/fuzz/rename_symbols.py): the process keeps the malloc of libc, so the allocator
// under test sees our requests only, its books can be compared to the byte, and sanitizers can
// have their own malloc. entry_points_libc.c binds the names that programs use, whosever
// they are: libneap.so.0 as it is delivered, or another malloc.
#ifndef NEAP_FUZZ_ENTRY_POINTS_H
#define NEAP_FUZZ_ENTRY_POINTS_H

#include <malloc.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

struct front_account;

struct entry_points {
#define ENTRY(result, field, symbol, parameters) result(*field) parameters;
#include "entry_points.def"
#undef ENTRY
    // NULL where the allocator under test is not known to be neap.
    void (*account_read)(struct front_account *out_account);
    const char *(*verify)(void);
    // Does operator new, when there is no memory, go through the two functions below?
    bool new_is_watched;
};

extern struct entry_points entry_points;   // does not change after main has begun

// Operator new asks for a new_handler, calls it, asks again, and throws when there is none. What
// "throws" means here: it jumps to where the caller said.
struct new_watch {
    jmp_buf  thrown;
    unsigned handlers_left;   // to be handed out
    unsigned handled;         // times a handler was called
};
extern _Thread_local struct new_watch new_watch;

#endif
