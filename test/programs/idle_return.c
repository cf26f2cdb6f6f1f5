// Memory that is not needed any more goes back by itself, while the program sleeps: how much is
// resident some seconds later. front/give_back.c, front/background.c.
//
// usage: idle_return libc|neap [CASE]
#include "idle_kit.h"

#define SMALL_TOTAL (64 * MIB)
#define LARGE_TOTAL (192 * MIB)
#define OBJECTS_MAX 1000000
#define LARGE_BYTES_MIN ((size_t)40 << 10)
#define IDLE_MS 4000
#define KEPT_ONE_IN 20   // of the small objects

static char  *objects[OBJECTS_MAX];
static size_t n_objects, base_bytes, full_bytes;

static size_t random_below(size_t limit)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(state >> 33) % limit;
}

// Each size as often as its double.
static size_t some_size(size_t least, unsigned doublings)
{
    size_t n_bytes = least << random_below(doublings);
    return n_bytes + random_below(n_bytes);
}

static size_t allocate_one(size_t n_bytes)
{
    if (n_objects == OBJECTS_MAX)
        abort();
    objects[n_objects++] = memset(opaque(malloc(n_bytes)), 1, n_bytes);
    return n_bytes;
}

static size_t allocate_small(void)
{
    return allocate_one(some_size(16, 7));
}

static void begin(void)
{
    memset(objects, 1, sizeof objects);
    base_bytes = resident_now();
}

// 256 MiB of 16 bytes to 2 KiB and of 40 KiB to 1.2 MiB, mixed.
static void use_much(void)
{
    size_t small_bytes = 0, large_bytes = 0;
    begin();
    while (small_bytes < SMALL_TOTAL || large_bytes < LARGE_TOTAL) {
        if (small_bytes * (LARGE_TOTAL / SMALL_TOTAL) <= large_bytes)
            small_bytes += allocate_small();
        else
            large_bytes += allocate_one(some_size(LARGE_BYTES_MIN, 5));
    }
    full_bytes = resident_now() - base_bytes;
    EXPECT(full_bytes > SMALL_TOTAL + LARGE_TOTAL);
}

// All but a few of the small ones.
static void *free_most(void *unused)
{
    for (size_t i = 0; i < n_objects; i++)
        if (malloc_usable_size(objects[i]) >= LARGE_BYTES_MIN || random_below(KEPT_ONE_IN) != 0)
            free(objects[i]);
    return unused;
}

static void *free_everything(void *unused)
{
    for (size_t i = 0; i < n_objects; i++)
        free(objects[i]);
    return unused;
}

static void say_resident(const char *when)
{
    printf("     resident %s: %zu MiB of %zu\n", when, (resident_now() - base_bytes) / MIB,
           full_bytes / MIB);
}

static void expect_that_it_falls(size_t n_bytes, bool expected)
{
    bool fell = resident_falls_below(base_bytes + n_bytes, IDLE_MS);
    say_resident("when idle");
    EXPECT(fell == expected);
}

// ---- cases ------------------------------------------------------------------------------------

// Nothing is asked of it: this is what neap is compared with.
static void under_libc_it_stays(void)
{
    use_much();
    free_most(NULL);
    resident_falls_below(base_bytes + full_bytes / 3, IDLE_MS);
    say_resident("when idle");
}

static void it_falls_while_the_program_sleeps(void)
{
    use_much();
    free_most(NULL);
    expect_that_it_falls(full_bytes / 3, true);
    rest_ms(2500);
    say_resident("two seconds later");
}

static void it_falls_if_another_thread_frees(void)
{
    use_much();
    run_in_thread(free_most, NULL);
    expect_that_it_falls(full_bytes / 3, true);
}

static void it_falls_if_another_thread_frees_nothing_but_small_objects(void)
{
    begin();
    for (size_t done = 0; done < 2 * SMALL_TOTAL;)
        done += allocate_small();
    full_bytes = resident_now() - base_bytes;
    run_in_thread(free_everything, NULL);
    expect_that_it_falls(full_bytes / 6, true);
}

static void it_falls_if_a_large_object_is_made_small(void)
{
    base_bytes = resident_now();
    char *object = opaque(malloc(100 * MIB));
    memset(object, 1, 100 * MIB);
    full_bytes = resident_now() - base_bytes;
    object = opaque(realloc(object, MIB));
    expect_that_it_falls(10 * MIB, true);
    free(object);
}

static void without_thread_it_stays_while_idle_and_falls_at_work(void)
{
    begin_with_option("NEAP_BACKGROUND", "0", __func__);
    use_much();
    free_most(NULL);
    expect_that_it_falls(full_bytes / 10 * 9, false);
    EXPECT(n_threads() == 1);
    EXPECT(resident_falls_at_work(base_bytes + full_bytes / 3, 3 * IDLE_MS));
    say_resident("at work");
    EXPECT(n_threads() == 1);
}

static void with_returning_off_it_stays_until_trimmed(void)
{
    begin_with_option("NEAP_RETAIN", "off", __func__);
    use_much();
    free_most(NULL);
    EXPECT(!resident_falls_at_work(base_bytes + full_bytes / 10 * 9, 2500));
    EXPECT(n_threads() == 1);
    malloc_trim(0);
    EXPECT(resident_now() < base_bytes + full_bytes / 3);
}

static const struct program_case libc_cases[] = {
    CASE_OF_ANY_MALLOC(under_libc_it_stays),
};

static const struct program_case cases[] = {
    CASE_OF_NEAP(it_falls_while_the_program_sleeps),
    CASE_OF_NEAP(it_falls_if_another_thread_frees),
    CASE_OF_NEAP(it_falls_if_another_thread_frees_nothing_but_small_objects),
    CASE_OF_NEAP(it_falls_if_a_large_object_is_made_small),
    CASE_OF_NEAP(without_thread_it_stays_while_idle_and_falls_at_work),
    CASE_OF_NEAP(with_returning_off_it_stays_until_trimmed),
};

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "libc") == 0)
        return run_cases(argc, argv, libc_cases, 1);
    return run_cases(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
