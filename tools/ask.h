// Asking something of a process that runs neap (struct neap_page_request).
#ifndef NEAP_TOOLS_ASK_H
#define NEAP_TOOLS_ASK_H

#include "page_view.h"

enum ask_result {
    ASK_ANSWERED,
    ASK_REFUSED,        // the process does not do that
    ASK_NOT_ANSWERED,   // nobody there answers: nothing has happened, or it has only begun
    ASK_BUSY,           // somebody else is asking something
    ASK_UNKNOWN,        // the library does not know such a request
    ASK_FAILED,         // *out_process says why
};

// Asks, and waits a while for the answer. *out_result: the process's.
enum ask_result ask(struct page_view *view, const char *name, uint64_t argument,
                    uint64_t *out_result, enum process_result *out_process);

// Says in one line what has become of it and returns the exit code. Requires: not answered.
int ask_complain(pid_t pid, enum ask_result result, enum process_result process);

#endif
