// Whose memory is it? Argument "libc" or "neap": every way to ask for memory is answered by that
// allocator, and so are the questions about it. What is meant is api/libc_fallback.c.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void expect(bool holds, const char *text, int line)
{
    if (!holds) {
        fprintf(stderr, "neap_disable.c:%d: does not hold: %s\n", line, text);
        failures++;
    }
}
#define EXPECT(condition) expect(condition, #condition, __LINE__)

// libc's own functions, whatever stands in front of them.
static struct mallinfo2 (*libc_mallinfo2)(void);
static size_t (*libc_usable_size)(void *);
static bool wanted_libc;

static size_t libc_used_bytes(void)
{
    struct mallinfo2 info = libc_mallinfo2();
    return info.uordblks + info.hblkhd;
}

#define OBJECTS 100
#define OBJECT_BYTES 5000

// Each of these returns an object of OBJECT_BYTES.
static void *by_malloc(void)
{
    return malloc(OBJECT_BYTES);
}

static void *by_calloc(void)
{
    return calloc(10, OBJECT_BYTES / 10);
}

static void *by_realloc(void)
{
    char *object = realloc(NULL, 10);
    memset(object, 'x', 10);
    object = realloc(object, OBJECT_BYTES);
    EXPECT(object[9] == 'x');
    return object;
}

static void *by_reallocarray(void)
{
    return reallocarray(malloc(20), 10, OBJECT_BYTES / 10);
}

static void *by_memalign(void)
{
    void *object = memalign(512, OBJECT_BYTES);
    EXPECT((uintptr_t)object % 512 == 0);
    return object;
}

static void *by_aligned_alloc(void)
{
    return aligned_alloc(8, OBJECT_BYTES);
}

static void *by_posix_memalign(void)
{
    void *object = NULL;
    EXPECT(posix_memalign(&object, 4096, OBJECT_BYTES) == 0);
    EXPECT((uintptr_t)object % 4096 == 0);
    return object;
}

static void *by_valloc(void)
{
    return valloc(OBJECT_BYTES);
}

static void *by_pvalloc(void)
{
    return pvalloc(OBJECT_BYTES);
}

static void *by_strdup(void)
{
    char text[OBJECT_BYTES];
    memset(text, 'y', sizeof text);
    text[sizeof text - 1] = '\0';
    return strdup(text);
}

static const struct {
    const char *name;
    void *(*allocate)(void);
} ways[] = {
    {"malloc", by_malloc},
    {"calloc", by_calloc},
    {"realloc", by_realloc},
    {"reallocarray", by_reallocarray},
    {"memalign", by_memalign},
    {"aligned_alloc", by_aligned_alloc},
    {"posix_memalign", by_posix_memalign},
    {"valloc", by_valloc},
    {"pvalloc", by_pvalloc},
    {"strdup", by_strdup},
};

// libc's books move by what was allocated if it is libc's, and stay if it is not.
static void objects_are_whose_they_should_be(void *(*allocate)(void))
{
    static void *objects[OBJECTS];
    size_t       before = libc_used_bytes();
    for (size_t i = 0; i < OBJECTS; i++) {
        objects[i] = allocate();
        memset(objects[i], 1, OBJECT_BYTES);
    }
    size_t during = libc_used_bytes();
    EXPECT(wanted_libc ? during >= before + OBJECTS * OBJECT_BYTES : during == before);
    EXPECT(malloc_usable_size(objects[0]) >= OBJECT_BYTES);
    if (wanted_libc)
        EXPECT(malloc_usable_size(objects[0]) == libc_usable_size(objects[0]));
    for (size_t i = 0; i < OBJECTS; i++)
        free(objects[i]);
    EXPECT(libc_used_bytes() < before + OBJECTS * OBJECT_BYTES / 2);
}

static void questions_are_answered_by_the_same(void)
{
    char  text[100] = "";
    FILE *file = tmpfile();
    EXPECT(malloc_info(0, file) == 0);
    rewind(file);
    EXPECT(fgets(text, sizeof text, file) != NULL);
    EXPECT((strstr(text, "neap") == NULL) == wanted_libc);
    fclose(file);

    void *object = malloc(100000);
    EXPECT((mallinfo2().uordblks == libc_mallinfo2().uordblks) == wanted_libc);
    EXPECT((mallinfo2().arena == libc_mallinfo2().arena) == wanted_libc);
    EXPECT(((size_t)mallinfo().arena == libc_mallinfo2().arena) == wanted_libc);
    free(object);
    // glibc refuses a limit beyond its own; neap has no parameters and accepts any.
    EXPECT((mallopt(M_MXFAST, 1 << 20) == 0) == wanted_libc);
}

// The end of libc's heap is free and goes back; neap gives nothing of libc's back.
static void trimming_is_the_same_ones(void)
{
    enum { PIECES = 500 };
    static void *pieces[PIECES];
    EXPECT(mallopt(M_TRIM_THRESHOLD, 1 << 30) == 1);   // not before it is asked for
    for (size_t i = 0; i < PIECES; i++)
        pieces[i] = malloc(20000);
    for (size_t i = 0; i < PIECES; i++)
        free(pieces[i]);
    size_t before = libc_mallinfo2().arena;
    (void)malloc_trim(0);
    EXPECT((libc_mallinfo2().arena < before) == wanted_libc);
}

static void errors_are_reported(void)
{
    volatile size_t too_many = SIZE_MAX / 2;
    errno = 0;
    EXPECT(malloc(too_many) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(calloc(too_many, 3) == NULL && errno == ENOMEM);
    errno = 4242;
    free(malloc(10));
    EXPECT(errno == 4242);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    wanted_libc = strcmp(argv[1], "libc") == 0;
    void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    libc_mallinfo2 = (struct mallinfo2(*)(void))dlsym(libc, "mallinfo2");
    libc_usable_size = (size_t(*)(void *))dlsym(libc, "malloc_usable_size");

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        int before = failures;
        objects_are_whose_they_should_be(ways[i].allocate);
        if (failures != before)
            fprintf(stderr, "neap_disable.c: that was %s\n", ways[i].name);
    }
    questions_are_answered_by_the_same();
    trimming_is_the_same_ones();
    errors_are_reported();
    malloc_stats();   // looked at by neap_disable.sh
    return failures != 0;
}
