// Where it stands: "some avg10=0.00 avg60=0.00 avg300=0.00 total=15104", in microseconds.
#include "os/memory_pressure.h"

#include "os/control_group.h"

#include <string.h>

#define TEXT_BYTES 256   // what is to be written first is a line

static struct group_files files;

// From the environment. The memory is not touched where nothing is said.
static struct {
    char   path[GROUP_PATH_BYTES];
    char   text[TEXT_BYTES];
    size_t n_bytes;
} said;
static bool is_said;

// ---- what the environment says ----------------------------------------------------------------

static int value_of_letter(char letter)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = letter != '\0' ? strchr(letters, letter) : NULL;
    return found != NULL ? (int)(found - letters) : -1;
}

// Base64: six bits to a letter, '=' at the end. False: it is none, or too long.
static bool decode(const char *letters, char out_bytes[TEXT_BYTES], size_t *out_n)
{
    unsigned bits = 0, n_bits = 0;
    *out_n = 0;
    for (; *letters != '\0' && *letters != '='; letters++) {
        int value = value_of_letter(*letters);
        if (value < 0 || *out_n == TEXT_BYTES)
            return false;
        bits = bits << 6 | (unsigned)value;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            out_bytes[(*out_n)++] = (char)(bits >> n_bits & 0xff);
        }
    }
    return strspn(letters, "=") == strlen(letters);
}

// What follows "NAME=" if the entry begins so; else NULL.
static const char *value_in(const char *entry, const char *name)
{
    size_t length = strlen(name);
    return strncmp(entry, name, length) == 0 && entry[length] == '=' ? entry + length + 1 : NULL;
}

void memory_pressure_note_environment(const char *const *entries)
{
    const char *path = "", *text = "";
    for (; entries != NULL && *entries != NULL; entries++) {
        const char *value;
        if ((value = value_in(*entries, "MEMORY_PRESSURE_WATCH")) != NULL)
            path = value;
        else if ((value = value_in(*entries, "MEMORY_PRESSURE_WRITE")) != NULL)
            text = value;
    }
    is_said =
        path[0] == '/' && strlen(path) < sizeof said.path && decode(text, said.text, &said.n_bytes);
    if (is_said)
        memcpy(said.path, path, strlen(path) + 1);
}

// ---- the kernel's count -----------------------------------------------------------------------

static bool find_total(const char *text, uint64_t *out_stalled_us)
{
    static const char name[] = "total=";
    size_t            number;
    const char       *total = strncmp(text, "some ", 5) == 0 ? strstr(text, name) : NULL;
    if (total == NULL || !group_number(total + strlen(name), &number))
        return false;
    *out_stalled_us = number;
    return true;
}

static bool read_total_of_group(const char *root, const char *mount_point, uint64_t *out_stalled_us)
{
    return group_find(&files, root, "", mount_point) &&
           group_read(&files, root, files.folder, "memory.pressure") &&
           find_total(files.text, out_stalled_us);
}

static bool read_total(const char *root, uint64_t *out_stalled_us)
{
    return read_total_of_group(root, "/sys/fs/cgroup", out_stalled_us) ||
           read_total_of_group(root, "/sys/fs/cgroup/unified", out_stalled_us) ||
           (group_read(&files, root, "/proc/pressure", "memory") &&
            find_total(files.text, out_stalled_us));
}

// ---- asking -----------------------------------------------------------------------------------

void memory_pressure_open(struct memory_pressure *pressure, const char *root, uint64_t now_ns)
{
    *pressure = (struct memory_pressure){.source = PRESSURE_SOURCE_NONE, .read_at_ns = now_ns};
    if (is_said && strcmp(said.path, "/dev/null") == 0)
        return;   // whoever runs the program does not want it to look
    if (is_said && host_watch_open(said.path, said.text, said.n_bytes, &pressure->watch))
        pressure->source = PRESSURE_SOURCE_WATCH;
    else if (read_total(root, &pressure->stalled_us))
        pressure->source = PRESSURE_SOURCE_COUNT;
}

void memory_pressure_close(struct memory_pressure *pressure)
{
    if (pressure->source == PRESSURE_SOURCE_WATCH)
        host_watch_close(&pressure->watch);
    pressure->source = PRESSURE_SOURCE_NONE;
}

static bool ask_watch(struct memory_pressure *pressure)
{
    enum host_watch_result result = host_watch_ask(&pressure->watch);
    if (result == HOST_WATCH_GONE)
        pressure->source = PRESSURE_SOURCE_NONE;
    return result == HOST_WATCH_HAPPENED;
}

// Of another group than before the count may be lower.
static bool ask_count(struct memory_pressure *pressure, const char *root, uint64_t now_ns)
{
    uint64_t before_us = pressure->stalled_us, elapsed_ns = now_ns - pressure->read_at_ns;
    if (elapsed_ns < MEMORY_PRESSURE_EVERY_NS)
        return false;
    pressure->read_at_ns = now_ns;
    if (!read_total(root, &pressure->stalled_us)) {
        pressure->source = PRESSURE_SOURCE_NONE;
        return false;
    }
    return pressure->stalled_us > before_us &&
           (pressure->stalled_us - before_us) * 1000 >= elapsed_ns / MEMORY_PRESSURE_STALLED_SHARE;
}

bool memory_pressure_ask(struct memory_pressure *pressure, const char *root, uint64_t now_ns)
{
    switch (pressure->source) {
    case PRESSURE_SOURCE_WATCH:
        return ask_watch(pressure);
    case PRESSURE_SOURCE_COUNT:
        return ask_count(pressure, root, now_ns);
    case PRESSURE_SOURCE_NONE:
    default:
        return false;
    }
}
