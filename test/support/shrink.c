// Pieces of half the sequence, of a quarter ... of one are left out, as long as that helps.
#include "shrink.h"

#include <stdlib.h>
#include <string.h>

#define PAIRS_OPS_MAX 100   // 5000 pairs, at a millisecond each

static char *op_at(void *ops, const struct shrinking *s, size_t i)
{
    return (char *)ops + i * s->op_bytes;
}

// Copies n operations from the sequence to the trial.
static void copy_ops(struct shrinking *s, size_t to, size_t from, size_t n)
{
    memcpy(op_at(s->trial, s, to), op_at(s->ops, s, from), n * s->op_bytes);
}

// Does the trial fail? Then it is the sequence from now on.
static bool adopt_trial(struct shrinking *s, size_t n_ops)
{
    if (s->n_trials_left == 0)
        return false;
    s->n_trials_left--;
    if (!s->fails(s->context, s->trial, n_ops))
        return false;
    s->n_ops = n_ops;
    memcpy(s->ops, s->trial, n_ops * s->op_bytes);
    return true;
}

static bool drop(struct shrinking *s, size_t first, size_t n)
{
    copy_ops(s, 0, 0, first);
    copy_ops(s, first, first + n, s->n_ops - first - n);
    return adopt_trial(s, s->n_ops - n);
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

bool shrink_replace(struct shrinking *s, size_t i, const void *op)
{
    copy_ops(s, 0, 0, s->n_ops);
    memcpy(op_at(s->trial, s, i), op, s->op_bytes);
    return memcmp(op, op_at(s->ops, s, i), s->op_bytes) != 0 && adopt_trial(s, s->n_ops);
}

// Drops two operations at once: an alloc and its free, say, neither of which can go alone.
static bool drop_pairs(struct shrinking *s)
{
    bool any = false;
    for (size_t i = 0; i + 1 < s->n_ops; i++) {
        for (size_t j = i + 1; j < s->n_ops; j++) {
            copy_ops(s, 0, 0, i);
            copy_ops(s, i, i + 1, j - i - 1);
            copy_ops(s, j - 1, j + 1, s->n_ops - j - 1);
            if (!adopt_trial(s, s->n_ops - 2))
                continue;
            any = true;
            j = i;
        }
    }
    return any;
}

void shrink_sequence(struct shrinking *s)
{
    s->trial = malloc(s->n_ops * s->op_bytes);
    for (size_t n_piece = s->n_ops / 2; n_piece > 0; n_piece /= 2)
        (void)drop_pieces(s, n_piece);
    bool any = true;
    while (any) {
        while (drop_pieces(s, 1))
            continue;
        for (size_t i = 0; s->make_plainer != NULL && i < s->n_ops; i++)
            s->make_plainer(s, i);
        any = drop_pieces(s, 1) || (s->n_ops <= PAIRS_OPS_MAX && drop_pairs(s));
    }
    free(s->trial);
    s->trial = NULL;
}
