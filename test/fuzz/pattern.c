#include "pattern.h"

#include "base/units.h"

#include <string.h>

#define STEP UINT64_C(0xD1342543DE82EF95)   // odd: words differ all along
#define EDGE_BYTES ((size_t)256)
#define INNER_PIECES 14
#define INNER_STRIDE_MIN ((size_t)4 << 10)
#define PIECES_MAX (INNER_PIECES + 4)

struct piece {
    size_t from, to;   // offsets; `from` is a multiple of 8
};

struct pieces {
    size_t       n;
    struct piece piece[PIECES_MAX];
};

static void add_piece(struct pieces *pieces, size_t from, size_t to)
{
    from = align_down(from, 8);
    if (from < to)
        pieces->piece[pieces->n++] = (struct piece){from, to};
}

static void add_edge(struct pieces *pieces, size_t end)
{
    add_piece(pieces, end > EDGE_BYTES ? end - EDGE_BYTES : 0, end);
}

// Which parts of an object are filled and compared.
static void choose_pieces(const struct pattern *pattern, struct pieces *pieces)
{
    size_t n_bytes = pattern->usable_bytes;
    pieces->n = 0;
    if (pattern->is_whole || n_bytes <= PATTERN_WHOLE_BYTES) {
        add_piece(pieces, 0, n_bytes);
        return;
    }
    add_piece(pieces, 0, EDGE_BYTES);
    size_t stride = size_max(INNER_STRIDE_MIN, align_up(n_bytes / INNER_PIECES, INNER_STRIDE_MIN));
    size_t shift = (size_t)(pattern->seed % (INNER_STRIDE_MIN - 16));
    for (size_t at = stride; at + INNER_STRIDE_MIN < n_bytes; at += stride)
        add_piece(pieces, at + shift, at + shift + 16);
    add_edge(pieces, pattern->asked_bytes);
    add_edge(pieces, n_bytes);
}

static uint64_t word_at(const struct pattern *pattern, size_t offset)
{
    return pattern->seed + offset / 8 * STEP;
}

static void fill_piece(const struct pattern *pattern, unsigned char *start, struct piece piece)
{
    uint64_t word = word_at(pattern, piece.from);
    size_t   at = piece.from;
    for (; at + 8 <= piece.to; at += 8, word += STEP)
        memcpy(start + at, &word, 8);
    memcpy(start + at, &word, piece.to - at);
}

void pattern_fill(const struct pattern *pattern, unsigned char *start)
{
    struct pieces pieces;
    choose_pieces(pattern, &pieces);
    for (size_t i = 0; i < pieces.n; i++)
        fill_piece(pattern, start, pieces.piece[i]);
}

// Where in [from, to) the first byte stands that is not as filled; `to` if there is none.
static size_t first_difference(const struct pattern *pattern, const unsigned char *start,
                               struct piece piece)
{
    for (size_t at = piece.from; at < piece.to; at++) {
        uint64_t word = word_at(pattern, at);
        if (start[at] != ((const unsigned char *)&word)[at % 8])
            return at;
    }
    return piece.to;
}

static bool piece_is_kept(const struct pattern *pattern, const unsigned char *start,
                          struct piece piece)
{
    uint64_t word = word_at(pattern, piece.from);
    uint64_t different = 0;
    size_t   at = piece.from;
    for (; at + 8 <= piece.to; at += 8, word += STEP) {
        uint64_t found;
        memcpy(&found, start + at, 8);
        different |= found ^ word;
    }
    return different == 0 && memcmp(start + at, &word, piece.to - at) == 0;
}

size_t pattern_compare(const struct pattern *pattern, const unsigned char *start, size_t n_bytes)
{
    struct pieces pieces;
    choose_pieces(pattern, &pieces);
    for (size_t i = 0; i < pieces.n; i++) {
        struct piece piece = pieces.piece[i];
        piece.to = size_min(piece.to, n_bytes);
        if (piece.from < piece.to && !piece_is_kept(pattern, start, piece))
            return first_difference(pattern, start, piece);
    }
    return n_bytes;
}

size_t zeros_compare(const unsigned char *start, size_t n_bytes)
{
    size_t at = 0;
    for (; at + 64 <= n_bytes; at += 64) {
        uint64_t words[8];
        memcpy(words, start + at, 64);
        if ((words[0] | words[1] | words[2] | words[3] | words[4] | words[5] | words[6] |
             words[7]) != 0)
            break;
    }
    while (at < n_bytes && start[at] == 0)
        at++;
    return at;
}
