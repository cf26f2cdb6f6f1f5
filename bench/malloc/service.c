// A service with days: a store that grows, is full for a while, expires, and a quiet night.
//
// Every request takes working memory for itself, changes the store a little, and every eighth
// leaves a message for whoever comes by, which often is another thread. By day requests follow one
// another; at night there is one per thread and millisecond. A sampler that does not call malloc
// looks every 50 ms at how much is resident beyond what is live.
#include "workload.h"

#define THREADS_MAX 16
#define DAYS 6
#define SAMPLE_NS 50000000u
#define NIGHT_REQUEST_NS 1000000u
#define CLOCK_EVERY 32   // requests between looks at the clock
#define MESSAGES 1024
#define WORKING 5
#define EXPIRE_AT_ONCE 4

// Parts of a day.
#define RISE_END 0.55
#define FULL_END 0.65
#define EXPIRE_END 0.75
#define NIGHT_LEVEL 0.1

struct object {
    uint32_t      n_bytes, mark;
    unsigned char rest[];
};

static struct server {
    _Alignas(128) atomic_llong live_bytes;   // written by its thread, a message may make it < 0
    struct object **store;
    size_t          n_stored, capacity, target_bytes;
    long long       stored_bytes;
    uint64_t        random, day_requests;
} servers[THREADS_MAX];

static struct sizes             store_sizes, working_sizes;
static _Atomic(struct object *) messages[MESSAGES];
static uint64_t                 start_ns, end_ns;

static struct object *object_new(struct server *server, size_t n_bytes)
{
    struct object *object = take(n_bytes);
    object->n_bytes = (uint32_t)n_bytes;
    object->mark = (uint32_t)server->random;
    object_write(object->rest, n_bytes - sizeof *object, object->mark);
    atomic_fetch_add_explicit(&server->live_bytes, (long long)n_bytes, memory_order_relaxed);
    return object;
}

static void object_delete(struct server *server, struct object *object)
{
    object_check(object->rest, object->n_bytes - sizeof *object, object->mark);
    atomic_fetch_sub_explicit(&server->live_bytes, object->n_bytes, memory_order_relaxed);
    free(object);
}

static void store_add(struct server *server)
{
    size_t         n_bytes = sizes_pick(&store_sizes, bench_random(&server->random));
    struct object *object = object_new(server, n_bytes);
    server->stored_bytes += object->n_bytes;
    server->store[server->n_stored++] = object;
}

static void store_remove(struct server *server)
{
    size_t         at = bench_random(&server->random) % server->n_stored;
    struct object *object = server->store[at];
    server->store[at] = server->store[--server->n_stored];
    server->stored_bytes -= object->n_bytes;
    object_delete(server, object);
}

static void request(struct server *server)
{
    struct object *working[WORKING];
    for (size_t i = 0; i < WORKING; i++)
        working[i] = object_new(server, sizes_pick(&working_sizes, bench_random(&server->random)));

    bool is_above = server->stored_bytes > (long long)server->target_bytes;
    for (size_t i = 0; i < (is_above ? EXPIRE_AT_ONCE : 1) && server->n_stored > 0; i++)
        store_remove(server);
    for (size_t i = 0; i < (is_above ? 1 : 2) && server->n_stored < server->capacity; i++)
        store_add(server);

    if (bench_random(&server->random) % 8 == 0) {
        size_t         at = bench_random(&server->random) % MESSAGES;
        struct object *message = working[0];
        working[0] = atomic_exchange(&messages[at], message);
    }
    for (size_t i = 0; i < WORKING; i++) {
        if (working[i] != NULL)
            object_delete(server, working[i]);
    }
}

// How full the store should be at a moment of the day, 0 to 1.
static double level(double of_day)
{
    if (of_day < RISE_END)
        return NIGHT_LEVEL + (1 - NIGHT_LEVEL) * of_day / RISE_END;
    return of_day < FULL_END ? 1 : NIGHT_LEVEL;
}

static void serve(size_t number)
{
    struct server *server = &servers[number];
    size_t         full_bytes = option("mib") * MIB / option("threads");
    double         day_ns = (double)(end_ns - start_ns) / DAYS;
    for (uint64_t now_ns = start_ns; now_ns < end_ns; now_ns = bench_clock_ns()) {
        double days = (double)(now_ns - start_ns) / day_ns;
        double of_day = days - (double)(long)days;
        server->target_bytes = (size_t)(level(of_day) * (double)full_bytes);
        if (of_day >= EXPIRE_END) {
            request(server);
            sleep_until_ns(now_ns + NIGHT_REQUEST_NS);
            continue;
        }
        for (size_t i = 0; i < CLOCK_EVERY; i++)
            request(server);
        server->day_requests += CLOCK_EVERY;
    }
    while (server->n_stored > 0)
        store_remove(server);
}

static double live_bytes_all(void)
{
    long long n_bytes = 0;
    for (size_t i = 0; i < THREADS_MAX; i++)
        n_bytes += atomic_load_explicit(&servers[i].live_bytes, memory_order_relaxed);
    return (double)n_bytes;
}

static void *sample(void *argument)
{
    double before_bytes = *(double *)argument, resident_sum = 0, live_sum = 0;
    size_t n_samples = 0;
    for (uint64_t next_ns = start_ns; next_ns < end_ns; next_ns += SAMPLE_NS) {
        sleep_until_ns(next_ns);
        resident_sum += (double)resident_quick_bytes() - before_bytes;
        live_sum += live_bytes_all();
        n_samples++;
    }
    double excess_mib = (resident_sum - live_sum) / (double)MIB;
    note("area_of_resident_minus_live", "MiB*s", excess_mib * SAMPLE_NS / 1e9);
    figure("mean_of_resident_minus_live", "MiB", excess_mib / (double)n_samples);
    note("mean_resident_per_mean_live", "ratio", resident_sum / live_sum);
    return NULL;
}

void run_service(void)
{
    size_t n_threads = option("threads");
    if (n_threads == 0 || n_threads > THREADS_MAX)
        bench_fail("service: 1 to 16 threads");
    sizes_fill(&store_sizes, 32, 64 * KIB);
    sizes_fill(&working_sizes, 64, 16 * KIB);
    for (size_t i = 0; i < n_threads; i++) {
        servers[i].random = 0x9e3779b97f4a7c15u + i;
        servers[i].capacity = option("mib") * MIB / n_threads / 1024;
        servers[i].store = own_memory(servers[i].capacity * sizeof(struct object *));
    }
    static double before_bytes;
    before_bytes = (double)resident_quick_bytes();
    start_ns = bench_clock_ns();
    end_ns = start_ns + option("seconds") * 1000000000u;

    pthread_t sampler;
    if (pthread_create(&sampler, NULL, sample, &before_bytes) != 0)
        bench_fail("cannot start a thread");
    in_threads(n_threads, serve);
    pthread_join(sampler, NULL);
    uint64_t requests = 0;
    for (size_t i = 0; i < n_threads; i++)
        requests += servers[i].day_requests;
    double day_seconds = (double)option("seconds") * EXPIRE_END;
    figure("requests_by_day", "requests/s", (double)requests / day_seconds);
}
