// Starts one program and measures it from outside.
//
// usage: launch FILE [NAME=VALUE ...] PROGRAM [ARGUMENT ...]
//
// Sets the environment variables NAME for the program alone, and writes into FILE, when it has
// ended: status, seconds from before its start to after its end, its CPU seconds, its peak resident
// KiB, its minor page faults, all of them with its children that it waited for. A program this
// small does it because the kernel counts the peak of whoever starts a program as the program's.
#include "bench.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    int first = 2;
    while (first < argc && strchr(argv[first], '=') != NULL)
        first++;
    if (first >= argc)
        bench_fail("usage: launch FILE [NAME=VALUE ...] PROGRAM [ARGUMENT ...]");

    uint64_t start_ns = bench_clock_ns();
    pid_t    child = fork();
    if (child == 0) {
        for (int i = 2; i < first; i++)
            putenv(argv[i]);
        execvp(argv[first], argv + first);
        bench_fail("cannot start the program");
    }
    int           status = 0;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) != child)
        bench_fail("cannot start, or wait for, the program");
    double elapsed_s = (double)(bench_clock_ns() - start_ns) / 1e9;

    FILE *file = fopen(argv[1], "w");
    if (file == NULL)
        bench_fail("cannot write the file");
    fprintf(file, "status %d\nseconds %.6f\ncpu %.6f\npeak_kib %ld\nfaults %ld\n", status,
            elapsed_s, seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss,
            usage.ru_minflt);
    return fclose(file) == 0 ? 0 : 1;
}
