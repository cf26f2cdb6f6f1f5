// The model of malloc: a table of objects that are alive, and what must be true of each.
//
// Disjoint from every other (granules.h), aligned, filled with its own pattern from which nothing
// may be missing later, usable as far as it says, and that for all its life. The table lies in
// a mapping of its own and never calls the allocator under test but for an object's usable size.
#ifndef NEAP_FUZZ_OBJECTS_H
#define NEAP_FUZZ_OBJECTS_H

#include "entry_points.h"
#include "pattern.h"

#define OBJECTS_MAX ((size_t)4096)

// Which function an object came from: not every function may take it back.
enum origin {
    ORIGIN_PLAIN,      // malloc, calloc, realloc
    ORIGIN_ALIGNED,    // aligned_alloc
    ORIGIN_MEMALIGN,   // the aligned ones that free_aligned_sized may not take
    ORIGIN_NEW,
    ORIGIN_NEW_ALIGNED,
    ORIGIN_NEW_ARRAY,
    ORIGIN_NEW_ARRAY_ALIGNED,
    ORIGINS,
};

struct object {
    unsigned char *start;   // NULL: none here
    struct pattern pattern;
    size_t         alignment;
    enum origin    origin;
};

struct object_table {
    // Constant after start.
    const struct entry_points *entry;
    uint64_t                   seed;       // of the patterns
    bool                       is_whole;   // large objects too are filled whole
    struct object             *objects;    // OBJECTS_MAX

    size_t   n_live, asked_bytes, usable_bytes;   // sums over all objects
    uint64_t n_made;
    char     message[256];   // about the first thing found wrong; "" if nothing is
};

// Requires: `table` is zero, or was ended; no other thread uses a table.
void objects_start(struct object_table *table, const struct entry_points *entry, uint64_t seed);

// Notes what is wrong, if that is the first thing. Returns false.
__attribute__((format(printf, 2, 3))) bool objects_complain(struct object_table *table,
                                                            const char          *format, ...);

// The functions below return false, with a complaint, if something is wrong.

// A new object where none was: start, asked_bytes, alignment and origin say what it should be.
bool objects_add(struct object_table *table, size_t index, const struct object *wanted);

// Is the object as it was made?
bool objects_check(struct object_table *table, size_t index);
bool objects_check_all(struct object_table *table);

// Checks an object and forgets it. The caller gives it back after that.
bool objects_remove(struct object_table *table, size_t index);

// The same in two steps, for an object that may stay: its place is given up, and taken again.
bool objects_lift(struct object_table *table, size_t index);
bool objects_put_back(struct object_table *table, size_t index);

// Moves an object between tables, or between a table and a mailbox.
struct object objects_take_out(struct object_table *table, size_t index);
void          objects_put_in(struct object_table *table, size_t index, struct object object);

#endif
