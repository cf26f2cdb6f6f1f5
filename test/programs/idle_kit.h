// What the programs about idle memory share: how much is resident and how many threads there are,
// asked without a call of malloc; much memory used and freed.
#ifndef NEAP_TEST_PROGRAMS_IDLE_KIT_H
#define NEAP_TEST_PROGRAMS_IDLE_KIT_H

#include "kit.h"

#include <fcntl.h>
#include <sys/stat.h>

#define MIB ((size_t)1 << 20)
#define LARGE_MAX 512

// Allocates nothing.
static inline size_t resident_now(void)
{
    char    text[100] = "";
    int     file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n_bytes = read(file, text, sizeof text - 1);
    close(file);
    char *second = n_bytes > 0 ? strchr(text, ' ') : NULL;
    if (second == NULL)
        abort();
    return strtoul(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

// The folder has a link for each, and two of its own. Allocates nothing.
static inline size_t n_threads(void)
{
    struct stat folder;
    if (stat("/proc/self/task", &folder) != 0)
        abort();
    return (size_t)folder.st_nlink - 2;
}

static inline long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Waits for at most so long until there are so many. Returns whether there are.
static inline bool threads_become(size_t n, long limit_ms)
{
    for (long begun_ms = now_ms(); n_threads() != n; rest_ms(5))
        if (now_ms() - begun_ms > limit_ms)
            return false;
    return true;
}

static inline bool resident_falls_below(size_t n_bytes, long limit_ms)
{
    for (long begun_ms = now_ms(); resident_now() >= n_bytes; rest_ms(20))
        if (now_ms() - begun_ms > limit_ms)
            return false;
    return true;
}

static inline char *use_mib(void)
{
    return memset(opaque(malloc(MIB)), 1, MIB);
}

// So much is in use, and then all of it idle.
static inline void use_and_free(size_t n_mib)
{
    char *large[LARGE_MAX];
    for (size_t i = 0; i < n_mib; i++)
        large[i] = use_mib();
    for (size_t i = 0; i < n_mib; i++)
        free(large[i]);
}

// What a program does that goes on: calls that are not all of the fastest kind.
static inline void work_a_little(void)
{
    char *objects[200];
    for (size_t i = 0; i < 200; i++)
        objects[i] = opaque(malloc(16 + i * 37));
    for (size_t i = 0; i < 200; i++)
        free(objects[i]);
}

static inline bool resident_falls_at_work(size_t n_bytes, long limit_ms)
{
    for (long begun_ms = now_ms(); resident_now() >= n_bytes; rest_ms(5)) {
        if (now_ms() - begun_ms > limit_ms)
            return false;
        work_a_little();
    }
    return true;
}

// Goes on with an option in the environment, as a new program; returns in that.
static inline void begin_with_option(const char *name, const char *value, const char *case_name)
{
    const char *is_set = getenv(name);
    if (is_set != NULL && strcmp(is_set, value) == 0)
        return;
    setenv(name, value, 1);
    execl("/proc/self/exe", "program", "neap", case_name, (char *)NULL);
    abort();
}

#endif
