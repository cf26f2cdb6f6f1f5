// Numbers as users write them, from text and back. Pure: no allocation, no locale, no globals.
//
//   bytes      4096  64K  64Ki  64KiB  1.5GiB   K M G T P; K is 1024, whatever follows it
//   percent    110  110%
//   duration   0  10us  10ms  1.5s  5min  2h    in ns; only 0 needs no unit
//   count      8
//   switch     0 1  on off  yes no  true false
//   limit      as bytes, or a share: 1% to 100%, of what is the option's to say
//
// Small and capital letters are alike. There are no signs, no blanks and no other base than ten. A
// fraction needs a unit and is rounded down to a whole byte or nanosecond. KB and MB are refused:
// some mean 1000 by it and some 1024.
#ifndef NEAP_CONFIG_VALUE_H
#define NEAP_CONFIG_VALUE_H

#include "base/compiler.h"
#include "config/text.h"

#include <stdint.h>

enum value_unit { UNIT_BYTES, UNIT_PERCENT, UNIT_DURATION, UNIT_COUNT, UNIT_SWITCH, UNIT_LIMIT };

// Whatever is larger is read as this, which is beyond the highest value of any option. Options have
// words for the two numbers above it.
#define VALUE_MAX (SIZE_MAX - 2)

// A share, among the values of a limit: so many percent more than this. No size is as large.
#define VALUE_SHARES_FROM ((size_t)1 << 63)
#define VALUE_SHARE_MAX 100
static inline bool value_is_share(size_t value)
{
    return value > VALUE_SHARES_FROM && value <= VALUE_SHARES_FROM + VALUE_SHARE_MAX;
}
static inline unsigned value_share_pct(size_t value)
{
    return (unsigned)(value - VALUE_SHARES_FROM);
}

// False: `text` is not how a value of this unit is written.
NODISCARD bool value_parse(enum value_unit unit, struct text text, size_t *out_value);

// Writes a value so that value_parse reads the same again, in the largest unit that divides it.
#define VALUE_TEXT_BYTES 24   // 20 digits, a suffix, a NUL
void value_print(enum value_unit unit, size_t value, char out_text[VALUE_TEXT_BYTES]);

// What to call a value of this unit in a message, with an example.
const char *value_unit_text(enum value_unit unit);

#endif
