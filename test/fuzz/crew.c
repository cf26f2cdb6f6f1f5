#include "crew.h"

#include "base/check.h"
#include "base/units.h"
#include "books.h"
#include "child.h"
#include "op_generator.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUND_OPS_MIN 16
#define ROUND_OPS_SHIFTS 10   // to 16 Ki
#define ROUND_SECONDS_MAX 120
#define LOOK_OPS (1u << 13)
#define VERIFY_ROUNDS 8

enum command { COMMAND_WAIT, COMMAND_GO, COMMAND_LEAVE };

struct seat {
    struct malloc_ops   ops;   // stays when the thread goes
    struct op_generator generator;
    size_t              n_ops;   // to do this round
    pthread_t           thread;
    bool                is_taken, has_failed;
    enum command        command;   // guarded by state.mutex
};

static struct {
    struct crew         *crew;   // shared with the parent
    struct random_source random;
    struct mailbox       mailbox;
    struct seat          seats[CREW_SEATS_MAX];
    pthread_mutex_t      mutex;
    pthread_cond_t       changed;
    unsigned             n_running;   // guarded by mutex
} state = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

// ---- a thread ---------------------------------------------------------------------------------

static void do_round(struct seat *seat)
{
    uint8_t bytes[OP_BYTES];
    for (size_t i = 0; i < seat->n_ops && !seat->has_failed; i++) {
        op_generator_next(&seat->generator, &seat->ops, bytes);
        seat->has_failed = !malloc_ops_apply(&seat->ops, bytes);
    }
}

static void *work(void *argument)
{
    struct seat *seat = argument;
    pthread_mutex_lock(&state.mutex);
    while (seat->command != COMMAND_LEAVE) {
        if (seat->command == COMMAND_WAIT) {
            pthread_cond_wait(&state.changed, &state.mutex);
            continue;
        }
        pthread_mutex_unlock(&state.mutex);
        do_round(seat);
        pthread_mutex_lock(&state.mutex);
        seat->command = COMMAND_WAIT;
        state.n_running--;
        pthread_cond_broadcast(&state.changed);
    }
    pthread_mutex_unlock(&state.mutex);
    return NULL;
}

// ---- the one who gives the commands -----------------------------------------------------------

static bool complain(const char *text)
{
    if (state.crew->message[0] == '\0')
        snprintf(state.crew->message, sizeof state.crew->message, "round %llu: %s",
                 (unsigned long long)state.crew->n_rounds, text);
    return false;
}

static void sit_down(struct seat *seat)
{
    seat->is_taken = true;
    seat->command = COMMAND_WAIT;
    CHECK_EQ(pthread_create(&seat->thread, NULL, work, seat), 0);
    state.crew->n_threads++;
}

// One round: everybody works, then everybody waits.
static bool go(void)
{
    size_t n_ops = (size_t)ROUND_OPS_MIN << random_below(&state.random, ROUND_OPS_SHIFTS + 1);
    bool   same = true;
    pthread_mutex_lock(&state.mutex);
    for (unsigned i = 0; i < state.crew->n_seats; i++) {
        struct seat *seat = &state.seats[i];
        seat->n_ops = random_between(&state.random, n_ops / 2, n_ops);
        seat->command = seat->is_taken ? COMMAND_GO : COMMAND_WAIT;
        state.n_running += seat->is_taken;
        state.crew->n_ops += seat->is_taken ? seat->n_ops : 0;
    }
    pthread_cond_broadcast(&state.changed);
    while (state.n_running > 0)
        pthread_cond_wait(&state.changed, &state.mutex);
    pthread_mutex_unlock(&state.mutex);
    for (unsigned i = 0; i < state.crew->n_seats; i++)
        same = same && (!state.seats[i].has_failed || complain(state.seats[i].ops.table.message));
    return same;
}

// Some threads end, now or at the latest when all do.
static void let_leave(bool all)
{
    bool leaves[CREW_SEATS_MAX] = {false};
    pthread_mutex_lock(&state.mutex);
    for (unsigned i = 0; i < state.crew->n_seats; i++) {
        struct seat *seat = &state.seats[i];
        leaves[i] = seat->is_taken && (all || random_one_in(&state.random, 3));
        if (leaves[i])
            seat->command = COMMAND_LEAVE;
    }
    pthread_cond_broadcast(&state.changed);
    pthread_mutex_unlock(&state.mutex);
    for (unsigned i = 0; i < state.crew->n_seats; i++) {
        if (leaves[i]) {
            CHECK_EQ(pthread_join(state.seats[i].thread, NULL), 0);
            state.seats[i].is_taken = false;
        }
    }
}

static void add_up(struct books_expected *sum)
{
    *sum = (struct books_expected){0};
    for (unsigned i = 0; i < state.crew->n_seats; i++) {
        sum->n_objects += state.seats[i].ops.table.n_live;
        sum->usable_bytes += state.seats[i].ops.table.usable_bytes;
    }
    for (size_t i = 0; i < MAILBOX_PLACES; i++) {
        const struct mail *mail = &state.mailbox.places[i];
        if (mail->state == MAIL_READY) {
            sum->n_objects++;
            sum->usable_bytes += mail->object.pattern.usable_bytes;
        }
    }
}

// Requires: everybody stands still.
static bool compare_books(const char *when)
{
    char                  message[BOOKS_MESSAGE_BYTES], text[BOOKS_MESSAGE_BYTES + 40];
    struct books_expected expected;
    add_up(&expected);
    if (books_compare(state.crew->entry, &expected, message))
        return true;
    snprintf(text, sizeof text, "books %s: %s", when, message);
    return complain(text);
}

static bool verify(void)
{
    const char *broken = state.crew->entry->verify != NULL ? state.crew->entry->verify() : NULL;
    return broken == NULL || complain(broken);
}

static bool do_rounds(void)
{
    struct crew *crew = state.crew;
    double       start = now_seconds();
    bool         same = true;
    while (same && crew->n_ops < crew->n_ops_wanted &&
           (crew->seconds_max == 0 || now_seconds() - start < crew->seconds_max)) {
        alarm(ROUND_SECONDS_MAX);
        for (unsigned i = 0; i < crew->n_seats; i++) {
            if (!state.seats[i].is_taken && (i == 0 || random_one_in(&state.random, 2)))
                sit_down(&state.seats[i]);
        }
        same = go() && compare_books("while threads wait");
        let_leave(!same);
        same = same && compare_books("after threads have ended");
        if (same && crew->n_rounds % VERIFY_ROUNDS == 0)
            same = verify();
        crew->n_rounds++;
    }
    let_leave(true);
    crew->seconds = now_seconds() - start;
    return same;
}

static bool end_tables(void)
{
    struct crew *crew = state.crew;
    bool         same = true;
    for (unsigned i = 0; same && i < crew->n_seats; i++) {
        struct malloc_ops *ops = &state.seats[i].ops;
        same = malloc_ops_end(ops) || complain(ops->table.message);
    }
    for (size_t i = 0; same && i < MAILBOX_PLACES; i++) {
        struct malloc_ops *ops = &state.seats[0].ops;
        if (mailbox_receive(&state.mailbox, i, &ops->table, 0))
            same = malloc_ops_end(ops) || complain(ops->table.message);
    }
    return same && compare_books("at the end") && verify();
}

// The budget is each thread's: less than that of one thread alone.
static void start_tables(void)
{
    struct crew *crew = state.crew;
    for (unsigned i = 0; i < crew->n_seats; i++) {
        struct seat *seat = &state.seats[i];
        op_generator_start(&seat->generator, crew->seed * CREW_SEATS_MAX + i, true);
        seat->ops = (struct malloc_ops){
            .entry = crew->entry,
            .seed = (uint64_t)i << 56,
            .look_ops = LOOK_OPS,
            .mailbox = &state.mailbox,
        };
        uint8_t options = op_generator_options(&seat->generator);
        malloc_ops_start(&seat->ops, options & OPTION_OBJECTS_LOG2);
    }
}

static void run_in_child(struct crew *crew)
{
    child_begin(ROUND_SECONDS_MAX);
    state.crew = crew;
    state.random = (struct random_source){crew->seed};
    start_tables();
    bool same = do_rounds();
    _exit(same && end_tables() ? 0 : 1);
}

bool crew_run(struct crew *crew)
{
    CHECK_LE(crew->n_seats, CREW_SEATS_MAX);
    struct crew *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    *shared = *crew;
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        run_in_child(shared);
    int status = -1;
    CHECK_EQ(waitpid(child, &status, 0), child);
    *crew = *shared;
    munmap(shared, sizeof *shared);
    if (WIFSIGNALED(status))
        snprintf(crew->message, sizeof crew->message, "round %llu: dies of signal %d",
                 (unsigned long long)crew->n_rounds, WTERMSIG(status));
    return status == 0;
}
