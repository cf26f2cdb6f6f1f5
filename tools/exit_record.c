// Records are lines "KEY VALUE" from "neap_exit_stats 1" to "end PID". Keys that we do not know
// are passed by, and so is a record without its end.
#include "exit_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 256
#define FILE_NAME "/records"
#define REMOVE_TRIES 100

static const char *const keys[N_EXIT_KEYS] = {
    [EXIT_RESIDENT_BYTES] = "resident_bytes",   [EXIT_LIVE_SLOTS_BYTES] = "live_slots_bytes",
    [EXIT_LARGE_BYTES] = "large_bytes",         [EXIT_FREE_SLOTS_BYTES] = "free_slots_bytes",
    [EXIT_CACHED_BYTES] = "cached_bytes",       [EXIT_FREE_READY_BYTES] = "free_ready_bytes",
    [EXIT_METADATA_BYTES] = "metadata_bytes",   [EXIT_SCAVENGED_BYTES] = "scavenged_bytes",
    [EXIT_SCAVENGED_STEPS] = "scavenged_steps", [EXIT_ALLOCATIONS] = "allocations",
};

bool exit_record_make_place(char *out_path, size_t n_bytes)
{
    const char *folder = getenv("TMPDIR");
    if (folder == NULL || *folder == '\0')
        folder = "/tmp";
    char *real = realpath(folder, NULL);   // the command may go elsewhere
    if (real == NULL)
        return false;
    int length = snprintf(out_path, n_bytes, "%s/neap-exit-XXXXXX" FILE_NAME, real);
    free(real);
    if (length < 0 || (size_t)length >= n_bytes) {
        errno = ENAMETOOLONG;
        return false;
    }
    char *file_name = out_path + length - strlen(FILE_NAME);
    *file_name = '\0';
    bool made = mkdtemp(out_path) != NULL;
    *file_name = FILE_NAME[0];
    return made;
}

void exit_record_remove_place(const char *path)
{
    char *folder = strndup(path, strlen(path) - strlen(FILE_NAME));
    int   tries = 0;   // a process may write its record between the two
    do
        (void)unlink(path);
    while (folder != NULL && rmdir(folder) != 0 && errno == ENOTEMPTY && ++tries < REMOVE_TRIES);
    free(folder);
}

uint64_t exit_record_live_bytes(const struct exit_record *record)
{
    return record->values[EXIT_LIVE_SLOTS_BYTES] + record->values[EXIT_LARGE_BYTES];
}

// Takes one line of a record.
static void take_line(struct exit_record *record, const char *key, const char *value)
{
    char    *end;
    uint64_t number = strtoumax(value, &end, 10);
    bool     is_number = end != value && *end == '\0' && *value != '-';
    if (strcmp(key, "name") == 0)
        (void)snprintf(record->name, sizeof record->name, "%s", value);
    else if (strcmp(key, "pid") == 0 && is_number)
        record->pid = (long)number;
    for (size_t i = 0; i < N_EXIT_KEYS && is_number; i++) {
        if (strcmp(key, keys[i]) == 0) {
            record->known[i] = true;
            record->values[i] = number;
        }
    }
}

// Puts a record that is complete where it belongs.
static void take_record(struct exit_records *out, long pid, const struct exit_record *record)
{
    if (record->pid == pid) {
        out->has_own = true;
        out->own = *record;
        return;
    }
    if (out->n_others == 0 ||
        exit_record_live_bytes(record) > exit_record_live_bytes(&out->largest))
        out->largest = *record;
    out->n_others++;
}

void exit_records_read(FILE *in, long pid, struct exit_records *out)
{
    *out = (struct exit_records){0};
    struct exit_record record;
    bool               is_inside = false;
    char               line[LINE_BYTES];
    while (fgets(line, sizeof line, in) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *value = strchr(line, ' ');
        if (value != NULL)
            *value++ = '\0';
        if (strcmp(line, "neap_exit_stats") == 0) {
            record = (struct exit_record){0};
            is_inside = value != NULL && strcmp(value, "1") == 0;
        } else if (is_inside && strcmp(line, "end") == 0) {
            is_inside = false;
            if (value != NULL && record.pid != 0 && strtol(value, NULL, 10) == record.pid)
                take_record(out, pid, &record);
        } else if (is_inside && value != NULL) {
            take_line(&record, line, value);
        }
    }
}
