// Asking now and then.
#include "front/pressure.h"

#include "config/config.h"
#include "front/heap.h"

#define ASK_EVERY_NS 100000000   // a few system calls

void pressure_init(void)
{
    if (config_get()->pressure && !host_is_secure())
        memory_pressure_note_environment(host_environment());
}

static void begin(struct pressure *pressure, uint64_t now_ns)
{
    if (pressure->has_begun)
        return;
    pressure->has_begun = true;
    memory_pressure_open(&pressure->source, "", now_ns);
}

static void note(struct heap *heap)
{
    if (!callbacks_exist(&heap->callbacks))
        return;
    struct news news = {.level_pct = 0,
                        .counted_bytes = page_heap_counted(&heap->pages),
                        .limit_bytes = LIMIT_NONE};
    callbacks_note(&heap->callbacks, NEWS_OF_SYSTEM, &news);
}

bool pressure_follow(struct pressure *pressure, struct heap *heap, uint64_t now_ns)
{
    if (!config_get()->pressure)
        return false;
    begin(pressure, now_ns);
    if (now_ns - pressure->asked_at_ns >= ASK_EVERY_NS) {
        pressure->asked_at_ns = now_ns;
        if (memory_pressure_ask(&pressure->source, "", now_ns)) {
            if (now_ns >= pressure->until_ns) {
                count(&heap->counters.n_shortages, 1);
                note(heap);
            }
            pressure->until_ns = now_ns + PRESSURE_LASTS_NS;
        }
    }
    return now_ns < pressure->until_ns;
}

void pressure_end(struct pressure *pressure)
{
    if (pressure->has_begun)
        memory_pressure_close(&pressure->source);
    *pressure = (struct pressure){.has_begun = false};
}
