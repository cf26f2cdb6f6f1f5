// Runs one of the workloads in the program's table: table.c, or cxx.cc for those in C++.
//
// usage: workload NAME [OPTION=NUMBER ...]
//        workload probe       whose malloc is it? prints the file it is in
//        workload list        names, options and their defaults
#include "workload.h"

#include <dlfcn.h>

static struct workload *current;

static struct option *find_option(const char *name, size_t n_bytes)
{
    for (size_t i = 0; i < OPTIONS_MAX && current->options[i].name != NULL; i++) {
        const char *own = current->options[i].name;
        if (strlen(own) == n_bytes && strncmp(own, name, n_bytes) == 0)
            return &current->options[i];
    }
    return NULL;
}

uint64_t option(const char *name)
{
    const struct option *found = find_option(name, strlen(name));
    if (found == NULL)
        bench_fail("a workload asks for an option that it does not have");
    return found->value;
}

static void options_parse(int count, char **words)
{
    for (int i = 0; i < count; i++) {
        const char    *equals = strchr(words[i], '=');
        struct option *found =
            equals == NULL ? NULL : find_option(words[i], (size_t)(equals - words[i]));
        char *end = NULL;
        if (found != NULL)
            found->value = strtoull(equals + 1, &end, 10);
        if (end == NULL || *end != '\0' || end == equals + 1)
            bench_fail("not OPTION=NUMBER with an option of this workload");
    }
}

static void probe(void)
{
    Dl_info where;
    if (dladdr(dlsym(RTLD_DEFAULT, "malloc"), &where) == 0)
        bench_fail("no malloc");
    puts(where.dli_fname);
}

static void list(void)
{
    for (const struct workload *each = workloads; each->name != NULL; each++) {
        printf("%s", each->name);
        for (size_t i = 0; i < OPTIONS_MAX && each->options[i].name != NULL; i++)
            printf(" %s=%llu", each->options[i].name, (unsigned long long)each->options[i].value);
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "probe") == 0) {
        probe();
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "list") == 0) {
        list();
        return 0;
    }
    for (struct workload *each = workloads; argc >= 2 && each->name != NULL; each++) {
        if (strcmp(argv[1], each->name) == 0) {
            current = each;
            options_parse(argc - 2, argv + 2);
            current->run();
            return 0;
        }
    }
    bench_fail("usage: workload NAME [OPTION=NUMBER ...] | probe | list");
    return 2;
}
