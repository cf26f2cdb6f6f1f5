// The workloads by name.
//
// usage: workload NAME [OPTION=NUMBER ...]
//        workload probe       whose malloc is it? prints the file it is in
//        workload list        names, options and their defaults
#include "workload.h"

#include <dlfcn.h>

struct workload {
    const char *name;
    void (*run)(void);
    struct option options[OPTIONS_MAX];
};

static void run_warm(void);

static struct workload workloads[] = {
    {"warm", run_warm, {{"mib", 1536}}},
    {"peak-idle",
     run_peak_idle,
     {{"mib", 1024}, {"max", 65536}, {"threads", 1}, {"other", 0}, {"seconds", 10}}},
    {"holes", run_holes, {{"mib", 240}, {"kib", 64}}},
    {"service", run_service, {{"seconds", 120}, {"mib", 512}, {"threads", 2}}},
    {"latency", run_latency, {{"mib", 2048}, {"threads", 2}}},
    {"steady", run_steady, {{"mib", 256}, {"seconds", 10}, {"threads", 2}}},
};
#define WORKLOADS (sizeof workloads / sizeof workloads[0])

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

// The host finds the memory now, and not while somebody is measured.
static void run_warm(void)
{
    size_t n_bytes = option("mib") * MIB;
    munmap(own_memory(n_bytes), n_bytes);
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
    for (size_t i = 0; i < WORKLOADS; i++) {
        printf("%s", workloads[i].name);
        for (const struct option *each = workloads[i].options; each->name != NULL; each++)
            printf(" %s=%llu", each->name, (unsigned long long)each->value);
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
    for (size_t i = 0; argc >= 2 && i < WORKLOADS; i++) {
        if (strcmp(argv[1], workloads[i].name) == 0) {
            current = &workloads[i];
            options_parse(argc - 2, argv + 2);
            current->run();
            return 0;
        }
    }
    bench_fail("usage: workload NAME [OPTION=NUMBER ...] | probe | list");
    return 2;
}
