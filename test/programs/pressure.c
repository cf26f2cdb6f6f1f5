// A program that has more idle than goes back by itself, and is told by a pipe that memory is short
// (front/pressure.c, os/memory_pressure.c, front/callbacks.c), on the real kernel. The pipe is what
// MEMORY_PRESSURE_WATCH names.
#include "kit.h"

#include <dirent.h>
#include <fcntl.h>

#define MIB ((size_t)1 << 20)
#define IDLE (100 * MIB)
#define OBJECT_BYTES (100 * 1024)
#define OBJECTS 3000

static char *objects[OBJECTS];

static atomic_uint n_told, level = 99;

static void note_pressure(const struct neap_pressure *pressure, void *context)
{
    (void)context;
    level = pressure->level;
    n_told++;
}

static void given_much_idle(void)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        objects[i] = opaque(malloc(OBJECT_BYTES));
        memset(objects[i], 1, OBJECT_BYTES);
    }
    for (size_t i = 0; i < IDLE / OBJECT_BYTES; i++) {
        free(objects[OBJECTS - 1 - i]);
        objects[OBJECTS - 1 - i] = NULL;
    }
}

// A program that works on: of one that sleeps everything idle goes back.
static void work_for_ms(long n)
{
    for (long i = 0; i < n / 10; i++) {
        for (int k = 0; k < 100; k++)
            free(opaque(malloc(2000)));
        rest_ms(10);
    }
}

static void say_that_memory_is_short(void)
{
    int file = open(getenv("MEMORY_PRESSURE_WATCH"), O_WRONLY | O_NONBLOCK);
    EXPECT(file >= 0);
    EXPECT(write(file, "!", 1) == 1);
    close(file);
}

static void what_is_kept_goes_back_when_memory_is_short(void)
{
    given_much_idle();
    size_t before_bytes = resident_bytes();
    work_for_ms(4000);   // the thread has nothing to do, but stays
    EXPECT(resident_bytes() + IDLE / 10 > before_bytes);
    say_that_memory_is_short();
    work_for_ms(1500);
    fprintf(stderr, "     %zu MiB resident, then %zu\n", before_bytes / MIB,
            resident_bytes() / MIB);
    EXPECT(resident_bytes() + IDLE / 10 * 9 < before_bytes);
    for (size_t i = 0; i < OBJECTS && objects[i] != NULL; i++)
        EXPECT(objects[i][0] == 1 && objects[i][OBJECT_BYTES - 1] == 1);
}

// Of a program with callbacks alone, too.
static void callbacks_are_told(void)
{
    EXPECT(neap_pressure_register(note_pressure, NULL) == 0);
    work_for_ms(500);
    EXPECT(n_told == 0);
    say_that_memory_is_short();
    work_for_ms(1000);
    EXPECT(n_told == 1 && level == 0);
    EXPECT(neap_pressure_unregister(note_pressure, NULL) == 0);
}

static int n_files(void)
{
    int  n = 0;
    DIR *files = opendir("/proc/self/fd");
    while (readdir(files) != NULL)
        n++;
    closedir(files);
    return n;
}

// The pipe is open for as long as the thread is there.
static void no_file_is_left_open(void)
{
    int n_before = n_files();
    given_much_idle();
    work_for_ms(500);
    EXPECT(n_files() == n_before + 1);
    for (size_t i = 0; i < OBJECTS; i++)
        free(objects[i]);
    rest_ms(8000);
    EXPECT(n_files() == n_before);
}

static const struct program_case cases[] = {
    CASE_OF_NEAP(what_is_kept_goes_back_when_memory_is_short),
    CASE_OF_NEAP(callbacks_are_told),
    CASE_OF_NEAP(no_file_is_left_open),
};

int main(int argc, char **argv)
{
    return run_cases(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
