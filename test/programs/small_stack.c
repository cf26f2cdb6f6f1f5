// Every function of malloc's family on the smallest stacks there are: threads with
// PTHREAD_STACK_MIN, and a signal handler on 8 KiB of its own. How much each needs is printed.
// front/front.h, api/libc.c, api/malloc_control.c.
#include "kit.h"

#include <limits.h>
#include <sys/mman.h>

#define LARGE_BYTES 300000
#define ALTERNATE_STACK_BYTES 8192

// ---- each function ----------------------------------------------------------------------------

static void allocate_small(void)
{
    free(opaque(malloc(100)));
}

static void allocate_new_classes(void)
{
    for (size_t n = 1; n <= 32768; n += 1000)
        free(opaque(malloc(n)));
}

static void allocate_large(void)
{
    free(opaque(malloc(LARGE_BYTES)));
}

static void allocate_zeroed(void)
{
    free(opaque(calloc(10, 10)));
    free(opaque(calloc(1, LARGE_BYTES)));
}

static void allocate_aligned(void)
{
    void *object = NULL;
    free(opaque(aligned_alloc(4096, 4096)));
    free(opaque(memalign(1 << 20, 100)));
    if (posix_memalign(&object, 64, 1000) == 0)
        free(opaque(object));
    free(opaque(valloc(100)));
    free(opaque(pvalloc(100)));
}

static void resize_small(void)
{
    void *object = realloc(NULL, 10);
    for (size_t n = 10; n < 30000; n = n * 3 / 2)
        object = realloc(object, n);
    free(object);
}

static void resize_large(void)
{
    void *object = malloc(LARGE_BYTES);
    void *behind = malloc(LARGE_BYTES);
    for (size_t n = 1; n <= 16; n *= 2)
        object = realloc(object, n * LARGE_BYTES);
    object = realloc(object, LARGE_BYTES);
    object = reallocarray(object, 10, 10);
    free(behind);
    free(object);
}

static void grow_the_heap(void)
{
    void *objects[8];
    for (size_t i = 0; i < 8; i++)
        objects[i] = opaque(malloc((size_t)48 << 20));
    for (size_t i = 0; i < 8; i++)
        free(objects[i]);
}

static void trim(void)
{
    void *object = opaque(malloc(LARGE_BYTES));
    memset(object, 1, LARGE_BYTES);
    free(object);
    malloc_trim(0);
}

static void ask(void)
{
    void *object = opaque(malloc(1000));
    if (malloc_usable_size(object) < 1000 || mallinfo2().uordblks == 0)
        abort();
    free(object);
}

static void be_refused(void)
{
    if (opaque(malloc((size_t)opaque((void *)(SIZE_MAX / 2)))) != NULL)
        abort();
}

static const struct function {
    const char *name;
    void (*use)(void);
} functions[] = {
    {"malloc of a small object", allocate_small},
    {"malloc of many sizes", allocate_new_classes},
    {"malloc of a large object", allocate_large},
    {"calloc", allocate_zeroed},
    {"aligned_alloc and its like", allocate_aligned},
    {"realloc of a small object", resize_small},
    {"realloc of a large object", resize_large},
    {"malloc that makes the heap grow", grow_the_heap},
    {"malloc_trim", trim},
    {"malloc_usable_size, mallinfo2", ask},
    {"malloc that is refused", be_refused},
};
#define FUNCTIONS (sizeof functions / sizeof functions[0])

// ---- on the stack of a thread -----------------------------------------------------------------

static void *use_all(void *unused)
{
    for (size_t i = 0; i < FUNCTIONS; i++)
        functions[i].use();
    return unused;
}

static void threads_with_the_smallest_stack(void)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    EXPECT(pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN) == 0);
    for (int i = 0; i < 20; i++) {
        pthread_t threads[3];
        for (size_t k = 0; k < 3; k++)
            EXPECT(pthread_create(&threads[k], &attributes, use_all, NULL) == 0);
        for (size_t k = 0; k < 3; k++)
            EXPECT(pthread_join(threads[k], NULL) == 0);
    }
}

// ---- in a handler with a stack of its own -----------------------------------------------------

static volatile bool stop;

static void use_all_in_handler(int signal_number)
{
    int saved_errno = errno;
    (void)signal_number;
    for (size_t i = 0; i < FUNCTIONS; i++)
        if (functions[i].use != be_refused)
            functions[i].use();
    errno = saved_errno;
    stop = true;
}

static void a_handler_with_a_small_stack(void)
{
    stack_t stack = {.ss_size = ALTERNATE_STACK_BYTES,
                     .ss_sp = mmap(NULL, 4 * ALTERNATE_STACK_BYTES, PROT_NONE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)};
    stack.ss_sp = (char *)stack.ss_sp + 2 * ALTERNATE_STACK_BYTES;
    mprotect(stack.ss_sp, ALTERNATE_STACK_BYTES, PROT_READ | PROT_WRITE);
    EXPECT(sigaltstack(&stack, NULL) == 0);
    struct sigaction action = {.sa_handler = use_all_in_handler, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 100; i++) {
        stop = false;
        raise(SIGUSR1);
        EXPECT(stop);
    }
}

// ---- how much ---------------------------------------------------------------------------------

#define MEASURED_BYTES ((size_t)256 * 1024)
#define PAINT 0xA7

static void *use_one(void *function)
{
    ((const struct function *)function)->use();
    return NULL;
}

static void *use_none(void *unused)
{
    return unused;
}

// Bytes of a painted stack that a thread has written to.
static size_t stack_bytes_of(void *(*run)(void *), const struct function *function)
{
    pthread_attr_t attributes;
    pthread_t      thread;
    unsigned char *stack =
        mmap(NULL, MEASURED_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(stack, PAINT, MEASURED_BYTES);
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack, MEASURED_BYTES);
    if (pthread_create(&thread, &attributes, run, (void *)(uintptr_t)function) != 0)
        abort();
    pthread_join(thread, NULL);
    size_t untouched = 0;
    while (untouched < MEASURED_BYTES && stack[untouched] == PAINT)
        untouched++;
    munmap(stack, MEASURED_BYTES);
    return MEASURED_BYTES - untouched;
}

static void no_function_needs_more_than_four_kib(void)
{
    size_t without = stack_bytes_of(use_none, NULL);
    for (size_t i = 0; i < FUNCTIONS; i++) {
        (void)stack_bytes_of(use_one, &functions[i]);   // what is only needed once
        size_t n_bytes = stack_bytes_of(use_one, &functions[i]);
        size_t own_bytes = n_bytes > without ? n_bytes - without : 0;
        printf("     %5zu bytes of stack: %s\n", own_bytes, functions[i].name);
        EXPECT(own_bytes <= 4096);
    }
    fflush(stdout);
}

static const struct program_case cases[] = {
    CASE_OF_ANY_MALLOC(threads_with_the_smallest_stack),
    CASE_OF_ANY_MALLOC(a_handler_with_a_small_stack),
    CASE_OF_NEAP(no_function_needs_more_than_four_kib),
};

int main(int argc, char **argv)
{
    return run_cases(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
