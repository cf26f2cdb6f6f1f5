// Writing the lines.
#include "history_text.h"

#include "format.h"

static double per_second(uint64_t after, uint64_t before, double seconds)
{
    return seconds > 0 ? (double)(after - before) / seconds : 0;
}

static void write_sample(FILE *out, const struct history_sample *sample,
                         const struct history_sample *before)
{
    char   text[FORMAT_BYTES];
    double since_s = before->age_s - sample->age_s;
    (void)fprintf(out, " %11s", format_duration(sample->age_s, text));
    (void)fprintf(out, " %11s", format_bytes((double)sample->resident_bytes, text));
    (void)fprintf(out, " %11s", format_bytes((double)sample->object_bytes, text));
    (void)fprintf(out, " %11s", format_bytes((double)sample->free_ready_bytes, text));
    double rate = per_second(sample->allocations, before->allocations, since_s);
    (void)fprintf(out, " %11s", since_s > 0 ? format_count((uint64_t)(rate + 0.5), text) : "-");
    rate = per_second(sample->returned_bytes, before->returned_bytes, since_s);
    (void)fprintf(out, " %11s\n", since_s > 0 ? format_bytes(rate, text) : "-");
}

void history_write_text(FILE *out, const struct history *history, size_t first)
{
    (void)fprintf(out, " %11s %11s %11s %11s %11s %11s\n", "AGO", "RESIDENT", "OBJECTS",
                  "FREE READY", "ALLOC/s", "RETURNED/s");
    for (size_t i = first; i < history->n_samples; i++)
        write_sample(out, &history->samples[i], &history->samples[i > 0 ? i - 1 : 0]);
}
