// Live memory that fits into a limit, and garbage that does not: objects of one size are made, and
// all but every sixteenth freed, then objects of another size. Prints how far it came.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB ((size_t)1 << 20)
#define ROUND_BYTES (72 * MIB)   // live at most, with what is kept of the rounds before
#define KEPT 16

static const size_t sizes[] = {9000, 24000, 5000, 30000, 12000, 17000, 7000, 27000};
#define ROUNDS (sizeof sizes / sizeof sizes[0])

int main(void)
{
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t n = ROUND_BYTES / sizes[round];
        char **objects = calloc(n, sizeof *objects);
        for (size_t i = 0; i < n; i++) {
            objects[i] = malloc(sizes[round]);
            if (objects[i] == NULL)
                return 1;
            memset(objects[i], 1, sizes[round]);
        }
        for (size_t i = 0; i < n; i++)
            if (i % KEPT != 0)
                free(objects[i]);
        free(objects);
        printf("%zu ", round + 1);
        fflush(stdout);
    }
    return 0;
}
