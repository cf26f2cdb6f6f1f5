// Text that comes from the command line, written into JSON and XML.
#ifndef NEAP_TOOLS_TEXT_H
#define NEAP_TOOLS_TEXT_H

#include <stddef.h>
#include <stdio.h>

// Length of the valid UTF-8 sequence at `text`, 1 to 4; 0 when it is not valid.
size_t text_utf8_length(const char *text);

// Writes a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
void text_write_json(FILE *out, const char *text);

// Writes text for XML, safe in content and in attributes. Bytes that are not UTF-8, and
// control characters, become U+FFFD.
void text_write_xml(FILE *out, const char *text);

#endif
