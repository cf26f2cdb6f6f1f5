// Summary: what the kernel says of the command and all it started, what neap's own books said when
// the command exited, and where both are silent, why.
#include "summary.h"

#include "format.h"

#include <math.h>
#include <sys/wait.h>

#define TITLE_BYTES 100       // of the command
#define NEXT_TITLE_BYTES 48   // of the command, with words before and behind it
#define SHARE_PCT_MAX 999     // beyond it, a share of next to nothing says nothing

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static void write_peak(const struct summary *summary, FILE *out)
{
    const struct timeline *timeline = summary->timeline;
    char                   a[FORMAT_BYTES];
    (void)fprintf(out, "  peak resident  %s",
                  format_bytes((double)timeline->peak_resident_bytes, a));
    if (timeline->peak_resident_at_s >= 0)
        (void)fprintf(out, " at %s", format_duration(timeline->peak_resident_at_s, a));
    if (summary->limit_bytes != 0)
        (void)fprintf(out, "   (limit %s, cgroup)", format_bytes((double)summary->limit_bytes, a));
    (void)fprintf(out, "\n");
}

// Live, what neap holds beside it, and what that consists of.
static void write_at_exit(const struct exit_record *record, FILE *out)
{
    char            a[FORMAT_BYTES], b[FORMAT_BYTES], c[FORMAT_BYTES];
    const uint64_t *values = record->values;
    uint64_t        live_bytes = exit_record_live_bytes(record);
    uint64_t        overhead_bytes =
        values[EXIT_FREE_SLOTS_BYTES] + values[EXIT_CACHED_BYTES] + values[EXIT_FREE_READY_BYTES];

    (void)fprintf(out, "  at exit        ");
    if (record->known[EXIT_RESIDENT_BYTES])
        (void)fprintf(out, "resident %s; ", format_bytes((double)values[EXIT_RESIDENT_BYTES], a));
    (void)fprintf(out, "live and rounding %s, overhead %s", format_bytes((double)live_bytes, a),
                  format_bytes((double)overhead_bytes, b));
    double share_pct =
        live_bytes > 0 ? 100 * (double)overhead_bytes / (double)live_bytes : HUGE_VAL;
    if (share_pct <= SHARE_PCT_MAX)
        (void)fprintf(out, " (%.0f %%)", share_pct);
    (void)fprintf(out, ":\n                 free slots %s, cached %s, free ready %s",
                  format_bytes((double)values[EXIT_FREE_SLOTS_BYTES], a),
                  format_bytes((double)values[EXIT_CACHED_BYTES], b),
                  format_bytes((double)values[EXIT_FREE_READY_BYTES], c));
    if (record->known[EXIT_METADATA_BYTES])
        (void)fprintf(out, "; metadata at most %s",
                      format_bytes((double)values[EXIT_METADATA_BYTES], a));
    (void)fprintf(out, "\n");
}

// What the sampler saw last, and why there is nothing better.
static void write_without_record(const struct summary *summary, FILE *out)
{
    const struct timeline *timeline = summary->timeline;
    char                   a[FORMAT_BYTES], b[FORMAT_BYTES], c[FORMAT_BYTES];
    if (timeline->n_samples > 0)
        (void)fprintf(out, "  at the end     resident %s, mapped %s (the last sample, at %s)\n",
                      format_bytes((double)timeline->last.resident_bytes, a),
                      format_bytes((double)timeline->last.mapped_bytes, b),
                      format_duration(timeline->last.at_s, c));
    (void)fprintf(out, "  at exit        not known: %s\n",
                  WIFSIGNALED(summary->outcome->status)
                      ? "the signal left neap no time to write it down"
                      : "it ended by _exit, as shells do, or was not under neap any more");
}

static void write_since_start(const struct summary *summary, FILE *out)
{
    const struct exit_record *record = &summary->records.own;
    char                      a[FORMAT_BYTES], b[FORMAT_BYTES];
    bool is_known = record->known[EXIT_SCAVENGED_BYTES] && record->known[EXIT_SCAVENGED_STEPS];
    if (is_known && record->values[EXIT_SCAVENGED_BYTES] == 0)
        (void)fprintf(out, "  returned       nothing to the system\n");
    else if (is_known)
        (void)fprintf(out, "  returned       %s to the system in %s steps\n",
                      format_bytes((double)record->values[EXIT_SCAVENGED_BYTES], a),
                      format_count(record->values[EXIT_SCAVENGED_STEPS], b));
    if (record->known[EXIT_ALLOCATIONS]) {
        uint64_t count = record->values[EXIT_ALLOCATIONS];
        double   wall_s = summary->outcome->wall_s;
        (void)fprintf(out, "  allocations    %s", format_count(count, a));
        if (wall_s > 0)
            (void)fprintf(out, " (%s/s)", format_count((uint64_t)((double)count / wall_s), b));
        (void)fprintf(out, "\n");
    }
}

static void write_others(const struct exit_records *records, FILE *out)
{
    if (records->n_others == 0)
        return;
    char a[FORMAT_BYTES];
    (void)fprintf(out, "  others         %s ", format_count(records->n_others, a));
    (void)fprintf(out, "%s; with the most at exit: %s (pid %ld), live and rounding %s\n",
                  records->n_others == 1 ? "process" : "processes", records->largest.name,
                  records->largest.pid,
                  format_bytes((double)exit_record_live_bytes(&records->largest), a));
}

void summary_write(const struct summary *summary, FILE *out)
{
    const struct outcome *outcome = summary->outcome;
    const struct rusage  *usage = &outcome->usage;
    char                  title[TITLE_BYTES], status[64], a[FORMAT_BYTES];
    format_command(summary->command, title, sizeof title);
    format_status(outcome->status, status, sizeof status);

    (void)fprintf(out, "neap " NEAP_VERSION "  %s  pid %d  ran %s  %s\n", title, (int)outcome->pid,
                  format_duration(outcome->wall_s, a), status);
    write_peak(summary, out);
    if (summary->records.has_own)
        write_at_exit(&summary->records.own, out);
    else
        write_without_record(summary, out);
    write_since_start(summary, out);
    write_others(&summary->records, out);
    (void)fprintf(out, "  CPU            user %.3f s, system %.3f s\n", seconds_of(usage->ru_utime),
                  seconds_of(usage->ru_stime));
    (void)fprintf(out, "  page faults    %s minor\n", format_count((uint64_t)usage->ru_minflt, a));
    format_command(summary->command, title, NEXT_TITLE_BYTES);
    (void)fprintf(out, "Next: neap try -- %s    compares with the present malloc\n", title);
}
