// A host of three CPUs whose only thread, environment and file are those it was told of.
#include "host_fake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SAID_BYTES (64 * 1024)

static bool   barrier_is_offered = true, barrier_is_granted = true;
static size_t barriers_asked;

static size_t             thread_hash;
static const char *const *environment;
static bool               process_is_secure;

static enum host_file_result file_result = HOST_FILE_ABSENT;
static const char           *file_text;
static size_t                file_bytes;
static const char           *path_read = "";

static char   said[SAID_BYTES];
static size_t said_bytes;

void host_fake_set_environment(const char *const *entries, bool is_secure)
{
    environment = entries;
    process_is_secure = is_secure;
}

void host_fake_set_file(enum host_file_result result, const char *text, size_t n_bytes)
{
    file_result = result;
    file_text = text;
    file_bytes = n_bytes;
    path_read = "";
}

const char *host_fake_path_read(void)
{
    return path_read;
}

const char *host_fake_said(void)
{
    return said;
}

void host_fake_forget_said(void)
{
    said_bytes = 0;
    said[0] = '\0';
}

static void (*at_barrier)(void);
static void (*at_wait)(void);
static void (*at_thread_end)(void *argument);
static void *thread_end_argument;

void host_fake_become(size_t cache, size_t n_caches)
{
    // The smallest hash of 32 bits that is scaled to `cache`.
    thread_hash = (((uint64_t)cache << 32) + n_caches - 1) / n_caches;
}

void host_fake_meanwhile(void (*barrier)(void), void (*wait)(void))
{
    at_barrier = barrier;
    at_wait = wait;
}

void host_fake_offer_barrier(bool offer)
{
    host_fake_set_barrier(offer, offer);
}

void host_fake_end_thread(void)
{
    void *argument = thread_end_argument;
    thread_end_argument = NULL;
    if (argument != NULL)
        at_thread_end(argument);
}

size_t host_cpus(void)
{
    return HOST_FAKE_CPUS;
}

uint64_t host_random(void)
{
    return 1;
}

void host_yield(void)
{
    if (at_wait != NULL)
        at_wait();
}

void host_fake_set_barrier(bool is_offered, bool is_granted)
{
    barrier_is_offered = is_offered;
    barrier_is_granted = is_granted;
    barriers_asked = 0;
}

size_t host_fake_barriers_asked(void)
{
    return barriers_asked;
}

bool host_barrier_register(void)
{
    return barrier_is_offered;
}

bool host_barrier_all_threads(void)
{
    if (at_barrier != NULL)
        at_barrier();
    barriers_asked++;
    return barrier_is_granted;
}

bool host_at_thread_end(void (*act)(void *argument))
{
    at_thread_end = act;
    return true;
}

void host_thread_end_argument(void *argument)
{
    thread_end_argument = argument;
}

void host_sleep_ns(long n)
{
    host_yield();
}

static uint64_t now_ns, cpu_ns;
static void (*started_body)(void);
static bool threads_are_refused;

void host_fake_pass_time(uint64_t n_ns)
{
    now_ns += n_ns;
}

void host_fake_spend_cpu(uint64_t n_ns)
{
    cpu_ns += n_ns;
    now_ns += n_ns;
}

void host_fake_refuse_threads(bool refuse)
{
    threads_are_refused = refuse;
    started_body = NULL;
}

void (*host_fake_started(void))(void)
{
    return started_body;
}

uint64_t host_wall_time_ns(void)
{
    return host_now_ns() + HOST_FAKE_WALL_NS;
}

uint64_t host_now_ns(void)
{
    return now_ns;
}

static void (*at_cpu_time)(void);

void host_fake_at_cpu_time(void (*act)(void))
{
    at_cpu_time = act;
}

uint64_t host_thread_cpu_ns(void)
{
    if (at_cpu_time != NULL)
        at_cpu_time();
    return cpu_ns;
}

bool host_start_thread(void (*body)(void), const char *name)
{
    if (threads_are_refused)
        return false;
    started_body = body;
    return true;
}

static uintptr_t libc_address;

void host_fake_set_libc(const void *address)
{
    libc_address = (uintptr_t)address;
}

void host_find_libc(void)
{
}

bool host_is_in_libc(const void *address)
{
    return address != NULL && (uintptr_t)address == libc_address;
}

static long process_id = 1;

void host_fake_become_process(long id)
{
    process_id = id;
}

long host_thread_id(void)
{
    return process_id;
}

long host_process_id(void)
{
    return process_id;
}

static bool main_has_ended;

void host_fake_end_main_thread(bool ended)
{
    main_has_ended = ended;
}

bool host_main_thread_has_ended(void)
{
    return main_has_ended;
}

size_t host_thread_hash(void)
{
    return thread_hash;
}

const char *const *host_environment(void)
{
    return environment;
}

bool host_is_secure(void)
{
    return process_is_secure;
}

static const struct host_fake_file *files;

void host_fake_set_files(const struct host_fake_file *table)
{
    files = table;
}

static enum host_file_result read_fake_file(const struct host_fake_file *file, char *out_text,
                                            size_t capacity, size_t *out_n_bytes)
{
    if (file->text == NULL)
        return HOST_FILE_FORBIDDEN;
    *out_n_bytes = strlen(file->text);
    if (*out_n_bytes > capacity)
        return HOST_FILE_TOO_LONG;
    memcpy(out_text, file->text, *out_n_bytes);
    return HOST_FILE_READ;
}

enum host_file_result host_read_file(const char *path, char *out_text, size_t capacity,
                                     size_t *out_n_bytes)
{
    path_read = path;
    for (const struct host_fake_file *file = files; file != NULL && file->path != NULL; file++)
        if (strcmp(file->path, path) == 0)
            return read_fake_file(file, out_text, capacity, out_n_bytes);
    if (file_result != HOST_FILE_READ)
        return file_result;
    if (file_bytes > capacity)
        return HOST_FILE_TOO_LONG;
    memcpy(out_text, file_text, file_bytes);
    *out_n_bytes = file_bytes;
    return HOST_FILE_READ;
}

static struct {
    const char            *path;
    enum host_watch_result result;
    bool                   is_open;
    char                   written[256];
    size_t                 n_bytes;
} watched;

void host_fake_offer_watch(const char *path, enum host_watch_result result)
{
    watched.path = path;
    watched.result = result;
}

const char *host_fake_written(size_t *out_n_bytes)
{
    *out_n_bytes = watched.n_bytes;
    return watched.written;
}

bool host_fake_watch_is_open(void)
{
    return watched.is_open;
}

bool host_watch_open(const char *path, const void *text, size_t n_bytes,
                     struct host_watch *out_watch)
{
    if (watched.path == NULL || strcmp(path, watched.path) != 0)
        return false;
    memcpy(watched.written, text, n_bytes);
    watched.n_bytes = n_bytes;
    watched.is_open = true;
    *out_watch = (struct host_watch){.file = 1000};
    return true;
}

enum host_watch_result host_watch_ask(const struct host_watch *watch)
{
    watched.is_open = watched.is_open && watched.result != HOST_WATCH_GONE;
    return watched.result;
}

void host_watch_close(const struct host_watch *watch)
{
    watched.is_open = false;
}

static struct host_fake_box box;

const struct host_fake_box *host_fake_box_written(void)
{
    return &box;
}

void host_fake_refuse_box(bool is_refused)
{
    if (!is_refused)
        box = (struct host_fake_box){.n_written = 0};
    box.is_refused = is_refused;
}

bool host_write_file_in_memory(const char *path, const struct host_piece *pieces, size_t n_pieces,
                               bool is_new)
{
    if (box.is_refused)
        return false;
    if (is_new)
        box = (struct host_fake_box){.n_written = 0};
    (void)snprintf(box.path, sizeof box.path, "%s", path);
    for (size_t i = 0; i < n_pieces; i++) {
        if (pieces[i].offset + pieces[i].n_bytes > sizeof box.bytes)
            return false;
        memcpy(box.bytes + pieces[i].offset, pieces[i].bytes, pieces[i].n_bytes);
    }
    box.n_written++;
    return true;
}

void host_remove_file(const char *path)
{
    box.is_removed = strcmp(path, box.path) == 0;
}

int host_write(int fd, const char *text, size_t n_bytes)
{
    if (fd != STDERR_FILENO)
        return EBADF;
    host_say(text, n_bytes);
    return 0;
}

void host_say(const char *text, size_t n_bytes)
{
    size_t room = SAID_BYTES - 1 - said_bytes;
    size_t n = n_bytes < room ? n_bytes : room;
    memcpy(said + said_bytes, text, n);
    said_bytes += n;
    said[said_bytes] = '\0';
}
