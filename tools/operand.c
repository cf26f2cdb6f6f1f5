// Reading operands.
#include "operand.h"

#include "message.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECONDS_MAX 86400.0
#define KIB 1024.0
#define BYTES_MAX 4e18   // more than any machine has

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

// How many times two to the tenth the letter means; -1: it means nothing.
static int power_of_unit(const char *unit)
{
    static const char letters[] = "KMGTP";
    const char       *found = *unit != '\0' ? strchr(letters, toupper((unsigned char)*unit)) : NULL;
    bool is_known = found != NULL && (unit[1] == '\0' || strcasecmp(unit + 1, "i") == 0 ||
                                      strcasecmp(unit + 1, "iB") == 0);
    if (*unit == '\0' || strcasecmp(unit, "B") == 0)
        return 0;
    return is_known ? (int)(found - letters) + 1 : -1;
}

bool operand_bytes(const char *text, uint64_t *out_bytes)
{
    char  *end;
    double number = isdigit((unsigned char)*text) ? strtod(text, &end) : -1;
    int    power = number > 0 ? power_of_unit(end) : -1;
    for (int i = 0; i < power; i++)
        number *= KIB;
    if (power >= 0 && number >= 1 && number < BYTES_MAX) {
        *out_bytes = (uint64_t)number;
        return true;
    }
    message("'%s' is no size; sizes are as 512MiB or 1.5G", text);
    return false;
}

bool operand_count(const char *text, unsigned long *out_count)
{
    if (read_whole(text, out_count))
        return true;
    message("'%s' is no number of times, from 1 on", text);
    return false;
}
