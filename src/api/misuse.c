// The line about a misused pointer.
#include "api/misuse.h"

#include "base/check.h"
#include "front/describe.h"
#include "os/host.h"

#define PARTS_MAX 32

// The line, and room for the numbers in it.
struct report {
    const char *parts[PARTS_MAX];
    size_t      n_parts;
    char        addresses[5][ADDRESS_TEXT_BYTES];
    size_t      n_addresses;
    char        numbers[5][NUMBER_TEXT_BYTES];
    size_t      n_numbers;
};

static void say(struct report *report, const char *text)
{
    report->parts[report->n_parts++] = text;
}

static void say_address(struct report *report, const void *address)
{
    char *text = report->addresses[report->n_addresses++];
    address_to_text((uintptr_t)address, text);
    say(report, text);
}

static void say_number(struct report *report, size_t number)
{
    say(report, number_to_text(number, report->numbers[report->n_numbers++]));
}

static void say_what(struct report *report, const struct misuse *misuse)
{
    switch (misuse->what) {
    case POINTER_FREED:
        say(report, "double free: no object is here any more");
        return;
    case POINTER_INSIDE:
        say(report, "invalid pointer: inside memory of neap, but no object starts here");
        return;
    case POINTER_FOREIGN:
        say(report, "invalid pointer: not memory that neap has handed out");
        return;
    case POINTER_TO_OBJECT:
        break;
    }
    say(report, "wrong size: of an object of ");
    say_number(report, misuse->n_bytes);
    say(report, " bytes it cannot be");
}

static void say_object(struct report *report, const struct place *place)
{
    if (place->start == NULL) {
        say(report, "; behind the last slot");
        return;
    }
    say(report, place->state == PLACE_LIVE ? "; live object " : "; free slot ");
    say_address(report, place->start);
    say(report, " of ");
    say_number(report, place->n_bytes);
    say(report, " bytes, size class ");
    say_number(report, place->size_class);
}

// What lies at the address.
static void say_place(struct report *report, const struct misuse *misuse)
{
    struct place place;
    if (misuse->what == POINTER_FOREIGN)
        return;
    if (!place_describe_in_span(misuse->pointer, &place)) {
        say(report, "; its pages are free");
        return;
    }
    say_object(report, &place);
    say(report, ", in span ");
    say_address(report, place.span_start);
    say(report, " of ");
    say_number(report, place.span_bytes);
    say(report, " bytes");
}

void misuse_stop(const struct misuse *misuse)
{
    struct report report = {.n_parts = 0};
    say(&report, "neap: ");
    say(&report, misuse->function);
    say(&report, "(");
    say_address(&report, misuse->pointer);
    say(&report, "): ");
    say_what(&report, misuse);
    say_place(&report, misuse);
    say(&report, "; thread ");
    say_number(&report, (size_t)host_thread_id());
    say(&report, ", called from ");
    say_address(&report, misuse->caller);
    stop_with_line(report.parts, report.n_parts);
}
