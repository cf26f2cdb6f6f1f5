// Numbers as people read them.
#include "format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

char *format_bytes(double n_bytes, char out[FORMAT_BYTES])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t                   unit = 0;
    while (n_bytes >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        n_bytes /= 1024;
        unit++;
    }
    int n_decimals = unit == 0 || n_bytes >= 99.95 ? 0 : n_bytes >= 9.995 ? 1 : 2;
    (void)snprintf(out, FORMAT_BYTES, "%.*f %s", n_decimals, n_bytes, units[unit]);
    return out;
}

char *format_duration(double seconds, char out[FORMAT_BYTES])
{
    unsigned long whole_s = (unsigned long)(seconds + 0.5);
    if (seconds < 9.995)
        (void)snprintf(out, FORMAT_BYTES, "%.3f s", seconds);
    else if (whole_s < 60)
        (void)snprintf(out, FORMAT_BYTES, "%.1f s", seconds);
    else if (whole_s < 3600)
        (void)snprintf(out, FORMAT_BYTES, "%lum %02lus", whole_s / 60, whole_s % 60);
    else
        (void)snprintf(out, FORMAT_BYTES, "%luh %02lum", whole_s / 3600, whole_s / 60 % 60);
    return out;
}

char *format_count(uint64_t count, char out[FORMAT_BYTES])
{
    char  digits[FORMAT_BYTES];
    int   n_digits = snprintf(digits, sizeof digits, "%" PRIu64, count);
    char *to = out;
    for (int i = 0; i < n_digits; i++) {
        if (i > 0 && (n_digits - i) % 3 == 0)
            *to++ = ' ';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

void format_status(int status, char *out, size_t n_bytes)
{
    if (WIFSIGNALED(status))
        (void)snprintf(out, n_bytes, "signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    else
        (void)snprintf(out, n_bytes, "exit %d", WEXITSTATUS(status));
}

// Appends one word, in single quotes when the shell would read it otherwise.
static void format_word(FILE *out, const char *word)
{
    static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789%+,-./:=@_";
    if (*word != '\0' && word[strspn(word, harmless)] == '\0') {
        (void)fputs(word, out);
        return;
    }
    (void)fputc('\'', out);
    for (; *word != '\0'; word++) {
        unsigned char byte = (unsigned char)*word;
        if (byte == '\'')
            (void)fputs("'\\''", out);
        else
            (void)fputc(byte < ' ' || byte == 0x7f ? ' ' : byte, out);   // one line, no escapes
    }
    (void)fputc('\'', out);
}

void format_command(char *const *argv, char *out, size_t n_bytes)
{
    FILE *stream = fmemopen(out, n_bytes, "w");
    out[0] = '\0';
    if (stream == NULL)
        return;
    (void)setvbuf(stream, NULL, _IONBF, 0);
    for (size_t i = 0; argv[i] != NULL && ferror(stream) == 0; i++) {
        if (i > 0)
            (void)fputc(' ', stream);
        format_word(stream, argv[i]);
    }
    (void)fclose(stream);
    out[n_bytes - 1] = '\0';
    if (strlen(out) + 1 >= n_bytes)
        memcpy(out + n_bytes - 4, "...", 4);
}
