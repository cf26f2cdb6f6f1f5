// One line on stderr about a mistake in an option, put together piece by piece on the stack.
//
// What the user wrote is cut where it is long and cleaned of control characters, so that a
// complaint is one line and says at its end what neap does instead. No allocation, no stdio.
#ifndef NEAP_CONFIG_COMPLAINT_H
#define NEAP_CONFIG_COMPLAINT_H

#include "config/text.h"

#define COMPLAINT_QUOTED_MAX 80    // bytes of what the user wrote, at a time
#define COMPLAINT_LINE_BYTES 640   // four quotations and our own words

struct complaint {
    size_t length;
    char   line[COMPLAINT_LINE_BYTES];
};

// Begins with "neap: ".
void complaint_begin(struct complaint *complaint);
void complaint_add(struct complaint *complaint, const char *words);
void complaint_add_number(struct complaint *complaint, size_t number);
void complaint_quote(struct complaint *complaint, struct text written_by_user);
// Ends the line and writes it.
void complaint_say(struct complaint *complaint);

#endif
