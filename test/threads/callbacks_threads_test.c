// Threads come and go as callbacks, while others note what is to be told and tell it: one is told
// at a time, and nobody who has been removed. front/callbacks.c under load.
#include "front/callbacks.h"

#include "base/units.h"
#include "effort.h"
#include "os/host.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TELLERS 2
#define CLIENTS 4
#define STEPS EFFORT(20000, 4000)

static struct callbacks callbacks;

static struct {
    ATOMIC(bool)     stop;
    ATOMIC(unsigned) n_within;   // callbacks at work
    ATOMIC(size_t)   wrong, n_told;
} shared;

static void expect(bool holds)
{
    if (!holds)
        add_relaxed(&shared.wrong, 1);   // counter
}

static void function(void)
{
}

// `context`: not atomic, on the stack of who is told, and gone when it has been removed.
static void tell(const struct callback *callback, const struct news *news)
{
    expect(add_relaxed(&shared.n_within, 1) == 0);   // counter
    *(size_t *)callback->context += news->level_pct;
    add_relaxed(&shared.n_told, 1);                // counter
    callbacks_tell(&callbacks);                    // does nothing
    add_relaxed(&shared.n_within, (unsigned)-1);   // counter
}

static void *note_and_tell(void *unused)
{
    while (!load_relaxed(&shared.stop)) {   // hint
        struct news news = {.level_pct = 75, .limit_bytes = MIB};
        callbacks_note(&callbacks, NEWS_OF_LIMIT, &news);
        news.level_pct = 0;
        callbacks_note(&callbacks, NEWS_OF_SYSTEM, &news);
        callbacks_tell(&callbacks);
    }
    return unused;
}

static void come_and_go(void)
{
    size_t          told = 0, before;
    struct callback callback = {tell, function, &told};
    if (!callbacks_add(&callbacks, &callback))
        return;
    host_yield();
    expect(callbacks_remove(&callbacks, function, &told));
    before = told;
    host_yield();
    expect(told == before && told % 75 == 0);
    expect(!callbacks_remove(&callbacks, function, &told));
}

static void *be_told(void *unused)
{
    for (size_t i = 0; i < STEPS; i++)
        come_and_go();
    return unused;
}

static void one_is_told_at_a_time_and_nobody_who_has_gone(void **state)
{
    pthread_t tellers[TELLERS], clients[CLIENTS];
    callbacks_init(&callbacks);
    for (size_t i = 0; i < TELLERS; i++)
        assert_int_equal(pthread_create(&tellers[i], NULL, note_and_tell, NULL), 0);
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&clients[i], NULL, be_told, NULL), 0);
    for (size_t i = 0; i < CLIENTS; i++)
        pthread_join(clients[i], NULL);
    store_relaxed(&shared.stop, true);   // hint
    for (size_t i = 0; i < TELLERS; i++)
        pthread_join(tellers[i], NULL);
    print_message("told %zu times\n", load_relaxed(&shared.n_told));   // counter
    assert_true(load_relaxed(&shared.n_told) > 0);                     // counter
    assert_int_equal(load_relaxed(&shared.wrong), 0);                  // counter
    assert_false(callbacks_exist(&callbacks));
    assert_int_equal(callbacks.told, CALLBACKS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_told_at_a_time_and_nobody_who_has_gone),
    };
    return cmocka_run_group_tests_name("callbacks threads", tests, NULL, NULL);
}
