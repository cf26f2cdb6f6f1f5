// neap doctor about an environment: what LD_PRELOAD names, and options that do not do what their
// writer hoped.
#include "config/option.h"

#include "diagnosis.h"
#include "elf_check.h"
#include "library.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

// Options of other allocators, and what comes nearest. "" as a value: any.
static const struct {
    const char *name, *part, *nearest;
} foreign_options[] = {
    {"MALLOC_ARENA_MAX", "", "none is needed: neap's caches follow the threads that run"},
    {"MALLOC_TRIM_THRESHOLD_", "", "NEAP_RETURN_DELAY, which says when idle memory goes back"},
    {"MALLOC_MMAP_THRESHOLD_", "", "none is needed: large objects go back by themselves"},
    {"MALLOC_TOP_PAD_", "", "none is needed: the heap grows in small steps"},
    {"MALLOC_MMAP_MAX_", "", "none is needed"},
    {"MALLOC_PERTURB_", "", "none yet"},
    {"MALLOC_CHECK_", "", "none is needed: a double or invalid free always stops the program"},
    {"GLIBC_TUNABLES", "glibc.malloc.", "NEAP_RETURN_DELAY and NEAP_RETAIN for giving back"},
    {"MALLOC_CONF", "",
     "NEAP_RETURN_DELAY for dirty_decay_ms, NEAP_BACKGROUND for "
     "background_thread"},
    {"_RJEM_MALLOC_CONF", "", "NEAP_RETURN_DELAY for dirty_decay_ms"},
    {"TCMALLOC_RELEASE_RATE", "", "NEAP_RETURN_DELAY and NEAP_RETURN_CPU"},
    {"TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES", "", "none is needed"},
    {"TCMALLOC_HEAP_LIMIT_MB", "", "NEAP_HARD_LIMIT"},
    {"MIMALLOC_PURGE_DELAY", "", "NEAP_RETURN_DELAY"},
    {"MIMALLOC_ARENA_EAGER_COMMIT", "", "none is needed"},
    {"MIMALLOC_SHOW_STATS", "", "NEAP_EXIT_STATS"},
    {"MIMALLOC_VERBOSE", "", "NEAP_EXIT_STATS"},
};

static void diagnose_foreign_option(struct diagnosis *diagnosis, const char *entry)
{
    for (size_t i = 0; i < sizeof foreign_options / sizeof *foreign_options; i++) {
        size_t length = strlen(foreign_options[i].name);
        if (strncmp(entry, foreign_options[i].name, length) != 0 || entry[length] != '=' ||
            strstr(entry + length, foreign_options[i].part) == NULL)
            continue;
        diagnosis_add(diagnosis, FINDING_WARN, "option", "%.80s: no effect under neap", entry);
        diagnosis_fix(diagnosis, "the nearest option: %s", foreign_options[i].nearest);
    }
}

static void diagnose_value(struct diagnosis *diagnosis, enum option_id id, const char *value)
{
    size_t number;
    if (options[id].is_text || *value == '\0')
        return;
    char                initial[VALUE_TEXT_BYTES];
    enum option_verdict verdict = option_parse(&options[id], text_of(value), &number);
    if (verdict == OPTION_ACCEPTED && id == OPTION_disable && number != 0)
        diagnosis_add(diagnosis, FINDING_FAIL, "option", "NEAP_DISABLE=%s: neap stands aside",
                      value);
    if (verdict == OPTION_ACCEPTED)
        return;
    option_print(&options[id], options[id].initial, initial);
    diagnosis_add(diagnosis, FINDING_WARN, "option", "%s=%.80s: %s; neap uses %s", options[id].name,
                  value,
                  verdict == OPTION_NOT_OF_UNIT    ? "no value of this option"
                  : verdict == OPTION_OUT_OF_RANGE ? "out of range"
                                                   : "no multiple of what it has to be",
                  initial);
    diagnosis_fix(diagnosis, "neap config %s says what may stand there", options[id].name);
}

static void diagnose_own_option(struct diagnosis *diagnosis, const char *entry)
{
    size_t      length = strcspn(entry, "=");
    struct text name = {entry, length};
    if (strncmp(entry, OPTION_PREFIX, strlen(OPTION_PREFIX)) != 0 || option_is_foreign(name))
        return;
    enum option_id id = option_find(name);
    if (id != OPTIONS) {
        diagnose_value(diagnosis, id, entry + length + (entry[length] == '='));
        return;
    }
    enum option_id near = option_nearest(name);
    diagnosis_add(diagnosis, FINDING_WARN, "option", "%.*s: neap has no such option",
                  (int)(length < 80 ? length : 80), entry);
    if (near != OPTIONS)
        diagnosis_fix(diagnosis, "%s%s", options[near].name, entry + length);
    else
        diagnosis_fix(diagnosis, "neap config lists the options");
}

static void diagnose_preloaded(struct diagnosis *diagnosis, const char *name, const char *root)
{
    char              path[PATH_MAX];
    const char       *slash = strrchr(name, '/');
    const char       *base = slash != NULL ? slash + 1 : name;
    struct elf_report report;
    bool              is_neap = strncmp(base, "libneap.so", strlen("libneap.so")) == 0;
    if (slash == NULL) {
        if (is_neap)
            diagnosis_add(diagnosis, FINDING_OK, "preload", "LD_PRELOAD names %s", name);
    } else {
        (void)snprintf(path, sizeof path, "%s%s", root, name);
        elf_check_library(path, &report);
        if (report.verdict != ELF_FITS) {
            diagnosis_add(diagnosis, is_neap ? FINDING_FAIL : FINDING_WARN, "preload",
                          "LD_PRELOAD names %s", report.reason);
            if (is_neap)
                diagnosis_fix(diagnosis,
                              "LD_PRELOAD=%s   (a bare name: the loader picks the "
                              "right one)",
                              LIBRARY_NAME);
        } else if (is_neap) {
            diagnosis_add(diagnosis, FINDING_OK, "preload", "LD_PRELOAD names %s", name);
        }
    }
    for (const char *other = LIBRARY_PEER_NAMES; *other != '\0'; other += strspn(other, " ")) {
        size_t length = strcspn(other, " ");
        if (strncmp(base, "lib", 3) == 0 && strncmp(base + 3, other, length) == 0) {
            diagnosis_add(diagnosis, FINDING_WARN, "preload",
                          "LD_PRELOAD names another allocator, %s; the first one counts", name);
            diagnosis_fix(diagnosis, "LD_PRELOAD=%s alone", LIBRARY_NAME);
        }
        other += length;
    }
}

static void diagnose_preload(struct diagnosis *diagnosis, const char *value, const char *root)
{
    char *names = strdup(value), *rest = names, *name;
    while (names != NULL && (name = strsep(&rest, ": ")) != NULL) {
        if (*name != '\0')
            diagnose_preloaded(diagnosis, name, root);
    }
    free(names);
}

void diagnose_environment(struct diagnosis *diagnosis, const char *const *entries, const char *root)
{
    for (; *entries != NULL; entries++) {
        if (strncmp(*entries, "LD_PRELOAD=", strlen("LD_PRELOAD=")) == 0)
            diagnose_preload(diagnosis, *entries + strlen("LD_PRELOAD="), root);
        diagnose_foreign_option(diagnosis, *entries);
        diagnose_own_option(diagnosis, *entries);
    }
}
