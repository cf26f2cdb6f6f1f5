// The exit record: put together on the stack from the books, and written.
#include "api/exit_stats.h"

#include "base/check.h"
#include "config/config.h"
#include "os/host.h"
#include "os/lock.h"
#include "os/vm.h"

#include <dlfcn.h>
#include <string.h>

#define STATM_BYTES 256   // seven numbers

// glibc's and musl's; atexit is made of it. Without an object to belong to (the third argument), a
// function stays until the process exits, and is not called when libraries are shut down.
typedef int    at_exit(void (*function)(void *), void *argument, void *object);
extern at_exit __cxa_atexit;
#pragma weak   dlsym   // absent from static programs

// The option's value; empty when no record is wanted. Requires: the options have been read.
static const char *exit_stats_path(void)
{
    return config_get()->exit_stats;
}

// Text that grows; what does not fit any more is left out.
struct text {
    char  *start;
    size_t n_bytes, n_bytes_max;
};

static void text_add(struct text *text, const char *part)
{
    size_t length = strlen(part);
    size_t room = text->n_bytes_max - text->n_bytes;
    size_t n = length < room ? length : room;
    memcpy(text->start + text->n_bytes, part, n);
    text->n_bytes += n;
}

static void text_add_number(struct text *text, size_t number)
{
    char digits[NUMBER_TEXT_BYTES];
    text_add(text, number_to_text(number, digits));
}

static void text_add_line(struct text *text, const char *key, size_t value)
{
    text_add(text, key);
    text_add(text, " ");
    text_add_number(text, value);
    text_add(text, "\n");
}

// Reads a short file of /proc as text; empty where it cannot be read.
static void read_short_file(const char *path, char *out_text, size_t capacity)
{
    size_t n_bytes = 0;
    if (host_read_file(path, out_text, capacity - 1, &n_bytes) != HOST_FILE_READ)
        n_bytes = 0;
    out_text[n_bytes] = '\0';
}

// The second number of a line, 0 if there is none.
static size_t second_number(const char *text)
{
    size_t number = 0;
    for (text = strchr(text, ' '); text != NULL && text[1] >= '0' && text[1] <= '9'; text++)
        number = number * 10 + (size_t)(text[1] - '0');
    return number;
}

void exit_stats_know_yourself(struct exit_stats_writer *out_writer)
{
    char statm[STATM_BYTES], name[EXIT_STATS_NAME_BYTES + 1] = {0};   // it ends with a newline
    read_short_file("/proc/self/statm", statm, sizeof statm);
    read_short_file("/proc/self/comm", name, sizeof name);
    name[strcspn(name, "\n")] = '\0';
    memcpy(out_writer->name, name, sizeof out_writer->name);
    out_writer->resident_bytes = second_number(statm) * vm_page_bytes();
    out_writer->pid = host_process_id();
}

// A name of the program's choice must not look like a line of ours.
static void text_add_name(struct text *text, const char *name)
{
    char harmless[EXIT_STATS_NAME_BYTES];
    for (size_t i = 0; i < sizeof harmless; i++)
        harmless[i] = (unsigned char)name[i] < ' ' && name[i] != '\0' ? '?' : name[i];
    harmless[sizeof harmless - 1] = '\0';
    text_add(text, "name ");
    text_add(text, harmless);
    text_add(text, "\n");
}

size_t exit_stats_format(const struct exit_stats_writer *writer,
                         const struct front_account *account, char out[EXIT_STATS_BYTES])
{
    const struct page_account *pages = &account->pages;
    const struct {
        const char *key;
        size_t      value;
    } rows[] = {
        // What the program holds: asked for and rounding, which the books do not tell apart.
        {"live_slots", account->slots.used_slots},
        {"live_slots_bytes", account->slots.used_bytes},
        {"large_objects", account->large_objects},
        {"large_bytes", account->large_bytes},
        // What neap holds beside it.
        {"free_slots_bytes", account->slots.free_bytes},
        {"cached_bytes", pages->cached_ready_bytes},
        {"free_ready_bytes", pages->free_ready_bytes},
        {"released_bytes", page_account_released_bytes(pages)},
        {"metadata_bytes", pages->metadata_bytes},
        {"in_use_bytes", page_account_used_bytes(pages)},
        {"mapped_bytes", pages->mapped_bytes},
        // Since the process began.
        {"allocations", account->slots.n_allocated + account->n_large_allocated},
        {"grown_times", pages->grown_times},
        {"scavenged_bytes", pages->scavenged_bytes + account->slots.scavenged_bytes},
        {"scavenged_steps", pages->scavenged_steps},
    };
    struct text text = {.start = out, .n_bytes_max = EXIT_STATS_BYTES};
    text_add_line(&text, "neap_exit_stats", 1);
    text_add_line(&text, "pid", (size_t)writer->pid);
    text_add_name(&text, writer->name);
    if (writer->resident_bytes > 0)
        text_add_line(&text, "resident_bytes", writer->resident_bytes);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        text_add_line(&text, rows[i].key, rows[i].value);
    text_add_line(&text, "end", (size_t)writer->pid);
    return text.n_bytes;
}

bool exit_stats_expand(const char *pattern, long pid, char out[EXIT_STATS_PATH_BYTES])
{
    struct text text = {.start = out, .n_bytes_max = EXIT_STATS_PATH_BYTES};
    while (*pattern != '\0') {
        if (pattern[0] == '%' && pattern[1] == 'p') {
            text_add_number(&text, (size_t)pid);
            pattern += 2;
        } else {
            const char letter[] = {*pattern++, '\0'};
            text_add(&text, letter);
        }
    }
    if (text.n_bytes == EXIT_STATS_PATH_BYTES)
        return false;
    out[text.n_bytes] = '\0';
    return true;
}

static void exit_stats_write(void)
{
    struct exit_stats_writer writer;
    struct front_account     account;
    exit_stats_know_yourself(&writer);
    front_account_read(&account);

    char   record[EXIT_STATS_BYTES], path[EXIT_STATS_PATH_BYTES];
    size_t n_bytes = exit_stats_format(&writer, &account, record);
    if (strcmp(exit_stats_path(), "-") == 0)
        host_say(record, n_bytes);
    else if (exit_stats_expand(exit_stats_path(), writer.pid, path))
        (void)host_append_file_best_effort(path, record, n_bytes);
}

static void end(void *unused)
{
    (void)unused;
    if (lock_this_thread_has_any() || front_is_disabled())
        return;
    front_end();
    if (*exit_stats_path() != '\0')
        exit_stats_write();
}

// The one behind us, which is libc's: a sanitizer in the program itself stands before us with one
// of its own, and has not begun yet when we do.
static at_exit *libc_at_exit(void)
{
    at_exit *behind = dlsym != NULL ? (at_exit *)dlsym(RTLD_NEXT, "__cxa_atexit") : NULL;
    return behind != NULL ? behind : __cxa_atexit;
}

void exit_stats_begin(void)
{
    (void)front_is_disabled();   // has read the options
    if (*exit_stats_path() != '\0' || *config_get()->blackbox != '\0')
        (void)libc_at_exit()(end, NULL, NULL);   // fails only without memory: no record
}
