// Capture: what a command wrote to stdout, kept in a temporary file and compared.
#ifndef NEAP_TOOLS_CAPTURE_H
#define NEAP_TOOLS_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

struct capture {
    int      fd;         // -1: closed
    uint64_t n_bytes;    // valid after capture_seal
    uint64_t checksum;   // FNV-1a, 64 bit; to tell outputs apart by eye, not a proof
};

// Opens a nameless temporary file. Returns false with errno when there is no room for one.
bool capture_open(struct capture *capture);
void capture_close(struct capture *capture);

// Counts and checks what was written. Returns false with errno when it cannot be read.
bool capture_seal(struct capture *capture);

// Compares two sealed captures byte by byte. On a difference *out_offset is the first byte
// that differs; it may be the end of the shorter one.
// Returns: 1 identical, 0 different, -1 with errno when one cannot be read.
int capture_compare(const struct capture *a, const struct capture *b, uint64_t *out_offset);

#endif
