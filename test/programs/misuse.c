// Pointers that free and its family must not be given, for objects of every kind of size: each
// ends a process of its own with one line. api/misuse.c, front/object.h, front/release.c.
//
// usage: misuse [WAY]   only the ways whose name contains WAY
#include "kit.h"

#include <sys/mman.h>
#include <sys/resource.h>

#define NEIGHBOURS 200

static size_t object_bytes;   // of the row at hand

static char *new_object(void)
{
    char *object = opaque(malloc(object_bytes));
    memset(object, 1, object_bytes);
    return object;
}

static void *free_it(void *object)
{
    free(object);
    return NULL;
}

static void free_in_another_thread(void *object)
{
    run_in_thread(free_it, object);
}

// ---- freed twice ------------------------------------------------------------------------------

static void twice_at_once(void)
{
    char *object = new_object();
    free(object);
    free(opaque(object));
}

static void twice_with_a_neighbour_alive(void)
{
    char *object = new_object();
    char *neighbour = new_object();
    free(object);
    free(opaque(object));
    free(neighbour);
}

static void again_after_other_frees(void)
{
    char *objects[NEIGHBOURS];
    for (size_t i = 0; i < NEIGHBOURS; i++)
        objects[i] = new_object();
    for (size_t i = 0; i < NEIGHBOURS; i++)
        free(objects[i]);
    free(opaque(objects[NEIGHBOURS / 2]));
}

static void again_after_some_other_frees(void)
{
    char *objects[NEIGHBOURS];
    for (size_t i = 0; i < NEIGHBOURS; i++)
        objects[i] = new_object();
    for (size_t i = 0; i < NEIGHBOURS; i += 2)
        free(objects[i]);
    free(opaque(objects[NEIGHBOURS / 2]));
}

static void again_after_a_trim(void)
{
    char *object = new_object();
    free(object);
    malloc_trim(0);
    free(opaque(object));
}

static void by_its_thread_then_by_another(void)
{
    char *object = new_object();
    free(object);
    free_in_another_thread(object);
}

static void by_another_thread_then_by_its_own(void)
{
    char *object = new_object();
    free_in_another_thread(object);
    free(opaque(object));
}

static void by_two_other_threads(void)
{
    char *object = new_object();
    free_in_another_thread(object);
    free_in_another_thread(object);
}

static void *allocate_in_thread(void *unused)
{
    (void)unused;
    return new_object();
}

static void by_two_when_its_thread_has_ended(void)
{
    void     *object = NULL;
    pthread_t thread = start_thread(allocate_in_thread, NULL);
    pthread_join(thread, &object);
    free(object);
    free_in_another_thread(object);
}

static void aligned_and_twice(void)
{
    char *object = opaque(aligned_alloc(4096, object_bytes));
    char *neighbour = opaque(aligned_alloc(4096, object_bytes));
    free(object);
    free(opaque(object));
    free(neighbour);
}

static void in_a_child_what_the_parent_has_freed(void)
{
    char *object = new_object();
    free(object);
    pid_t child = fork();
    if (child == 0)
        free(opaque(object));
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        raise(WTERMSIG(status));   // the child has said why
}

// ---- freed, and used by other functions -------------------------------------------------------

static void resized_when_freed(void)
{
    char *object = new_object();
    free(object);
    object = realloc(opaque(object), 2 * object_bytes);
}

static void resized_in_place_when_freed(void)
{
    char *object = new_object();
    free(object);
    object = realloc(opaque(object), object_bytes - 1);
}

static void resized_to_nothing_when_freed(void)
{
    char *object = new_object();
    free(object);
    object = realloc(opaque(object), 0);
}

static void resized_as_an_array_when_freed(void)
{
    char *object = new_object();
    free(object);
    object = reallocarray(opaque(object), 2, object_bytes);
}

static void freed_when_it_has_moved(void)
{
    char *object = new_object();
    char *behind = new_object();
    char *moved = opaque(realloc(object, 8 * object_bytes));
    if (moved == object)   // a large one may grow where it is
        moved = opaque(realloc(moved, object_bytes * 64));
    if (moved == object)
        free(moved);
    free(opaque(object));
    free(behind);
}

static void measured_when_freed(void)
{
    char *object = new_object();
    free(object);
    malloc_usable_size(opaque(object));
}

static void measured_when_freed_elsewhere(void)
{
    char *object = new_object();
    free_in_another_thread(object);
    malloc_usable_size(opaque(object));
}

// ---- not the start of an object ---------------------------------------------------------------

static void a_byte_inside(void)
{
    free(opaque(new_object() + 1));
}

static void eight_bytes_inside(void)
{
    free(opaque(new_object() + 8));
}

static void sixteen_bytes_behind_the_start(void)
{
    free(opaque(new_object() + 16));
}

static void the_last_byte(void)
{
    free(opaque(new_object() + object_bytes - 1));
}

static void inside_of_another_threads_object(void)
{
    free_in_another_thread(new_object() + 1);
}

static void a_byte_before_the_start(void)
{
    new_object();
    free(opaque(new_object() - 1));
}

static void resized_inside(void)
{
    char *object = realloc(opaque(new_object() + 1), 2 * object_bytes);
    (void)object;
}

static void measured_inside(void)
{
    malloc_usable_size(opaque(new_object() + 1));
}

static void a_slot_never_handed_out(void)
{
    size_t slot_bytes = malloc_usable_size(new_object());
    free(opaque(new_object() + 40 * slot_bytes));
}

// ---- freed with the size of another class -----------------------------------------------------

// Looked up, since libc has none.
static void (*sized_free)(void *object, size_t n_bytes);
static void (*aligned_sized_free)(void *object, size_t alignment, size_t n_bytes);

static void with_four_times_its_size(void)
{
    sized_free(new_object(), 4 * object_bytes);
}

static void with_half_its_size(void)
{
    sized_free(new_object(), object_bytes / 2);
}

static void with_no_size(void)
{
    sized_free(new_object(), 0);
}

static void with_a_size_that_nothing_has(void)
{
    sized_free(new_object(), SIZE_MAX);
}

static void aligned_with_many_times_its_size(void)
{
    void *object = opaque(aligned_alloc(256, object_bytes));
    aligned_sized_free(object, 256, 32 * object_bytes);
}

static void aligned_with_another_alignment(void)
{
    void *object = opaque(aligned_alloc(64, 3 * object_bytes));   // a page from then on is a run
    aligned_sized_free(object, (size_t)1 << 20, 100);
}

static void resized_in_place_with_more_than_there_is(void)
{
    char *object = opaque(realloc(new_object(), object_bytes - object_bytes / 4));
    sized_free(object, 4 * object_bytes);
}

static void twice_with_its_size(void)
{
    char *object = new_object();
    sized_free(object, object_bytes);
    sized_free(opaque(object), object_bytes);
}

static void twice_with_another_size(void)
{
    char *object = new_object();
    free(object);
    sized_free(opaque(object), 4 * object_bytes);
}

static void inside_with_a_size(void)
{
    sized_free(new_object() + 1, object_bytes);
}

// ---- with little stack ------------------------------------------------------------------------

#define LITTLE_STACK 2048   // for a handler's own use, besides what the kernel puts there

static void free_in_handler(int number)
{
    (void)number;
    twice_at_once();
}

// The page below is out of bounds.
static char *stack_that_ends(size_t n_bytes)
{
    char *mapping = mmap(NULL, 4 * 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(mapping + 65536, 3 * 65536, PROT_READ | PROT_WRITE);
    return n_bytes <= 3 * 65536 ? mapping + 65536 : NULL;
}

static void on_the_smallest_signal_stack(void)
{
    size_t           n_bytes = (size_t)sysconf(_SC_MINSIGSTKSZ) + LITTLE_STACK;
    stack_t          stack = {.ss_sp = stack_that_ends(n_bytes), .ss_size = n_bytes};
    struct sigaction action = {.sa_handler = free_in_handler, .sa_flags = SA_ONSTACK};
    if (sigaltstack(&stack, NULL) != 0 || sigaction(SIGUSR1, &action, NULL) != 0)
        abort();
    free(new_object());   // the thread has a cache from here on
    raise(SIGUSR1);
}

// ---- not neap's: left to libc, which may have handed it out ------------------------------------

static void on_the_stack(void)
{
    char object[64] __attribute__((aligned(16)));
    memset(object, 0, sizeof object);
    free(opaque(object));
}

static void of_the_program(void)
{
    static char object[64] __attribute__((aligned(16)));
    free(opaque(object));
}

static char *map(size_t n_bytes, int protection)
{
    return mmap(NULL, n_bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void of_somebody_elses_mapping(void)
{
    char *mapping = map(65536, PROT_READ | PROT_WRITE);
    free(opaque(mapping + 4096));
}

static void of_no_mapping(void)
{
    char *mapping = map(65536, PROT_READ | PROT_WRITE);
    munmap(mapping, 65536);
    free(opaque(mapping + 4096));
}

static void of_no_access(void)
{
    free(opaque(map(65536, PROT_NONE) + 4096));
}

static void no_address_at_all(void)
{
    free(opaque((void *)UINT64_C(0x8000123456789AB0)));
}

static void the_lowest_page(void)
{
    free(opaque((void *)(uintptr_t)16));
}

static void the_highest_address(void)
{
    free(opaque((void *)(UINTPTR_MAX - 15)));
}

// ---- the table --------------------------------------------------------------------------------

#define WAY(function, text)                                                                        \
    {                                                                                              \
        .name = #function, .misuse = function, .line = text                                        \
    }
#define FREED "double free"
#define NO_START "invalid pointer"
#define SIZE "wrong size"
#define ANY_LINE ""
#define WORD_OF_LIBC NULL   // it may also die of looking

static const struct way {
    const char *name;
    void (*misuse)(void);
    const char *line;   // what is in the one that neap writes
} ways[] = {
    WAY(twice_at_once, FREED),
    WAY(twice_with_a_neighbour_alive, FREED),
    WAY(again_after_other_frees, FREED),
    WAY(again_after_some_other_frees, FREED),
    WAY(again_after_a_trim, FREED),
    WAY(by_its_thread_then_by_another, FREED),
    WAY(by_another_thread_then_by_its_own, FREED),
    WAY(by_two_other_threads, FREED),
    WAY(by_two_when_its_thread_has_ended, FREED),
    WAY(aligned_and_twice, FREED),
    WAY(in_a_child_what_the_parent_has_freed, FREED),
    WAY(resized_when_freed, FREED),
    WAY(resized_in_place_when_freed, FREED),
    WAY(resized_to_nothing_when_freed, FREED),
    WAY(resized_as_an_array_when_freed, FREED),
    WAY(freed_when_it_has_moved, FREED),
    WAY(measured_when_freed, FREED),
    WAY(measured_when_freed_elsewhere, FREED),
    WAY(a_byte_inside, NO_START),
    WAY(eight_bytes_inside, NO_START),
    WAY(sixteen_bytes_behind_the_start, ANY_LINE),   // that of 16 bytes ends there
    WAY(the_last_byte, NO_START),
    WAY(inside_of_another_threads_object, NO_START),
    WAY(a_byte_before_the_start, ANY_LINE),   // perhaps in a page that nobody has
    WAY(resized_inside, NO_START),
    WAY(measured_inside, NO_START),
    WAY(with_four_times_its_size, SIZE),
    WAY(with_a_size_that_nothing_has, SIZE),
    WAY(aligned_with_many_times_its_size, SIZE),
    WAY(aligned_with_another_alignment, SIZE),
    WAY(resized_in_place_with_more_than_there_is, SIZE),
    WAY(twice_with_its_size, FREED),
    WAY(twice_with_another_size, FREED),
    WAY(inside_with_a_size, NO_START),
    WAY(on_the_smallest_signal_stack, FREED),
};
static const struct way ways_of_small[] = {
    WAY(a_slot_never_handed_out, FREED),
};
static const struct way ways_but_of_the_smallest[2] = {
    // whose slots are those of these sizes, too
    WAY(with_no_size, SIZE),
    WAY(with_half_its_size, SIZE),
};
static const struct way ways_of_strangers[] = {
    WAY(on_the_stack, WORD_OF_LIBC),
    WAY(of_the_program, WORD_OF_LIBC),
    WAY(of_somebody_elses_mapping, WORD_OF_LIBC),
    WAY(of_no_mapping, WORD_OF_LIBC),
    WAY(of_no_access, WORD_OF_LIBC),
    WAY(no_address_at_all, WORD_OF_LIBC),
    WAY(the_lowest_page, WORD_OF_LIBC),
    WAY(the_highest_address, WORD_OF_LIBC),
};

static const size_t sizes[] = {16, 48, 1000, 4000, 30000, 300000};

// Its wait status; what it wrote to stderr in `text`.
static int run_in_child(const struct way *way, char *text, size_t text_bytes)
{
    int pipe_ends[2];
    if (pipe(pipe_ends) != 0)
        abort();
    pid_t child = fork();
    if (child == 0) {
        alarm(CASE_LIMIT_S);
        dup2(pipe_ends[1], STDERR_FILENO);
        close(pipe_ends[0]);
        close(pipe_ends[1]);
        way->misuse();
        _exit(0);
    }
    close(pipe_ends[1]);
    size_t  length = 0;
    ssize_t n;
    while ((n = read(pipe_ends[0], text + length, text_bytes - 1 - length)) > 0)
        length += (size_t)n;
    text[length] = '\0';
    without_emulators_line(text);
    close(pipe_ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

// The number behind `word`; 0: there is none.
static size_t number_behind(const char *text, const char *word)
{
    const char *found = strstr(text, word);
    return found != NULL ? strtoull(found + strlen(word), NULL, 0) : 0;
}

extern const char __executable_start[], etext[];   // the linker's

static bool names_thread_and_caller(const char *text)
{
    size_t caller = number_behind(text, ", called from ");
    return number_behind(text, "; thread ") > 0 && caller > (uintptr_t)__executable_start &&
           caller <= (uintptr_t)etext;
}

// The object holds the address, and the span the object.
static bool names_place(const char *text)
{
    size_t address = number_behind(text, "(");
    bool   live = strstr(text, "; live object ") != NULL;
    size_t object = number_behind(text, live ? "; live object " : "; free slot ");
    size_t n_bytes = number_behind(strstr(text, live ? "; live" : "; free slot"), " of ");
    size_t span = number_behind(text, ", in span ");
    size_t span_bytes = number_behind(strstr(text, ", in span "), " of ");
    bool   is_named = strstr(text, ", size class ") != NULL && object <= address &&
                    address < object + n_bytes && span <= object &&
                    object + n_bytes <= span + span_bytes;
    return is_named && (strstr(text, FREED) != NULL) == !live;
}

static bool is_one_line(const char *text, const char *with)
{
    const char *end = strchr(text, '\n');
    return strncmp(text, "neap: ", 6) == 0 && end != NULL && end[1] == '\0' &&
           strstr(text, with) != NULL && names_thread_and_caller(text) &&
           (strstr(text, "; its pages are free") != NULL || names_place(text));
}

static bool is_stopped_as_expected(const struct way *way, int status, const char *text)
{
    int signal_number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (way->line == WORD_OF_LIBC)
        return signal_number == SIGABRT || signal_number == SIGSEGV;
    return signal_number == SIGABRT && is_one_line(text, way->line);
}

static int n_tried, n_failed;

static void expect_stopped(const struct way *way, const char *wanted)
{
    char text[4096];
    if (wanted != NULL && strstr(way->name, wanted) == NULL)
        return;
    int status = run_in_child(way, text, sizeof text);
    n_tried++;
    if (is_stopped_as_expected(way, status, text))
        return;
    n_failed++;
    fprintf(stderr, "FAIL %6zu bytes, %s: ended with status 0x%x, having said:\n%s\n", object_bytes,
            way->name, (unsigned)status, text);
}

int main(int argc, char **argv)
{
    const char   *wanted = argc > 1 ? argv[1] : NULL;
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    *(void **)&sized_free = dlsym(RTLD_DEFAULT, "free_sized");
    *(void **)&aligned_sized_free = dlsym(RTLD_DEFAULT, "free_aligned_sized");
    if (!neap_is_in_use() || sized_free == NULL || aligned_sized_free == NULL)
        return 2;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        object_bytes = sizes[i];
        for (size_t k = 0; k < sizeof ways / sizeof ways[0]; k++)
            expect_stopped(&ways[k], wanted);
        if (object_bytes <= 1000)
            expect_stopped(&ways_of_small[0], wanted);
        for (size_t k = 0; object_bytes > 16 && k < 2; k++)
            expect_stopped(&ways_but_of_the_smallest[k], wanted);
    }
    for (size_t k = 0; k < sizeof ways_of_strangers / sizeof ways_of_strangers[0]; k++)
        expect_stopped(&ways_of_strangers[k], wanted);
    printf("%d ways to misuse it, %d not stopped as they should be\n", n_tried, n_failed);
    return n_failed != 0;
}
