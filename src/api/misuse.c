// The line about a misused pointer.
#include "api/misuse.h"

#include "base/check.h"

static const char *text_of(enum front_pointer what)
{
    switch (what) {
    case POINTER_FREED:
        return "double free: no object is here any more";
    case POINTER_INSIDE:
        return "invalid pointer: inside memory of neap, but no object starts here";
    case POINTER_FOREIGN:
    case POINTER_TO_OBJECT:
        break;
    }
    return "invalid pointer: not memory that neap has handed out";
}

void misuse_stop(const char *function, const void *pointer, enum front_pointer what)
{
    char address[ADDRESS_TEXT_BYTES];
    address_to_text((uintptr_t)pointer, address);
    const char *parts[] = {"neap: ", function, "(", address, "): ", text_of(what)};
    stop_with_line(parts, sizeof parts / sizeof parts[0]);
}
