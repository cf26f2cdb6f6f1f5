// Where the resident memory of a process is: an addition that ends in the kernel's number.
//
// neap's books say what is in objects, free slots and so on; the kernel says what is resident, of
// neap's address space and of everything else. What the books have and the kernel has not are pages
// that nobody has touched since they were handed out, or that lie in swap.
#ifndef NEAP_TOOLS_EXPLANATION_H
#define NEAP_TOOLS_EXPLANATION_H

#include "proc_read.h"
#include "ranges.h"

enum explanation_part {
    // By neap's books.
    PART_OBJECTS,
    PART_FREE_SLOTS,
    PART_CACHED,
    PART_FREE_READY,
    PART_METADATA,    // resident, by the kernel
    PART_UNTOUCHED,   // of the ones above, but for metadata, not resident: negative
    // The rest, by the kernel.
    PART_LIBRARIES,   // and the program itself
    PART_STACKS,
    PART_FILES,
    PART_SHARED,
    PART_OTHER,
    PARTS
};

struct explanation {
    char    name[PROC_NAME_BYTES];   // what ps calls the process
    int64_t bytes[PARTS];
    int64_t neap_bytes, resident_bytes;   // sums, the latter the kernel's
    int64_t released_bytes, swapped_bytes, huge_bytes;
};

struct part_info {
    const char *label, *key, *note;
};
extern const struct part_info explanation_parts[PARTS];

// Opens a view of the process, reads it and adds up. *out_view is to be closed in any case.
enum process_result explanation_read(pid_t pid, struct page_view **out_view,
                                     struct explanation *out);

// The one thing worth saying, and the command to go on with.
struct explanation_finding {
    const char *key;   // for programs
    char        sentence[256];
    char        next[64];
};
void explanation_find(const struct explanation *explanation, pid_t pid,
                      struct explanation_finding *out);

#endif
