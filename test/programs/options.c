// Asks for memory at the earliest moment there is: while the loader resolves the program's own
// references, before libc has been initialised. Prints what options.sh wants to know.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

static void *early_object;
static char  environment_was_set;

static int function_itself(void)
{
    return 0;
}

static int (*choose_function(void))(void)
{
    environment_was_set = environ != NULL;
    early_object = malloc(100);
    return function_itself;
}

int function_chosen_early(void) __attribute__((ifunc("choose_function")));

int main(void)
{
    free(early_object);
    printf("secure %lu, environment %d\n", getauxval(AT_SECURE), environment_was_set);
    return function_chosen_early();
}
