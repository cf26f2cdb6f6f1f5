// The black box: what the heap held lately, in a file in memory that is still there when the
// process has been killed. Only where the option NEAP_BLACKBOX names a folder.
//
// The file is opened, written and closed once for each sample of the history, so that the program
// has no descriptor or mapping more than without. It lies in a file system in memory, where a write
// waits for nothing; elsewhere none is kept, and one line says so. A process that exits takes its
// file with it. Its format is struct neap_box of include/neap/page.h.
#ifndef NEAP_FRONT_BLACK_BOX_H
#define NEAP_FRONT_BLACK_BOX_H

#include "front/history.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLACK_BOX_PATH_BYTES 512
#define BLACK_BOX_NAME_BYTES 16   // of a process, as the kernel keeps it

// How the file begins; see struct neap_box.
struct black_box_head {
    char     magic[8];
    uint32_t layout, head_bytes;
    char     version[16];
    char     name[BLACK_BOX_NAME_BYTES];
    int64_t  process;
    uint64_t n_samples;
    uint32_t n_rows, row_bytes;
    uint64_t wall_time_ns, time_ns;
    uint64_t soft_limit_bytes, hard_limit_bytes;
    uint64_t n_refused, n_shortages;
};

#define BLACK_BOX_MAGIC "neapbox"
#define BLACK_BOX_LAYOUT 1

struct black_box {
    bool is_begun, is_off;   // of the process: of who notes history
    bool has_file;           // has been written, if only once
    char name[BLACK_BOX_NAME_BYTES];
    long process;
    char path[BLACK_BOX_PATH_BYTES];
};

struct heap;

// By who notes history, once he has noted sample number `n`, counted from 0.
void black_box_write(struct heap *heap, const struct history_sample *sample, uint64_t n);

// The process exits: nobody needs to know why it ended.
void black_box_remove(void);

// The child of a fork has a box of its own.
void black_box_fork_child(struct black_box *box);

#endif
