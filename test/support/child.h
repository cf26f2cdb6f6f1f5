// What is to be seen of a function that may end the process: it runs in a child.
#ifndef NEAP_TEST_CHILD_H
#define NEAP_TEST_CHILD_H

// In a child process: `function` ends it, and `text` is in what it wrote to stderr ("": it need
// not write anything).
void expect_dies(void (*function)(void *), void *argument, const char *text);
// In a child process: `function` aborts, having written one line that begins with `line`.
void expect_stops(void (*function)(void *), void *argument, const char *line);
// In a child process: `function` returns.
void expect_survives(void (*function)(void *), void *argument);

#endif
