// Messages go to stderr, one line each, in a single write, so that lines of
// several processes do not mix.
#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE_BYTES_MAX 2048   // two paths and a sentence

static const char *subcommand;

static void message_write(const char *format, va_list arguments)
    __attribute__((format(printf, 1, 0)));

static void message_write(const char *format, va_list arguments)
{
    char text[MESSAGE_BYTES_MAX];
    (void)vsnprintf(text, sizeof text, format, arguments);

    if (subcommand != NULL)
        (void)fprintf(stderr, "neap %s: %s\n", subcommand, text);
    else
        (void)fprintf(stderr, "neap: %s\n", text);
}

void message_set_subcommand(const char *name)
{
    subcommand = name;
}

void message(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    message_write(format, arguments);
    va_end(arguments);
}

int message_exit(int exit_code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    message_write(format, arguments);
    va_end(arguments);
    return exit_code;
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0';
}

bool message_may_colour(FILE *stream)
{
    const char *terminal = getenv("TERM");
    return isatty(fileno(stream)) != 0 && terminal != NULL && strcmp(terminal, "dumb") != 0 &&
           !is_set("NO_COLOR") && !is_set("NEAP_NO_COLOR");
}
