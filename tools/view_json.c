// Writing the objects.
#include "view_json.h"

#include "text.h"

#include <inttypes.h>
#include <time.h>

#define TIME_BYTES 32

static void begin(FILE *out, const char *schema, pid_t pid)
{
    char      text[TIME_BYTES];
    time_t    now = time(NULL);
    struct tm parts;
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
    (void)fprintf(out, "{\"schema\": \"%s\", \"pid\": %d, \"time\": \"%s\"", schema, (int)pid,
                  text);
}

static void write_text(FILE *out, const char *key, const char *text)
{
    (void)fprintf(out, ", \"%s\": ", key);
    text_write_json(out, text);
}

void view_json_write_statistics(FILE *out, pid_t pid, const struct page_view *view)
{
    begin(out, "neap.stat/1", pid);
    write_text(out, "version", page_view_version(view));
    for (size_t i = 0; i < page_view_count(view); i++) {
        if (!page_view_is_known(view, i))
            continue;
        (void)fprintf(out, ", ");
        text_write_json(out, page_view_describe(view, i).name);
        (void)fprintf(out, ": %" PRIu64, page_view_value(view, i));
    }
    (void)fprintf(out, "}\n");
}

void view_json_write_sample(FILE *out, pid_t pid, const struct history_sample *sample)
{
    (void)fprintf(out,
                  "{\"schema\": \"neap.history/1\", \"pid\": %d, \"age_seconds\": %.3f"
                  ", \"resident_bytes\": %" PRIu64 ", \"object_bytes\": %" PRIu64
                  ", \"free_ready_bytes\": %" PRIu64 ", \"allocations\": %" PRIu64
                  ", \"returned_bytes\": %" PRIu64 "}\n",
                  (int)pid, sample->age_s, sample->resident_bytes, sample->object_bytes,
                  sample->free_ready_bytes, sample->allocations, sample->returned_bytes);
}

void view_json_write_explanation(FILE *out, pid_t pid, const struct page_view *view,
                                 const struct explanation *explanation)
{
    struct explanation_finding finding;
    explanation_find(explanation, pid, &finding);
    begin(out, "neap.explain/1", pid);
    write_text(out, "name", explanation->name);
    write_text(out, "version", page_view_version(view));
    for (int i = 0; i < PARTS; i++)
        (void)fprintf(out, ", \"%s\": %" PRId64, explanation_parts[i].key, explanation->bytes[i]);
    (void)fprintf(out,
                  ", \"neap_bytes\": %" PRId64 ", \"resident_bytes\": %" PRId64
                  ", \"released_bytes\": %" PRId64 ", \"swapped_bytes\": %" PRId64
                  ", \"huge_page_bytes\": %" PRId64,
                  explanation->neap_bytes, explanation->resident_bytes, explanation->released_bytes,
                  explanation->swapped_bytes, explanation->huge_bytes);
    write_text(out, "finding", finding.key);
    write_text(out, "sentence", finding.sentence);
    write_text(out, "next", finding.next);
    (void)fprintf(out, "}\n");
}
