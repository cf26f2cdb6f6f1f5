// The table of size classes, from its .def file.
#include "span/size_class.h"

#include "base/units.h"

#define SIZE_CLASS(bytes, pages)                                                                   \
    {.slot_bytes = (bytes),                                                                        \
     .span_pages = (pages),                                                                        \
     .n_slots = (pages)*PAGE_BYTES / (bytes),                                                      \
     .reciprocal = ((UINT64_C(1) << 40) + (bytes)-1) / (bytes)},

const struct size_class size_classes[] = {
#include "span/size_class.def"
};
#undef SIZE_CLASS

#define SIZE_CLASS(bytes, pages)                                                                   \
    _Static_assert((bytes) % 16 == 0, "slots are aligned to 16");                                  \
    _Static_assert((pages)*PAGE_BYTES / (bytes) <= SLOTS_MAX, "one bit per slot");                 \
    _Static_assert((pages)*PAGE_BYTES < (1 << 18) || (pages)*PAGE_BYTES == (1 << 18),              \
                   "offsets are below 2^18");
#include "span/size_class.def"
#undef SIZE_CLASS
