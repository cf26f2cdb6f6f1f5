// Where a process has its statistics page: found by the ELF note of the library, or of the program
// that has it linked in.
#ifndef NEAP_TOOLS_PAGE_FIND_H
#define NEAP_TOOLS_PAGE_FIND_H

#include "process_memory.h"

struct page_place {
    uint64_t page, heap;   // addresses in the process
};

// Goes through what is mapped from files. PROCESS_WITHOUT: nothing of it has the note.
enum process_result page_find(pid_t pid, struct page_place *out_place);

#endif
