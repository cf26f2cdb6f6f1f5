// Reading operands.
#include "operand.h"

#include "message.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#define SECONDS_MAX 86400.0

static bool read_whole(const char *text, unsigned long *out_number)
{
    char *end;
    errno = 0;
    *out_number = strtoul(text, &end, 10);
    return isdigit((unsigned char)*text) && *end == '\0' && errno == 0 && *out_number > 0;
}

bool operand_pid(const char *text, pid_t *out_pid)
{
    unsigned long number;
    if (text == NULL) {
        message("which process? A process id is missing; neap ps lists those that run neap");
        return false;
    }
    if (!read_whole(text, &number) || number > INT_MAX) {
        message("'%s' is no process id; neap ps lists those that run neap", text);
        return false;
    }
    *out_pid = (pid_t)number;
    return true;
}

bool operand_seconds(const char *text, double minimum, double *out_seconds)
{
    char *end;
    *out_seconds = strtod(text, &end);
    if (end != text && *end == '\0' && isfinite(*out_seconds) && *out_seconds >= minimum &&
        *out_seconds <= SECONDS_MAX)
        return true;
    message("'%s' is no number of seconds from %g to %g", text, minimum, SECONDS_MAX);
    return false;
}

bool operand_count(const char *text, unsigned long *out_count)
{
    if (read_whole(text, out_count))
        return true;
    message("'%s' is no number of times, from 1 on", text);
    return false;
}
