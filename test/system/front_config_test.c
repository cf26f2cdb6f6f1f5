// The options of config/option.def reach the process heap that front/heap.c makes. Each case is a
// child, because options are read once.
#include "base/units.h"
#include "front/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TIB (1024 * GIB)

struct option_row {
    const char *name, *value;
    size_t      arena_bytes;
    unsigned    retain_pct, n_caches;   // n_caches 0: as many as there are CPUs, at least 1
    bool        is_disabled;
};

static const struct option_row option_rows[] = {
    {"NEAP_ARENA", "", 64 * MIB, 102, 0, false},
    {"NEAP_ARENA", "1MiB", MIB, 102, 0, false},
    {"NEAP_ARENA", "1TiB", TIB, 102, 0, false},
    {"NEAP_RETAIN", "100%", 64 * MIB, 100, 0, false},
    {"NEAP_RETAIN", "1000%", 64 * MIB, 280, 0, false},
    {"NEAP_RETAIN", "off", 64 * MIB, RETAIN_PCT_NEVER, 0, false},
    {"NEAP_PAGE_CACHES", "0", 64 * MIB, 102, 0, false},
    {"NEAP_PAGE_CACHES", "1", 64 * MIB, 102, 1, false},
    {"NEAP_PAGE_CACHES", "64", 64 * MIB, 102, 64, false},
    {"NEAP_DISABLE", "1", 64 * MIB, 102, 0, true},
};

// True: the heap is as the row says, and works.
static bool heap_is_as(const struct option_row *row)
{
    setenv(row->name, row->value, 1);
    const struct page_heap *pages = &heap_get()->pages;
    void                   *object = front_allocate(5 * MIB);
    bool                    as_set = pages->arenas.arena_bytes == row->arena_bytes &&
                  pages->retain_pct == row->retain_pct &&
                  (row->n_caches != 0 ? pages->n_caches == row->n_caches : pages->n_caches > 0) &&
                  front_is_disabled() == row->is_disabled;
    return as_set && object != NULL && front_release(object) == POINTER_TO_OBJECT &&
           front_verify() == NULL;
}

static void the_heap_is_as_the_options_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof option_rows / sizeof option_rows[0]; i++) {
        const struct option_row *row = &option_rows[i];
        int                      status;
        pid_t                    child = fork();
        if (child == 0)
            _exit(heap_is_as(row) ? 0 : 1);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (status != 0)
            fail_msg("%s=%s", row->name, row->value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_heap_is_as_the_options_say)};
    return cmocka_run_group_tests_name("front_config", tests, NULL, NULL);
}
