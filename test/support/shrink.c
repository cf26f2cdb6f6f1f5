// Pieces of half the sequence, of a quarter ... of one are left out, as long as that helps.
#include "shrink.h"

#include <stdlib.h>
#include <string.h>

#define PAIRS_OPS_MAX 100   // 5000 pairs, at a millisecond each

struct shrinking {
    struct heap_op *ops, *trial;
    size_t          n_ops;
    sequence_fails  fails;
    void           *context;
    size_t          n_trials_left;
};

static bool trial_fails(struct shrinking *s, size_t n_ops)
{
    if (s->n_trials_left == 0)
        return false;
    s->n_trials_left--;
    return s->fails(s->context, s->trial, n_ops);
}

static bool drop(struct shrinking *s, size_t first, size_t n)
{
    memcpy(s->trial, s->ops, first * sizeof *s->ops);
    memcpy(s->trial + first, s->ops + first + n, (s->n_ops - first - n) * sizeof *s->ops);
    if (!trial_fails(s, s->n_ops - n))
        return false;
    s->n_ops -= n;
    memcpy(s->ops, s->trial, s->n_ops * sizeof *s->ops);
    return true;
}

// Returns whether anything could be dropped.
static bool drop_pieces(struct shrinking *s, size_t n_piece)
{
    bool   any = false;
    size_t first = 0;
    while (first < s->n_ops) {
        size_t n = n_piece < s->n_ops - first ? n_piece : s->n_ops - first;
        if (drop(s, first, n))
            any = true;
        else
            first += n;
    }
    return any;
}

static bool replace(struct shrinking *s, size_t i, struct heap_op op)
{
    memcpy(s->trial, s->ops, s->n_ops * sizeof *s->ops);
    s->trial[i] = op;
    if (memcmp(&op, &s->ops[i], sizeof op) == 0 || !trial_fails(s, s->n_ops))
        return false;
    s->ops[i] = op;
    return true;
}

static void make_plainer(struct shrinking *s, size_t i)
{
    struct heap_op op = s->ops[i];
    op.cache = 0;
    (void)replace(s, i, op);
    op = s->ops[i];
    op.detail = 0;
    (void)replace(s, i, op);
    for (uint32_t step = s->ops[i].pages; step > 0; step /= 2) {
        op = s->ops[i];
        while (op.pages > step) {
            op.pages -= step;
            if (!replace(s, i, op))
                break;
        }
    }
}

// Drops two operations at once: an alloc and its free, say, neither of which can go alone.
static bool drop_pairs(struct shrinking *s)
{
    bool any = false;
    for (size_t i = 0; i + 1 < s->n_ops; i++) {
        for (size_t j = i + 1; j < s->n_ops; j++) {
            memcpy(s->trial, s->ops, i * sizeof *s->ops);
            memcpy(s->trial + i, s->ops + i + 1, (j - i - 1) * sizeof *s->ops);
            memcpy(s->trial + j - 1, s->ops + j + 1, (s->n_ops - j - 1) * sizeof *s->ops);
            if (!trial_fails(s, s->n_ops - 2))
                continue;
            s->n_ops -= 2;
            memcpy(s->ops, s->trial, s->n_ops * sizeof *s->ops);
            any = true;
            j = i;
        }
    }
    return any;
}

size_t shrink_sequence(struct heap_op *ops, size_t n_ops, sequence_fails fails, void *context,
                       size_t n_trials_max)
{
    struct shrinking s = {ops, malloc(n_ops * sizeof *ops), n_ops, fails, context, n_trials_max};
    for (size_t n_piece = n_ops / 2; n_piece > 0; n_piece /= 2)
        (void)drop_pieces(&s, n_piece);
    bool any = true;
    while (any) {
        while (drop_pieces(&s, 1))
            continue;
        for (size_t i = 0; i < s.n_ops; i++)
            make_plainer(&s, i);
        any = drop_pieces(&s, 1) || (s.n_ops <= PAIRS_OPS_MAX && drop_pairs(&s));
    }
    free(s.trial);
    return s.n_ops;
}
