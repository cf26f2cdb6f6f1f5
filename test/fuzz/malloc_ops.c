#include "malloc_ops.h"

#include "base/check.h"
#include "base/units.h"
#include "books.h"
#include "granules.h"
#include "memory_limit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ERRNO_BEFORE E2BIG   // no function under test sets it
#define UNTOUCHED ((void *)(uintptr_t)0x5A5A5A50)

// What a request must lead to.
enum outcome { MUST_SUCCEED, MAY_FAIL, MUST_BE_ENOMEM, MUST_BE_EINVAL };

static size_t os_page_bytes(void)
{
    static size_t known;   // the same for all threads
    size_t        n_bytes = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (n_bytes == 0) {
        n_bytes = (size_t)sysconf(_SC_PAGESIZE);
        __atomic_store_n(&known, n_bytes, __ATOMIC_RELAXED);
    }
    return n_bytes;
}

// ---- what is asked for and must come of it ----------------------------------------------------

// Or else what is more than libc promises does not count.
static bool is_neap(const struct malloc_ops *ops)
{
    return ops->entry->neap_malloc != NULL;
}

static bool takes_any_alignment(const struct malloc_ops *ops, const struct action *action)
{
    if ((action->traits & IS_CXX) != 0)
        return false;
    // Of illegal ones, libc's posix_memalign alone says anything.
    return is_neap(ops) || (action->traits & IS_POSIX) != 0;
}

static struct call prepare_call(const struct malloc_ops *ops, const struct malloc_op *op)
{
    const struct action *action = &actions[op->action];
    struct call call = {.n_bytes = size_of_code(op->size_code), .alignment = GRANULE_BYTES};
    if ((action->traits & TAKES_COUNT) != 0)
        split_count(&call, op->size_code, op->detail);
    if ((action->traits & TAKES_ALIGNMENT) != 0)
        call.alignment = alignment_of_detail(
            takes_any_alignment(ops, action) ? op->detail : op->detail % ALIGNMENTS_SURE);
    if ((action->traits & IS_ON_PAGE) != 0)
        call.alignment = os_page_bytes();
    return call;
}

static bool alignment_is_legal(const struct action *action, size_t alignment)
{
    if ((action->traits & ROUNDS_ALIGNMENT) != 0)
        return alignment <= SIZE_MAX / 2 + 1;
    size_t least_alignment = (action->traits & IS_POSIX) != 0 ? sizeof(void *) : 1;
    return is_power_of_two(alignment) && alignment >= least_alignment;
}

static enum outcome expected_outcome(const struct malloc_ops *ops, const struct action *action,
                                     const struct call *call)
{
    if (!alignment_is_legal(action, call->alignment))
        return MUST_BE_EINVAL;
    if (call->n_bytes >= SIZE_IMPOSSIBLE_MIN || call->alignment >= SIZE_IMPOSSIBLE_MIN)
        return MUST_BE_ENOMEM;
    bool is_sure = call->alignment <= (size_t)1 << (ALIGNMENTS_SURE - 1);
    return ops->is_tight || !is_sure ? MAY_FAIL : MUST_SUCCEED;
}

static bool outcome_is_wrong(struct malloc_ops *ops, const char *name, const char *what)
{
    return objects_complain(&ops->table, "%s: %s", name, what);
}

// A request that succeeded.
static bool check_success(struct malloc_ops *ops, const struct action *action,
                          enum outcome expected)
{
    if (expected == MUST_BE_ENOMEM || expected == MUST_BE_EINVAL)
        return outcome_is_wrong(ops, action->name, "succeeds with an impossible request");
    if (errno != ERRNO_BEFORE && is_neap(ops))   // libc tries another way when one is refused
        return outcome_is_wrong(ops, action->name, "succeeds and changes errno");
    return true;
}

// A request that failed.
static bool check_failure(struct malloc_ops *ops, const struct action *action,
                          const struct call *call, enum outcome expected)
{
    int error = (action->traits & IS_POSIX) != 0 ? call->error : errno;
    if (expected == MUST_SUCCEED)
        return outcome_is_wrong(ops, action->name, "fails though there is memory");
    if (error != (expected == MUST_BE_EINVAL ? EINVAL : ENOMEM) && !call->is_thrown)
        return outcome_is_wrong(ops, action->name, "fails with a wrong error");
    if ((action->traits & IS_POSIX) == 0)
        return true;
    if (errno != ERRNO_BEFORE && is_neap(ops))
        return outcome_is_wrong(ops, action->name, "fails and changes errno");
    return call->result == UNTOUCHED ||
           outcome_is_wrong(ops, action->name, "fails and changes the pointer");
}

// ---- calls ------------------------------------------------------------------------------------

static bool has_failed(const struct action *action, const struct call *call)
{
    return (action->traits & IS_POSIX) != 0 ? call->error != 0 : call->result == NULL;
}

// Calls the function, and compares how it ends with how it must. False: that differs.
static bool request(struct malloc_ops *ops, const struct action *action, struct call *call,
                    enum outcome expected)
{
    bool may_throw = (action->traits & MAY_THROW) != 0;
    new_watch.handlers_left = 1;
    new_watch.handled = 0;
    call->result = (action->traits & IS_POSIX) != 0 ? UNTOUCHED : NULL;
    errno = ERRNO_BEFORE;
    action->call(ops->entry, call);
    if (may_throw && has_failed(action, call) != call->is_thrown)
        return outcome_is_wrong(ops, action->name, "returns NULL");
    if (new_watch.handled != (call->is_thrown ? 1 : 0) &&
        !(new_watch.handled == 1 && expected == MAY_FAIL))
        return outcome_is_wrong(ops, action->name, "calls the new_handler as it should not");
    if (!has_failed(action, call))
        return new_watch.handled == 1 || check_success(ops, action, expected);
    return check_failure(ops, action, call, expected);
}

static bool release_as(struct malloc_ops *ops, const struct action *action, size_t index)
{
    const struct object *object = &ops->table.objects[index];
    struct call          call = {
                 .object = object->start,
                 .n_bytes = object->pattern.asked_bytes,
                 .alignment = object->alignment,
    };
    if (call.object != NULL && !objects_remove(&ops->table, index))
        return false;
    errno = ERRNO_BEFORE;
    action->call(ops->entry, &call);
    return errno == ERRNO_BEFORE || outcome_is_wrong(ops, action->name, "changes errno");
}

// By the function that belongs to where it came from.
static bool release(struct malloc_ops *ops, size_t index)
{
    size_t action = action_to_release(ops->table.objects[index].origin);
    return release_as(ops, &actions[action], index);
}

static bool look(struct malloc_ops *ops, size_t index)
{
    return ops->table.objects[index].start == NULL || objects_check(&ops->table, index);
}

// ---- allocating -------------------------------------------------------------------------------

static bool is_within_budget(const struct malloc_ops *ops, const struct call *call)
{
    return call->n_bytes >= SIZE_IMPOSSIBLE_MIN ||
           ops->table.usable_bytes + call->n_bytes <= ops->budget_bytes;
}

static bool add_object(struct malloc_ops *ops, const struct action *action, const struct call *call,
                       size_t index)
{
    size_t asked_bytes = call->n_bytes;
    if ((action->traits & IS_ROUNDED_UP) != 0)
        asked_bytes = align_up(asked_bytes, os_page_bytes());
    struct object object = {
        .start = call->result,
        .pattern.asked_bytes = asked_bytes,
        .alignment = power_of_two_from(call->alignment),
        .origin = action->origin,
    };
    if ((action->traits & IS_ZEROED) != 0) {
        size_t zero_bytes = zeros_compare(object.start, asked_bytes);
        if (zero_bytes != asked_bytes)
            return objects_complain(&ops->table, "%s: byte %zu of %zu is not zero", action->name,
                                    zero_bytes, asked_bytes);
    }
    return objects_add(&ops->table, index, &object);
}

static bool allocate(struct malloc_ops *ops, const struct malloc_op *op, size_t index)
{
    const struct action *action = &actions[op->action];
    if (ops->table.objects[index].start != NULL && !release(ops, index))
        return false;
    struct call  call = prepare_call(ops, op);
    enum outcome expected = expected_outcome(ops, action, &call);
    if ((action->traits & MAY_THROW) != 0 && expected != MUST_SUCCEED &&
        !ops->entry->new_is_watched)
        return true;
    if (!is_within_budget(ops, &call))
        return true;
    if (!request(ops, action, &call, expected))
        return false;
    return has_failed(action, &call) || add_object(ops, action, &call, index);
}

// ---- resizing ---------------------------------------------------------------------------------

// The object that came of a resize: what fits of the old contents, and everything new about it.
static bool exchange_object(struct malloc_ops *ops, const struct action *action,
                            const struct call *call, size_t index)
{
    struct object before = objects_take_out(&ops->table, index);
    size_t        kept_bytes = size_min(before.pattern.asked_bytes, call->n_bytes);
    size_t        same_bytes = pattern_compare(&before.pattern, call->result, kept_bytes);
    if (same_bytes != kept_bytes)
        return objects_complain(&ops->table, "o%zu: %s from %zu to %zu bytes changes byte %zu",
                                index, action->name, before.pattern.asked_bytes, call->n_bytes,
                                same_bytes);
    return add_object(ops, action, call, index);
}

static bool resize_object(struct malloc_ops *ops, const struct malloc_op *op, size_t index)
{
    const struct action *action = &actions[op->action];
    const struct object *object = &ops->table.objects[index];
    struct call          call = prepare_call(ops, op);
    enum outcome         expected = expected_outcome(ops, action, &call);
    if (expected == MAY_FAIL && call.n_bytes <= object->pattern.asked_bytes)
        expected = MUST_SUCCEED;   // becoming smaller needs no memory
    if (!is_within_budget(ops, &call))
        return true;
    call.object = object->start;
    if (!objects_lift(&ops->table, index))
        return false;
    if (call.n_bytes == 0) {   // frees
        (void)objects_take_out(&ops->table, index);
        errno = ERRNO_BEFORE;
        action->call(ops->entry, &call);
        return (call.result == NULL && errno == ERRNO_BEFORE) ||
               outcome_is_wrong(ops, action->name, "to 0 bytes does not just free");
    }
    if (!request(ops, action, &call, expected))
        return false;
    if (call.result == NULL)
        return objects_put_back(&ops->table, index);
    return exchange_object(ops, action, &call, index);
}

static bool resize(struct malloc_ops *ops, const struct malloc_op *op, size_t index)
{
    const struct object *object = &ops->table.objects[index];
    if (object->start == NULL)
        return allocate(ops, op, index);
    if ((actions[op->action].origins & 1u << object->origin) == 0)
        return look(ops, index);
    return resize_object(ops, op, index);
}

// ---- everything else --------------------------------------------------------------------------

static bool release_by(struct malloc_ops *ops, const struct malloc_op *op, size_t index)
{
    const struct action *action = &actions[op->action];
    const struct object *object = &ops->table.objects[index];
    if (object->start != NULL && (action->origins & 1u << object->origin) == 0)
        return release(ops, index);
    return release_as(ops, action, index);
}

static bool ask_usable_size(struct malloc_ops *ops, const struct action *action, size_t index)
{
    struct object *object = &ops->table.objects[index];
    struct call    call = {.object = object->start};
    errno = ERRNO_BEFORE;
    action->call(ops->entry, &call);
    if (errno != ERRNO_BEFORE)
        return outcome_is_wrong(ops, action->name, "changes errno");
    return call.n_bytes == (object->start != NULL ? object->pattern.usable_bytes : 0) ||
           outcome_is_wrong(ops, action->name, "is another than before");
}

static bool trim(struct malloc_ops *ops, const struct malloc_op *op)
{
    const struct action *action = &actions[op->action];
    struct call          call = {.n_bytes = size_of_code(op->size_code)};
    size_t               before_bytes = books_scavenged_bytes(ops->entry);
    action->call(ops->entry, &call);
    if (!ops->has_books || ops->entry->account_read == NULL)
        return true;
    size_t given_bytes = books_scavenged_bytes(ops->entry) - before_bytes;
    size_t expected = strcmp(action->name, "neap_trim") == 0 ? given_bytes : given_bytes > 0;
    return call.n_bytes == expected ||
           outcome_is_wrong(ops, action->name, "says another number than the books");
}

static bool compare_mallinfo(struct malloc_ops *ops)
{
    char message[BOOKS_MESSAGE_BYTES];
    if (!ops->has_books)
        return true;
    return books_compare_mallinfo(ops->entry, message) ||
           objects_complain(&ops->table, "mallinfo: %s", message);
}

static bool call_mallopt(struct malloc_ops *ops, const struct malloc_op *op)
{
    if (!is_neap(ops))
        return true;   // elsewhere it changes what follows
    struct call call = {.n_bytes = op->size_code, .alignment = op->detail};
    actions[op->action].call(ops->entry, &call);
    return call.error == 1 || outcome_is_wrong(ops, "mallopt", "refuses");
}

static bool tighten(struct malloc_ops *ops, const struct malloc_op *op)
{
    if (!ops->may_tighten)
        return true;
    memory_limit_relax();
    memory_limit_tighten(op->detail % 2 != 0, size_of_code(op->size_code) % (8 * MIB));
    ops->is_tight = true;
    return true;
}

static bool relax(struct malloc_ops *ops)
{
    if (ops->is_tight)
        memory_limit_relax();
    ops->is_tight = false;
    return true;
}

static bool send_object(struct malloc_ops *ops, const struct malloc_op *op, size_t index)
{
    if (ops->mailbox == NULL || ops->table.objects[index].start == NULL)
        return look(ops, index);
    if (!objects_check(&ops->table, index))
        return false;
    (void)mailbox_send(ops->mailbox, op->detail, &ops->table, index);
    return true;
}

static bool receive_object(struct malloc_ops *ops, const struct malloc_op *op, size_t index)
{
    if (ops->mailbox == NULL || ops->table.objects[index].start != NULL)
        return look(ops, index);
    return !mailbox_receive(ops->mailbox, op->detail, &ops->table, index) ||
           objects_check(&ops->table, index);
}

static bool carry_out(struct malloc_ops *ops, const struct malloc_op *op, size_t index)
{
    const struct action *action = &actions[op->action];
    switch (action_is_there(action, ops->entry) ? action->kind : ACTION_LOOK) {
    case ACTION_LOOK:
        return look(ops, index);
    case ACTION_ALLOCATE:
        return allocate(ops, op, index);
    case ACTION_RESIZE:
        return resize(ops, op, index);
    case ACTION_RELEASE:
        return release_by(ops, op, index);
    case ACTION_USABLE_SIZE:
        return ask_usable_size(ops, action, index);
    case ACTION_TRIM:
        return trim(ops, op);
    case ACTION_MALLINFO:
        return compare_mallinfo(ops);
    case ACTION_MALLOPT:
        return call_mallopt(ops, op);
    case ACTION_LOOK_AT_ALL:
        return objects_check_all(&ops->table);
    case ACTION_VERIFY:
        // It takes a millisecond: not more often than that is noticed.
        return ops->n_ops - ops->verified_at < 256 || malloc_ops_verify(ops);
    case ACTION_TIGHTEN:
        return tighten(ops, op);
    case ACTION_RELAX:
        return relax(ops);
    case ACTION_SEND:
        return send_object(ops, op, index);
    case ACTION_RECEIVE:
        return receive_object(ops, op, index);
    }
    return false;
}

// ---- sequences --------------------------------------------------------------------------------

void malloc_ops_start(struct malloc_ops *ops, uint8_t options)
{
    static const size_t budgets[] = {8 * MIB, 32 * MIB, 128 * MIB, 384 * MIB};
    size_t              objects_log2 = size_min(2 + (options & OPTION_OBJECTS_LOG2), 12);
    objects_start(&ops->table, ops->entry, ops->seed);
    ops->table.is_whole = (options & OPTION_WHOLE) != 0;
    ops->index_mask = (uint16_t)(((size_t)1 << objects_log2) - 1);
    ops->budget_bytes = budgets[(options & OPTION_BUDGET) / (OPTION_BUDGET & -OPTION_BUDGET)];
    ops->look_ops = (options & OPTION_LOOK_ALWAYS) != 0 ? 1 : ops->look_ops;
    ops->is_tight = false;
    ops->n_ops = ops->n_books = ops->n_verified = ops->verified_at = 0;
}

static bool compare_books(struct malloc_ops *ops)
{
    char                  message[BOOKS_MESSAGE_BYTES];
    struct books_expected expected = {ops->table.n_live, ops->table.usable_bytes};
    if (!ops->has_books || ops->entry->account_read == NULL)
        return true;
    ops->n_books++;
    return books_compare(ops->entry, &expected, message) ||
           objects_complain(&ops->table, "books: %s", message);
}

bool malloc_ops_verify(struct malloc_ops *ops)
{
    ops->verified_at = ops->n_ops;
    if (ops->entry->verify == NULL)
        return true;
    ops->n_verified++;
    const char *broken = ops->entry->verify();
    return broken == NULL || objects_complain(&ops->table, "verify: %s", broken);
}

bool malloc_ops_apply(struct malloc_ops *ops, const uint8_t bytes[OP_BYTES])
{
    struct malloc_op op = op_decode(bytes);
    ops->n_ops++;
    if (!carry_out(ops, &op, op.index & ops->index_mask) || !compare_books(ops))
        return false;
    if (ops->look_ops != 0 && ops->n_ops % ops->look_ops == 0 && !objects_check_all(&ops->table))
        return false;
    return ops->verify_ops == 0 || ops->n_ops % ops->verify_ops != 0 || malloc_ops_verify(ops);
}

bool malloc_ops_end(struct malloc_ops *ops)
{
    (void)relax(ops);
    if (!objects_check_all(&ops->table))
        return false;
    for (size_t index = 0; index <= ops->index_mask; index++) {
        if (ops->table.objects[index].start != NULL && !release(ops, index))
            return false;
    }
    return compare_books(ops) && (ops->verify_ops == 0 || malloc_ops_verify(ops));
}

bool malloc_ops_run(struct malloc_ops *ops, const uint8_t *bytes, size_t n_bytes)
{
    malloc_ops_start(ops, n_bytes > 0 ? bytes[0] : 0);
    for (size_t at = HEADER_BYTES; at + OP_BYTES <= n_bytes; at += OP_BYTES) {
        if (!malloc_ops_apply(ops, bytes + at))
            return false;
    }
    return malloc_ops_end(ops);
}

void malloc_ops_print(FILE *out, const struct malloc_ops *ops, const uint8_t bytes[OP_BYTES])
{
    struct malloc_op op = op_decode(bytes);
    op_print(out, &op, op.index & ops->index_mask);
}
