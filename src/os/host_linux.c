// Facts about the machine, each from at most one system call, and files.
//
// Files are read and lines written by syscall(): it is no cancellation point, and a library that
// is preloaded beside us and wraps open or write may allocate.
#include "os/host.h"

#include "base/bits.h"
#include "os/lock.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/magic.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

size_t host_cpus(void)
{
    uint64_t mask[16];   // 1024 CPUs; the call fails on more, and then 64 caches are enough
    memset(mask, 0, sizeof mask);
    int  saved_errno = errno;
    long n_bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    errno = saved_errno;
    if (n_bytes <= 0)
        return 64;
    size_t cpus = 0;
    for (size_t i = 0; i < sizeof mask / sizeof mask[0]; i++)
        cpus += bits_count(mask[i]);
    return cpus > 0 ? cpus : 1;
}

uint64_t host_random(void)
{
    uint64_t random = 0;
    int      saved_errno = errno;
    long     n_bytes = syscall(SYS_getrandom, &random, sizeof random, GRND_NONBLOCK);
    if (n_bytes != (long)sizeof random) {
        // Not the bits of AT_RANDOM: the stack protector's secret is made of them.
        struct timespec now = {0, 0};
        clock_gettime(CLOCK_MONOTONIC, &now);
        random = ((uint64_t)now.tv_nsec + (uint64_t)now.tv_sec) * UINT64_C(0x9E3779B97F4A7C15);
        random ^= random >> 29;
    }
    errno = saved_errno;
    return random;
}

void host_yield(void)
{
    sched_yield();
}

void host_sleep_ns(long n)
{
    int saved_errno = errno;
    // Not libc's function, where a thread may be cancelled.
    struct timespec time = {.tv_nsec = n};
    syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &time, NULL);
    errno = saved_errno;
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec time = {0, 0};
    int             saved_errno = errno;
    // Not libc's function: a sanitizer may stand before it and not have begun.
    syscall(SYS_clock_gettime, clock, &time);
    errno = saved_errno;
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

uint64_t host_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t host_wall_time_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

uint64_t host_thread_cpu_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

// ---- a thread of ours -------------------------------------------------------------------------

#define STACK_BYTES ((size_t)128 << 10)   // room for a program's thread-local storage, too

struct thread_start {
    void (*body)(void);
    char name[16];
};
static struct thread_start thread_start;   // one at a time; see host_start_thread

static void *run_thread(void *start)
{
    const struct thread_start *what = start;
    prctl(PR_SET_NAME, what->name);
    what->body();
    return NULL;
}

static bool start_detached(void)
{
    pthread_t      thread;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    bool started = pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 &&
                   pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0 &&
                   pthread_create(&thread, &attributes, run_thread, &thread_start) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

// The new thread has the mask of the one that starts it; libc keeps the signals that it needs.
bool host_start_thread(void (*body)(void), const char *name)
{
    int      saved_errno = errno;
    sigset_t all, before;
    thread_start.body = body;
    strncpy(thread_start.name, name, sizeof thread_start.name - 1);
    sigfillset(&all);
    bool started = false;
    if (pthread_sigmask(SIG_SETMASK, &all, &before) == 0) {
        started = start_detached();
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    errno = saved_errno;
    return started;
}

#pragma weak dladdr   // a strong reference would draw the loader into static programs

#define LIBC_PARTS 3   // the loader, libc, and libpthread where that is a library of its own

static struct {
    uintptr_t start, end;
} libc_parts[LIBC_PARTS];
static size_t n_libc_parts;

// By its headers, which lie in memory at its start. Not by dl_iterate_phdr(): a sanitizer in the
// program may stand before that and not have begun when we do.
static void note_part_of_libc(uintptr_t start)
{
    const ElfW(Ehdr) *file = (const ElfW(Ehdr) *)start;
    const ElfW(Phdr) *part = (const ElfW(Phdr) *)(start + file->e_phoff);
    uintptr_t end = start;
    for (size_t i = 0; i < file->e_phnum; i++)
        if (part[i].p_type == PT_LOAD && start + part[i].p_vaddr + part[i].p_memsz > end)
            end = start + part[i].p_vaddr + part[i].p_memsz;
    libc_parts[n_libc_parts].start = start;
    libc_parts[n_libc_parts].end = end;
    n_libc_parts++;
}

void host_find_libc(void)
{
    Dl_info where;
    if (getauxval(AT_BASE) == 0)
        return;   // a static program
    note_part_of_libc(getauxval(AT_BASE));
    if (dladdr != NULL && dladdr((void *)getauxval, &where) != 0)
        note_part_of_libc((uintptr_t)where.dli_fbase);
    if (dladdr != NULL && dladdr((void *)pthread_key_create, &where) != 0)
        note_part_of_libc((uintptr_t)where.dli_fbase);
}

// True until a program starts its first thread. Absent from other libcs and older glibcs.
extern char __libc_single_threaded __attribute__((weak));

bool host_is_in_libc(const void *address)
{
    // In a static program everything may be. The locks in question are those of threads.
    if (getauxval(AT_BASE) == 0)
        return &__libc_single_threaded == NULL || __libc_single_threaded == 0;
    for (size_t i = 0; i < n_libc_parts; i++)
        if ((uintptr_t)address >= libc_parts[i].start && (uintptr_t)address < libc_parts[i].end)
            return true;
    return false;
}

bool host_main_thread_has_ended(void)
{
    char   text[512];
    size_t n_bytes = 0;
    if (host_read_file("/proc/self/stat", text, sizeof text - 1, &n_bytes) != HOST_FILE_READ)
        return false;
    text[n_bytes] = '\0';
    const char *name_end = strrchr(text, ')');   // the name may have brackets of its own
    return name_end != NULL && name_end[1] == ' ' && name_end[2] == 'Z';
}

static long membarrier(int command)
{
    int  saved_errno = errno;
    long result = syscall(SYS_membarrier, command, 0, 0);
    errno = saved_errno;
    return result;
}

bool host_barrier_register(void)
{
    return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
}

bool host_barrier_all_threads(void)
{
    return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0;
}

static pthread_key_t thread_end_key;

bool host_at_thread_end(void (*act)(void *argument))
{
    return pthread_key_create(&thread_end_key, act) == 0;
}

void host_thread_end_argument(void *argument)
{
    int saved_errno = errno;
    // Fails only where libc cannot allocate its table; then the cache is not passed on.
    (void)pthread_setspecific(thread_end_key, argument);
    errno = saved_errno;
}

size_t host_thread_hash(void)
{
    // What is thread-local lies at an address of its own in each thread, at least 4 KiB from its
    // neighbours; the golden ratio spreads it over the high bits. (Not every compiler tells the
    // thread pointer: gcc 12 does not for ppc64le and riscv64.)
    uintptr_t thread = (uintptr_t)&lock_n_of_this_thread;
    return (size_t)((thread >> 6) * UINT64_C(0x9E3779B97F4A7C15) >> 32);
}

// glibc's loader keeps here where the kernel put argc, argv and the environment. Absent from other
// libcs. In static programs it points elsewhere, but there `environ` is set before all else.
extern const void *const __libc_stack_end __attribute__((weak));

const char *const *host_environment(void)
{
    if (environ != NULL)
        return (const char *const *)environ;
    if (&__libc_stack_end == NULL)
        return NULL;
    const size_t      *argc = __libc_stack_end;
    const char *const *arguments = (const char *const *)(argc + 1);
    return arguments[*argc] == NULL ? arguments + *argc + 1 : NULL;
}

bool host_is_secure(void)
{
    int  saved_errno = errno;
    bool is_secure = getauxval(AT_SECURE) != 0;
    errno = saved_errno;
    return is_secure;
}

static enum host_file_result file_result_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return HOST_FILE_ABSENT;
    case EACCES:
    case EPERM:
        return HOST_FILE_FORBIDDEN;
    default:
        return HOST_FILE_UNREADABLE;
    }
}

// Reads until the end of the file. Sets errno.
static enum host_file_result read_to_end(int file, char *out_text, size_t capacity,
                                         size_t *out_n_bytes)
{
    char   one_more;
    size_t length = 0;
    for (;;) {
        bool is_full = length == capacity;
        long n_bytes = syscall(SYS_read, file, is_full ? &one_more : out_text + length,
                               is_full ? 1 : capacity - length);
        if (n_bytes < 0 && errno == EINTR)
            continue;
        if (n_bytes < 0)
            return file_result_of(errno);
        if (n_bytes == 0)
            break;
        if (is_full)
            return HOST_FILE_TOO_LONG;
        length += (size_t)n_bytes;
    }
    *out_n_bytes = length;
    return HOST_FILE_READ;
}

enum host_file_result host_read_file(const char *path, char *out_text, size_t capacity,
                                     size_t *out_n_bytes)
{
    int  saved_errno = errno;
    long file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    enum host_file_result result;
    if (file < 0) {
        result = file_result_of(errno);
    } else {
        result = read_to_end((int)file, out_text, capacity, out_n_bytes);
        syscall(SYS_close, file);
    }
    errno = saved_errno;
    return result;
}

// ---- watching a file --------------------------------------------------------------------------

// Programs close and reuse low numbers on purpose. Many have 1024 of them at most.
#define WATCH_FILE_MIN 200

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return -1;
    strcpy(address.sun_path, path);
    int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (file >= 0 && connect(file, (struct sockaddr *)&address, sizeof address) != 0) {
        syscall(SYS_close, file);
        file = -1;
    }
    return file;
}

// Where low numbers are all there are, it keeps the one it has.
static int with_high_number(int file)
{
    int high = (int)syscall(SYS_fcntl, file, F_DUPFD_CLOEXEC, WATCH_FILE_MIN);
    if (high < 0)
        return file;
    syscall(SYS_close, file);
    return high;
}

// A pipe that is open for writing, too, does not end with those who write to it.
static int open_watch(const char *path, mode_t mode, bool writes)
{
    int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    if (S_ISSOCK(mode))
        return connect_to(path);
    if (!writes && !S_ISFIFO(mode))
        return (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | flags);
    int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | flags);
    return file >= 0 || writes ? file : (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | flags);
}

static bool is_still_there(const struct host_watch *watch, const struct stat *now)
{
    return (uint64_t)now->st_dev == watch->device && (uint64_t)now->st_ino == watch->number;
}

bool host_watch_open(const char *path, const void *text, size_t n_bytes,
                     struct host_watch *out_watch)
{
    int         saved_errno = errno, file = -1;
    struct stat what = {.st_mode = 0};
    bool        is_open = false;
    if (stat(path, &what) == 0)
        file = open_watch(path, what.st_mode, n_bytes > 0);
    if (file >= 0) {
        file = with_high_number(file);
        is_open = fstat(file, &what) == 0 &&
                  (n_bytes == 0 || syscall(SYS_write, file, text, n_bytes) == (long)n_bytes);
        if (!is_open)
            syscall(SYS_close, file);
    }
    errno = saved_errno;
    *out_watch = (struct host_watch){.file = file,
                                     .state = S_ISREG(what.st_mode) ? POLLPRI : POLLIN,
                                     .device = what.st_dev,
                                     .number = what.st_ino};
    return is_open;
}

// Nobody wants to know what it says. False: it has ended.
static bool read_away(int file)
{
    char text[256];
    long n_bytes = syscall(SYS_read, file, text, sizeof text);
    bool has_ended = n_bytes == 0;
    while (n_bytes == (long)sizeof text)
        n_bytes = syscall(SYS_read, file, text, sizeof text);
    return !has_ended;
}

static enum host_watch_result ask(const struct host_watch *watch)
{
    struct pollfd   question = {.fd = watch->file, .events = watch->state};
    struct timespec at_once = {0, 0};
    long            n = syscall(SYS_ppoll, &question, 1, &at_once, NULL, 0);
    if (n == 0 || (n < 0 && errno == EINTR))
        return HOST_WATCH_QUIET;
    if (n < 0 || (question.revents & (POLLERR | POLLNVAL)) != 0 ||
        (question.revents & watch->state) == 0 ||
        (watch->state == POLLIN && !read_away(watch->file)))
        return HOST_WATCH_GONE;
    return HOST_WATCH_HAPPENED;
}

enum host_watch_result host_watch_ask(const struct host_watch *watch)
{
    int                    saved_errno = errno;
    struct stat            now;
    enum host_watch_result result = HOST_WATCH_GONE;
    if (fstat(watch->file, &now) == 0 && is_still_there(watch, &now)) {
        result = ask(watch);
        if (result == HOST_WATCH_GONE)
            syscall(SYS_close, watch->file);
    }
    errno = saved_errno;
    return result;
}

void host_watch_close(const struct host_watch *watch)
{
    int         saved_errno = errno;
    struct stat now;
    if (fstat(watch->file, &now) == 0 && is_still_there(watch, &now))
        syscall(SYS_close, watch->file);
    errno = saved_errno;
}

void host_say(const char *text, size_t n_bytes)
{
    int saved_errno = errno;
    syscall(SYS_write, STDERR_FILENO, text, n_bytes);
    errno = saved_errno;
}

int host_write(int fd, const char *text, size_t n_bytes)
{
    int saved_errno = errno, error = 0;
    while (n_bytes > 0 && error == 0) {
        long n = syscall(SYS_write, fd, text, n_bytes);
        if (n >= 0) {
            text += n;
            n_bytes -= (size_t)n;
        } else if (errno != EINTR) {
            error = errno;
        }
    }
    errno = saved_errno;
    return error;
}

static bool is_in_memory(long file)
{
    struct statfs about;
    return syscall(SYS_fstatfs, file, &about) == 0 &&
           (about.f_type == TMPFS_MAGIC || about.f_type == RAMFS_MAGIC);
}

// Beyond the limit of files' sizes (ulimit -f) a write would end the program by a signal.
static bool may_reach(uint64_t n_bytes)
{
    struct rlimit64 limit;
    return syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) != 0 || n_bytes <= limit.rlim_cur;
}

static bool write_piece(long file, const struct host_piece *piece)
{
    return may_reach(piece->offset + piece->n_bytes) &&
           syscall(SYS_pwrite64, file, piece->bytes, piece->n_bytes, piece->offset) ==
               (long)piece->n_bytes;
}

bool host_write_file_in_memory(const char *path, const struct host_piece *pieces, size_t n_pieces,
                               bool is_new)
{
    int  saved_errno = errno;
    int  flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    long file =
        syscall(SYS_openat, AT_FDCWD, path, is_new ? flags | O_CREAT : flags, S_IRUSR | S_IWUSR);
    bool done =
        file >= 0 && is_in_memory(file) && (!is_new || syscall(SYS_ftruncate, file, 0) == 0);
    for (size_t i = 0; i < n_pieces && done; i++)
        done = write_piece(file, &pieces[i]);
    if (file >= 0 && is_new && !done && syscall(SYS_lseek, file, 0, SEEK_END) == 0)
        syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (file >= 0)
        syscall(SYS_close, file);
    errno = saved_errno;
    return done;
}

void host_remove_file(const char *path)
{
    int saved_errno = errno;
    syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    errno = saved_errno;
}

bool host_append_file_best_effort(const char *path, const char *text, size_t n_bytes)
{
    int  saved_errno = errno;
    int  flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    long file = syscall(SYS_openat, AT_FDCWD, path, flags, S_IRUSR | S_IWUSR);
    long n_before = file >= 0 ? syscall(SYS_lseek, file, 0, SEEK_END) : 0;   // -1: a pipe
    bool done = file >= 0 && may_reach((n_before > 0 ? (size_t)n_before : 0) + n_bytes) &&
                syscall(SYS_write, file, text, n_bytes) == (long)n_bytes;
    if (file >= 0)
        syscall(SYS_close, file);
    errno = saved_errno;
    return done;
}

long host_thread_id(void)
{
    return syscall(SYS_gettid);   // fails never
}

long host_process_id(void)
{
    return syscall(SYS_getpid);   // fails never
}
