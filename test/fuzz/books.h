// The allocator's books against the model: every object in them, every byte in one of them.
//
// The only file that knows the fields of struct front_account.
#ifndef NEAP_FUZZ_BOOKS_H
#define NEAP_FUZZ_BOOKS_H

#include "entry_points.h"

#include <stdint.h>

#define BOOKS_MESSAGE_BYTES 192

struct books_expected {
    size_t n_objects, usable_bytes;   // of all that are alive
};

// Compares, while no other thread allocates or frees. False: out_message says what differs.
bool books_compare(const struct entry_points *entry, const struct books_expected *expected,
                   char out_message[BOOKS_MESSAGE_BYTES]);

// Does mallinfo2 (and its older form) say what the books say?
bool books_compare_mallinfo(const struct entry_points *entry,
                            char                       out_message[BOOKS_MESSAGE_BYTES]);

// Bytes given back to the kernel since the heap began: what a trim adds to.
size_t books_scavenged_bytes(const struct entry_points *entry);

#endif
