// Starting and ending the thread, and doing without.
#include "front/background.h"

#include "config/config.h"
#include "front/heap.h"
#include "front/thread.h"
#include "os/host.h"

#define ROUNDS_PER_LOOK 4     // at whether the main thread has ended
#define PARKED_NS 200000000   // between looks at whether memory is short

static bool is_wanted(const struct config *config)
{
    return config->retain_pct != CONFIG_OFF;
}

void background_init(struct background *background, struct heap *heap)
{
    const struct config *config = config_get();
    background->process = host_process_id();
    if (!config->background)
        store_relaxed(&background->state, BACKGROUND_NEVER);   // owner: not known to anybody yet
    page_heap_set_alarm(&heap->pages, is_wanted(config) ? ALARM_BYTES_MIN : SIZE_MAX);
}

static void end_following(struct background *background)
{
    background->give_back.is_pressed = false;
    pressure_end(&background->pressure);
}

void background_fork_child(struct background *background, struct heap *heap)
{
    background->process = host_process_id();
    store_relaxed(&background->is_busy, false);     // owner: there is no other thread
    store_relaxed(&background->is_parked, false);   // owner
    end_following(background);
    if (load_relaxed(&background->state) != BACKGROUND_RUNNING)   // owner
        return;
    store_relaxed(&background->state, BACKGROUND_NONE);   // owner
    store_relaxed(&heap->pages.has_payer, false);         // hint
    page_heap_set_alarm(&heap->pages, ALARM_BYTES_MIN);
}

// ---- the thread -------------------------------------------------------------------------------

// When the thread that ran main has ended by pthread_exit, the process lives as long as any
// thread, and must not live for ours. Others that come by go on with its work.
static bool must_end(struct background *background, struct heap *heap, unsigned n_rounds)
{
    if (n_rounds % ROUNDS_PER_LOOK != 0 || !host_main_thread_has_ended())
        return false;
    end_following(background);
    store_release(&background->state, BACKGROUND_NEVER);   // pairs with: background_answer_alarm
    page_heap_set_alarm(&heap->pages, 0);
    return true;
}

// The work is done and the alarm set. If it was raised meanwhile, when whoever saw it found a
// thread at work, the work goes on.
static bool is_called_back(struct background *background, struct heap *heap)
{
    uint32_t state = BACKGROUND_NONE;
    store_release(&background->state, BACKGROUND_NONE);   // pairs with: is_called_back, start
    return load_relaxed(&heap->pages.alarm) &&            // hint
           cas_acquire(&background->state, &state, BACKGROUND_RUNNING);   // pairs with: start
}

static enum give_back_result round_of(struct background *background, struct heap *heap)
{
    enum give_back_result result = GIVE_BACK_LATER;
    if (!exchange_acquire(&background->is_busy, true)) {   // pairs with: make_guest_round
        bool is_pressed = pressure_follow(&background->pressure, heap, host_now_ns());
        result = give_back_own_round(&background->give_back, heap, is_pressed);
        store_release(&background->is_busy, false);   // pairs with: make_guest_round
    }
    return result;
}

// Is there what could go back if memory became short, or somebody who wants to know?
static bool is_worth_following(const struct background *background, struct heap *heap)
{
    struct page_account account;
    if (!pressure_is_followed(&background->pressure))
        return false;
    if (callbacks_exist(&heap->callbacks))
        return true;
    page_heap_account_read(&heap->pages, &account);
    return account.free_ready_bytes > ALARM_BYTES_MIN && !background->give_back.is_in_the_way;
}

// At rest, the alarm is set. Returns whether there is something to do; if not, nor will there be.
static bool park(struct background *background, struct heap *heap)
{
    bool has_work = false;
    store_relaxed(&background->is_parked, true);   // hint
    while (!has_work && is_worth_following(background, heap)) {
        limits_look_again(heap);
        history_look(heap);
        request_answer(heap);
        callbacks_tell(&heap->callbacks);
        has_work = load_relaxed(&heap->pages.alarm) ||   // hint
                   pressure_follow(&background->pressure, heap, host_now_ns()) ||
                   host_main_thread_has_ended();
        if (!has_work)
            host_sleep_ns(PARKED_NS);
    }
    store_relaxed(&background->is_parked, false);   // hint
    if (has_work)
        page_heap_set_alarm(&heap->pages, SIZE_MAX);
    return has_work;
}

static void work(void)
{
    struct heap       *heap = &process_heap;
    struct background *background = &heap->background;
    store_relaxed(&heap->pages.has_payer, true);   // hint
    for (unsigned n_rounds = 1; !must_end(background, heap, n_rounds); n_rounds++) {
        enum give_back_result result = round_of(background, heap);
        limits_look_again(heap);
        history_look(heap);
        request_answer(heap);
        callbacks_tell(&heap->callbacks);
        if (result == GIVE_BACK_AT_REST) {
            store_relaxed(&heap->pages.has_payer, false);   // hint
            if (!park(background, heap)) {
                end_following(background);
                if (!is_called_back(background, heap))
                    return;
            }
            store_relaxed(&heap->pages.has_payer, true);   // hint
        }
        host_sleep_ns(result == GIVE_BACK_SOON ? ROUND_EVERY_NS_GROWING : ROUND_EVERY_NS);
    }
    store_relaxed(&heap->pages.has_payer, false);   // hint
}

// ---- by threads of the program ----------------------------------------------------------------

// Not with a lock of libc's held, and not in the child of a vfork, which borrows this memory from
// its parent.
static bool may_start(const struct background *background, const void *caller)
{
    return !host_is_in_libc(caller) && host_process_id() == background->process;
}

static bool start(struct background *background, struct heap *heap)
{
    uint32_t state = BACKGROUND_NONE;
    // pairs with: is_called_back
    if (!cas_acquire(&background->state, &state, BACKGROUND_RUNNING))
        return true;   // somebody else does
    page_heap_set_alarm(&heap->pages, SIZE_MAX);
    if (host_start_thread(work, "neap"))
        return true;
    store_release(&background->state, BACKGROUND_NEVER);   // pairs with: background_answer_alarm
    page_heap_set_alarm(&heap->pages, 0);                  // for those who come by
    return false;
}

static void make_guest_round(struct background *background, struct heap *heap)
{
    uint64_t now_ns = host_now_ns();
    if (now_ns < load_relaxed(&background->next_guest_round_ns) ||   // hint
        exchange_acquire(&background->is_busy, true))                // pairs with: round_of
        return;
    store_relaxed(&background->next_guest_round_ns, now_ns + ROUND_EVERY_NS);   // hint
    give_back_round(&background->give_back, heap, ROUND_CPU_NS_MAX_GUEST);
    store_release(&background->is_busy, false);   // pairs with: round_of
    limits_look_again(heap);
}

void background_answer_growth(struct background *background, struct heap *heap, size_t n_bytes)
{
    size_t unpaid_pages = load_relaxed(&heap->pages.unpaid_pages);            // counter
    bool   has_payer = load_relaxed(&heap->pages.has_payer);                  // hint
    if (has_payer && unpaid_pages < load_relaxed(&heap->pages.payer_pages))   // hint
        return;
    // pairs with: round_of
    if (lock_this_thread_has_any() || exchange_acquire(&background->is_busy, true))
        return;
    bool is_due = give_back_on_growth(&background->give_back, heap, n_bytes);
    store_release(&background->is_busy, false);   // pairs with: round_of
    if (is_due && !has_payer)
        store_relaxed(&heap->pages.alarm, true);   // hint: who comes by next starts a thread
}

#define CROWD_TO_THREAD_MAX                                                                        \
    1024   // spans in an inbox: 16 MiB or more, and the thread is not coming

bool background_answer_crowd(struct background *background, struct span_inbox *inbox)
{
    if (load_relaxed(&background->state) != BACKGROUND_RUNNING ||   // hint
        load_relaxed(&inbox->n_put) >= CROWD_TO_THREAD_MAX)         // counter
        return false;
    store_relaxed(&background->give_back.is_crowded, true);   // hint
    return true;
}

static void tell_as_guest(struct background *background, struct heap *heap, const void *caller)
{
    if (!may_start(background, caller))
        return;
    if (!is_wanted(config_get()))
        page_heap_set_alarm(&heap->pages, SIZE_MAX);   // else giving back sets it anew
    callbacks_tell(&heap->callbacks);
}

void background_answer_alarm(struct background *background, struct heap *heap, const void *caller)
{
    bool wanted = is_wanted(config_get()), is_due = callbacks_are_due(&heap->callbacks);
    if (lock_this_thread_has_any() || this_thread.changing || (!wanted && !is_due))
        return;
    // pairs with: start
    enum background_state state = load_acquire(&background->state);
    bool                  is_running = state == BACKGROUND_RUNNING;
    if (is_running && !load_relaxed(&background->is_parked))   // hint
        return;
    if (!is_due && !load_relaxed(&heap->pages.alarm) &&   // hint
        !give_back_is_worth_it(&background->give_back, heap))
        return;
    if (is_running) {
        store_relaxed(&heap->pages.alarm, true);   // hint
        return;
    }
    if (wanted && state == BACKGROUND_NONE && may_start(background, caller) &&
        start(background, heap))
        return;
    if (is_due)
        tell_as_guest(background, heap, caller);
    if (wanted)
        make_guest_round(background, heap);
}

void background_wake(struct background *background, struct heap *heap)
{
    const struct config *config = config_get();
    if (is_wanted(config) && config->pressure &&
        load_relaxed(&background->state) != BACKGROUND_NEVER)   // hint
        store_relaxed(&heap->pages.alarm, true);                // hint: also if it is about to end
}
