// This process's memory as the kernel sees it. Reading it allocates nothing.
#ifndef NEAP_TEST_KERNEL_VIEW_H
#define NEAP_TEST_KERNEL_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_mapping {
    uintptr_t start, end;
    bool      writable;
    bool      is_stack;
};

// Reads /proc/self/maps. The answers below are of that moment. Ends the test if it cannot.
void kernel_view_read(void);

// Of the mappings in [start, end): how many, and how many bytes are readable and writable.
size_t kernel_view_mappings(uintptr_t start, uintptr_t end);
size_t kernel_view_writable_bytes(uintptr_t start, uintptr_t end);
// The same of the whole process, stacks left out.
size_t kernel_view_all_writable_bytes(void);

// How much of [start, end) is in memory or in swap now; reads /proc/self/pagemap.
size_t kernel_resident_bytes(uintptr_t start, uintptr_t end);

#endif
