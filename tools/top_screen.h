// neap top on a terminal: keys, and frames brought to the screen by ncurses.
#ifndef NEAP_TOOLS_TOP_SCREEN_H
#define NEAP_TOOLS_TOP_SCREEN_H

#include "top_frame.h"

// Shows the data, refreshed every `delay_s`, until a key ends it or after `count` refreshes, if
// that is not 0. With one process asked for it is shown closer from the start.
// Returns: an exit code, after one line on stderr if the terminal cannot be used.
int top_screen_run(struct top_data *data, struct frame *frame, double delay_s, unsigned count);

#endif
