// A buffer that is never overrun: what does not fit is left out.
#include "config/complaint.h"

#include "base/units.h"
#include "config/value.h"
#include "os/host.h"

static void add(struct complaint *complaint, struct text text)
{
    size_t room = COMPLAINT_LINE_BYTES - 1 - complaint->length;   // the last is for the newline
    size_t n = size_min(text.length, room);
    memcpy(complaint->line + complaint->length, text.start, n);
    complaint->length += n;
}

void complaint_begin(struct complaint *complaint)
{
    complaint->length = 0;
    complaint_add(complaint, "neap: ");
}

void complaint_add(struct complaint *complaint, const char *words)
{
    add(complaint, text_of(words));
}

void complaint_add_number(struct complaint *complaint, size_t number)
{
    char digits[VALUE_TEXT_BYTES];
    value_print(UNIT_COUNT, number, digits);
    complaint_add(complaint, digits);
}

void complaint_quote(struct complaint *complaint, struct text written_by_user)
{
    size_t start = complaint->length;
    add(complaint, (struct text){written_by_user.start,
                                 size_min(written_by_user.length, COMPLAINT_QUOTED_MAX)});
    for (size_t i = start; i < complaint->length; i++) {
        unsigned char letter = (unsigned char)complaint->line[i];
        if (letter < ' ' || letter == 0x7F)
            complaint->line[i] = '?';
    }
    if (written_by_user.length > COMPLAINT_QUOTED_MAX)
        complaint_add(complaint, "...");
}

void complaint_say(struct complaint *complaint)
{
    complaint->line[complaint->length++] = '\n';
    host_say(complaint->line, complaint->length);
}
