/* neap/page.h: how to read the statistics of a running process from outside.
 *
 * A process that runs neap keeps its books where it needs them, and nothing else: no file, no
 * descriptor, no copy. What makes them readable is a page, constant data in the library, which says
 * what there is to know and where it lies. Who may read the process's memory (process_vm_readv)
 * copies those words and adds them up; the process does not notice.
 *
 * To find it: the library, or the program that has it linked in, has an ELF note of the name "neap"
 * and the type NEAP_PAGE_NOTE; its content is struct neap_page_note. The page follows from it, and
 * the heap, the struct to which the page's offsets refer.
 *
 * To read a statistic: the sum over its terms of factor x sum over the places' elements of
 * weight x word, in 64 bits, wrapping. The words of all terms are to be copied at once, or as
 * nearly so as can be. Where that was not at one instant it shows: a statistic of the kind
 * NEAP_PAGE_CHECK is not zero, or a gauge is negative (as a signed number); then it is to be copied
 * again.
 *
 * Numbers are those of the machine; offsets in the page are in bytes from its start. A new layout
 * means that old readers cannot read it. Rows of tables may become longer, and new rows be added,
 * without: so a reader takes each table's row_bytes, and leaves out terms that it does not know,
 * and their statistic. */
#ifndef NEAP_PAGE_H
#define NEAP_PAGE_H

#include <stdint.h>

#define NEAP_PAGE_MAGIC "neapage" /* with the zero byte behind it */
#define NEAP_PAGE_LAYOUT 1
#define NEAP_PAGE_NOTE 1
#define NEAP_PAGE_NOTE_NAME "neap"

struct neap_page_note {
    int64_t page; /* from the address of this word to the page */
    int64_t heap; /* from the address of this word to the heap */
};

struct neap_page_table {
    uint32_t start, row_bytes, n_rows;
};

struct neap_page {
    char                   magic[8];
    uint32_t               layout;
    uint32_t               page_bytes; /* tables included */
    char                   version[16];
    uint32_t               heap_bytes; /* so long is the heap */
    struct neap_page_table statistics, terms, places, weights, ranges, rings, columns, requests;
};

enum neap_page_kind {
    NEAP_PAGE_GAUGE,   /* a number at this moment */
    NEAP_PAGE_COUNTER, /* since the process began */
    NEAP_PAGE_LIMIT,   /* a gauge; all bits set, or zero: there is no limit */
    NEAP_PAGE_CHECK,   /* zero in a copy that is whole */
};

struct neap_page_statistic {
    char     name[32];
    char     unit[8];
    char     help[96];
    char     metric[32]; /* for OpenMetrics, without "neap_" and "_total"; "": it is none */
    char     labels[32];
    uint32_t kind;
    uint32_t unused;
};

/* Where words lie. Of a place without a list there is one element, the heap itself. */
struct neap_page_place {
    uint32_t is_list;
    uint32_t first;    /* in the heap: the address of the list's first element, 0: none */
    uint32_t next;     /* in an element: that of the next one */
    uint32_t start;    /* in an element: an array, */
    uint32_t stride;   /* of members this far from one another, */
    uint32_t count;    /* so many of them, */
    uint32_t count_at; /* or fewer: as many as this 32-bit word of the heap says; 0: all */
    uint32_t unused;
};

enum neap_page_operation {
    NEAP_PAGE_WORD, /* the number itself */
    NEAP_PAGE_BITS, /* how many of its bits are set */
    NEAP_PAGE_ONE,  /* 1, whatever the word is */
};

struct neap_page_term {
    uint16_t statistic; /* its row */
    uint8_t  place;
    uint8_t  operation;
    uint8_t  word_bytes; /* 1, 4 or 8 */
    uint8_t  weights;    /* row of the table of weights, a number for each member; 255: all are 1 */
    uint16_t unused;
    uint32_t offset; /* in a member */
    uint32_t unused_too;
    int64_t  factor;
};

#define NEAP_PAGE_UNWEIGHTED 255

/* What was, at intervals: the last `n_rows` samples, number i in row i modulo n_rows. Who reads it
 * reads the count before and after: rows that may have been written meanwhile are void. */
struct neap_page_ring {
    char     name[16];          /* "seconds", "minutes" */
    uint32_t start;             /* in the heap */
    uint32_t row_bytes, n_rows; /* a row is made of 64-bit words, the columns */
    uint32_t count_at;          /* a 64-bit word of the heap: how many there ever were */
    uint64_t period_ns;         /* at least so much lies between samples */
};

struct neap_page_column {
    char     name[32]; /* of a statistic, or "time_ns", of the clock CLOCK_MONOTONIC */
    uint32_t offset;   /* in a row */
    uint32_t unused;
};

/* What may be asked of the process: who asks writes the argument, then the row's word, one byte, if
 * that is 0 so far. It becomes 0 again when the process has answered and counted it. Only a thread
 * of neap's answers, within a tenth of a second if it is there; a process that has none, and does
 * not allocate, does not. Who gives up writes 0. */
struct neap_page_request {
    char     name[16];    /* "trim", "soft_limit", "hard_limit" */
    uint32_t word;        /* to be written */
    uint32_t word_at;     /* in the heap */
    uint32_t argument_at; /* 64 bits: bytes; of limits all bits set: none; all but bit 0: "auto" */
    uint32_t count_at;    /* 64 bits: how many were answered */
    uint32_t result_at;   /* 64 bits: bytes given back; of a limit 1, or 0: refused */
    uint32_t unused;
};

/* Address space that the heap has: ranges, described by an array or a list. */
struct neap_page_range {
    char     use[16]; /* "heap": objects; "metadata": books, beside the heap struct itself */
    uint32_t is_list;
    uint32_t first;    /* in the heap: the address of the array, or of the list's first element */
    uint32_t next;     /* of a list, in an element: the address of the next one */
    uint32_t count_at; /* of an array: a 64-bit word of the heap, how many elements there are */
    uint32_t stride;   /* of an array */
    uint32_t start, length;           /* in an element, 64-bit words: */
    uint32_t start_unit, length_unit; /* times so many bytes */
    uint32_t unused;
};

/* The black box of a process (NEAP_BLACKBOX in neap-env(7)): a file with this struct at its
 * beginning, then `n_rows` rows for samples, number i in row i modulo n_rows. */
#define NEAP_BOX_MAGIC "neapbox" /* with the zero byte behind it */
#define NEAP_BOX_LAYOUT 1

struct neap_box {
    char     magic[8];
    uint32_t layout;
    uint32_t box_bytes; /* of this struct */
    char     version[16];
    char     name[16]; /* of the process */
    int64_t  pid;
    uint64_t n_samples; /* so many there ever were */
    uint32_t n_rows, row_bytes;
    uint64_t wall_time_ns;                       /* since 1970, when the last sample was noted */
    uint64_t time_ns;                            /* the same moment, of the samples' clock */
    uint64_t soft_limit_bytes, hard_limit_bytes; /* all bits set, or 0: none */
    uint64_t refused_requests, shortages;        /* so far */
};

struct neap_box_sample {
    uint64_t time_ns;
    uint64_t resident_bytes, object_bytes, free_ready_bytes, allocations, returned_bytes;
};

#endif
