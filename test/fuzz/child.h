// What a child process does first: dies of what kills it, and of taking too long.
#ifndef NEAP_FUZZ_CHILD_H
#define NEAP_FUZZ_CHILD_H

#include <signal.h>
#include <unistd.h>

static inline void child_begin(unsigned seconds_max)
{
    // cmocka has caught these in the parent, and would go on with the next test.
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS};
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
        signal(fatal[i], SIG_DFL);
    alarm(seconds_max);
}

#endif
