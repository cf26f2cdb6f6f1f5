// The tables of size classes, from their .def file.
#include "span/size_class.h"

#include "base/units.h"

#define CLASS_OF_SIXTEENTHS(...)
#define CLASS_OF_128THS(...)

#define N_SLOTS(bytes, pages) ((pages)*PAGE_BYTES / (bytes))

#define SIZE_CLASS(bytes, pages)                                                                   \
    {.slot_bytes = (bytes),                                                                        \
     .span_pages = (pages),                                                                        \
     .n_slots = N_SLOTS(bytes, pages),                                                             \
     .n_words = (N_SLOTS(bytes, pages) + WORD_BITS - 1) / WORD_BITS,                               \
     .last_word = ~UINT64_C(0) >> ((WORD_BITS - N_SLOTS(bytes, pages) % WORD_BITS) % WORD_BITS),   \
     .reciprocal = ~UINT64_C(0) / (bytes) + 1},

const struct size_class size_classes[] = {
    {.slot_bytes = 0},
#include "span/size_class.def"
};
#undef SIZE_CLASS

#define SIZE_CLASS(bytes, pages)                                                                   \
    _Static_assert((bytes) % 16 == 0, "slots are aligned to 16");                                  \
    _Static_assert(N_SLOTS(bytes, pages) <= SLOTS_MAX, "one bit per slot");
#include "span/size_class.def"
#undef SIZE_CLASS

#undef CLASS_OF_SIXTEENTHS
#define SIZE_CLASS(bytes, pages)
#define CLASS_OF_SIXTEENTHS(...) __VA_ARGS__
const uint8_t class_of_sixteenths[] = {
#include "span/size_class.def"
};
#undef CLASS_OF_SIXTEENTHS
#undef CLASS_OF_128THS

#define CLASS_OF_SIXTEENTHS(...)
#define CLASS_OF_128THS(...) __VA_ARGS__
const uint8_t class_of_128ths[] = {
#include "span/size_class.def"
};
